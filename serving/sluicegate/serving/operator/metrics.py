"""The operator's own metrics, in a registry of their own."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from sluicegate.serving.api.metadata import JSON
from sluicegate.serving.api.model_rollout import TERMINAL_PHASES
from sluicegate.serving.operator.cluster.caches import Caches
from sluicegate.serving.operator.cluster.requests import Request


class Metrics:
    """Everything that is exposed; ``exposition`` reads the caches at each scrape."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._seconds = Histogram(
            "sluicegate_operator_reconcile_seconds",
            "Time of one look at one SeldonDeployment.",
            registry=self.registry,
            buckets=(0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10),
        )
        self._errors = Counter(
            "sluicegate_operator_reconcile_errors", "Looks that failed.", ["reason"], registry=self.registry
        )
        self._requests = Counter(
            "sluicegate_operator_api_requests",
            "Requests to the API server. A code of 0: no answer; a trial changes nothing.",
            ["verb", "resource", "code", "trial"],
            registry=self.registry,
        )
        self._leads = Gauge("sluicegate_operator_leads", "1 while this replica leads.", registry=self.registry)
        self._objects = Gauge("sluicegate_operator_objects", "Objects seen, by kind.", ["kind"], registry=self.registry)
        self._waiting = Gauge(
            "sluicegate_operator_queue_length", "Deployments to be looked at.", registry=self.registry
        )
        self._traffic = Gauge(
            "sluicegate_traffic_percent",
            "Share of requests as the gateway acknowledged it.",
            ["namespace", "deployment_name", "predictor_name"],
            registry=self.registry,
        )
        self._phase = Gauge(
            "sluicegate_rollout_phase",
            "1 for the phase that a rollout under way is in.",
            ["namespace", "rollout", "deployment_name", "phase"],
            registry=self.registry,
        )

    @contextmanager
    def look(self) -> Iterator[None]:
        """Time one look, and count it if it fails."""
        start = time.perf_counter()
        try:
            yield
        except Exception as error:
            self._errors.labels(reason=type(error).__name__).inc()
            raise
        finally:
            self._seconds.observe(time.perf_counter() - start)

    def told(self, request: Request, code: int) -> None:
        """Count a request to the API server."""
        self._requests.labels(request.verb, request.kind, code, "yes" if request.dry_run else "no").inc()

    def exposition(self, caches: Caches, waiting: int, *, leads: Callable[[], bool]) -> bytes:
        """The text that Prometheus reads."""
        self._leads.set(leads())
        self._waiting.set(waiting)
        for kind, count in caches.sizes.items():
            self._objects.labels(kind=kind).set(count)
        self._traffic.clear()
        self._phase.clear()
        for deployment in caches.mine(caches.deployments):
            self._expose_traffic(deployment)
        for rollout in caches.mine(caches.rollouts):
            self._expose_phase(rollout)
        return generate_latest(self.registry)

    def _expose_traffic(self, deployment: JSON) -> None:
        meta = deployment["metadata"]
        for predictor, share in ((deployment.get("status") or {}).get("traffic") or {}).items():
            self._traffic.labels(meta["namespace"], meta["name"], predictor).set(share)

    def _expose_phase(self, rollout: JSON) -> None:
        meta, phase = rollout["metadata"], (rollout.get("status") or {}).get("phase", "Pending")
        if phase not in TERMINAL_PHASES:
            self._phase.labels(meta["namespace"], meta["name"], rollout["spec"].get("target", ""), phase).set(1)
