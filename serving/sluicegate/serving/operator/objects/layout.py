"""A predictor laid out: which containers run in which pods, who answers its requests, and at which ports.

Everything else in this room follows from a layout; so does the address at which the gateway reaches a pod.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from sluicegate.serving.api.defaults import python_class_of
from sluicegate.serving.api.graph_rules import NO_ENGINE_ANNOTATION, is_prepackaged, units_of
from sluicegate.serving.api.metadata import JSON
from sluicegate.serving.api.seldon_deployment import ComponentSpec, PredictiveUnit, PredictorSpec, SeldonDeployment

ENGINE = "seldon-container-engine"
SEPARATE_ENGINE_ANNOTATION = "seldon.io/engine-separate-pod"
_DIRECT_TYPES = (None, "MODEL", "UNKNOWN_TYPE")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """Where a container listens."""

    http: int
    grpc: int
    metrics: int


FIRST_PORTS = Ports(http=9000, grpc=9500, metrics=6000)
ENGINE_PORTS = Ports(http=8000, grpc=5001, metrics=8000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pod:
    """One componentSpec. ``containers`` are the user's in their order, then those added for units without one.

    ``named`` are those that its Deployment is named by: also units that the engine has taken into its process.
    """

    index: int
    component: ComponentSpec
    containers: tuple[str, ...]
    named: tuple[str, ...]

    def users(self, container: str) -> JSON:
        """What the user wrote about a container."""
        return next((each for each in _containers(self.component) if each.get("name") == container), {})


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """``units`` have a container of their own, by its name; ``entry`` is the container that answers requests.

    ``fused`` are units that the engine runs in its process, from ``engine_image``; see ``fusing``.
    """

    deployment: SeldonDeployment
    predictor: PredictorSpec
    pods: tuple[Pod, ...]
    units: dict[str, PredictiveUnit]
    ports: dict[str, Ports]
    entry: str
    separate_engine: bool
    fused: dict[str, PredictiveUnit] = field(default_factory=dict)
    engine_image: str = ""

    @property
    def has_engine(self) -> bool:
        """Whether a graph is run by a container of its own."""
        return self.entry == ENGINE

    @property
    def entry_pod(self) -> int | None:
        """Which componentSpec answers; None for an engine in pods of its own."""
        if self.separate_engine:
            return None
        return 0 if self.has_engine else next(pod.index for pod in self.pods if self.entry in pod.containers)

    def pod_of(self, container: str) -> int | None:
        """The componentSpec that a container is in."""
        return next((pod.index for pod in self.pods if container in pod.containers), None)


def layout_of(deployment: SeldonDeployment, predictor: PredictorSpec) -> Layout:
    """The layout of one predictor, the deployment's own or a rollout's."""
    pods = _pods(predictor)
    named = {name for pod in pods for name in pod.containers}
    units = {unit.name: unit for unit in _units(predictor) if unit.name in named}
    engine = needs_engine(predictor, units)
    asked = annotation(deployment, SEPARATE_ENGINE_ANNOTATION).lower() == "true"
    separate = engine and (asked or not pods or pods[0].index != 0)
    return Layout(
        deployment=deployment,
        predictor=predictor,
        pods=pods,
        units=units,
        ports=_all_ports(pods, units, engine=engine),
        entry=ENGINE if engine else predictor.graph.name,
        separate_engine=separate,
    )


def entry_port(layout: Layout) -> int:
    """The port at which a predictor's pods answer HTTP."""
    return layout.ports[layout.entry].http


def needs_engine(predictor: PredictorSpec, units: dict[str, PredictiveUnit]) -> bool:
    """Whether somebody has to lead requests through a graph: several units, or one that does not simply predict."""
    unit = predictor.graph
    if unit.name not in units:
        return True
    refused = predictor.annotations.get(NO_ENGINE_ANNOTATION, "").lower() == "true"
    direct = refused or is_served(predictor, unit) or unit.type in _DIRECT_TYPES
    return bool(unit.children) or not direct


def is_served(predictor: PredictorSpec, unit: PredictiveUnit) -> bool:
    """Whether a server is added for the unit: a prepackaged one, or ours for the user's class."""
    return is_prepackaged(unit) or bool(python_class_of(predictor, unit))


def annotation(deployment: SeldonDeployment, name: str, otherwise: str = "") -> str:
    """A deployment's annotation: the spec's, or else the object's."""
    return deployment.spec.annotations.get(name, deployment.metadata.annotations.get(name, otherwise))


def _pods(predictor: PredictorSpec) -> tuple[Pod, ...]:
    stated = [[str(each["name"]) for each in _containers(each)] for each in predictor.component_specs]
    known = {name for names in stated for name in names}
    added = [unit.name for unit in _units(predictor) if is_served(predictor, unit) and unit.name not in known]
    if added and not stated:
        stated.append([])
    if added:
        stated[0] += added
    components = (*predictor.component_specs, ComponentSpec())
    boxes = [tuple(name for name in names if name != ENGINE) for names in stated]
    return tuple(
        Pod(index=index, component=components[index], containers=names, named=names)
        for index, names in enumerate(boxes)
        if names
    )


def _containers(component: ComponentSpec) -> Iterator[JSON]:
    return (each for each in component.spec.get("containers") or () if isinstance(each, dict) and each.get("name"))


def _units(predictor: PredictorSpec) -> Iterator[PredictiveUnit]:
    return (unit for _, unit in units_of(predictor.graph, ""))


def _all_ports(pods: tuple[Pod, ...], units: dict[str, PredictiveUnit], *, engine: bool) -> dict[str, Ports]:
    """The user's ports named http, grpc and metrics; else the next free number, in the order of containers."""
    stated = {name: _stated_ports(pod.users(name)) for pod in pods for name in pod.containers}
    taken = {port for ports in stated.values() for _, port in ports}
    taken |= {ENGINE_PORTS.http, ENGINE_PORTS.grpc} if engine else set()
    found: dict[str, Ports] = {ENGINE: ENGINE_PORTS} if engine else {}
    for name in (name for pod in pods for name in pod.containers if name in units):
        own = dict(stated[name])
        numbers = {kind: own.get(kind) or _next(getattr(FIRST_PORTS, kind), taken) for kind in FIRST_PORTS.__slots__}
        found[name] = Ports(**numbers)
        taken |= set(numbers.values())
    return found


def _stated_ports(container: JSON) -> list[tuple[str, int]]:
    return [(str(each.get("name") or ""), int(each["containerPort"])) for each in container.get("ports") or ()]


def _next(first: int, taken: set[int]) -> int:
    port = first
    while port in taken:
        port += 1
    return port
