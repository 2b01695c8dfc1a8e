"""A fitted scikit-learn model, asked for answers: the same way in training, evaluation and comparison."""

from pathlib import Path
from typing import Any

import joblib
import numpy as np
import numpy.typing as npt
import pandas as pd

from sluicegate.components.artefacts.code import importable
from sluicegate.components.errors import InputRefusedError
from sluicegate.serving.bundle.manifest import Method

Answers = npt.NDArray[Any]


def load_model(file: Path, code: str = "") -> Any:
    """Load a model whose classes may live in ``code``.

    Raises:
        InputRefusedError: the file does not load here.

    """
    try:
        with importable(code):
            return joblib.load(file)
    except (OSError, ImportError, AttributeError, ValueError) as error:
        raise InputRefusedError(f"{file}: the model does not load: {type(error).__name__}: {error}") from error


def answers(model: Any, method: Method, frame: pd.DataFrame) -> Answers:
    """Probabilities (rows x classes) or predictions (rows)."""
    return np.asarray(getattr(model, method)(frame))


def positive_score(found: Answers) -> npt.NDArray[np.float64] | None:
    """One figure a row for drift of the prediction: the probability of the second of two classes, the largest of more,
    or the prediction itself; None when predictions are no numbers.
    """
    if found.ndim == 2:
        return np.asarray(found[:, -1] if found.shape[1] <= 2 else found.max(axis=1), dtype=float)
    return np.asarray(found, dtype=float) if np.issubdtype(found.dtype, np.number) else None
