"""What is behind a route on the cluster: each predictor's Service, and whether anybody answers there. Pure.

A gateway of the cluster knows servers by EndpointSlices, and learns of them a moment after the pods themselves are
ready: a route must not name a Service before. Copies have a port of their own where the Service and a server have it.
"""

from collections.abc import Iterable, Iterator, Mapping

from sluicegate.serving.api.metadata import JSON
from sluicegate.serving.gateway.routes import Route, Transport
from sluicegate.serving.gateway.services import Service, Services
from sluicegate.serving.operator.objects.copies import COPIES, COPIES_PORT
from sluicegate.serving.operator.objects.names import ENTRY_LABEL, PREDICTOR_LABEL

_SERVICE_LABEL = "kubernetes.io/service-name"


def services_of(made: Iterable[JSON], wanted: Mapping[str, str]) -> Services:
    """Every predictor's Service that there is. ``wanted`` names those of predictors that should be.

    Those of predictors that are going count, too: a route in force may still name them.
    """
    made = tuple(made)
    live = {each["metadata"]["name"]: each for each in made if each["kind"] == "Service"}
    going = {
        predictor: name
        for name, each in live.items()
        if _leads_to_predictor(each) and (predictor := str(each["metadata"]["labels"].get(PREDICTOR_LABEL, "")))
    }
    named = {predictor: name for predictor, name in {**going, **wanted}.items() if name in live}
    return {predictor: _service(name, live[name], made) for predictor, name in sorted(named.items())}


def unready(route: Route, services: Services, made: Iterable[JSON]) -> str:
    """Why the route cannot be followed yet; nothing when every Service that it names has a ready server."""
    answering = {name for name, _ in _ready(made)}
    for backend in route.backends:
        if backend.predictor not in services:
            return f"predictor {backend.predictor!r} has no Service yet"
        name = services[backend.predictor].name
        if name not in answering:
            return f"Service {name!r} of predictor {backend.predictor!r} has no ready endpoint yet"
    return ""


def transports_of(made: Iterable[JSON], services: Services) -> tuple[Transport, ...]:
    """Ours is asked over HTTP only: copies of calls have no port of their own. Others may be asked by both."""
    names = {each.name for each in services.values()}
    found = [each for each in made if each["kind"] == "Service" and each["metadata"]["name"] in names]
    return ("http", "grpc") if any(not _has_port(each, COPIES) for each in found) else ("http",)


def _service(name: str, live: JSON, made: Iterable[JSON]) -> Service:
    copied = _has_port(live, COPIES) and any(each == name and COPIES in ports for each, ports in _ready(made))
    return Service(name=name, shadow_http=COPIES_PORT if copied else 0)


def _leads_to_predictor(service: JSON) -> bool:
    """Services of single containers have the labels of predictors' Services, but select otherwise."""
    selector = (service.get("spec") or {}).get("selector") or {}
    return bool(selector.get(ENTRY_LABEL) == service["metadata"]["name"])


def _has_port(service: JSON, name: str) -> bool:
    return any(port.get("name") == name for port in (service.get("spec") or {}).get("ports") or ())


def _ready(made: Iterable[JSON]) -> Iterator[tuple[str, frozenset[str]]]:
    """Service and names of ports, for each slice in which a server is ready."""
    for each in made:
        endpoints = (each.get("endpoints") or ()) if each["kind"] == "EndpointSlice" else ()
        # Kubernetes leaves the condition out where it does not know: that counts as ready.
        if any((one.get("conditions") or {}).get("ready") is not False for one in endpoints):
            ports = frozenset(str(port.get("name", "")) for port in each.get("ports") or ())
            yield str((each["metadata"].get("labels") or {}).get(_SERVICE_LABEL, "")), ports
