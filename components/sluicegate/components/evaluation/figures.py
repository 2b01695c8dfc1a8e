"""Figures of a model's answers against the truth, under scikit-learn's names and definitions."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn import metrics

from sluicegate.components.errors import InputRefusedError
from sluicegate.components.evaluation.contestants import Contestant
from sluicegate.monitoring.quality.decisions import label

HIGHER_IS_BETTER = frozenset({"roc_auc", "average_precision", "accuracy", "r2"})


def measure(answers: npt.NDArray[Any], truth: "pd.Series[Any]", contestant: Contestant) -> dict[str, float]:
    """All figures that the answers allow; probabilities allow more than bare classes."""
    if truth.isna().any():
        raise InputRefusedError(f"held_out: {int(truth.isna().sum())} of {len(truth)} rows have no {truth.name!r}")
    if answers.ndim == 2:
        return _of_probabilities(answers, _positions(truth, contestant), len(contestant.signature.outputs))
    if np.issubdtype(answers.dtype, np.floating):
        return _of_numbers(answers.astype(float), truth.to_numpy(dtype=float))
    decided = np.asarray([label(_plain(value)) for value in answers])
    true = np.asarray([label(_plain(value)) for value in truth])
    return {"accuracy": float(np.mean(decided == true))}


def not_reached(found: Mapping[str, float], at_least: Mapping[str, float], at_most: Mapping[str, float]) -> list[str]:
    """What a gate asks for and the figures do not give; a figure that does not exist never passes."""
    low = [
        f"{name}: found {_text(found.get(name))}; required at least {limit:g}"
        for name, limit in at_least.items()
        if not found.get(name, float("-inf")) >= limit
    ]
    high = [
        f"{name}: found {_text(found.get(name))}; required at most {limit:g}"
        for name, limit in at_most.items()
        if not found.get(name, float("inf")) <= limit
    ]
    return low + high


def improvement(name: str, candidate: float, champion: float) -> float:
    """How much better the candidate is in one figure; negative when it is worse."""
    return candidate - champion if name in HIGHER_IS_BETTER else champion - candidate


def _of_probabilities(answers: npt.NDArray[Any], true: npt.NDArray[np.int64], classes: int) -> dict[str, float]:
    exact = np.eye(classes)[true]
    found = {
        "accuracy": float(np.mean(answers.argmax(axis=1) == true)),
        "log_loss": float(metrics.log_loss(true, answers, labels=np.arange(classes))),
        # Two classes: Brier's score of the positive one, as everybody quotes it; more: the sum over classes.
        "brier": float(np.mean(np.sum((answers - exact) ** 2, axis=1)) / (2 if classes == 2 else 1)),
    }
    if classes == 2 and len(np.unique(true)) == 2:
        found["roc_auc"] = float(metrics.roc_auc_score(true, answers[:, 1]))
        found["average_precision"] = float(metrics.average_precision_score(true, answers[:, 1]))
        found["base_rate"] = float(np.mean(true))
    return found


def _of_numbers(answers: npt.NDArray[np.float64], truth: npt.NDArray[np.float64]) -> dict[str, float]:
    error = answers - truth
    spread = float(np.sum((truth - truth.mean()) ** 2))
    found = {"mae": float(np.mean(np.abs(error))), "rmse": float(np.sqrt(np.mean(error**2)))}
    return found | ({"r2": 1.0 - float(np.sum(error**2)) / spread} if spread else {})


def _positions(truth: "pd.Series[Any]", contestant: Contestant) -> npt.NDArray[np.int64]:
    place = {name: index for index, name in enumerate(contestant.signature.outputs)}
    names = [str(label(_plain(value))) for value in truth]
    unknown = sorted(set(names) - set(place))
    if unknown:
        raise InputRefusedError(
            f"held_out: class {unknown[0]!r} of {truth.name!r} was not among those learned: {list(place)}"
        )
    return np.asarray([place[name] for name in names], dtype=np.int64)


def _plain(value: Any) -> Any:
    return value.item() if hasattr(value, "item") else value


def _text(value: float | None) -> str:
    return "no such metric" if value is None else f"{value:.4g}"
