"""Runs a plan in one process: a stage is a plain call, so a graph costs no hop.

The server's dispatcher calls it, on the event loop or on its worker thread. It knows units only by their port.
"""

from collections.abc import Mapping, Sequence
from functools import reduce

from sluicegate.serving.graph.planning import Plan
from sluicegate.serving.graph.units import PerRow, Unit
from sluicegate.serving.protocol.messages import Feedback, Message


class FusedGraph:
    """A plan with its units, by name. ``share`` False: each request has its own call."""

    def __init__(self, plan: Plan, units: Mapping[str, Unit], *, share: bool = True) -> None:
        self.plan = plan
        self.units = units
        self._calls = tuple(getattr(units[stage.unit], stage.verb) for stage in plan.stages)
        root = units[plan.stages[0].unit]
        shared = share and plan.single_model and isinstance(root, PerRow) and root.per_row
        self._shared = root if shared and isinstance(root, PerRow) else None

    @property
    def per_row(self) -> bool:
        """Whether independent requests may share a call."""
        return self._shared is not None

    def answer(self, message: Message) -> Message:
        """Pass a message through all stages. Raises what units raise."""
        return reduce(lambda passed, call: call(passed), self._calls, message)

    def answer_many(self, messages: Sequence[Message]) -> list[Message | Exception]:
        """One answer or error for each message; they share calls where rows are independent."""
        if self._shared is not None:
            return self._shared.predict_many(messages)
        return [self._tried(message) for message in messages]

    def send_feedback(self, feedback: Feedback) -> None:
        """Tell each unit of the plan that takes feedback, children first."""
        for name in self.plan.feedback:
            self.units[name].send_feedback(feedback)

    def _tried(self, message: Message) -> Message | Exception:
        try:
            return self.answer(message)
        except Exception as error:  # noqa: BLE001  (a unit's error belongs to this request alone)
            return error
