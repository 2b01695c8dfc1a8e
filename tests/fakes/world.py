"""A whole plane on paper: store, servers, gateway and clock around a real controller, and a person and a workflow.

What they write passes the same rules as at the API's door.
"""

from typing import Any

from tests.fakes.clock import FakeClock
from tests.fakes.gateway import FakeGateway
from tests.fakes.servers import FakeServers
from tests.fakes.store import Death, FakeStore, Killed

from sluicegate.serving.api import model_rollout, seldon_deployment
from sluicegate.serving.api.decoding import decode
from sluicegate.serving.api.errors import FieldError
from sluicegate.serving.api.metadata import JSON
from sluicegate.serving.api.model_rollout import ModelRollout
from sluicegate.serving.local.admission import deployment_rules, rollout_rules
from sluicegate.serving.local.controller import Controller

KNOWN = frozenset({"SKLEARN_SERVER"})
GATEWAY_URL = "http://127.0.0.1:8003"
NAME = "flights"


def digest(version: str) -> str:
    """A digest that differs for each version."""
    return "sha256:" + f"{int(version):064x}"


def predictor(version: str, **changes: Any) -> JSON:
    """A predictor that serves this version of a model, from a bundle."""
    return {
        "name": f"v{version}",
        "graph": {"name": "model", "implementation": "SKLEARN_SERVER", "modelUri": f"file:///bundles/{version}"},
        "annotations": {
            "sluicegate.dev/model": NAME,
            "sluicegate.dev/version": version,
            "sluicegate.dev/bundle-digest": digest(version),
        },
        **changes,
    }


def deployment(*predictors: JSON, name: str = NAME, **metadata: Any) -> JSON:
    """A SeldonDeployment."""
    return {
        "apiVersion": seldon_deployment.API_VERSION,
        "kind": seldon_deployment.KIND,
        "metadata": {"name": name, "namespace": "default", **metadata},
        "spec": {"predictors": list(predictors)},
    }


def rollout(version: str, name: str = "", **spec: Any) -> JSON:
    """A ModelRollout of this version."""
    return {
        "apiVersion": model_rollout.API_VERSION,
        "kind": model_rollout.KIND,
        "metadata": {"name": name or f"{NAME}-{version}", "namespace": "default"},
        "spec": {
            "target": NAME,
            "candidate": predictor(version),
            "model": {"name": NAME, "version": version, "bundleDigest": digest(version)},
            **spec,
        },
    }


class World:
    """Everything around a controller that may be killed and started again."""

    def __init__(self) -> None:
        self.death, self.clock = Death(), FakeClock()
        self.store, self.servers = FakeStore(self.death), FakeServers(self.death)
        self.gateway = FakeGateway(self.death)
        self.controller = self._controller()

    def restart(self) -> None:
        """The plane's process was killed and is there again; servers and gateway lived on."""
        self.gateway.forget()
        self.controller = self._controller()

    def look(self) -> None:
        """One pass; if it is killed half-way, a new controller comes up."""
        try:
            self.controller.reconcile()
        except Killed:
            self.restart()

    def settle(self, passes: int = 6) -> None:
        """Let servers come up and the gateway follow until nothing moves any more."""
        for _ in range(passes):
            self.look()
            self.servers.become_ready()
            self.gateway.follow()
        self.look()

    def submit(self, obj: JSON) -> tuple[FieldError, ...]:
        """Create an object by the API's rules; returns why not."""
        errors = self._rules(obj["kind"])("CREATE", None, obj).errors
        if not errors:
            self.store.create(obj)
        return errors

    def write(self, obj: JSON) -> tuple[FieldError, ...]:
        """Replace an object by the API's rules; returns why not."""
        old = self.store.get(obj["kind"], obj["metadata"]["name"])
        errors = self._rules(obj["kind"])("UPDATE", old, obj).errors
        if not errors:
            self.store.replace(obj)
        return errors

    def desire(self, name: str, **desired: Any) -> tuple[FieldError, ...]:
        """What a workflow does: merge into ``spec.desired`` under the rollout's epoch, renewing the lease."""
        obj = self.store.get(model_rollout.KIND, name)
        before = obj["spec"].get("desired", {})
        epoch = obj.get("status", {}).get("epoch", "")
        renewed = {"epoch": epoch, "renewal": before.get("renewal", 0) + 1}
        obj["spec"]["desired"] = {**before, **renewed, **desired}
        return self.write(obj)

    def rollout(self, name: str) -> ModelRollout:
        """A stored rollout."""
        return decode(self.store.get(model_rollout.KIND, name), ModelRollout)

    def deployment(self, name: str = NAME) -> JSON:
        """A stored SeldonDeployment."""
        return self.store.get(seldon_deployment.KIND, name)

    def _rules(self, kind: str) -> Any:
        return rollout_rules(self.store, KNOWN) if kind == model_rollout.KIND else deployment_rules(KNOWN)

    def _controller(self) -> Controller:
        return Controller(
            store=self.store,
            servers=self.servers,
            gateway=self.gateway,
            clock=self.clock,
            known_implementations=KNOWN,
            gateway_url=GATEWAY_URL,
        )
