"""The door over gRPC, without an Envoy: who is who at it, and what a refusal says."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import grpc
import pytest
from tests.waiting import free_port

from sluicegate.serving.gateway.clusters import CLUSTER_TYPE
from sluicegate.serving.gateway.errors import DoorError
from sluicegate.serving.gateway.listener import Front
from sluicegate.serving.gateway.messages import DeltaDiscoveryRequest, DeltaDiscoveryResponse
from sluicegate.serving.gateway.routes import Address, Backend, Route
from sluicegate.serving.gateway.xds import METHOD, SERVICE, XdsDoor

SECONDS = 10.0


def address(port: int) -> Address:
    """On loopback."""
    return Address(host="127.0.0.1", port=port)


def door() -> XdsDoor:
    """One that wants a table to be in force."""
    made = XdsDoor(Front(address=address(8003)))
    made.publish(
        (Route(namespace="n", name="d", backends=(Backend(predictor="p", weight=100, addresses=(address(1),)),)),)
    )
    return made


class Client:
    """Envoy's side of one stream, asking for clusters."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        path = f"/{SERVICE}/{METHOD}"
        call = channel.stream_stream(path, DeltaDiscoveryRequest.SerializeToString, DeltaDiscoveryResponse.FromString)
        self.stream = call()

    async def ask(self, node: str = "gateway-1") -> Any:
        """The first request, and its answer."""
        first = DeltaDiscoveryRequest(type_url=CLUSTER_TYPE)
        first.node.id = node
        await self.stream.write(first)
        return await asyncio.wait_for(self.stream.read(), SECONDS)

    async def refuse(self, nonce: str, words: str) -> None:
        """Say no to an answer."""
        refusal = DeltaDiscoveryRequest(type_url=CLUSTER_TYPE, response_nonce=nonce)
        refusal.error_detail.code, refusal.error_detail.message = 3, words
        await self.stream.write(refusal)


@asynccontextmanager
async def served(asked: XdsDoor) -> AsyncIterator[grpc.aio.Channel]:
    """A connection to it."""
    port = free_port()
    serving = asyncio.create_task(asked.serve("127.0.0.1", port))
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        await asyncio.wait_for(channel.channel_ready(), SECONDS)
        yield channel
    serving.cancel()
    await asyncio.gather(serving, return_exceptions=True)


async def until(true: Callable[[], bool]) -> None:
    """Wait for it."""
    async with asyncio.timeout(SECONDS):
        while not true():
            await asyncio.sleep(0.01)


def test_a_refusal_is_told_in_envoys_words() -> None:
    """They come with the answer's number; nobody has to read its log."""

    async def story(asked: XdsDoor) -> None:
        async with served(asked) as channel:
            client = Client(channel)
            answer = await client.ask()
            await client.refuse(answer.nonce, "no such filter")
            await until(lambda: asked.acknowledged().rejected != "")

    asked = door()
    asyncio.run(story(asked))

    assert asked.acknowledged().rejected == "no such filter"


def test_quick_restarts_of_the_gateway_are_no_refusal() -> None:
    """Each new one opens a stream of its own, gets everything, and ends the one before."""

    async def story(asked: XdsDoor) -> list[list[str]]:
        async with served(asked) as channel:
            clients = [Client(channel) for _ in range(4)]
            answers = [[one.name for one in (await client.ask()).resources] for client in clients]
            ended = [await asyncio.wait_for(client.stream.read(), SECONDS) for client in clients[:-1]]
            assert ended == [grpc.aio.EOF] * 3
            return answers

    asked = door()

    assert asyncio.run(story(asked)) == [["n/d/p", "n/d/p~others"]] * 4
    assert asked.acknowledged().rejected == ""


def test_every_gateway_has_a_stream_of_its_own() -> None:
    """By its node id."""

    async def story(asked: XdsDoor) -> set[str]:
        async with served(asked) as channel:
            for node in ("gateway-1", "gateway-2"):
                await Client(channel).ask(node)
            return set(asked.by_node())

    assert asyncio.run(story(door())) == {"gateway-1", "gateway-2"}


def test_an_address_that_is_taken_is_named() -> None:
    """Two doors at one address would each get some of the gateways."""

    async def story(port: int) -> None:
        first = asyncio.create_task(door().serve("127.0.0.1", port))
        await asyncio.sleep(0)
        with pytest.raises(DoorError, match=f"port {port} of the gateway's configuration"):
            await door().serve("127.0.0.1", port)
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)

    asyncio.run(story(free_port()))
