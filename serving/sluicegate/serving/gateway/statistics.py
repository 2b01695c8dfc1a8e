"""What a reader of Envoy's admin needs: requests, errors and times of each predictor.

``GET <admin>`` + ``STATISTICS_PATH`` gives the text for ``read_statistics``. Entries ``cluster.<cluster>.…`` used:
``upstream_rq_completed`` (every answer a client got, the gateway's own included), ``upstream_rq_4xx|5xx|429`` (4xx
includes 429; 5xx 503 without a ready or after a lost server, and 504 time-outs; tries that a retry made good are not in
it), ``upstream_rq_timeout``, ``upstream_rq_retry``, ``upstream_cx_connect_fail``, ``upstream_rq_rx_reset``, the gauges
``membership_healthy|total``, and the histogram ``upstream_rq_time`` (ms, whole; real servers' answers only).
Of clusters for gRPC not the first three, since every call is 200 to HTTP, but ``grpc.<status>``: calls that ended with
this status, the gateway's own answers included. What a server answers that is no gRPC at all has none. Copies of calls
pass no filter: there it is ``endpoint.<server>.rq_success|rq_error``, where Envoy goes by the same table, and
``upstream_cx_none_healthy`` for those that found no server.
Counters start at 0 with each gateway process and with each cluster that comes back; histograms lag by half a second.
"""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from sluicegate.serving.gateway.clusters import GRPC_SUFFIX, MIRROR_SUFFIX, transport_of
from sluicegate.serving.gateway.errors import UnreadableStatisticsError

OK = 0
CLIENT_ERRORS = frozenset({1, 3, 5, 6, 7, 9, 10, 11, 16})
"""Statuses of gRPC that are the client's, since Google's table of codes gives them a 4xx of HTTP: CANCELLED,
INVALID_ARGUMENT, NOT_FOUND, ALREADY_EXISTS, PERMISSION_DENIED, FAILED_PRECONDITION, ABORTED, OUT_OF_RANGE,
UNAUTHENTICATED. All others but OK are errors, as 5xx are: UNKNOWN (what a server makes of an exception),
DEADLINE_EXCEEDED, RESOURCE_EXHAUSTED (a server that cannot keep up says so; 429 in HTTP), UNIMPLEMENTED, INTERNAL,
UNAVAILABLE, DATA_LOSS, and numbers that there are not."""
_TOO_MANY = "upstream_rq_429"
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
_PATTERNS = ("upstream_rq_time", "upstream_cx_none_healthy", r"grpc\.\d+", r"endpoint\.[^/]+\.rq_(success|error)")
_FILTER = rf"^cluster\.[^/]+/[^/]+/[^/.]+\.({'|'.join((*_COUNTERS, _TOO_MANY, *_PATTERNS))})$"
STATISTICS_PATH = f"/stats?format=json&histogram_buckets=cumulative&filter={quote(_FILTER, safe='')}"
"""Path and query to ask of the admin address."""

_NAME = re.compile(r"cluster\.([^/]+/[^/]+/[^/.]+)\.(?:endpoint\.([^/]+)\.)?(\w+|grpc\.\d+)")
"""Predictors' names have no dots, so ``….external.upstream_rq_…`` (the same figures again) does not fit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterCounters:
    """Running totals of one cluster since it exists. ``buckets``: (upper bound in ms, answers up to it), ascending."""

    completed: int = 0
    """Requests that got an answer from a server or from the gateway in its place. Clients that left are not in it."""
    errors: int = 0
    """Of these, status 5xx or 429 (by gRPC their like), whoever made it: this is what users saw fail."""
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
    """Counters by cluster name: ``<namespace>/<deployment>/<predictor>``, ``…~grpc``, and ``…~mirror`` for copies.

    Copies of calls stand under ``…~grpc~mirror@<server>``, and those that found none under ``…~grpc~mirror``.

    Raises UnreadableStatisticsError when ``text`` is not what Envoy answers at ``STATISTICS_PATH``.
    """
    found: dict[str, dict[str, Any]] = {}
    for name, value in _entries(text):
        if match := _NAME.fullmatch(name):
            cluster = match[1] + (f"@{match[2]}" if match[2] else "")
            found.setdefault(cluster, {})[match[3]] = value
    return {name: ClusterCounters(**_figures(name, each)) for name, each in sorted(found.items())}


def _figures(name: str, figures: dict[str, Any]) -> dict[str, Any]:
    if "@" in name:
        failed = figures.get("rq_error", 0)
        return {"completed": figures.get("rq_success", 0) + failed, "errors": failed}
    if transport_of(name) == "http":
        return _counted(figures)
    if name.endswith(GRPC_SUFFIX + MIRROR_SUFFIX):
        unserved = figures.get("upstream_cx_none_healthy", 0)
        return _counted(figures) | {"completed": unserved, "errors": unserved, "client_errors": 0}
    return _counted(figures) | _called(figures)


def _counted(figures: dict[str, Any]) -> dict[str, Any]:
    """Envoy's figures of one cluster under our names."""
    known = {_COUNTERS[name]: value for name, value in figures.items() if name in _COUNTERS}
    refused = figures.get(_TOO_MANY, 0)
    known["errors"] = known.get("errors", 0) + refused
    known["client_errors"] = max(0, known.get("client_errors", 0) - refused)
    return known | ({"buckets": figures["upstream_rq_time"]} if "upstream_rq_time" in figures else {})


def _called(figures: dict[str, Any]) -> dict[str, int]:
    """Calls by their status, in place of what HTTP says."""
    ended = {int(name.removeprefix("grpc.")): value for name, value in figures.items() if name.startswith("grpc.")}
    faults = [count for status, count in ended.items() if status != OK and status not in CLIENT_ERRORS]
    client_errors = [count for status, count in ended.items() if status in CLIENT_ERRORS]
    return {"completed": sum(ended.values()), "errors": sum(faults), "client_errors": sum(client_errors)}


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
