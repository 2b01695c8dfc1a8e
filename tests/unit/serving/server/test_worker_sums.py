"""Figures of several workers as one exposition."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from sluicegate.serving.protocol.messages import Metric
from sluicegate.serving.server.metrics import Metrics, exposition
from sluicegate.serving.server.workers.sums import Figures, figures_of, together


def _told(requests: int, reported: int, gauge: float, tag: str = "x") -> str:
    metrics = Metrics(
        identity=(("deployment_name", "d"),), unit=(), gauges={"sluicegate_level": ("A level", lambda: 2.0)}
    )
    for _ in range(requests):
        metrics.observe("predictions", "POST", 200, 0.25)
    for _ in range(reported):
        metrics.told(Metric(key="calls", kind="COUNTER", value=1.5, tags={"tag": tag}))
    metrics.told(Metric(key="heat", kind="GAUGE", value=gauge))
    return exposition(metrics)


def _values(text: str, name: str) -> dict[tuple[tuple[str, str], ...], float]:
    return {
        tuple(sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == name
    }


def test_counts_are_added_and_levels_are_each_workers_own() -> None:
    alive = {0: figures_of(_told(3, 1, 20.0)), 1: figures_of(_told(4, 2, 30.0))}
    ended = Figures()
    ended.add(figures_of(_told(5, 0, 99.0)))
    text = together(alive, ended)
    name = "seldon_api_executor_server_requests_seconds"
    assert sum(_values(text, f"{name}_count").values()) == 12
    assert sum(_values(text, f"{name}_sum").values()) == pytest.approx(12 * 0.25)
    assert sum(_values(text, "calls_total").values()) in (0, 4.5)
    assert sum(_values(text, "calls").values()) in (0, 4.5)
    heats = {dict(labels)["worker"]: value for labels, value in _values(text, "heat").items()}
    assert heats == {"0": 20.0, "1": 30.0}
    levels = _values(text, "sluicegate_level")
    assert {dict(labels)["worker"] for labels in levels} == {"0", "1"}


def test_a_tag_with_spaces_and_braces_is_one_label() -> None:
    text = together({0: figures_of(_told(1, 2, 1.0, tag='a } b="c'))}, Figures())
    found = [line for line in text.splitlines() if line.startswith("calls{")]
    assert len(found) == 1
    assert found[0].endswith(" 3")


@given(
    st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=1, max_size=4),
    st.text(string.printable, max_size=10),
)
def test_no_counter_falls_when_a_worker_ends(counts: list[tuple[int, int]], tag: str) -> None:
    figures = {number: figures_of(_told(a, b, 1.0, tag)) for number, (a, b) in enumerate(counts)}
    before = figures_of(together(figures, Figures()))
    ended = Figures()
    ended.add(figures.pop(0))
    after = figures_of(together(figures, ended))
    assert after.counts == before.counts
