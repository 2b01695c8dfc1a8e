"""Increments between two looks at running totals."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sluicegate.monitoring.collector.history import carry_excess, slower_than
from sluicegate.monitoring.collector.sampling import increments, read_cluster_name
from sluicegate.monitoring.sources.gateway import ClusterCounts, GatewaySample

COUNTS = st.lists(st.integers(0, 9), min_size=1, max_size=30)


def sample(requests: int, errors: int = 0, uptime: float | None = None, **others: int) -> GatewaySample:
    clusters = {"n/d/p": ClusterCounts(requests=requests, errors=errors, slower=((100.0, errors),))}
    more = {name: ClusterCounts(requests=count) for name, count in others.items()}
    return GatewaySample(clusters=clusters | more, uptime=uptime)


def test_the_first_look_is_only_a_starting_point():
    """What happened before anybody looked belongs to no second."""
    assert increments(None, sample(7), 0.0).clusters == {}


def test_a_later_look_counts_what_is_new():
    """Requests, errors and slow ones; a cluster that is new counts wholly."""
    new = increments(sample(7, 1), sample(10, 3, other=4), 1.0)

    assert new.clusters["n/d/p"] == ClusterCounts(requests=3, errors=2, slower=((100.0, 2),))
    assert new.clusters["other"].requests == 4
    assert not new.resets


def test_a_total_that_fell_began_anew():
    """Then the total itself is what happened since."""
    new = increments(sample(7), sample(3), 1.0)

    assert new.clusters["n/d/p"].requests == 3
    assert new.resets == ("n/d/p",)


def test_a_restart_is_seen_even_if_totals_grew():
    """An uptime that is younger than it should be tells."""
    new = increments(sample(7, uptime=100.0), sample(9, uptime=30.0), 60.0)

    assert new.restarted
    assert new.clusters["n/d/p"].requests == 9
    assert not increments(sample(7, uptime=100.0), sample(9, uptime=158.0), 60.0).restarted


def test_cluster_names():
    """Predictors' clusters have three parts; copies carry a suffix; others are not ours."""
    mirror = read_cluster_name("default/flights/new~mirror")

    assert mirror is not None
    assert (mirror.namespace, mirror.deployment, mirror.predictor, mirror.mirror) == ("default", "flights", "new", True)
    assert read_cluster_name("xds_cluster") is None


def test_calls_by_grpc_are_their_predictors_requests():
    """The judge asks how a predictor does, not how it was asked; what asks for no prediction is left out there, too."""
    names = [read_cluster_name(f"default/flights/new{end}") for end in ("", "~mirror")]

    assert [read_cluster_name(f"default/flights/new~grpc{end}") for end in ("", "~mirror")] == names
    assert read_cluster_name("default/flights/new~grpc~mirror@10.0.0.7_9500") == names[1]
    assert read_cluster_name("default/flights/new~grpc~others") is None


@given(COUNTS, COUNTS)
def test_no_second_has_more_slow_requests_than_requests(events, requests):
    """What exceeds moves on; a longer series begins like a shorter one; nothing is invented."""
    size = min(len(events), len(requests))
    slow, all_requests = np.array(events[:size], float), np.array(requests[:size], float)

    carried = carry_excess(slow, all_requests)

    assert np.all((carried >= 0) & (carried <= all_requests))
    assert np.all(np.cumsum(carried) <= np.cumsum(slow))
    assert np.array_equal(carry_excess(slow[: size // 2], all_requests[: size // 2]), carried[: size // 2])


def test_slower_than_a_threshold_between_bounds_counts_the_surely_slower():
    """The next bound above it decides."""
    assert [slower_than([(100.0, 5), (250.0, 2)], at) for at in (100, 101, 250, 300)] == [5, 2, 2, 0]
