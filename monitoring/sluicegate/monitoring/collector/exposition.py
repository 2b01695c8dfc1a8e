"""The collector's figures in Prometheus' text format, drift under Seldon's metric names.

Counters come from the database's totals, so they do not fall when the process restarts.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from sluicegate.monitoring.quality.joining import PairCounts

PLACE = ("seldon_deployment_namespace", "deployment_name")


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentFigures:
    """One deployment's totals, by predictor or by two of them."""

    namespace: str
    name: str
    totals: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    pairs: Mapping[tuple[str, str], PairCounts] = field(default_factory=dict)
    drift: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    alarms: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    episodes: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Everything that is exposed. ``own`` are counts of this process since its start, by what became of an event."""

    deployments: tuple[DeploymentFigures, ...] = ()
    own: Mapping[str, int] = field(default_factory=dict)
    alerts_waiting: int = 0


def expose(figures: Figures) -> bytes:
    """The text of ``/metrics``."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Once(figures))
    return generate_latest(registry)


@dataclass(frozen=True, slots=True, eq=False)
class _Once(Collector):
    figures: Figures

    def collect(self) -> Iterator[Metric]:
        yield from _requests(self.figures)
        yield from _pairs(self.figures)
        yield from _drift(self.figures)
        yield from _own(self.figures)


def _requests(figures: Figures) -> Iterator[Metric]:
    family = CounterMetricFamily(
        "sluicegate_collector_rows",
        "What was counted of a predictor: log events, labels, and the gateway's requests and errors.",
        labels=(*PLACE, "predictor_name", "kind"),
    )
    for place in figures.deployments:
        for predictor, counts in place.totals.items():
            for kind, value in counts.items():
                family.add_metric((place.namespace, place.name, predictor, kind), value)
    yield family


def _pairs(figures: Figures) -> Iterator[Metric]:
    family = CounterMetricFamily(
        "sluicegate_collector_pairs",
        "Rows that two predictors answered: all, flipped, labelled, and those that exactly one got wrong.",
        labels=(*PLACE, "first", "second", "kind"),
    )
    for place in figures.deployments:
        for predictors, counts in place.pairs.items():
            for kind, value in counts._asdict().items():
                family.add_metric((place.namespace, place.name, *predictors, kind), value)
    yield family


def _drift(figures: Figures) -> Iterator[Metric]:
    labels = (*PLACE, "predictor_name", "feature")
    distance = GaugeMetricFamily("seldon_metric_drift_distance", "Score in units of its threshold.", labels=labels)
    threshold = GaugeMetricFamily(
        "seldon_metric_drift_threshold", "A score above this, for several windows in a row, is an alarm.", labels=labels
    )
    is_drift = GaugeMetricFamily("seldon_metric_drift_is_drift", "1 while the feature is in alarm.", labels=labels)
    episodes = CounterMetricFamily("seldon_metric_drift_counter", "Episodes of drift.", labels=labels[:-1])
    for place in figures.deployments:
        for predictor, scores in place.drift.items():
            for feature, score in scores.items():
                where = (place.namespace, place.name, predictor, feature)
                distance.add_metric(where, score)
                threshold.add_metric(where, 1)
                is_drift.add_metric(where, feature in place.alarms.get(predictor, {}))
        for predictor, count in place.episodes.items():
            episodes.add_metric((place.namespace, place.name, predictor), count)
    yield from (distance, threshold, is_drift, episodes)


def _own(figures: Figures) -> Iterator[Metric]:
    family = CounterMetricFamily(
        "sluicegate_collector_events",
        "Events by what became of them since this process started. malformed: refused, and the rest of the batch kept; "
        "dropped: refused because the disk lagged.",
        labels=("outcome",),
    )
    for outcome, value in figures.own.items():
        family.add_metric((outcome,), value)
    yield family
    yield GaugeMetricFamily(
        "sluicegate_collector_alerts_waiting", "Alerts not yet taken by their receiver.", value=figures.alerts_waiting
    )
