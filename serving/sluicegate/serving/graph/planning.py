"""From a graph to its plan: for each unit, what is asked of it and in which order. Pure.

Seldon's order: a unit's input stage, then its children, then their aggregate, then its output stage; a MODEL with
children is a chain, its prediction becomes the children's input.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from sluicegate.serving.api.defaults import TIMEOUT, timeout_of
from sluicegate.serving.api.seldon_deployment import PredictiveUnit
from sluicegate.serving.graph.errors import GraphRefused

Verb = Literal["predict", "transform_input", "route", "aggregate", "transform_output"]
DEEPEST = 64
"""Units above each other; a request's way down and up is a recursion."""
TYPES_OF_BUILT_INS = {
    "SIMPLE_MODEL": "MODEL",
    "SIMPLE_ROUTER": "ROUTER",
    "RANDOM_ABTEST": "ROUTER",
    "EPSILON_GREEDY": "ROUTER",
    "THOMPSON_SAMPLING": "ROUTER",
    "AVERAGE_COMBINER": "COMBINER",
}
"""What a unit of ours is when its graph does not say it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One unit's part in a request: ``before`` its children are asked, between them, and ``after`` them."""

    unit: PredictiveUnit
    before: Verb | None
    routes: bool
    children: tuple["Node", ...]
    aggregates: bool
    after: bool
    learns: bool
    """Whether it gets feedback."""
    seconds: float | None = None
    """Longest time of one call, if the graph says one."""

    @property
    def name(self) -> str:
        """The unit's name."""
        return self.unit.name

    @property
    def remote(self) -> bool:
        """Whether another process answers for it: one whose port is named."""
        endpoint = self.unit.endpoint
        return bool(endpoint and (endpoint.service_port or endpoint.http_port or endpoint.grpc_port))


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A graph that can be run."""

    root: Node

    @property
    def nodes(self) -> tuple[Node, ...]:
        """All nodes, a parent before its children."""
        return tuple(_all(self.root))

    @property
    def single_model(self) -> bool:
        """Whether a request is one prediction and nothing else."""
        return self.stages == ((self.root.name, "predict"),)

    @property
    def stages(self) -> tuple[tuple[str, Verb], ...] | None:
        """Unit and verb of each call in their order, where every request takes the same way; None where it forks."""
        down: list[tuple[str, Verb]] = []
        up: list[tuple[str, Verb]] = []
        for node in self.nodes:
            if node.routes or node.aggregates or len(node.children) > 1:
                return None
            down += [(node.name, node.before)] if node.before else []
            up += [(node.name, "transform_output")] if node.after else []
        return (*down, *reversed(up))

    @property
    def answers(self) -> Node:
        """Whose answer a client sees, where one can be named: the last MODEL down the first branch, or the root."""
        found, node = self.root, self.root
        while node.children and not node.aggregates:
            node = node.children[0]
            found = node if node.before == "predict" else found
        return found


def plan_of(graph: PredictiveUnit) -> Plan:
    """The plan of a graph. Raises GraphRefused for one that cannot be run."""
    plan = Plan(root=_node(graph, 1))
    names = [node.name for node in plan.nodes]
    for node in plan.nodes:
        if not node.name or names.count(node.name) > 1:
            raise GraphRefused(node.name, "a missing or repeated name", "a name of its own for each unit")
        if not node.remote and _asked(node) and not _implemented(node):
            raise GraphRefused(
                node.name, "no implementation and no endpoint", "SKLEARN_SERVER, module.Class or the port of its server"
            )
    # A router or combiner alone does nothing in a graph, but is asked at its own doors by the graph of another process.
    alone = _implemented(plan.root) and not plan.root.children and _type(plan.root.unit) in ("ROUTER", "COMBINER")
    if not alone and not any(map(_asked, plan.nodes)):
        raise GraphRefused(graph.name, "no unit that does anything", "a MODEL, ROUTER, COMBINER or a transformer")
    return plan


def _node(unit: PredictiveUnit, depth: int) -> Node:
    if depth > DEEPEST:
        raise GraphRefused(unit.name, f"more than {DEEPEST} units above each other", "a graph less deep")
    kind = _type(unit)
    return Node(
        unit=unit,
        before=_input_verb(unit, kind),
        routes=bool(unit.children) and (kind == "ROUTER" or "ROUTE" in unit.methods),
        children=tuple(_node(child, depth + 1) for child in unit.children),
        aggregates=bool(unit.children) and (kind == "COMBINER" or "AGGREGATE" in unit.methods),
        after=kind == "OUTPUT_TRANSFORMER" or "TRANSFORM_OUTPUT" in unit.methods,
        learns=kind in ("MODEL", "ROUTER") or "SEND_FEEDBACK" in unit.methods,
        seconds=_seconds(unit),
    )


def _seconds(unit: PredictiveUnit) -> float | None:
    try:
        return timeout_of(unit)
    except ValueError as error:
        raise GraphRefused(unit.name, f"{TIMEOUT} {str(error)!r}", "milliseconds, a number of 1 or more") from error


def _all(node: Node) -> Iterator[Node]:
    yield node
    for child in node.children:
        yield from _all(child)


def _implemented(node: Node) -> bool:
    return node.unit.implementation not in (None, "", "UNKNOWN_IMPLEMENTATION")


def _asked(node: Node) -> bool:
    return bool(node.before or node.routes or node.aggregates or node.after)


def _type(unit: PredictiveUnit) -> str:
    if unit.type:
        return unit.type
    return TYPES_OF_BUILT_INS.get(unit.implementation or "", "UNKNOWN_TYPE" if unit.methods else "MODEL")


def _input_verb(unit: PredictiveUnit, kind: str) -> Verb | None:
    if kind == "MODEL":
        return "predict"
    return "transform_input" if kind == "TRANSFORMER" or "TRANSFORM_INPUT" in unit.methods else None
