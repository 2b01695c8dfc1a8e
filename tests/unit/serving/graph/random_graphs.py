"""Random graphs of units that say what they were asked, and a plain interpreter of the rules to judge others by."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec
from hypothesis import strategies as st

from sluicegate.serving.api.seldon_deployment import PredictiveUnit
from sluicegate.serving.protocol.messages import Feedback, Message, merged


@dataclass(slots=True)
class Speaking:
    """A unit that adds its name and verb to a text; as a router it answers ``branch``. ``fails``: at which verb."""

    name: str
    branch: Any = 0
    fails: str = ""
    told: list[Feedback] = field(default_factory=list)

    def _said(self, message: Message, verb: str) -> Message:
        if verb == self.fails:
            raise ValueError(f"{self.name}.{verb}")
        meta = replace(message.meta, tags={**message.meta.tags, self.name: verb})
        return replace(message, content=f"{message.content} {self.name}.{verb}", meta=meta)

    def predict(self, message: Message) -> Message:
        """Say so."""
        return self._said(message, "predict")

    def transform_input(self, message: Message) -> Message:
        """Say so."""
        return self._said(message, "in")

    def transform_output(self, message: Message) -> Message:
        """Say so."""
        return self._said(message, "out")

    def route(self, message: Message) -> Any:
        """The branch that the test wants."""
        self._said(message, "route")
        return self.branch

    def aggregate(self, messages: Sequence[Message]) -> Message:
        """All texts in brackets."""
        text = "[" + "|".join(str(message.content) for message in messages) + "]"
        whole = replace(messages[0], content=text, meta=merged(message.meta for message in messages))
        return self._said(whole, "aggregate")

    def send_feedback(self, feedback: Feedback) -> None:
        """Remember."""
        self.told.append(feedback)


KINDS = ("MODEL", "ROUTER", "COMBINER", "TRANSFORMER", "OUTPUT_TRANSFORMER")
METHODS = ("TRANSFORM_INPUT", "TRANSFORM_OUTPUT", "ROUTE", "AGGREGATE", "SEND_FEEDBACK")


@st.composite
def graphs(draw: st.DrawFn) -> tuple[PredictiveUnit, dict[str, Speaking]]:
    """A graph of up to three levels, and its units by name."""
    units: dict[str, Speaking] = {}

    def unit(level: int) -> PredictiveUnit:
        name = f"u{len(units)}"
        units[name] = Speaking(name)
        kind = draw(st.sampled_from((*KINDS, "UNKNOWN_TYPE")))
        methods = tuple(draw(st.lists(st.sampled_from(METHODS), unique=True, max_size=3)))
        children = tuple(unit(level + 1) for _ in range(draw(st.integers(0, 3 if level < 2 else 0))))
        units[name].branch = draw(st.integers(-2, len(children)))
        units[name].fails = draw(st.sampled_from((*[""] * 12, "predict", "in", "out", "route", "aggregate")))
        return PredictiveUnit(name=name, type=kind, methods=methods, children=children, implementation="module.Class")

    root = unit(0)
    # A graph in which nothing is asked would be refused.
    return msgspec.structs.replace(root, type="TRANSFORMER"), units


def reference(unit: PredictiveUnit, units: dict[str, Speaking], message: Message, routing: dict[str, int]) -> Message:
    """The graph's answer by the rules as they are written down, and nothing else."""
    code, has = units[unit.name], lambda kind, method: unit.type == kind or method in unit.methods
    if unit.type == "MODEL":
        message = code.predict(message)
    elif has("TRANSFORMER", "TRANSFORM_INPUT"):
        message = code.transform_input(message)
    if unit.children:
        branch = code.route(message) if has("ROUTER", "ROUTE") else -1
        if has("ROUTER", "ROUTE"):
            if not -2 <= branch < len(unit.children):
                raise IndexError(unit.name)
            routing[unit.name] = branch
        if branch != -2:
            chosen = unit.children if branch == -1 else (unit.children[branch],)
            answers = [reference(child, units, message, routing) for child in chosen]
            message = code.aggregate(answers) if has("COMBINER", "AGGREGATE") else answers[0]
    return code.transform_output(message) if has("OUTPUT_TRANSFORMER", "TRANSFORM_OUTPUT") else message
