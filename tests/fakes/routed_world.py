"""The operator's world with a gateway of the Gateway API on paper: one that is told by objects, and answers in them.

Kubernetes' own controllers are played, too: EndpointSlices follow pods when a test says so, later than the pods.
"""

from dataclasses import replace
from typing import Any

from tests.fakes.operator_world import OperatorWorld
from tests.fakes.store import FakeStore
from tests.fakes.world import NAME

from sluicegate.serving.api.metadata import JSON
from sluicegate.serving.gateway.gateway_api import Attachment
from sluicegate.serving.gateway.istio import IstioSettings
from sluicegate.serving.gateway.route_status import weights_of
from sluicegate.serving.gateway.routes import Address, Backend, Route
from sluicegate.serving.operator.cluster.caches import ALWAYS
from sluicegate.serving.operator.gateways.faces import Face, GatewayApi, Istio
from sluicegate.serving.operator.gateways.written import WrittenRoutes
from sluicegate.serving.operator.ports import Gateway
from sluicegate.serving.operator.settings import read_installation

PARENT = {"name": "public", "namespace": "infra"}
FACE = GatewayApi(Attachment(parents=(PARENT,), dialect="envoy-gateway"))
NOWHERE = Address(host="192.0.2.1", port=1)
"""Where requests go for a Service that is not there."""


class RoutedWorld(OperatorWorld):
    """Everything around an operator that writes routes."""

    face: Face = FACE
    kinds = (*ALWAYS, *FACE.kinds, "EndpointSlice")
    installation = replace(read_installation({}), foreign_gateway=True)

    def __init__(self) -> None:
        super().__init__()
        self.gateway: Any = PaperGateway(self.store)

    def settle(self, passes: int = 6) -> None:
        """Let servers come up, and endpoints and the gateway follow."""
        for _ in range(passes):
            self.look()
            self.servers.become_ready()
            endpoints_follow(self.store)
            self.gateway.follow()
        self.look()

    def ask_gateway(self) -> None:
        """What it says comes by the caches. After each look, nobody may be sent where nobody is."""
        for route in self.gateway.in_force:
            assert all(backend.addresses for backend in route.backends if backend.weight), route
            assert all(NOWHERE not in backend.addresses for backend in route.backends), route

    def _stood_behind(self, cluster: Any) -> Gateway:
        return WrittenRoutes(cluster, self._caches, self.face, again=lambda _key, _seconds: None)


class IstioWorld(RoutedWorld):
    """The same behind Istio, which answers nothing."""

    face = Istio(IstioSettings())
    kinds = (*ALWAYS, *face.kinds, "EndpointSlice")


class PaperGateway:
    """Takes routes in at ``follow``, and acknowledges each. Its proxies go by the routes that it took in last."""

    def __init__(self, store: FakeStore) -> None:
        self._store = store
        self._taken: dict[str, JSON] = {}
        self.published = ()

    def follow(self, *, accepted: bool = True) -> None:
        """Answer every route and policy; what is refused changes nothing at the proxies."""
        for kind in ("HTTPRoute", "BackendTrafficPolicy"):
            for live in self._store.list(kind):
                self._answer(live, accepted=accepted)
        routes = {each["metadata"]["name"]: each for each in self._store.list("HTTPRoute")}
        gone = self._taken.keys() - routes.keys()
        self._taken = {name: one for name, one in self._taken.items() if name not in gone} | (
            routes if accepted else {}
        )

    def forget(self) -> None:
        """It lives on when the operator dies."""

    def shares(self, name: str) -> dict[str, int]:
        """Weights in force for a deployment."""
        return weights_of(self._taken[name]) if name in self._taken else {}

    @property
    def in_force(self) -> tuple[Route, ...]:
        """What its proxies do, with the pods behind each Service that they name."""
        return tuple(self._route(one) for name, one in sorted(self._taken.items()) if name == NAME)

    def _route(self, taken: JSON) -> Route:
        weights = weights_of(taken)
        names = {
            one["name"] for rule in taken["spec"]["rules"] for one in (*rule.get("backendRefs", ()), *_mirrored(rule))
        }
        missing = {name for name in names if ("Service", "default", name) not in self._store.objects}
        backends = [
            Backend(predictor=each, weight=weight, addresses=self._addresses(f"{NAME}-{each}"))
            for each, weight in weights.items()
        ]
        lost = [Backend(predictor=name, weight=0, addresses=(NOWHERE,)) for name in sorted(missing)]
        return Route(namespace="default", name=NAME, backends=(*backends, *lost))

    def _addresses(self, service: str) -> tuple[Address, ...]:
        pods = [pod for pod in self._store.list("Pod") if pod["metadata"]["labels"].get("seldon-app") == service]
        return tuple(Address(host=pod["status"]["podIP"], port=9000) for pod in pods)

    def _answer(self, live: JSON, *, accepted: bool) -> None:
        generation = live["metadata"]["generation"]
        said = [
            {"type": kind, "status": str(accepted), "observedGeneration": generation, "reason": "Paper", "message": ""}
            for kind in ("Accepted", "ResolvedRefs")
        ]
        field, reference = ("parents", "parentRef") if live["kind"] == "HTTPRoute" else ("ancestors", "ancestorRef")
        _quietly(
            self._store,
            lambda: self._store.replace_status({**live, "status": {field: [{reference: PARENT, "conditions": said}]}}),
        )


def endpoints_follow(store: FakeStore) -> None:
    """What the cluster's own controller writes: who is ready behind each Service."""
    services = {each["metadata"]["name"]: each for each in store.list("Service")}
    for old in store.list("EndpointSlice"):
        if old["metadata"]["name"] not in services:
            store.delete("EndpointSlice", old["metadata"]["name"])
    for name, service in services.items():
        meta = {
            "name": name,
            "namespace": "default",
            "labels": {**service["metadata"]["labels"], "kubernetes.io/service-name": name},
        }
        ports = [{"name": port["name"]} for port in service["spec"]["ports"]]
        found = {"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "metadata": meta, "ports": ports}
        pods = [
            pod for pod in store.list("Pod") if pod["metadata"]["labels"].items() >= service["spec"]["selector"].items()
        ]
        found["endpoints"] = [{"conditions": {"ready": _is_ready(pod)}} for pod in pods]
        write = store.replace if ("EndpointSlice", "default", name) in store.objects else store.create
        _quietly(store, lambda write=write, found=found: write(found))


def _is_ready(pod: JSON) -> bool:
    return any(each["type"] == "Ready" and each["status"] == "True" for each in pod["status"].get("conditions", ()))


def _mirrored(rule: JSON) -> list[JSON]:
    return [one["requestMirror"]["backendRef"] for one in rule.get("filters", ()) if one["type"] == "RequestMirror"]


def _quietly(store: FakeStore, write: Any) -> None:
    """Others' writes are no acts of the operator: its death does not strike here."""
    death, store.death.in_acts = store.death.in_acts, None
    try:
        write()
    finally:
        store.death.in_acts = death
