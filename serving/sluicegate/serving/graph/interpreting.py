"""A request's way through a plan, written once: whoever runs it says how units are called and how branches run.

``execution`` runs it in one process without waiting, ``hopping`` on an event loop with calls to other processes. The
order is Seldon's (its executor, release 1.17.1): input stage, route, children, aggregate, output stage.
"""

from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from sluicegate.serving.graph.errors import BadRouteError
from sluicegate.serving.graph.planning import Node, Plan, Verb
from sluicegate.serving.graph.units import Headers
from sluicegate.serving.protocol.messages import Feedback, Message

ALL, NONE = -1, -2
"""Answers of a router that are no child's number."""


class Runner(Protocol):
    """How the units of one graph are called."""

    async def call(self, node: Node, verb: Verb, messages: Sequence[Message], headers: Headers) -> Any:
        """A unit's Message, or for ``route`` what it answered."""

    async def tell(self, node: Node, feedback: Feedback, headers: Headers) -> None:
        """A unit learns what became known."""

    async def together(self, work: Sequence[Coroutine[Any, Any, Any]]) -> list[Any]:
        """The results of independent branches, in their order; the error of the first one that has one."""


@dataclass(slots=True)
class _Journey:
    """What one request met on its way."""

    headers: Headers
    asked: set[str]
    routing: dict[str, int] = field(default_factory=dict)
    path: dict[str, str] = field(default_factory=dict)


class Interpreter:
    """``images``: what each unit's ``requestPath`` says, by its name."""

    def __init__(self, plan: Plan, runner: Runner, images: Mapping[str, str]) -> None:
        self._root, self._runner, self._images = plan.root, runner, images

    async def answer(self, message: Message, headers: Headers, asked: set[str] | None = None) -> Message:
        """The graph's answer; its meta says which way the request went. Raises what units raise, BadRouteError.

        ``asked`` holds the units whose answer is awaited, should it be given up.
        """
        journey = _Journey(headers, set() if asked is None else asked)
        answer = await self._pass(self._root, message, journey)
        meta = replace(
            answer.meta,
            routing={**answer.meta.routing, **journey.routing},
            request_path={**answer.meta.request_path, **journey.path},
        )
        return replace(answer, meta=meta)

    async def send_feedback(self, feedback: Feedback, headers: Headers) -> None:
        """Tell those who answered, by the way that the answer's meta recorded: children first."""
        await self._tell(self._root, feedback, headers)

    async def _pass(self, node: Node, message: Message, journey: _Journey) -> Message:
        if node.name in self._images:
            journey.path[node.name] = self._images[node.name]
        if node.before:
            message = await self._ask(node, node.before, (message,), journey)
        if node.children:
            message = await self._below(node, message, journey)
        if node.after:
            message = await self._ask(node, "transform_output", (message,), journey)
        return message

    async def _below(self, node: Node, message: Message, journey: _Journey) -> Message:
        branch = await self._branch(node, message, journey)
        if branch == NONE:
            return message
        chosen = node.children if branch == ALL else (node.children[branch],)
        if len(chosen) == 1:
            answers = [await self._pass(chosen[0], message, journey)]
        else:
            answers = await self._runner.together([self._pass(child, message, journey) for child in chosen])
        if not node.aggregates:
            return answers[0]
        aggregate: Message = await self._ask(node, "aggregate", tuple(answers), journey)
        return aggregate

    async def _ask(self, node: Node, verb: Verb, messages: Sequence[Message], journey: _Journey) -> Any:
        journey.asked.add(node.name)
        answer = await self._runner.call(node, verb, messages, journey.headers)
        journey.asked.discard(node.name)
        return answer

    async def _branch(self, node: Node, message: Message, journey: _Journey) -> int:
        if not node.routes:
            return ALL
        branch = await self._ask(node, "route", (message,), journey)
        journey.routing[node.name] = _known(node, branch)
        return journey.routing[node.name]

    async def _tell(self, node: Node, feedback: Feedback, headers: Headers) -> None:
        chosen = _told(node, feedback)
        if chosen:
            await self._runner.together([self._tell(child, feedback, headers) for child in chosen])
        if node.learns:
            await self._runner.tell(node, feedback, headers)


def _known(node: Node, branch: object) -> int:
    if isinstance(branch, bool) or not isinstance(branch, int) or not NONE <= branch < len(node.children):
        raise BadRouteError(node.name, branch, len(node.children))
    return branch


def _told(node: Node, feedback: Feedback) -> tuple[Node, ...]:
    """The children that the answer came from; all where nothing is recorded, as a combiner's."""
    branch = feedback.routing.get(node.name, ALL)
    if branch == ALL:
        return node.children
    # A record that fits no child, -2 among them, says that none was asked.
    return node.children[branch : branch + 1] if branch >= 0 else ()
