"""What a reader of Envoy's admin needs: requests, errors and times of each predictor.

``GET <admin>`` + ``STATISTICS_PATH`` gives the text for ``read_statistics``. Entries ``cluster.<cluster>.…`` used:
``upstream_rq_completed`` (every answer a client got, the gateway's own included), ``upstream_rq_4xx|5xx`` (5xx includes
503 without a ready server, 503 after a lost server and 504 time-outs; tries that a retry made good are not in it),
``upstream_rq_timeout``, ``upstream_rq_retry``, ``upstream_cx_connect_fail``, ``upstream_rq_rx_reset``, the gauges
``membership_healthy|total``, and the histogram ``upstream_rq_time`` (ms, whole; real servers' answers only).
Counters start at 0 with each gateway process and with each cluster that comes back; histograms lag by half a second.
"""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from sluicegate.serving.gateway.errors import UnreadableStatisticsError

_COUNTERS = {
    "upstream_rq_completed": "completed",
    "upstream_rq_5xx": "errors",
    "upstream_rq_4xx": "client_errors",
    "upstream_rq_timeout": "timeouts",
    "upstream_rq_retry": "retries",
    "upstream_cx_connect_fail": "connect_failures",
    "upstream_rq_rx_reset": "resets",
    "membership_healthy": "ready_servers",
    "membership_total": "servers",
}
_FILTER = rf"^cluster\.[^/]+/[^/]+/[^/.]+\.({'|'.join((*_COUNTERS, 'upstream_rq_time'))})$"
STATISTICS_PATH = f"/stats?format=json&histogram_buckets=cumulative&filter={quote(_FILTER, safe='')}"
"""Path and query to ask of the admin address."""

_NAME = re.compile(r"cluster\.([^/]+/[^/]+/[^/.]+)\.(\w+)")
"""Predictors' names have no dots, so ``….external.upstream_rq_…`` (the same figures again) does not fit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterCounters:
    """Running totals of one cluster since it exists. ``buckets``: (upper bound in ms, answers up to it), ascending."""

    completed: int = 0
    """Requests that got an answer from a server or from the gateway in its place. Clients that left are not in it."""
    errors: int = 0
    """Of these, status 5xx, whoever made it: this is what users saw fail."""
    client_errors: int = 0
    timeouts: int = 0
    """Requests that ran into the route's time limit; part of ``errors``, absent from ``buckets``."""
    retries: int = 0
    connect_failures: int = 0
    resets: int = 0
    ready_servers: int = 0
    servers: int = 0
    buckets: tuple[tuple[float, int], ...] = ()

    @property
    def timed(self) -> int:
        """Answers whose time is known: those of servers."""
        return self.buckets[-1][1] if self.buckets else 0

    def slow(self, threshold_ms: float) -> int:
        """Requests slower than ``threshold_ms``, timed-out ones included.

        Exact (to Envoy's two significant digits) for a threshold that is one of ``bootstrap.BUCKETS``; for another
        one, the next lower bound is taken.
        """
        quick = max((count for bound, count in self.buckets if bound <= threshold_ms), default=0)
        return self.timed - quick + self.timeouts


def read_statistics(text: str) -> dict[str, ClusterCounters]:
    """Counters by cluster name: ``<namespace>/<deployment>/<predictor>``, and ``…~mirror`` for copies.

    Raises UnreadableStatisticsError when ``text`` is not what Envoy answers at ``STATISTICS_PATH``.
    """
    found: dict[str, dict[str, Any]] = {}
    for name, value in _entries(text):
        match = _NAME.fullmatch(name)
        key = "buckets" if match and match[2] == "upstream_rq_time" else _COUNTERS.get(match[2]) if match else None
        if match and key:
            found.setdefault(match[1], {})[key] = value
    return {name: ClusterCounters(**counters) for name, counters in sorted(found.items())}


def _entries(text: str) -> Iterable[tuple[str, Any]]:
    try:
        stats = json.loads(text)["stats"]
        plain = [(entry["name"], entry["value"]) for entry in stats if "histograms" not in entry]
        histograms = [one for entry in stats if "histograms" in entry for one in entry["histograms"]]
        return plain + [(one["name"], _buckets(one["buckets"])) for one in histograms]
    except (ValueError, KeyError, TypeError) as error:
        raise UnreadableStatisticsError(
            f"expected Envoy's statistics in JSON, found {text[:80]!r}; ask the admin address for {STATISTICS_PATH}"
        ) from error


def _buckets(buckets: list[dict[str, Any]]) -> tuple[tuple[float, int], ...]:
    return tuple((float(bucket["upper_bound"]), int(bucket["cumulative"])) for bucket in buckets)
