"""Runs a plan whose units live in several processes: on the event loop, with those of this process on its worker.

The server's dispatcher for such graphs calls it. Branches run at the same time; each call has its own time limit.
"""

import asyncio
from collections.abc import Coroutine, Mapping, Sequence
from concurrent.futures import Executor
from typing import Any

from sluicegate.serving.graph.errors import LateError
from sluicegate.serving.graph.interpreting import Interpreter
from sluicegate.serving.graph.planning import Node, Plan, Verb
from sluicegate.serving.graph.units import Headers, RemoteUnit, Unit
from sluicegate.serving.protocol.messages import Feedback, Message


class HoppingGraph:
    """A plan with its units, by name: ``local`` in this process, called on ``worker``, and ``remote``."""

    def __init__(
        self,
        plan: Plan,
        *,
        local: Mapping[str, Unit],
        remote: Mapping[str, RemoteUnit],
        worker: Executor,
        images: Mapping[str, str] | None = None,
    ) -> None:
        self.plan, self.units, self.remote = plan, local, remote
        self._worker = worker
        self._interpreter = Interpreter(plan, self, images or {})
        self.request_path: dict[str, str] = {}
        self.unreachable: tuple[str, ...] = tuple(sorted(remote))
        """Units of other processes that took no connection when they were last tried; nobody is known before that."""

    async def answer(self, message: Message, headers: Headers, asked: set[str] | None = None) -> Message:
        """Pass a message through the graph; ``asked``: units that are awaited. Raises what units raise, and this room's
        errors.
        """
        return await self._interpreter.answer(message, headers, asked)

    async def send_feedback(self, feedback: Feedback, headers: Headers) -> None:
        """Tell each unit that takes feedback and was on the answer's way, children first."""
        await self._interpreter.send_feedback(feedback, headers)

    async def look(self) -> None:
        """Try all units of other processes."""
        found = await asyncio.gather(*(unit.reachable() for unit in self.remote.values()))
        self.unreachable = tuple(sorted(name for name, there in zip(self.remote, found, strict=True) if not there))

    async def close(self) -> None:
        """Let all connections go."""
        await asyncio.gather(*(unit.close() for unit in self.remote.values()))

    # --- the interpreter's side

    async def call(self, node: Node, verb: Verb, messages: Sequence[Message], headers: Headers) -> Any:
        """A call on the worker, or to another process."""
        if node.name in self.remote:
            return await self.remote[node.name].call(verb, messages, headers)
        method = getattr(self.units[node.name], verb)
        argument = messages if verb == "aggregate" else messages[0]
        limit = asyncio.timeout(node.seconds)
        try:
            async with limit:
                return await asyncio.get_running_loop().run_in_executor(self._worker, method, argument)
        except TimeoutError as error:
            if node.seconds is None or not limit.expired():
                raise
            raise LateError(node.name, node.seconds) from error

    async def tell(self, node: Node, feedback: Feedback, headers: Headers) -> None:
        """Feedback on the worker, or to another process."""
        if node.name in self.remote:
            await self.remote[node.name].send_feedback(feedback, headers)
        else:
            told = self.units[node.name].send_feedback
            await asyncio.get_running_loop().run_in_executor(self._worker, told, feedback)

    async def together(self, work: Sequence[Coroutine[Any, Any, Any]]) -> list[Any]:
        """All branches at the same time; each is waited for, so that nothing goes on behind an answer."""
        results = await asyncio.gather(*work, return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException):
                raise result
        return list(results)
