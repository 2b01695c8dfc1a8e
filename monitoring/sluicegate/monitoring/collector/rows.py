"""Rows of one predictor on their way to its detector: a request's columns and its answer's scores, put together again.

They come as two events, in either order, seldom far apart. What waits too long for its other half goes on without it.
"""

from dataclasses import dataclass, field
from math import nan
from typing import Any

from sluicegate.monitoring.quality.decisions import is_number

MOST_HALVES = 2_000
MOST_ROWS = 20_000
"""Rows that wait for the detector's next turn; more are left out."""

Columns = dict[str, list[Any]]


@dataclass(slots=True)
class Rows:
    """Halves that wait for each other, and whole rows that wait for the detector."""

    _requests: dict[str, Columns] = field(default_factory=dict)
    _answers: dict[str, list[float]] = field(default_factory=dict)
    _columns: Columns = field(default_factory=dict)
    _scores: list[float] = field(default_factory=list)

    def request(self, request: str, columns: Columns) -> None:
        """One half: what was asked."""
        columns = {name: [_cell(value) for value in values] for name, values in columns.items()}
        if request in self._answers:
            self._join(columns, self._answers.pop(request))
            return
        self._requests[request] = columns
        if len(self._requests) > MOST_HALVES:
            self._join(self._requests.pop(next(iter(self._requests))), [])

    def answer(self, request: str, scores: list[float]) -> None:
        """The other half: what was answered."""
        if request in self._requests:
            self._join(self._requests.pop(request), scores)
            return
        self._answers[request] = scores
        if len(self._answers) > MOST_HALVES:
            self._join({}, self._answers.pop(next(iter(self._answers))))

    def take(self) -> tuple[Columns, list[float]]:
        """All whole rows so far: every column and the scores have one value a row, None or NaN where it was absent."""
        columns, scores = self._columns, self._scores
        self._columns, self._scores = {}, []
        for values in columns.values():
            values.extend([None] * (len(scores) - len(values)))
        return columns, scores

    def _join(self, columns: Columns, scores: list[float]) -> None:
        count = max(len(scores), *(len(values) for values in columns.values()), 0)
        before = len(self._scores)
        if before + count > MOST_ROWS:
            return
        for name, values in columns.items():
            known = self._columns.setdefault(name, [])
            known.extend([None] * (before - len(known)))
            known.extend(values)
        self._scores.extend((scores + [nan] * count)[:count])


def _cell(value: Any) -> Any:
    return value if isinstance(value, str) or is_number(value) else None
