"""The port between a graph and what runs in its nodes."""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from sluicegate.serving.protocol.messages import Feedback, Message


class Unit(Protocol):
    """A node's code. Messages are values: a unit returns a new one."""

    @property
    def name(self) -> str:
        """The unit's name in the graph."""

    def transform_input(self, message: Message) -> Message:
        """What the children get."""

    def predict(self, message: Message) -> Message:
        """The model's answer."""

    def transform_output(self, message: Message) -> Message:
        """What becomes of the children's answer."""

    def send_feedback(self, feedback: Feedback) -> None:
        """Learn what became known."""


@runtime_checkable
class PerRow(Protocol):
    """A unit whose answer to a row does not depend on other rows, if ``per_row`` says so."""

    @property
    def per_row(self) -> bool:
        """Whether requests may share a call."""

    def predict_many(self, messages: Sequence[Message]) -> list[Message | Exception]:
        """One answer or error for each message, in order."""
