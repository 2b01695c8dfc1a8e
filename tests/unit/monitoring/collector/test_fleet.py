"""Several Envoys are one gateway: nothing is counted twice or lost when they come and go."""

import asyncio

import pytest

from sluicegate.monitoring.collector.fleet import Fleet, statistics_of
from sluicegate.monitoring.collector.sampling import increments
from sluicegate.monitoring.sources.errors import UnreachableError
from sluicegate.monitoring.sources.gateway import ClusterCounts, EnvoyAdmin, GatewaySample

NAME = "default/flights/v1"


class Envoys:
    """Envoys by address with their running totals; one without a total does not answer."""

    def __init__(self) -> None:
        self.totals: dict[str, int | None] = {}

    async def lookup(self) -> frozenset[str]:
        """Who is there."""
        return frozenset(self.totals)

    def admin(self, address: str) -> "Envoy":
        """The reader of one."""
        return Envoy(self, address)


class Envoy:
    """One Envoy's statistics, of ``Envoys``."""

    def __init__(self, envoys: Envoys, address: str) -> None:
        self._envoys, self._address = envoys, address

    async def read(self) -> GatewaySample:
        """Its totals now."""
        total = self._envoys.totals.get(self._address)
        if total is None:
            raise UnreachableError("no answer")
        return GatewaySample(clusters={NAME: ClusterCounts(requests=total, errors=total // 10, slower=((5.0, total),))})

    async def close(self) -> None:
        """Nothing is held."""


def counted(*moments: dict[str, int | None]) -> list[int]:
    """Requests that a collector counts at each of these moments."""

    async def scenario() -> list[int]:
        envoys, previous, found = Envoys(), None, []
        fleet = Fleet(envoys.lookup, envoys.admin, nobody="none is there")
        for totals in moments:
            envoys.totals = totals
            sample = await fleet.read()
            found.append(increments(previous, sample, 1.0).clusters.get(NAME, ClusterCounts()).requests)
            previous = sample
        return found

    return asyncio.run(scenario())


def test_totals_of_all_are_added_up() -> None:
    assert counted({"a": 10, "b": 5}, {"a": 12, "b": 9}, {"a": 12, "b": 10}) == [0, 6, 1]


def test_one_that_leaves_takes_nothing_away_and_one_that_comes_begins_at_zero() -> None:
    assert counted({"a": 100, "b": 5}, {"b": 6}, {"b": 6, "c": 4}, {"a": 3, "b": 6, "c": 4}) == [0, 1, 4, 3]


def test_one_that_does_not_answer_is_counted_when_it_does_again() -> None:
    assert counted({"a": 10, "b": 5}, {"a": 11, "b": None}, {"a": 12, "b": 8}) == [0, 1, 4]


def test_one_that_began_anew_is_counted_from_zero() -> None:
    assert counted({"a": 10}, {"a": 4}) == [0, 4]


def test_the_first_look_of_a_new_life_is_only_a_beginning() -> None:
    former = GatewaySample(clusters={NAME: ClusterCounts(requests=900)})
    fresh = GatewaySample(clusters={NAME: ClusterCounts(requests=100)}, begins=True)

    assert increments(former, fresh, 5.0).clusters == {}


@pytest.mark.parametrize("totals", [{}, {"a": None}], ids=["none there", "none answers"])
def test_a_gateway_without_figures_is_unreachable_and_not_idle(totals: dict[str, int | None]) -> None:
    with pytest.raises(UnreachableError):
        counted(totals)


def test_an_address_is_one_envoy_and_a_name_is_all_behind_it() -> None:
    assert isinstance(statistics_of("http://127.0.0.1:9901"), EnvoyAdmin)
    assert isinstance(statistics_of("http://gateway-statistics:8005"), Fleet)
