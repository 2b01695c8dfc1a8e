"""XGBoost: a booster in UBJSON, JSON or the old binary form, asked in place, without a DMatrix.

Loaded through ``loading`` when XGBOOST_SERVER is served. It answers what ``Booster.predict`` does, as Seldon's server;
where the booster cannot be asked in place (linear ones), or would answer otherwise, a DMatrix is made.
"""

import json
import logging
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import xgboost

from sluicegate.serving.bundle.errors import BundleRefused
from sluicegate.serving.protocol.messages import Array
from sluicegate.serving.runtime.boosters import Engine, both_classes, method_of, signature_of
from sluicegate.serving.runtime.columns import Columns
from sluicegate.serving.runtime.model_unit import ModelUnit
from sluicegate.serving.runtime.proving import proven
from sluicegate.serving.runtime.sources import Loaded, Source, open_model

_LOG = logging.getLogger(__name__)
_BINARY, _SEVERAL = "binary:logistic", "multi:softprob"


def load(source: Source) -> Loaded:
    """Load and prove. Raises BundleRefused."""
    opened = open_model(source)
    booster = _read(opened.path)
    objective = _objective(booster)
    width = int(booster.num_features())
    answer = _engine(booster, width)
    probabilities = {_BINARY: lambda matrix: both_classes(answer(matrix)), _SEVERAL: answer}.get(objective)
    method = method_of(source, opened, probabilities, objective)
    signature = signature_of(opened, list(booster.feature_names or ()), width)
    unit = ModelUnit(
        name=source.name,
        model=booster,
        method=method,
        take=Columns(signature.inputs, width).matrix,
        engine=probabilities if method == "predict_proba" and probabilities else answer,
        classes=signature.outputs,
        stackable=True,
    )
    return proven(unit, opened, signature, width=width)


def _read(path: Path) -> Any:
    booster = xgboost.Booster()
    try:
        with warnings.catch_warnings():
            # It guesses the form of `.bst`, rightly, and says so; the old binary form is what Seldon's users have.
            warnings.simplefilter("ignore")
            booster.load_model(path)
    except (xgboost.core.XGBoostError, ValueError, OSError) as error:
        reason = str(error).partition("\nStack trace")[0].strip()
        expected = f"a booster that XGBoost {xgboost.__version__} reads"
        raise BundleRefused(path.name, reason[:500], expected) from error
    return booster


def _objective(booster: Any) -> str:
    return str(json.loads(booster.save_config())["learner"]["objective"]["name"])


def _engine(booster: Any, width: int) -> Engine:
    def by_dmatrix(matrix: Array) -> Array:
        answers: Array = booster.predict(xgboost.DMatrix(matrix), validate_features=False)
        return answers

    def in_place(matrix: Array) -> Array:
        answers: Array = booster.inplace_predict(matrix, validate_features=False)
        return answers

    rows = np.random.default_rng(0).normal(size=(64, width))
    rows[::7] = np.nan
    try:
        same = np.array_equal(in_place(rows), by_dmatrix(rows))
    except xgboost.core.XGBoostError:
        same = False
    return in_place if same else by_dmatrix
