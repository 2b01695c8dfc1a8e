"""The door over HTTP, without an Envoy: which poll is a refusal, and which is a new gateway's first."""

import asyncio

import httpx
from starlette.applications import Starlette

from sluicegate.serving.gateway.listener import Front
from sluicegate.serving.gateway.routes import Address, Backend, Route
from sluicegate.serving.gateway.xds import XdsDoor


def address(port: int) -> Address:
    """On loopback."""
    return Address(host="127.0.0.1", port=port)


def door() -> XdsDoor:
    """One that wants a table to be in force."""
    made = XdsDoor(Front(address=address(8003)), hold_seconds=0.1)
    made.publish(
        (Route(namespace="n", name="d", backends=(Backend(predictor="p", weight=100, addresses=(address(1),)),)),)
    )
    return made


def poll(asked: XdsDoor, port: int) -> int:
    """A poll for clusters from this port of Envoy's machine by one that holds nothing; the answer's status."""

    async def ask() -> int:
        transport = httpx.ASGITransport(Starlette(routes=asked.routes()), client=("127.0.0.1", port))
        async with httpx.AsyncClient(transport=transport, base_url="http://door") as client:
            return (await client.post("/v3/discovery:clusters", json={"version_info": ""})).status_code

    return asyncio.run(ask())


def test_quick_restarts_of_the_gateway_are_no_refusal() -> None:
    """Each new one comes over a connection of its own and gets everything."""
    asked = door()

    assert [poll(asked, port) for port in range(40000, 40005)] == [200] * 5
    assert asked.acknowledged().rejected == ""


def test_an_answer_that_is_ignored_on_the_same_connection_is_a_refusal() -> None:
    """The first may have been lost; after the second it is told, and not offered for a while."""
    asked = door()

    assert [poll(asked, 40000) for _ in range(3)] == [200, 200, 304]
    assert "refused" in asked.acknowledged().rejected
