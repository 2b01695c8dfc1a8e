"""A ``Series`` on the wire: JSON in camelCase, one array of whole numbers a count, all of length ``seconds``.

The collector writes it, ``collector.fetch_series`` reads it; nobody else needs to know the form.
"""

from dataclasses import fields
from typing import Any, TypeVar

import numpy as np

from sluicegate.monitoring.analysis.series import Arm, Counts, Pairs, Series
from sluicegate.monitoring.sources.errors import MalformedError

Part = TypeVar("Part", Arm, Pairs)


def write_series(series: Series) -> dict[str, Any]:
    """The JSON value of ``series``."""
    return {
        "start": series.start,
        "seconds": series.seconds,
        "stepStart": series.step_start,
        "stable": _write(series.stable),
        "candidate": _write(series.candidate),
        "pairs": _write(series.pairs),
        "drift": series.drift,
        "gaps": list(series.gaps),
    }


def read_series(value: Any) -> Series:
    """The series in a JSON value.

    Raises:
        MalformedError: a part is missing, or an array's length is not ``seconds``.

    """
    try:
        seconds = int(value["seconds"])
        return Series(
            start=float(value["start"]),
            seconds=seconds,
            step_start=int(value["stepStart"]),
            stable=_read(Arm, value, "stable", seconds),
            candidate=_read(Arm, value, "candidate", seconds),
            pairs=_read(Pairs, value, "pairs", seconds),
            drift={str(feature): float(score) for feature, score in value["drift"].items()},
            gaps=tuple(map(str, value["gaps"])),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise MalformedError(
            f"series: {error!r}; expected what /v1/series of this version's collector sends"
        ) from error


def camel(name: str) -> str:
    """``only_stable_wrong`` as ``onlyStableWrong``."""
    head, *tail = name.split("_")
    return head + "".join(word.title() for word in tail)


def _write(part: Arm | Pairs) -> dict[str, list[int]]:
    return {camel(slot.name): getattr(part, slot.name).astype(int).tolist() for slot in fields(part)}


def _read(part: type[Part], value: Any, name: str, seconds: int) -> Part:
    return part(**{slot.name: _counts(value[name][camel(slot.name)], seconds) for slot in fields(part)})


def _counts(values: Any, seconds: int) -> Counts:
    counts = np.asarray(values, dtype=np.float64)
    if counts.shape != (seconds,):
        raise ValueError(f"found an array of shape {counts.shape}; expected ({seconds},)")
    return counts
