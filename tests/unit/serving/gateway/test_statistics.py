"""Envoy's statistics as counters. The JSON beside this file is what a real Envoy 1.40 answered."""

import json
from pathlib import Path

import pytest

from sluicegate.serving.gateway.errors import UnreadableStatisticsError
from sluicegate.serving.gateway.statistics import ClusterCounters, read_statistics

REAL = Path(__file__).with_name("envoy_statistics.json").read_text()


def test_a_real_answer_has_every_predictor_and_its_copies_apart() -> None:
    """Clusters of predictors only, by their names; Envoy's second set of figures (external) is left out."""
    found = read_statistics(REAL)

    assert set(found) == {f"shop/flights/{name}" for name in ("v1", "v2", "v2~mirror", "dead", "none", "slow")}


def test_totals_errors_and_servers_of_a_real_answer() -> None:
    """13 requests that the model answered with 500, by one ready server."""
    found = read_statistics(REAL)["shop/flights/v1"]

    assert (found.completed, found.errors, found.timed, found.ready_servers, found.servers) == (13, 13, 13, 1, 1)


def test_slow_counts_answers_above_the_threshold_and_time_outs() -> None:
    """Three of ten answers took more than 250 ms, and two requests got none."""
    counters = ClusterCounters(completed=12, timeouts=2, buckets=((100.0, 4), (250.0, 7), (3600000.0, 10)))

    assert counters.slow(250) == 5
    assert counters.slow(300) == 5
    assert counters.slow(50) == 12


def test_a_cluster_without_requests_has_nothing_slow() -> None:
    """No buckets is not an error: Envoy writes a histogram only after the first answer."""
    assert ClusterCounters().slow(250) == 0


def test_calls_are_counted_by_the_status_that_they_ended_with() -> None:
    """All are 200 to HTTP, and what HTTP says of the gateway's own answers would count these twice."""
    found = read_statistics(
        json.dumps(
            {
                "stats": [
                    {"name": f"cluster.n/d/v1~grpc.{name}", "value": value}
                    for name, value in {"upstream_rq_completed": 99, "upstream_rq_5xx": 3, "grpc.0": 50}.items()
                ]
                + [{"name": f"cluster.n/d/v1~grpc.grpc.{status}", "value": 1} for status in range(1, 18)]
            }
        )
    )["n/d/v1~grpc"]

    assert (found.completed, found.errors, found.client_errors) == (67, 8, 9)


def test_what_came_too_much_is_an_error_of_the_servers() -> None:
    """429 is a 4xx to Envoy, but a candidate that cannot keep up fails its users."""
    figures = {"upstream_rq_completed": 20, "upstream_rq_5xx": 1, "upstream_rq_4xx": 5, "upstream_rq_429": 3}
    stats = [{"name": f"cluster.n/d/v1.{name}", "value": value} for name, value in figures.items()]

    found = read_statistics(json.dumps({"stats": stats}))["n/d/v1"]

    assert (found.errors, found.client_errors) == (4, 2)


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"stats": [{"name": 1}]}', '{"stats": [{"histograms": [{}]}]}'])
def test_what_is_not_statistics_is_refused_by_name(text: str) -> None:
    """An error page or another Envoy's format must not read as zero requests."""
    with pytest.raises(UnreadableStatisticsError, match="expected Envoy's statistics"):
        read_statistics(text)
