"""Runs a plan in one process: a stage is a plain call, so a graph costs no hop.

The server's dispatcher calls it, on the event loop or on its worker thread. It knows units only by their port.
"""

from collections.abc import Callable, Coroutine, Mapping, Sequence
from functools import partial, reduce
from time import perf_counter
from typing import Any, NamedTuple

from sluicegate.serving.graph.errors import LateError
from sluicegate.serving.graph.interpreting import Interpreter
from sluicegate.serving.graph.planning import Node, Plan, Verb
from sluicegate.serving.graph.units import Headers, PerRow, Unit
from sluicegate.serving.protocol.messages import Feedback, Message

NO_HEADERS: Headers = {}


class _Asking(NamedTuple):
    """A call under way. ``seconds``: how long it may take."""

    unit: str
    began: float
    seconds: float | None

    def late(self, now: float) -> LateError | None:
        return LateError(self.unit, self.seconds) if self.seconds and now - self.began > self.seconds else None


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
        self._seconds = {node.name: node.seconds for node in plan.nodes}
        self._limited = any(self._seconds.values())
        self._asking: _Asking | None = None
        stages = plan.stages
        self._straight = self._calls(stages) if stages is not None else None
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
            return self._together(self._shared, messages) if self._limited else self._shared.predict_many(messages)
        return [self._tried(message) for message in messages]

    def send_feedback(self, feedback: Feedback) -> None:
        """Tell each unit that takes feedback and was on the answer's way, children first."""
        _finished(self._interpreter.send_feedback(feedback, NO_HEADERS))

    def late(self, now: float) -> LateError | None:
        """What is to be said of the call under way, if its unit has had its time (``now``: of perf_counter)."""
        asking = self._asking
        return asking.late(now) if asking is not None else None

    @property
    def awaited(self) -> str:
        """The unit that is being called, or else the one that answers."""
        asking = self._asking
        return asking.unit if asking is not None else self.plan.answers.name

    # --- the interpreter's side

    async def call(self, node: Node, verb: Verb, messages: Sequence[Message], headers: Headers) -> Any:  # noqa: ARG002
        """A plain call."""
        method = getattr(self.units[node.name], verb)
        return self._timed(node.name, method, messages if verb == "aggregate" else messages[0])

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

    def _calls(self, stages: Sequence[tuple[str, Verb]]) -> tuple[Callable[[Message], Message], ...]:
        methods = [(unit, getattr(self.units[unit], verb)) for unit, verb in stages]
        if len(methods) == 1 and not self._limited:
            return (methods[0][1],)
        return tuple(partial(self._timed, unit, method) for unit, method in methods)

    def _timed(self, unit: str, method: Callable[[Any], Any], argument: Any) -> Any:
        """A call that can be watched; an answer that comes late is none. Raises LateError."""
        asking = self._asking = _Asking(unit, perf_counter(), self._seconds[unit])
        try:
            answer = method(argument)
        finally:
            self._asking = None
        late = asking.late(perf_counter())
        if late is not None:
            raise late
        return answer

    def _together(self, shared: PerRow, messages: Sequence[Message]) -> list[Message | Exception]:
        try:
            answers: list[Message | Exception] = self._timed(self.plan.root.name, shared.predict_many, messages)
        except LateError as error:
            return [error for _ in messages]
        return answers

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
