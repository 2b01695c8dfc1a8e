"""One request of a batch over gRPC; only a batch that asks so loads it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import grpc
import grpc.aio

from sluicegate.serving.client import seldon_grpc
from sluicegate.serving.client.batch.sending import Ask, Outcome
from sluicegate.serving.protocol.errors import ProtocolError


@asynccontextmanager
async def calling(
    address: str, metadata: tuple[tuple[str, str], ...], *, feedback: bool, tls: bool, seconds: float
) -> AsyncIterator[Ask]:
    """What asks at ``address``, HOST:PORT, until the block ends; each answer is waited for ``seconds``."""
    path = seldon_grpc.FEEDBACK if feedback else seldon_grpc.PREDICT
    async with seldon_grpc.open_channel(grpc.aio, address, tls=tls) as channel:
        method = seldon_grpc.method_of(channel, path)

        async def ask(body: dict[str, Any], puid: str) -> tuple[Outcome, float]:
            try:
                message = seldon_grpc.request_of(body, path)
                received = await method(message, timeout=seconds, metadata=(*metadata, ("seldon-puid", puid)))
                return Outcome(code=200, answer=seldon_grpc.answer_of(received)), 0.0
            except ProtocolError as error:
                return Outcome(code=400, info=str(error)), 0.0
            except grpc.aio.AioRpcError as error:
                told = Outcome(code=seldon_grpc.status_of(error), info=seldon_grpc.words_of(error))
                return told, seldon_grpc.pause_of(error)

        yield ask
