"""Parts a table in two: by time, because tomorrow is what a model meets, or at random where rows have no time."""

from dataclasses import dataclass

import pandas as pd

from sluicegate.components.artefacts.tables import require_columns
from sluicegate.components.errors import InputRefusedError


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """Moments in ISO 8601; empty where nothing is said."""

    start: str
    split_at: str
    end: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """The two parts and the moment between them."""

    training: pd.DataFrame
    held_out: pd.DataFrame
    boundary: str


def by_time(frame: pd.DataFrame, column: str, period: Period, held_out_share: float) -> Parts:
    """Hold out what is at or after the boundary: the moment given, else the quantile that leaves the share."""
    require_columns(frame, [column], argument="time_column")
    moments = pd.to_datetime(frame[column])
    kept = moments.notna()
    if period.start:
        kept &= moments >= _moment(period.start, moments, argument="start")
    if period.end:
        kept &= moments < _moment(period.end, moments, argument="end")
    frame, moments = frame[kept], moments[kept]
    if frame.empty:
        raise InputRefusedError(f"start, end: no row between {period.start or 'ever'} and {period.end or 'ever'}")
    if period.split_at:
        boundary = _moment(period.split_at, moments, argument="split_at")
    else:
        boundary = moments.sort_values().iloc[_position(len(moments), held_out_share)]
    later = moments >= boundary
    return _parts(frame[~later], frame[later], boundary.isoformat())


def at_random(frame: pd.DataFrame, held_out_share: float, seed: int) -> Parts:
    """Hold out a random share of the rows."""
    shuffled = frame.sample(frac=1.0, random_state=seed)
    position = _position(len(frame), held_out_share)
    return _parts(shuffled.iloc[:position], shuffled.iloc[position:], "")


def _position(rows: int, held_out_share: float) -> int:
    if not 0 < held_out_share < 1:
        raise InputRefusedError(f"held_out_share: found {held_out_share:g}; expected between 0 and 1")
    return min(max(round(rows * (1 - held_out_share)), 0), rows - 1)


def _moment(text: str, like: "pd.Series[pd.Timestamp]", *, argument: str) -> pd.Timestamp:
    try:
        moment = pd.Timestamp(text)
    except ValueError as error:
        raise InputRefusedError(f"{argument}: found {text!r}; expected a moment in ISO 8601") from error
    zone = like.dt.tz
    return moment.tz_localize(zone) if zone is not None and moment.tzinfo is None else moment


def _parts(training: pd.DataFrame, held_out: pd.DataFrame, boundary: str) -> Parts:
    for name, part in (("training", training), ("held-out", held_out)):
        if part.empty:
            raise InputRefusedError(
                f"the {name} part is empty (boundary {boundary or 'at random'}); choose another split"
            )
    return Parts(training=training, held_out=held_out, boundary=boundary)
