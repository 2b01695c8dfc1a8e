"""Several that count, be they Envoys or model servers, as one gateway: running totals over all of them.

What each has more than at its last look is added up here, so that one that leaves takes nothing away with it, and one
that comes begins at zero. The first look of a collector's life is only a beginning: what its former life saw of them is
not known any more.
"""

import asyncio
import socket
import time
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

from sluicegate.monitoring.collector.sampling import increments
from sluicegate.monitoring.sources.errors import SourceError, UnreachableError
from sluicegate.monitoring.sources.gateway import ClusterCounts, EnvoyAdmin, GatewaySample, GatewayStatistics
from sluicegate.monitoring.sources.servers import ModelServers

_NO_ENVOY = "no Envoy is behind the gateway's statistics Service; is the gateway deployed?"
Lookup = Callable[[], Awaitable[frozenset[str]]]
"""Addresses of those there are now."""


class Fleet:
    """``GatewayStatistics`` of all that ``lookup`` names; ``admin`` makes the reader of one address.

    ``nobody``: what is wrong where none is there; nothing, if that may be.
    """

    def __init__(
        self,
        lookup: Lookup,
        admin: Callable[[str], GatewayStatistics],
        *,
        nobody: str = "",
        let_go: Callable[[], Awaitable[None]] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._lookup, self._admin, self._nobody, self._clock = lookup, admin, nobody, clock
        self._let_go = let_go
        self._readers: dict[str, GatewayStatistics] = {}
        self._last: dict[str, tuple[float, GatewaySample]] = {}
        self._totals: dict[str, ClusterCounts] = {}
        self._began: float | None = None

    async def read(self) -> GatewaySample:
        """Look at all of them now. One that does not answer is counted when it does again.

        Raises:
            UnreachableError: there is none, or none answers.

        """
        addresses = sorted(await self._lookup())
        if not addresses and self._nobody:
            raise UnreachableError(self._nobody)
        await self._forget(set(self._readers) - set(addresses))
        for address in addresses:
            self._readers.setdefault(address, self._admin(address))
        results = await asyncio.gather(*(self._readers[each].read() for each in addresses), return_exceptions=True)
        now, failure = self._clock(), ""
        for address, result in zip(addresses, results, strict=True):
            if isinstance(result, GatewaySample):
                self._count(address, result, now)
            elif isinstance(result, SourceError):
                failure = str(result)
            else:
                raise result
        if addresses and not any(isinstance(result, GatewaySample) for result in results):
            raise UnreachableError(failure)
        begins = self._began is None
        self._began = now if self._began is None else self._began
        return GatewaySample(clusters=dict(self._totals), begins=begins)

    async def close(self) -> None:
        """Let go of connections."""
        await self._forget(set(self._readers))
        if self._let_go is not None:
            await self._let_go()

    async def _forget(self, addresses: set[str]) -> None:
        for address in addresses:
            self._last.pop(address, None)
            await self._readers.pop(address).close()

    def _count(self, address: str, sample: GatewaySample, now: float) -> None:
        at, before = self._last.get(address, (now, None))
        self._last[address] = (now, sample)
        if before is None and self._is_older_than_we(sample, now):
            return
        new = increments(before or GatewaySample(), sample, now - at)
        for name, counts in new.clusters.items():
            self._totals[name] = plus(self._totals.get(name, ClusterCounts()), counts)

    def _is_older_than_we(self, sample: GatewaySample, now: float) -> bool:
        """Whether what it counted may be from before our first look; one that came later began at zero for us."""
        return self._began is None or (sample.uptime is not None and sample.uptime > now - self._began)


def plus(one: ClusterCounts, other: ClusterCounts) -> ClusterCounts:
    """Both together."""
    slower = dict(one.slower)
    for bound, count in other.slower:
        slower[bound] = slower.get(bound, 0) + count
    return ClusterCounts(
        requests=one.requests + other.requests, errors=one.errors + other.errors, slower=tuple(sorted(slower.items()))
    )


def statistics_of(url: str) -> GatewayStatistics:
    """Who reads the gateway at ``url``: one Envoy at an address, all that a name stands for."""
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or 80
    if host == "localhost" or host.replace(".", "").isdigit() or ":" in host:
        return EnvoyAdmin(url)

    async def lookup() -> frozenset[str]:
        return await _addresses(host, port)

    return Fleet(lookup, lambda address: EnvoyAdmin(_base(parts.scheme, address, port)), nobody=_NO_ENVOY)


def statistics_of_servers(url: str) -> GatewayStatistics:
    """Who reads all model servers that the operator lists at ``url``. Where no rollout is under way there are none."""
    servers = ModelServers(url)
    return Fleet(servers.lookup, servers.reader, let_go=servers.close)


async def _addresses(host: str, port: int) -> frozenset[str]:
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise UnreachableError(f"{host} cannot be looked up: {error.strerror}") from error
    return frozenset(str(each[4][0]) for each in found)


def _base(scheme: str, address: str, port: int) -> str:
    return f"{scheme}://[{address}]:{port}" if ":" in address else f"{scheme}://{address}:{port}"
