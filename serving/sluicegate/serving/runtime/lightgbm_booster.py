"""LightGBM: a booster in its text form; columns of text are the categories that it was fitted with.

Loaded through ``loading`` when LIGHTGBM_SERVER is served. It answers what ``Booster.predict`` does.
"""

import re
from pathlib import Path
from typing import Any

import lightgbm

from sluicegate.serving.bundle.errors import BundleRefused
from sluicegate.serving.protocol.messages import Array, Message
from sluicegate.serving.runtime.boosters import both_classes, method_of, signature_of
from sluicegate.serving.runtime.columns import Columns
from sluicegate.serving.runtime.model_unit import ModelUnit
from sluicegate.serving.runtime.proving import proven
from sluicegate.serving.runtime.sources import Loaded, Source, open_model

_NO_NAMES = re.compile(r"Column_\d+$")
"""What LightGBM calls the columns of a table without names."""


def load(source: Source) -> Loaded:
    """Load and prove. Raises BundleRefused."""
    opened = open_model(source)
    booster = _read(opened.path)
    objective = str(booster.dump_model(num_iteration=1).get("objective", "")).partition(" ")[0]
    width = booster.num_feature()
    names = booster.feature_name()
    signature = signature_of(opened, [] if all(map(_NO_NAMES.match, names)) else names, width)
    columns = Columns(signature.inputs, width)

    def answer(table: Any) -> Array:
        # The check costs more than the answer, and the width is right: Columns saw to it.
        answers: Array = booster.predict(table, predict_disable_shape_check=True)
        return answers

    probabilities = {
        "binary": lambda table: both_classes(answer(table)),
        "multiclass": answer,
        "multiclassova": answer,
    }.get(objective)
    method = method_of(source, opened, probabilities, objective or "of its user's own")
    unit = ModelUnit(
        name=source.name,
        model=booster,
        method=method,
        take=columns.matrix if columns.numeric else lambda message: _categories(columns, message),
        engine=probabilities if method == "predict_proba" and probabilities else answer,
        classes=signature.outputs,
        stackable=columns.numeric,
    )
    return proven(unit, opened, signature, width=width)


def _read(path: Path) -> Any:
    try:
        return lightgbm.Booster(model_file=path)
    except (lightgbm.basic.LightGBMError, OSError, ValueError) as error:
        expected = f"a booster that LightGBM {lightgbm.__version__} reads"
        raise BundleRefused(path.name, str(error), expected) from error


def _categories(columns: Columns, message: Message) -> Any:
    """The table with each column of text as a categorical one: the booster knows the codes."""
    frame = columns.frame(message)
    texts = [name for name in frame.columns if frame[name].dtype.kind == "O" or str(frame[name].dtype) == "str"]
    return frame.astype(dict.fromkeys(texts, "category"))
