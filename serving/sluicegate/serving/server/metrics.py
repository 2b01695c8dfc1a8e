"""What the server counts: plain lists in the process, written as Prometheus text only when asked.

Names and labels are Seldon's, so that its dashboards work; a request costs one dictionary look-up and three additions.
"""

from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from sluicegate.serving.protocol.messages import Metric

Labels = tuple[tuple[str, str], ...]
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Seconds; the client libraries' default, as Seldon's executor has them."""
TIMER_BUCKETS = tuple(0.001 * (30_000 ** (i / 49)) for i in range(50))
"""Seconds; Seldon's 50 logarithmic steps from 1 ms to 30 s."""
SIZE_BUCKETS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)
"""Rows, or requests, in one call of the model."""
QUANTILES = (0.5, 0.75, 0.9, 0.98, 0.99, 1.0)
"""Of Seldon's executor's summaries."""
RECENT = 1000
"""Requests that a summary's quantiles are taken from; Seldon's are those of the last ten minutes."""
SERIES = 1000
"""Series of a model's own metrics; beyond, new ones are counted as dropped, as tags may be unbounded."""


@dataclass(slots=True)
class Histogram:
    """Counts by bucket (the last is +Inf) and their sum."""

    bounds: tuple[float, ...]
    counts: list[int]
    total: float = 0.0

    def observe(self, seconds: float) -> None:
        """Count one."""
        self.counts[bisect_left(self.bounds, seconds)] += 1
        self.total += seconds


@dataclass(slots=True)
class Timing(Histogram):
    """A histogram that remembers the newest of what it counted, for quantiles."""

    recent: deque[float] = field(default_factory=lambda: deque(maxlen=RECENT))

    def observe(self, seconds: float) -> None:
        """Count one."""
        self.counts[bisect_left(self.bounds, seconds)] += 1
        self.total += seconds
        self.recent.append(seconds)


def _timing() -> Timing:
    return Timing(BUCKETS, [0] * (len(BUCKETS) + 1))


def _histogram(bounds: tuple[float, ...]) -> Histogram:
    return Histogram(bounds, [0] * (len(bounds) + 1))


@dataclass(slots=True, kw_only=True)
class Metrics:
    """All figures of one server. ``identity`` are labels that every series has."""

    identity: Labels
    unit: Labels
    requests: dict[tuple[str, str, int, bool], Timing] = field(default_factory=dict)
    """By service, method, status, and whether they were copies that a gateway mirrored here."""
    hops: dict[tuple[str, str, str, int], Timing] = field(default_factory=dict)
    """Calls of units in other processes, by unit, service, method and status."""
    batch_rows: Histogram = field(default_factory=lambda: _histogram(SIZE_BUCKETS))
    batch_requests: Histogram = field(default_factory=lambda: _histogram(SIZE_BUCKETS))
    lone_calls: int = 0
    """Calls with one row of one request, the most frequent by far: in neither histogram until these are told."""
    load_seconds: dict[str, float] = field(default_factory=dict)
    """By unit."""
    feedback: int = 0
    reward: float = 0.0
    reward_negative: float = 0.0
    custom: dict[tuple[str, str, Labels], Histogram | list[float]] = field(default_factory=dict)
    dropped_series: int = 0
    gauges: dict[str, tuple[str, Callable[[], float]]] = field(default_factory=dict)
    """Own figures, read when asked: name to (help, reader); names that end in ``_total`` are counters."""
    labelled: dict[str, tuple[str, Callable[[], Mapping[Labels, float]]]] = field(default_factory=dict)
    """The same for figures with labels of their own: the reader gives a value for each."""

    def observe(self, service: str, method: str, code: int, seconds: float, *, copy: bool = False) -> None:
        """Count a request by service (``predictions``, ``feedback``, …), HTTP method and status."""
        key = (service, method, code, copy)
        histogram = self.requests.get(key)
        if histogram is None:
            histogram = self.requests[key] = _timing()
        histogram.observe(seconds)

    def hopped(self, unit: str, service: str, method: str, code: int, seconds: float) -> None:
        """Count a call of a unit in another process; the code is 0 if no answer came."""
        key = (unit, service, method, code)
        histogram = self.hops.get(key)
        if histogram is None:
            histogram = self.hops[key] = _timing()
        histogram.observe(seconds)

    def called(self, requests: int, rows: int) -> None:
        """Count a call of the model, with what it was given together."""
        if rows == 1 == requests:
            self.lone_calls += 1
        else:
            self.batch_requests.observe(requests)
            self.batch_rows.observe(rows)

    def told(self, metric: Metric) -> None:
        """Take in a figure that a model reported."""
        key = (metric.kind, metric.key, tuple(sorted(metric.tags.items())))
        if key not in self.custom and len(self.custom) >= SERIES:
            self.dropped_series += 1
            return
        series = self.custom.setdefault(key, _histogram(TIMER_BUCKETS) if metric.kind == "TIMER" else [0.0])
        if isinstance(series, Histogram):
            series.observe(metric.value / 1000)
        else:
            series[0] = metric.value + (series[0] if metric.kind == "COUNTER" else 0.0)


def exposition(metrics: Metrics) -> str:
    """Prometheus' text format, version 0.0.4."""
    lines = (
        *_requests(metrics),
        *_hops(metrics),
        *_feedback(metrics),
        *_custom(metrics),
        *_calls(metrics),
        *_own(metrics),
        *_labelled(metrics),
    )
    return "\n".join([*lines, ""])


def _requests(metrics: Metrics) -> Iterator[str]:
    text = "Time from the last byte of a request to its answer"
    series = []
    for (service, method, code, copy), timing in metrics.requests.items():
        labels = (*metrics.identity, ("service", service), ("method", method.lower()), ("code", str(code)))
        series.append(((*labels, ("copy", "true")) if copy else labels, timing))
    yield from _timings("seldon_api_executor_server_requests_seconds", text, series)


def _hops(metrics: Metrics) -> Iterator[str]:
    series = []
    for (unit, service, method, code), timing in metrics.hops.items():
        # A graph does not say which image or version runs in another process.
        model = (("model_name", unit), ("model_image", ""), ("model_version", ""))
        labels = (*metrics.identity, *model, ("service", service), ("method", method), ("code", str(code)))
        series.append((labels, timing))
    text = "Time of a call to a unit in another process; code 0: no answer"
    yield from _timings("seldon_api_executor_client_requests_seconds", text, series)


def _timings(name: str, text: str, series: list[tuple[Labels, Timing]]) -> Iterator[str]:
    """A histogram, and Seldon's summary beside it."""
    yield from _head(name, "histogram", text)
    for labels, timing in series:
        yield from _lines(name, labels, timing)
    yield from _head(f"{name}_summary", "summary", f"{text}; quantiles of the newest {RECENT}")
    for labels, timing in series:
        recent = sorted(timing.recent)
        for quantile in QUANTILES:
            value = recent[min(int(quantile * len(recent)), len(recent) - 1)]
            yield f"{name}_summary{_braces((*labels, ('quantile', f'{quantile:g}')))} {value!r}"
        yield f"{name}_summary_sum{_braces(labels)} {timing.total!r}"
        yield f"{name}_summary_count{_braces(labels)} {sum(timing.counts)}"


def _calls(metrics: Metrics) -> Iterator[str]:
    for name, text, histogram in (
        ("sluicegate_batch_rows", "Rows in one call of the model", metrics.batch_rows),
        ("sluicegate_batch_requests", "Requests in one call of the model", metrics.batch_requests),
    ):
        lone = metrics.lone_calls
        counts = [histogram.counts[0] + lone, *histogram.counts[1:]]
        yield from _head(name, "histogram", text)
        yield from _lines(name, metrics.identity, Histogram(SIZE_BUCKETS, counts, histogram.total + lone))
    name = "sluicegate_model_load_seconds"
    yield from _head(name, "gauge", "Time that a unit took to be fetched, proven and loaded")
    for unit, seconds in metrics.load_seconds.items():
        yield f"{name}{_braces((*metrics.identity, ('unit', unit)))} {seconds!r}"


def _feedback(metrics: Metrics) -> Iterator[str]:
    for name, value, text in (
        ("seldon_api_model_feedback_total", metrics.feedback, "Feedback received"),
        ("seldon_api_model_feedback_reward_total", metrics.reward, "Sum of rewards that were not negative"),
        ("seldon_api_model_feedback_reward_negative_total", metrics.reward_negative, "Sum of negative rewards' sizes"),
    ):
        yield from _head(name, "counter", text)
        yield f"{name}{_braces((*metrics.identity, *metrics.unit))} {value:g}"


def _custom(metrics: Metrics) -> Iterator[str]:
    seen: set[str] = set()
    for (kind, key, tags), series in sorted(metrics.custom.items(), key=lambda item: item[0]):
        name = _name(key)
        if name not in seen:
            seen.add(name)
            kinds = {"COUNTER": "counter", "GAUGE": "gauge", "TIMER": "histogram"}
            yield from _head(name, kinds[kind], "Reported by the model")
        own = tuple((_name(label), text) for label, text in tags)
        taken = {label for label, _ in own}
        labels = (*(pair for pair in (*metrics.identity, *metrics.unit) if pair[0] not in taken), *own)
        if isinstance(series, Histogram):
            yield from _lines(name, labels, series)
        else:
            yield f"{name}{_braces(labels)} {series[0]!r}"


def _own(metrics: Metrics) -> Iterator[str]:
    readers = {**metrics.gauges, "sluicegate_model_series_dropped_total": ("Model series beyond the limit", None)}
    for name, (text, reader) in readers.items():
        value = reader() if reader is not None else metrics.dropped_series
        yield from _head(name, "counter" if name.endswith("_total") else "gauge", text)
        yield f"{name}{_braces(metrics.identity)} {float(value)!r}"


def _labelled(metrics: Metrics) -> Iterator[str]:
    for name, (text, reader) in metrics.labelled.items():
        yield from _head(name, "counter" if name.endswith("_total") else "gauge", text)
        for labels, value in reader().items():
            yield f"{name}{_braces((*metrics.identity, *labels))} {float(value)!r}"


def _head(name: str, kind: str, text: str) -> tuple[str, str]:
    return f"# HELP {name} {text}", f"# TYPE {name} {kind}"


def _lines(name: str, labels: Labels, histogram: Histogram) -> Iterator[str]:
    running = 0
    for bound, count in zip((*map(repr, histogram.bounds), "+Inf"), histogram.counts, strict=True):
        running += count
        yield f"{name}_bucket{_braces((*labels, ('le', bound)))} {running}"
    yield f"{name}_sum{_braces(labels)} {histogram.total!r}"
    yield f"{name}_count{_braces(labels)} {running}"


def _braces(labels: Labels) -> str:
    return "{" + ",".join(f'{name}="{_escaped(value)}"' for name, value in labels) + "}"


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


def _name(key: str) -> str:
    name = "".join(letter if letter.isascii() and letter.isalnum() else "_" for letter in key)
    return f"_{name}" if name[:1].isdigit() else name
