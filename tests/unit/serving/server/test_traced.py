"""Calls of units are spans below their requests', alone and together; what has no trace passes as it is."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from sluicegate.serving.graph.units import PerRow
from sluicegate.serving.protocol.messages import Feedback, Message
from sluicegate.serving.server.spans import Spans
from sluicegate.serving.server.traced import (
    TracedFeedback,
    TracedMessage,
    traced_feedback,
    traced_message,
    traced_unit,
)


class Doubling:
    """A unit whose rows are independent."""

    name = "m"
    per_row = True
    classes = ("a", "b")

    def predict(self, message: Message) -> Message:
        """Twice."""
        if message.rows > 5:
            raise ValueError("too many")
        return Message(content=np.asarray(message.content) * 2)

    def predict_many(self, messages: Sequence[Message]) -> list[Message | Exception]:
        """Each as alone."""
        return [ValueError("too many") if each.rows > 5 else self.predict(each) for each in messages]

    def aggregate(self, messages: Sequence[Message]) -> Message:
        """The first."""
        return replace(messages[0], form="tensor")

    def route(self, _: Message) -> int:
        """Remember the current span."""
        self.current = trace.get_current_span().get_span_context().span_id
        return 1

    def send_feedback(self, _: Feedback) -> None:
        """Nothing."""


class Rig:
    """A traced unit, and the spans that it made."""

    def __init__(self, unit: Any) -> None:
        self.exporter, provider = InMemorySpanExporter(), TracerProvider()
        provider.add_span_processor(SimpleSpanProcessor(self.exporter))
        self.tracer = provider.get_tracer("test")
        self.unit: Any = traced_unit(unit, Spans(provider))

    def message(self, rows: int) -> TracedMessage:
        """Of a request of its own."""
        above = trace.set_span_in_context(self.tracer.start_span("request"))
        return traced_message(Message(content=np.ones((rows, 2))), above)

    @property
    def spans(self) -> list[Any]:
        """Those that ended, in their order."""
        return list(self.exporter.get_finished_spans())


@pytest.fixture
def rig() -> Rig:
    return Rig(Doubling())


def parent_of(message: TracedMessage) -> int:
    return trace.get_current_span(message.trace).get_span_context().span_id


def test_requests_that_share_a_call_have_spans_of_their_own(rig: Rig) -> None:
    """One without a trace among them; one that fails alone."""
    first, plain, bad = rig.message(2), Message(content=np.ones((3, 2))), rig.message(6)

    answers = rig.unit.predict_many([first, plain, bad])

    assert [isinstance(answer, Exception) for answer in answers] == [False, False, True]
    assert [span.parent.span_id for span in rig.spans] == [parent_of(first), parent_of(bad)]
    assert [span.attributes["sluicegate.batch.requests"] for span in rig.spans] == [3, 3]
    assert [span.attributes["sluicegate.batch.rows"] for span in rig.spans] == [11, 11]
    assert [span.status.is_ok for span in rig.spans] == [True, False]
    assert rig.spans[1].attributes["error.type"] == "ValueError"


def test_the_answer_goes_on_under_the_same_trace(rig: Rig) -> None:
    asked = rig.message(1)

    answer = rig.unit.predict(asked)
    together = rig.unit.aggregate([answer, answer])

    assert answer.trace is together.trace is asked.trace
    assert [span.name for span in rig.spans] == ["m predict", "m aggregate"]


def test_a_lone_calls_span_is_the_current_one(rig: Rig) -> None:
    assert rig.unit.route(rig.message(1)) == 1

    assert rig.spans[0].context.span_id == rig.unit.current


def test_what_a_unit_raises_is_on_its_span(rig: Rig) -> None:
    with pytest.raises(ValueError, match="too many"):
        rig.unit.predict(rig.message(6))

    (span,) = rig.spans
    assert (span.status.is_ok, span.status.description, span.attributes["sluicegate.unit"]) == (False, "too many", "m")


def test_feedback_is_a_span_too(rig: Rig) -> None:
    told = traced_feedback(Feedback(puid="p", reward=1.0), rig.message(1).trace)
    assert isinstance(told, TracedFeedback)

    rig.unit.send_feedback(told)

    assert [span.name for span in rig.spans] == ["m send_feedback"]


def test_what_has_no_trace_passes_as_it_is(rig: Rig) -> None:
    answer = rig.unit.predict(Message(content=np.ones((1, 2))))

    assert (type(answer), rig.spans) == (Message, [])
    assert rig.unit.predict_many([Message(content=np.ones((1, 2)))])[0].rows == 1


def test_a_wrap_is_what_its_unit_is(rig: Rig) -> None:
    class Alone:
        name = "alone"

    assert isinstance(rig.unit, PerRow)
    assert (rig.unit.per_row, rig.unit.classes) == (True, ("a", "b"))
    assert not isinstance(Rig(Alone()).unit, PerRow)
    with pytest.raises(AttributeError):
        _ = Rig(Alone()).unit.predict_many
