"""The gateway's running totals, read from Envoy's admin door.

``GatewayStatistics`` is what the collector asks each second; ``EnvoyAdmin`` answers it for a real Envoy.
"""

import asyncio
from dataclasses import dataclass, field
from typing import Protocol

import httpx

from sluicegate.monitoring.sources.errors import MalformedError, UnreachableError
from sluicegate.serving.gateway.errors import UnreadableStatisticsError
from sluicegate.serving.gateway.statistics import STATISTICS_PATH, ClusterCounters, read_statistics

UPTIME_PATH = "/stats?format=json&filter=%5Eserver%5C.uptime%24"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterCounts:
    """Running totals of one cluster since it exists.

    ``slower``: (bound in ms, requests slower than it), ascending bounds; timed-out requests are slower than all.
    """

    requests: int = 0
    errors: int = 0
    slower: tuple[tuple[float, int], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewaySample:
    """One look at all clusters. ``uptime``: seconds since the gateway started, None when it did not say.

    ``begins``: these totals have nothing to do with those of an earlier look, whoever took it.
    """

    clusters: dict[str, ClusterCounts] = field(default_factory=dict)
    uptime: float | None = None
    begins: bool = False


class GatewayStatistics(Protocol):
    """Who can tell the gateway's running totals."""

    async def read(self) -> GatewaySample:
        """Look now.

        Raises:
            SourceError: it could not be had; the next look may succeed.

        """

    async def close(self) -> None:
        """Let go of connections."""


class EnvoyAdmin:
    """A real Envoy's admin door at ``base_url``."""

    def __init__(self, base_url: str, *, timeout_seconds: float = 0.8) -> None:
        self._base_url = base_url.rstrip("/")
        self._timeout = timeout_seconds
        self._client = httpx.AsyncClient(timeout=timeout_seconds, trust_env=False)

    async def read(self) -> GatewaySample:
        """Look now.

        Raises:
            UnreachableError: no answer in time.
            MalformedError: an answer that is not Envoy's.

        """
        statistics, uptime = await asyncio.gather(self._get(STATISTICS_PATH), self._get(UPTIME_PATH))
        try:
            counters = read_statistics(statistics.text)
        except UnreadableStatisticsError as error:
            raise MalformedError(f"gateway's admin at {self._base_url}: {error}") from error
        return GatewaySample(
            clusters={name: cluster_counts(counted) for name, counted in counters.items()}, uptime=_uptime(uptime)
        )

    async def close(self) -> None:
        """Let go of connections."""
        await self._client.aclose()

    async def _get(self, path: str) -> httpx.Response:
        try:
            async with asyncio.timeout(self._timeout):
                answer = await self._client.get(self._base_url + path)
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
            raise UnreachableError(
                f"gateway's admin at {self._base_url} does not answer: {error or type(error).__name__}"
            ) from error
        if answer.status_code != 200:
            raise MalformedError(f"gateway's admin at {self._base_url}: status {answer.status_code}; expected 200")
        return answer


def cluster_counts(counters: ClusterCounters) -> ClusterCounts:
    """What is kept of a cluster's counters."""
    return ClusterCounts(
        requests=counters.completed,
        errors=counters.errors,
        slower=tuple((bound, counters.timed - quick + counters.timeouts) for bound, quick in counters.buckets),
    )


def _uptime(answer: httpx.Response) -> float | None:
    try:
        return float(answer.json()["stats"][0]["value"])
    except (ValueError, KeyError, IndexError, TypeError):
        return None
