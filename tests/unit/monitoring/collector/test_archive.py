"""Evidence at a real collector's doors: kept whole, replaced, read back byte for byte, never mistaken for nothing."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import httpx

from sluicegate.monitoring.collector.app import make_app
from sluicegate.monitoring.collector.detectors import make_detector
from sluicegate.monitoring.collector.drift_watch import DriftWatch
from sluicegate.monitoring.collector.keeper import Keeper
from sluicegate.monitoring.collector.settings import Settings
from sluicegate.monitoring.collector.turns import Turns

FIRST = "/v1/evidence/default/first"


def at_a_collector(directory: Path, scenario: Callable[[httpx.AsyncClient], Awaitable[None]]) -> None:
    """Play a scenario at the doors of a collector with a database of its own."""
    keeper = Keeper(Settings(data=directory), DriftWatch(make_detector))
    app = make_app(keeper, Turns(keeper, None), body_bytes=1000)

    async def play() -> None:
        transport = httpx.ASGITransport(app=app)
        async with app.router.lifespan_context(app), httpx.AsyncClient(transport=transport, base_url="http://x") as at:
            await scenario(at)

    asyncio.run(play())


def test_evidence_is_read_as_it_was_written_last(tmp_path: Path) -> None:
    async def scenario(at: httpx.AsyncClient) -> None:
        for document in (b'{"a": 1}', b'{"a":   2}'):
            assert (await at.put(FIRST, content=document)).status_code == 204
        assert (await at.get(FIRST)).content == b'{"a":   2}'

    at_a_collector(tmp_path, scenario)


def test_evidence_outlives_its_collector(tmp_path: Path) -> None:
    async def written(at: httpx.AsyncClient) -> None:
        await at.put(FIRST, content=b"{}")

    async def read(at: httpx.AsyncClient) -> None:
        assert (await at.get(FIRST)).content == b"{}"

    at_a_collector(tmp_path, written)
    at_a_collector(tmp_path, read)


def test_evidence_that_nobody_kept_is_not_found(tmp_path: Path) -> None:
    async def scenario(at: httpx.AsyncClient) -> None:
        answer = await at.get("/v1/evidence/default/other")
        assert answer.status_code == 404
        assert "no evidence is kept of rollout 'other'" in answer.json()["error"]

    at_a_collector(tmp_path, scenario)


def test_a_document_that_is_too_long_replaces_nothing(tmp_path: Path) -> None:
    async def scenario(at: httpx.AsyncClient) -> None:
        await at.put(FIRST, content=b"{}")
        assert (await at.put(FIRST, content=b"x" * 1001)).status_code == 413
        assert (await at.get(FIRST)).content == b"{}"

    at_a_collector(tmp_path, scenario)
