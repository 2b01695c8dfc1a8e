"""Two models on the same rows: figures side by side, and how often their decisions differ.

Decisions are made by the very function that later reads live answers, so that "1.4 % flip" means the same in both.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy.typing as npt
import pandas as pd

from sluicegate.components.errors import NotAnsweredError
from sluicegate.components.evaluation import figures
from sluicegate.components.evaluation.contestants import Contestant
from sluicegate.monitoring.quality.decisions import Decision, decide
from sluicegate.monitoring.quality.payloads import Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """The comparison. ``disagreement`` is the share of rows on which the decisions differ."""

    champion_name: str
    candidate: Mapping[str, float]
    champion: Mapping[str, float]
    disagreement: float
    rows: int

    def figures(self) -> dict[str, float]:
        """Flat, as the metrics pages show it: name, ``champion_`` name, ``improvement_`` of each."""
        both = [name for name in self.candidate if name in self.champion]
        return {
            "rows": self.rows,
            "disagreement": self.disagreement,
            **self.candidate,
            **{f"champion_{name}": self.champion[name] for name in both},
            **{f"improvement_{name}": self._improvement(name) for name in both},
        }

    def too_much_worse(self, allowed: Mapping[str, float]) -> list[str]:
        """What is worse than allowed; a figure that one of them lacks never passes."""
        return [
            f"{name}: found {self._text(name)}; allowed to be worse by {limit:g} than {self.champion_name}"
            for name, limit in allowed.items()
            if not (name in self.candidate and name in self.champion and self._improvement(name) >= -limit)
        ]

    def _improvement(self, name: str) -> float:
        return figures.improvement(name, self.candidate[name], self.champion[name])

    def _text(self, name: str) -> str:
        if name not in self.candidate or name not in self.champion:
            return "no such metric"
        return f"{self.candidate[name]:.4g} against {self.champion[name]:.4g}"


def compare(candidate: Contestant, champion: Contestant, frame: pd.DataFrame, truth: "pd.Series[Any]") -> Pair:
    """Ask both, measure both, count differing decisions; on the rows that the champion can answer.

    Raises:
        NotAnsweredError: one of them raises even on rows without a missing value.

    """
    try:
        old = champion.answer(frame)
    except NotAnsweredError:
        complete = frame[list(champion.signature.columns)].notna().all(axis=1)
        if complete.all() or not complete.any():
            raise
        frame, truth = frame[complete], truth[complete]
        old = champion.answer(frame)
    new = candidate.answer(frame)
    left, right = decisions(new, candidate), decisions(old, champion)
    return Pair(
        champion_name=champion.name,
        candidate=figures.measure(new, truth, candidate),
        champion=figures.measure(old, truth, champion),
        disagreement=sum(a != b for a, b in zip(left, right, strict=True)) / len(left),
        rows=len(left),
    )


def decisions(answers: npt.NDArray[Any], contestant: Contestant) -> tuple[Decision, ...]:
    """What each answer decided."""
    rows = answers.tolist() if answers.ndim == 2 else [[value] for value in answers.tolist()]
    names = contestant.signature.outputs if answers.ndim == 2 else ()
    return decide(Table(rows=rows, names=names), names)
