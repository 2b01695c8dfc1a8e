"""From a graph to its plan: the stages in the order in which a request passes them. Pure.

Seldon's order: a unit's input stage, then its child, then its output stage; a MODEL with a child is a chain, its
prediction becomes the child's input. This release runs chains whose units all live in this process.
"""

from dataclasses import dataclass
from typing import Literal

from sluicegate.serving.api.seldon_deployment import PredictiveUnit
from sluicegate.serving.graph.errors import GraphRefused

Verb = Literal["predict", "transform_input", "transform_output"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One call of one unit."""

    unit: str
    verb: Verb


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """``units`` in the order of the graph, ``stages`` of a request, ``feedback`` the units that get feedback."""

    units: tuple[PredictiveUnit, ...]
    stages: tuple[Stage, ...]
    feedback: tuple[str, ...]

    @property
    def single_model(self) -> bool:
        """Whether a request is one prediction and nothing else."""
        return len(self.stages) == 1 and self.stages[0].verb == "predict"


def plan_of(graph: PredictiveUnit) -> Plan:
    """The plan of a graph. Raises GraphRefused for what is not a chain of units in this process."""
    chain: list[PredictiveUnit] = []
    unit: PredictiveUnit | None = graph
    while unit is not None:
        _refuse(unit, {other.name for other in chain})
        chain.append(unit)
        unit = unit.children[0] if unit.children else None
    before = [Stage(unit=unit.name, verb=verb) for unit in chain if (verb := _input_verb(unit))]
    after = [Stage(unit=unit.name, verb="transform_output") for unit in reversed(chain) if _has_output(unit)]
    if not before and not after:
        raise GraphRefused(graph.name, "no unit that does anything", "a MODEL, TRANSFORMER or OUTPUT_TRANSFORMER")
    told = tuple(unit.name for unit in reversed(chain) if _type(unit) == "MODEL" or "SEND_FEEDBACK" in unit.methods)
    return Plan(units=tuple(chain), stages=(*before, *after), feedback=told)


def _refuse(unit: PredictiveUnit, names: set[str]) -> None:
    if not unit.name or unit.name in names:
        raise GraphRefused(unit.name, "a missing or repeated name", "a name of its own for each unit")
    if _type(unit) in ("ROUTER", "COMBINER") or {"ROUTE", "AGGREGATE"} & set(unit.methods):
        raise GraphRefused(unit.name, f"{_type(unit)} {' '.join(unit.methods)}".strip(), "a chain without them")
    if len(unit.children) > 1:
        raise GraphRefused(unit.name, f"{len(unit.children)} children", "one at most")
    endpoint = unit.endpoint
    if endpoint and endpoint.service_host not in ("", "localhost", "127.0.0.1"):
        raise GraphRefused(unit.name, f"the remote endpoint {endpoint.service_host}", "units of this process")
    if not unit.implementation or unit.implementation == "UNKNOWN_IMPLEMENTATION":
        raise GraphRefused(unit.name, "no implementation", "SKLEARN_SERVER or module.Class")


def _type(unit: PredictiveUnit) -> str:
    return unit.type or ("UNKNOWN_TYPE" if unit.methods else "MODEL")


def _input_verb(unit: PredictiveUnit) -> Verb | None:
    if _type(unit) == "MODEL":
        return "predict"
    return "transform_input" if _type(unit) == "TRANSFORMER" or "TRANSFORM_INPUT" in unit.methods else None


def _has_output(unit: PredictiveUnit) -> bool:
    return _type(unit) == "OUTPUT_TRANSFORMER" or "TRANSFORM_OUTPUT" in unit.methods
