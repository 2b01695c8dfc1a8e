"""What XGBoost and LightGBM have in common: columns with names or a mere width, and which of two answers is wanted."""

from collections.abc import Callable
from typing import Any

import numpy as np

from sluicegate.serving.bundle.errors import BundleRefused
from sluicegate.serving.bundle.manifest import Column, Method, Signature
from sluicegate.serving.protocol.messages import Array
from sluicegate.serving.runtime.sources import Opened, Source

Engine = Callable[[Any], Array]


def signature_of(opened: Opened, fitted: list[str], width: int) -> Signature:
    """The bundle's, or the names that the booster was fitted with. Raises BundleRefused when they contradict."""
    stated = opened.signature
    if not stated.inputs:
        return Signature(inputs=tuple(Column(name=name) for name in fitted), outputs=stated.outputs)
    if fitted and list(stated.columns) != fitted:
        found = ", ".join(stated.columns)
        raise BundleRefused("signature.inputs", found, f"what the model was fitted on: {', '.join(fitted)}")
    if len(stated.columns) != width:
        raise BundleRefused(
            "signature.inputs", f"{len(stated.columns)} columns", f"{width}, as the model was fitted on"
        )
    return stated


def method_of(source: Source, opened: Opened, probabilities: Callable[[Any], Array] | None, objective: str) -> Method:
    """``predict`` unless the parameter or the bundle says otherwise. Raises BundleRefused for what cannot be."""
    stated = opened.bundle.manifest.method if opened.bundle else "predict"
    wanted = source.parameters.get("method", stated)
    if wanted == "predict":
        return "predict"
    if wanted != "predict_proba":
        raise BundleRefused("method", repr(wanted), "predict or predict_proba")
    if probabilities is None:
        raise BundleRefused("method predict_proba", f"a model of objective {objective}", "a classifier, or predict")
    return "predict_proba"


def both_classes(second: Array) -> Array:
    """One column a class, of the probability of the second."""
    return np.stack([1 - second, second], axis=1)
