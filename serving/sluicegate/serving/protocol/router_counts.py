"""What routers that learn have counted, as it travels from a server to its home, and as it lies there.

A server tells all that it counted since it began, never what is new: a report that comes twice, late or after a newer
one changes nothing. The two homes, the collector and a file, run the same statements.
"""

from collections.abc import Iterable, Mapping
from typing import Annotated, Any

import msgspec

from sluicegate.serving.protocol.errors import BadPayloadError

PATH = "/v1/routers"
_MOST = 2**53
_Name = Annotated[str, msgspec.Meta(max_length=253)]


class Count(msgspec.Struct, frozen=True):
    """Rows of which the reward became known, and the sum of their rewards, each from 0 to 1."""

    trials: Annotated[int, msgspec.Meta(ge=0, le=_MOST)] = 0
    reward: Annotated[float, msgspec.Meta(ge=0, le=_MOST)] = 0.0


Counts = Mapping[str, Count]
"""By the arm's name."""


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """All that one life of one server counted, by unit; ``incarnation`` is of that life alone."""

    namespace: _Name
    deployment: _Name
    predictor: _Name
    incarnation: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    units: dict[_Name, dict[_Name, Count]]


def later(one: Counts, other: Counts) -> dict[str, Count]:
    """What is known of one life by two of its reports, whichever is the newer: it never counts down."""
    return {
        arm: Count(
            max(one.get(arm, Count()).trials, other.get(arm, Count()).trials),
            max(one.get(arm, Count()).reward, other.get(arm, Count()).reward),
        )
        for arm in (*one, *(each for each in other if each not in one))
    }


def total(lives: Iterable[Counts]) -> dict[str, Count]:
    """What several lives counted together."""
    sums: dict[str, Count] = {}
    for counts in lives:
        for arm, count in counts.items():
            before = sums.get(arm, Count())
            sums[arm] = Count(before.trials + count.trials, before.reward + count.reward)
    return sums


def report_from(body: bytes) -> Report:
    """Read a report. Raises BadPayloadError."""
    try:
        return msgspec.json.decode(body, type=Report)
    except msgspec.DecodeError as error:
        raise BadPayloadError(
            "(body)", str(error), "namespace, deployment, predictor, incarnation and units"
        ) from error


def counts_from(body: bytes) -> dict[str, dict[str, Count]]:
    """Read counts by unit, as a home answers a report. Raises BadPayloadError."""
    try:
        return msgspec.json.decode(body, type=dict[str, dict[str, Count]])
    except msgspec.DecodeError as error:
        raise BadPayloadError("(body)", str(error), "trials and reward by unit and arm") from error


TABLE = """
CREATE TABLE IF NOT EXISTS router_counts (
  namespace TEXT NOT NULL, deployment TEXT NOT NULL, predictor TEXT NOT NULL, unit TEXT NOT NULL, arm TEXT NOT NULL,
  incarnation TEXT NOT NULL, trials INTEGER NOT NULL, reward REAL NOT NULL,
  PRIMARY KEY (namespace, deployment, predictor, unit, arm, incarnation)) WITHOUT ROWID;
"""
KEEP = """
INSERT INTO router_counts VALUES (?, ?, ?, ?, ?, ?, ?, ?)
 ON CONFLICT DO UPDATE SET trials = MAX(trials, excluded.trials), reward = MAX(reward, excluded.reward)
"""
"""``later``, as SQLite says it."""
OTHERS = """
SELECT unit, arm, SUM(trials), SUM(reward) FROM router_counts
 WHERE namespace = ? AND deployment = ? AND predictor = ? AND incarnation <> ? GROUP BY unit, arm
"""
"""``total`` of all lives but one."""


def rows_of(report: Report) -> list[tuple[Any, ...]]:
    """A report as rows for ``KEEP``."""
    place = (report.namespace, report.deployment, report.predictor)
    return [
        (*place, unit, arm, report.incarnation, count.trials, count.reward)
        for unit, counts in report.units.items()
        for arm, count in counts.items()
    ]


def counts_of(rows: Iterable[tuple[str, str, int, float]]) -> dict[str, dict[str, Count]]:
    """Rows of ``OTHERS`` by unit and arm."""
    found: dict[str, dict[str, Count]] = {}
    for unit, arm, trials, reward in rows:
        found.setdefault(unit, {})[arm] = Count(trials, reward)
    return found
