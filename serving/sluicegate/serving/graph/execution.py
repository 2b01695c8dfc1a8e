"""Runs a plan in one process: a stage is a plain call, so a graph costs no hop.

The server's dispatcher calls it, on the event loop or on its worker thread. It knows units only by their port.
"""

from collections.abc import Coroutine, Mapping, Sequence
from functools import reduce
from typing import Any

from sluicegate.serving.graph.interpreting import Interpreter
from sluicegate.serving.graph.planning import Node, Plan, Verb
from sluicegate.serving.graph.units import Headers, PerRow, Unit
from sluicegate.serving.protocol.messages import Feedback, Message

NO_HEADERS: Headers = {}


class FusedGraph:
    """A plan with its units, by name. ``share`` False: each request has its own call.

    ``images``: what ``requestPath`` says of each unit.
    """

    def __init__(
        self,
        plan: Plan,
        units: Mapping[str, Unit],
        *,
        share: bool = True,
        images: Mapping[str, str] | None = None,
    ) -> None:
        self.plan, self.units = plan, units
        self._interpreter = Interpreter(plan, self, images or {})
        stages = plan.stages
        self._straight = tuple(getattr(units[unit], verb) for unit, verb in stages) if stages is not None else None
        self.request_path = dict(images or {}) if stages is not None else {}
        """Of every request, where all take the same way; elsewhere each answer has its own."""
        root = units[plan.root.name]
        shared = share and plan.single_model and isinstance(root, PerRow) and root.per_row
        self._shared = root if shared and isinstance(root, PerRow) else None

    @property
    def per_row(self) -> bool:
        """Whether independent requests may share a call."""
        return self._shared is not None

    def answer(self, message: Message) -> Message:
        """Pass a message through the graph. Raises what units raise, and BadRouteError."""
        if self._straight is not None:
            return reduce(lambda passed, call: call(passed), self._straight, message)
        answer: Message = _finished(self._interpreter.answer(message, NO_HEADERS))
        return answer

    def answer_many(self, messages: Sequence[Message]) -> list[Message | Exception]:
        """One answer or error for each message; they share calls where rows are independent."""
        if self._shared is not None:
            return self._shared.predict_many(messages)
        return [self._tried(message) for message in messages]

    def send_feedback(self, feedback: Feedback) -> None:
        """Tell each unit that takes feedback and was on the answer's way, children first."""
        _finished(self._interpreter.send_feedback(feedback, NO_HEADERS))

    # --- the interpreter's side

    async def call(self, node: Node, verb: Verb, messages: Sequence[Message], headers: Headers) -> Any:  # noqa: ARG002
        """A plain call."""
        method = getattr(self.units[node.name], verb)
        return method(messages if verb == "aggregate" else messages[0])

    async def tell(self, node: Node, feedback: Feedback, headers: Headers) -> None:  # noqa: ARG002
        """A plain call."""
        self.units[node.name].send_feedback(feedback)

    async def together(self, work: Sequence[Coroutine[Any, Any, Any]]) -> list[Any]:
        """One branch after the other."""
        try:
            return [await each for each in work]
        finally:
            for each in work:
                each.close()

    def _tried(self, message: Message) -> Message | Exception:
        try:
            return self.answer(message)
        except Exception as error:  # noqa: BLE001  (a unit's error belongs to this request alone)
            return error


def _finished(work: Coroutine[Any, Any, Any]) -> Any:
    """The result of a coroutine that waits for nothing."""
    try:
        work.send(None)
    except StopIteration as ended:
        return ended.value
    raise RuntimeError("a unit of this process waited for something")
