"""Calls over gRPC whose message has not come yet: who begins calls and never ends them must not keep them all.

For the gRPC door. grpcio waits for a message without end, and counts the call as running meanwhile. A timer for each
call would cost more than the call's own way through the server; so they are looked through once a second.
"""

import asyncio
from time import monotonic
from typing import Any

import grpc
import grpc.aio

_LOOK_SECONDS = 1.0


class Arriving:
    """The calls that wait for their message, and since when."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._since: dict[Any, float] = {}
        self._late: set[Any] = set()
        self._looking: asyncio.Task[None] | None = None

    async def message(self, context: Any) -> bytes:
        """The call's one message. Ends a call whose message does not come."""
        task = asyncio.current_task()
        self._since[task] = monotonic()
        try:
            raw = await context.read()
        except asyncio.CancelledError:
            if task not in self._late or task is None:
                raise
            task.uncancel()
            self._late.discard(task)
            info = f"the request did not arrive within {self._seconds:g} s"
            await context.abort(grpc.StatusCode.DEADLINE_EXCEEDED, info)
        finally:
            del self._since[task]
        if raw is grpc.aio.EOF:
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, "(message): found nothing; expected one message")
        return bytes(raw)

    def begin(self) -> None:
        """Look from now on."""
        self._looking = asyncio.create_task(self._look())

    def end(self) -> None:
        """Look no more."""
        if self._looking is not None:
            self._looking.cancel()

    async def _look(self) -> None:
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            begun = monotonic() - self._seconds
            # In the order in which they began.
            for task, since in list(self._since.items()):
                if since > begun:
                    break
                self._late.add(task)
                task.cancel()
