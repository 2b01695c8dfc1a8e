"""A real gateway of the Gateway API, tiny servers in pods behind it, and a load of requests.

It needs Envoy Gateway with a Gateway that takes routes of every namespace, and an image with Python: their names can be
given by GATEWAY (namespace/name), GATEWAY_URL and PYTHON_IMAGE where they differ from the development cluster's.
"""

import http.client
import json
import os
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
from tests.cluster.kubectl import Kubectl
from tests.waiting import wait_until

from sluicegate.serving.gateway.gateway_api import Attachment, render
from sluicegate.serving.gateway.route_status import acknowledged_by, policy_complaint, version_of
from sluicegate.serving.gateway.routes import Route
from sluicegate.serving.gateway.services import Service

BACKEND = Path(__file__).parents[1] / "fakes" / "model_backend.py"
IMAGE = os.environ.get("PYTHON_IMAGE", "debian-python:3.11")
GATEWAY = os.environ.get("GATEWAY", "gateway/gateway")
PREDICTORS = ("old", "new")
SERVICES = {name: Service(name=f"flights-{name}", shadow_http=8001) for name in PREDICTORS}
PLAIN = {name: Service(name=f"flights-{name}") for name in PREDICTORS}
KINDS = "httproute,grpcroute,backendtrafficpolicy,httproutefilter"
PREDICT = "api/v1.0/predictions"

Headers = Callable[[int], dict[str, str]]


class ClusterGateway:
    """The gateway, and the deployment ``flights`` behind it in a namespace of its own."""

    def __init__(self, kubectl: Kubectl) -> None:
        self.kubectl, self.namespace = kubectl, kubectl.namespace
        namespace, _, name = GATEWAY.partition("/")
        self.parent = {"name": name, "namespace": namespace}
        found = kubectl.json("get", "gateway", name, "-n", namespace)["status"]["addresses"][0]["value"]
        self.url = os.environ.get("GATEWAY_URL", f"http://{found}")
        self.objects: set[tuple[str, str]] = set()

    def start_servers(self) -> None:
        """Two Deployments of two pods with their Services, ready."""
        self.kubectl("create", "configmap", "server", f"--from-file={BACKEND}")
        for name in PREDICTORS:
            self.kubectl("apply", "-f", "-", stdin=_service(name))
            self.kubectl("apply", "-f", "-", stdin=_deployment(name))
        for name in PREDICTORS:
            self.kubectl("rollout", "status", f"deployment/flights-{name}", "--timeout=60s")

    def write(self, route: Route, services: dict[str, Service]) -> list[dict[str, Any]]:
        """Write the route's objects, and delete those that it had and has no more."""
        attachment = Attachment(parents=(self.parent,), dialect="envoy-gateway")
        drawn = list(render(route, services, attachment, ("http",)).objects)
        items = {"apiVersion": "v1", "kind": "List", "items": drawn}
        self.kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", stdin=items)
        names = {(one["kind"], one["metadata"]["name"]) for one in drawn}
        for kind, name in self.objects - names:
            self.kubectl("delete", kind, name)
        self.objects = names
        return drawn

    def put(self, route: Route, services: dict[str, Service] = PLAIN) -> None:
        """Write it, and wait until it is acknowledged and the gateway's proxy answers its version."""
        drawn = self.write(route, services)
        wait_until(lambda: not self.complaints(), message="acknowledged")
        version = version_of(drawn[0])
        wait_until(lambda: self.version() == version, message="in force at the proxy")

    def complaints(self) -> list[str]:
        """What the live objects complain of."""
        live = self.kubectl.json("get", KINDS)["items"]
        states = [acknowledged_by(one, (self.parent,)).complaint for one in live if one["kind"] == "HTTPRoute"]
        return [*filter(None, states), *filter(None, map(policy_complaint, _policies(live)))]

    def version(self) -> str:
        """What the proxy has in force."""
        answer = httpx.get(f"{self.url}/seldon/{self.namespace}/flights/.sluicegate/version")
        return answer.headers.get("location", "").rpartition("/")[2]

    def predict(self, count: int = 1, headers: Headers = lambda _: {}, path: str = PREDICT) -> Counter[str]:
        """How many requests each server answered; failures under their status."""
        return Counter(self.each([headers(index) for index in range(count)], path))

    def each(self, headers: list[dict[str, str]], path: str = PREDICT) -> list[str]:
        """The server that answered, for each request's headers."""
        connection = self.connect()
        answers = [self.ask(connection, sent, path) for sent in headers]
        connection.close()
        return answers

    def connect(self) -> http.client.HTTPConnection:
        """A new connection to the gateway."""
        return http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=10)

    def ask(self, connection: http.client.HTTPConnection, headers: dict[str, str], path: str = PREDICT) -> str:
        """The server that answered, or the status of the failure."""
        connection.request("POST", f"/seldon/{self.namespace}/flights/{path}", b"{}", headers)
        response = connection.getresponse()
        content = response.read()
        return str(json.loads(content)["server"]) if response.status == 200 else str(response.status)

    def seen(self, predictor: str) -> list[dict[str, Any]]:
        """Requests that its pods got."""
        return [one for pod in self._pods(predictor) for one in json.loads(self._of_pod(pod, "seen"))]

    def _pods(self, predictor: str) -> list[str]:
        running = self.kubectl.json("get", "pods", "-l", f"app=flights-{predictor}")["items"]
        return [one["metadata"]["name"] for one in running if "deletionTimestamp" not in one["metadata"]]

    def _of_pod(self, pod: str, path: str) -> str:
        return self.kubectl("get", "--raw", f"/api/v1/namespaces/{self.namespace}/pods/{pod}:8000/proxy/{path}")


class Load:
    """Predictions without pause from a few clients, until the block ends."""

    def __init__(self, gateway: ClusterGateway, clients: int = 4) -> None:
        self.gateway = gateway
        self.answers: Counter[str] = Counter()
        self.stopped = threading.Event()
        self.threads = [threading.Thread(target=self._client) for _ in range(clients)]

    def __enter__(self) -> "Load":
        self.started = time.monotonic()
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopped.set()
        for thread in self.threads:
            thread.join()

    def more(self, count: int = 300) -> None:
        """Wait for ``count`` further answers."""
        goal = self.answers.total() + count
        wait_until(lambda: self.answers.total() >= goal, 30, "load goes on")

    def failures(self) -> dict[str, int]:
        """Answers that are no predictor's, by status or error."""
        return {answer: count for answer, count in self.answers.items() if answer not in PREDICTORS}

    def _client(self) -> None:
        connection = self.gateway.connect()
        while not self.stopped.is_set():
            try:
                answer = self.gateway.ask(connection, {})
            except (OSError, http.client.HTTPException) as error:
                answer = type(error).__name__
                connection.close()
            self.answers[answer] += 1
        connection.close()


def _policies(live: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [one for one in live if one["kind"] == "BackendTrafficPolicy"]


def _service(name: str) -> dict[str, Any]:
    """Port 8001 stands for one that gets copies only."""
    ports = [{"name": "http", "port": 8000}, {"name": "http-shadow", "port": 8001, "targetPort": 8000}]
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": f"flights-{name}"},
        "spec": {"selector": {"app": f"flights-{name}"}, "ports": ports},
    }


def _deployment(name: str) -> dict[str, Any]:
    labels = {"app": f"flights-{name}"}
    container = {
        "name": "server",
        "image": IMAGE,
        "command": ["python3", f"/server/{BACKEND.name}", "8000", name, "0.0.0.0"],
        "readinessProbe": {"httpGet": {"path": "/ready", "port": 8000}, "periodSeconds": 1},
        # Endpoints leave first; then the server goes.
        "lifecycle": {"preStop": {"sleep": {"seconds": 3}}},
        "volumeMounts": [{"name": "server", "mountPath": "/server"}],
    }
    pod = {
        "terminationGracePeriodSeconds": 5,
        "containers": [container],
        "volumes": [{"name": "server", "configMap": {"name": "server"}}],
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": f"flights-{name}"},
        "spec": {
            "replicas": 2,
            "selector": {"matchLabels": labels},
            "strategy": {"rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}},
            "template": {"metadata": {"labels": labels}, "spec": pod},
        },
    }
