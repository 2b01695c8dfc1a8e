"""The ports between a graph and what runs in its nodes: code in this process, or a server elsewhere."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

from sluicegate.serving.graph.planning import Verb
from sluicegate.serving.protocol.messages import Feedback, Message

Headers = Mapping[bytes, bytes]
"""Of the client's request, by lower-case name."""


class Unit(Protocol):
    """A node's code in this process. Messages are values: a unit returns a new one."""

    @property
    def name(self) -> str:
        """The unit's name in the graph."""

    def transform_input(self, message: Message) -> Message:
        """What the children get."""

    def predict(self, message: Message) -> Message:
        """The model's answer."""

    def route(self, message: Message) -> int:
        """Which child gets the message, from 0; -1: all of them; -2: none, the message is the answer."""

    def aggregate(self, messages: Sequence[Message]) -> Message:
        """One answer of those that the children gave, in their order."""

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


class RemoteUnit(Protocol):
    """A node that another process answers for."""

    @property
    def name(self) -> str:
        """The unit's name in the graph."""

    async def call(self, verb: Verb, messages: Sequence[Message], headers: Headers) -> Any:
        """A Message, or for ``route`` a number. ``messages`` is one of them, but for ``aggregate``."""

    async def send_feedback(self, feedback: Feedback, headers: Headers) -> None:
        """Tell it what became known; never twice."""

    async def reachable(self) -> bool:
        """Whether it takes connections."""

    async def close(self) -> None:
        """Let its connections go."""
