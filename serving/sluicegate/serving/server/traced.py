"""Units of this process as a traced request meets them: each call is a span below the request's.

A traced message is one that carries its request's trace; units never look at it. Only the server's start makes these
wraps, where requests are traced. What is called without a trace (a warm-up, a unit's own door) passes as it is.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, fields
from typing import Any, Protocol

from sluicegate.serving.graph.units import PerRow, Unit
from sluicegate.serving.protocol.messages import Feedback, Message


@dataclass(frozen=True, slots=True, kw_only=True)
class TracedMessage(Message):
    """A message of a traced request."""

    trace: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TracedFeedback(Feedback):
    """A feedback of a traced request."""

    trace: Any = None


Traced = TracedMessage | TracedFeedback
_MESSAGE = tuple(item.name for item in fields(Message))
_FEEDBACK = tuple(item.name for item in fields(Feedback))


def traced_message(message: Message, trace: Any) -> TracedMessage:
    """The message, of this trace."""
    return TracedMessage(**{name: getattr(message, name) for name in _MESSAGE}, trace=trace)


def traced_feedback(feedback: Feedback, trace: Any) -> TracedFeedback:
    """The feedback, of this trace."""
    return TracedFeedback(**{name: getattr(feedback, name) for name in _FEEDBACK}, trace=trace)


class UnitSpans(Protocol):
    """How spans of units are made."""

    def units(
        self, name: str, traces: Sequence[Traced], attributes: dict[str, Any]
    ) -> AbstractContextManager[list[Any]]:
        """A span for each of the requests that share a call."""

    def failed(self, span: Any, error: BaseException) -> None:
        """Say on a span what was raised."""


class TracedUnit:
    """``unit`` with spans."""

    def __init__(self, unit: Unit, spans: UnitSpans) -> None:
        self._unit, self._spans = unit, spans
        self.name = unit.name

    def __getattr__(self, name: str) -> Any:
        """Whatever else the unit has."""
        return getattr(self._unit, name)

    def transform_input(self, message: Message) -> Message:
        """The unit's."""
        return self._answered("transform_input", message)

    def predict(self, message: Message) -> Message:
        """The unit's."""
        return self._answered("predict", message)

    def route(self, message: Message) -> int:
        """The unit's."""
        branch: int = self._called("route", self._unit.route, message, message)
        return branch

    def aggregate(self, messages: Sequence[Message]) -> Message:
        """The unit's."""
        first = messages[0] if messages else None
        return _again(self._called("aggregate", self._unit.aggregate, messages, first), first)

    def transform_output(self, message: Message) -> Message:
        """The unit's."""
        return self._answered("transform_output", message)

    def send_feedback(self, feedback: Feedback) -> None:
        """The unit's."""
        self._called("send_feedback", self._unit.send_feedback, feedback, feedback)

    def _answered(self, verb: str, message: Message) -> Message:
        return _again(self._called(verb, getattr(self._unit, verb), message, message), message)

    def _called(self, verb: str, method: Callable[[Any], Any], argument: Any, carrier: object) -> Any:
        if not isinstance(carrier, Traced):
            return method(argument)
        with self._spans.units(f"{self.name} {verb}", (carrier,), attributes_of(self.name, verb)):
            return method(argument)


class TracedRows(TracedUnit):
    """A unit whose requests may share a call."""

    def __init__(self, unit: Any, spans: UnitSpans) -> None:
        super().__init__(unit, spans)
        self.per_row: bool = unit.per_row

    def predict_many(self, messages: Sequence[Message]) -> list[Message | Exception]:
        """The unit's; each request's span says with how many others, and how many rows, it shared the call."""
        several: PerRow = self._unit  # type: ignore[assignment]  # known to be both where this is made
        carriers = [message for message in messages if isinstance(message, Traced)]
        if not carriers:
            return several.predict_many(messages)
        shared = {
            "sluicegate.batch.requests": len(messages),
            "sluicegate.batch.rows": sum(message.rows for message in messages),
        }
        attributes = attributes_of(self.name, "predict") | shared
        with self._spans.units(f"{self.name} predict", carriers, attributes) as spans:
            answers = several.predict_many(messages)
            of = dict(zip(map(id, carriers), spans, strict=True))
            for message, answer in zip(messages, answers, strict=True):
                if isinstance(answer, Exception) and id(message) in of:
                    self._spans.failed(of[id(message)], answer)
        return answers


def traced_unit(unit: Unit, spans: UnitSpans) -> TracedUnit:
    """The unit, traced."""
    return TracedRows(unit, spans) if isinstance(unit, PerRow) else TracedUnit(unit, spans)


def attributes_of(unit: str, verb: str) -> dict[str, Any]:
    """What a unit's span says in any case."""
    return {"sluicegate.unit": unit, "sluicegate.verb": verb}


def _again(answer: Message, asked: object) -> Message:
    """An answer goes on under the trace of what was asked."""
    if not isinstance(asked, TracedMessage) or isinstance(answer, TracedMessage):
        return answer
    return traced_message(answer, asked.trace)
