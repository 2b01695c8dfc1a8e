"""What is learnt goes home, is not lost while the home is away, and delays no answer for long."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from sluicegate.serving.protocol.router_counts import Count, Report
from sluicegate.serving.runtime.bandits import EpsilonGreedy
from sluicegate.serving.runtime.tally import Tally
from sluicegate.serving.server.errors import SettingsRefusedError
from sluicegate.serving.server.metrics import Metrics, exposition
from sluicegate.serving.server.router_homes import FileHome, Home, HomeError, home_of
from sluicegate.serving.server.router_sharing import Place, Sharing, figures_of, sharing_of
from sluicegate.serving.server.settings import read_settings
from sluicegate.serving.server.traced import TracedUnit

PLACE = Place(namespace="n", deployment="d", predictor="p")


class Moody:
    """A home that is there or not."""

    def __init__(self, inner: Home) -> None:
        self.inner, self.there = inner, True

    def exchange(self, report: Report) -> dict[str, dict[str, Count]]:
        """As the port says."""
        if not self.there:
            raise HomeError("nobody there")
        return self.inner.exchange(report)


def sharing(home: Home | None, patience: float = 10.0) -> Sharing:
    """Of one process."""
    return Sharing(tallies={"r": Tally(("a", "b"))}, home=home, place=PLACE, patience=patience)


def test_two_processes_know_what_both_learnt(tmp_path: Path) -> None:
    one, other = (sharing(FileHome(tmp_path / "home.sqlite")) for _ in range(2))
    one.tallies["r"].learn(0, 2, 0.5)
    other.tallies["r"].learn(0, 1, 1.0)

    async def exchange() -> None:
        for each in (one, other, one, one, other):
            await each.exchange()

    asyncio.run(exchange())
    assert one.tallies["r"].known() == other.tallies["r"].known() == (Count(3, 2.0), Count())


def test_feedback_is_answered_when_it_is_at_home(tmp_path: Path) -> None:
    process, answered = sharing(FileHome(tmp_path / "home.sqlite")), []

    async def told() -> None:
        process.tallies["r"].learn(1, 1, 1.0)
        process.settle(lambda: answered.append(process.kept_back))
        assert not answered
        await process.exchange()

    asyncio.run(told())
    assert (answered, process.late) == ([0], 0)


def test_a_home_that_is_away_delays_no_answer_for_long_and_misses_nothing(tmp_path: Path) -> None:
    home = Moody(FileHome(tmp_path / "home.sqlite"))
    process, other = sharing(home, patience=0.0), sharing(home)
    home.there = False

    async def lived() -> None:
        process.tallies["r"].learn(1, 1, 1.0)
        answered = asyncio.Event()
        process.settle(answered.set)
        await process.exchange()
        await answered.wait()
        assert (process.late, process.kept_back, process.tallies["r"].known()[1]) == (1, 1, Count(1, 1.0))
        home.there = True
        await process.exchange()
        await other.exchange()

    asyncio.run(lived())
    assert (process.kept_back, other.tallies["r"].known()[1]) == (0, Count(1, 1.0))


def test_without_a_home_feedback_is_answered_at_once_and_the_log_says_so(caplog: pytest.LogCaptureFixture) -> None:
    process, answered = sharing(None), []
    process.tallies["r"].learn(1, 1, 1.0)

    process.settle(lambda: answered.append(True))
    asyncio.run(process.begin())

    assert answered
    assert "routers 'r' keep what they learn in this process alone" in caplog.text


def test_metrics_tell_each_arm() -> None:
    process = sharing(None)
    process.tallies["r"].chosen(1)
    process.tallies["r"].learn(1, 4, 0.5)
    process.tallies["r"].take({"b": Count(6, 6.0)})

    text = exposition(Metrics(identity=(), unit=(), labelled=figures_of(process)))

    for line in (
        'sluicegate_router_pulls_total{unit="r",arm="b"} 1.0',
        'sluicegate_router_trials_total{unit="r",arm="b"} 4.0',
        'sluicegate_router_reward_total{unit="r",arm="b"} 2.0',
        'sluicegate_router_known_trials{unit="r",arm="b"} 10.0',
        'sluicegate_router_known_reward{unit="r",arm="a"} 0.0',
    ):
        assert line in text


@pytest.mark.parametrize(
    ("place", "deployment", "found"),
    [("ftp://host/x", "d", "ftp://host/x"), ("http://", "d", "http://"), ("http://host:1", "", "none")],
)
def test_a_place_that_is_no_home_is_refused(place: str, deployment: str, found: str) -> None:
    with pytest.raises(SettingsRefusedError, match=found):
        home_of(place, deployment)


@pytest.mark.parametrize("spelled", ["{}", "file://{}"])
def test_a_file_is_a_home(tmp_path: Path, spelled: str) -> None:
    home: Any = home_of(spelled.format(tmp_path / "deep" / "home.sqlite"), "")

    home.exchange(Report(namespace="", deployment="", predictor="", incarnation="1", units={"r": {"a": Count(1, 1)}}))

    assert (tmp_path / "deep" / "home.sqlite").is_file()


def test_a_router_that_is_traced_is_known_for_one_that_learns() -> None:
    tally = Tally(("a", "b"))
    unit = TracedUnit(EpsilonGreedy(name="r", tally=tally), None)  # type: ignore[arg-type]  # nothing is called
    found = sharing_of({"r": unit, "m": object()}, read_settings((), {}))
    assert found is not None
    assert found.tallies == {"r": tally}
