"""The webhook's door, running on a port of this machine in a thread of its own, with real TLS."""

import asyncio
import socket
import threading
from collections.abc import Coroutine
from typing import Any

from tests.waiting import wait_until

from sluicegate.serving.operator.admission.door import Server, create_door
from sluicegate.serving.operator.admission.reviewer import Reviewer
from sluicegate.serving.operator.admission.tls import ServedCertificate


class RunningDoor:
    """``with RunningDoor(…) as door``: serves until the block ends. ``beside`` runs in the same loop meanwhile."""

    def __init__(
        self,
        reviewer: Reviewer,
        certificate: ServedCertificate,
        *beside: Coroutine[Any, Any, None],
        address: str = "127.0.0.1",
    ) -> None:
        self.certificate, self._beside = certificate, beside
        self._listening = socket.create_server((address, 0))
        self.port = int(self._listening.getsockname()[1])
        self._server = Server(create_door(reviewer), certificate)
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), daemon=True)

    def __enter__(self) -> "RunningDoor":
        self._thread.start()
        wait_until(lambda: self._server.started, message="the door is open")
        return self

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join(20)
        assert not self._thread.is_alive()

    async def _run(self) -> None:
        tasks = [asyncio.ensure_future(each) for each in self._beside]
        await self._server.serve(sockets=[self._listening])
        for task in tasks:
            task.cancel()
