"""scikit-learn: ``model.joblib`` with predict_proba (default), predict or decision_function, one answer a row.

Loaded through ``loading`` when SKLEARN_SERVER is served. A bundle's model takes the signature's columns and is refused
when its answers on the bundle's own example are not those the trainer saw.
"""

import warnings
from pathlib import Path
from typing import Any

import joblib
import sklearn
from sklearn.exceptions import InconsistentVersionWarning

from sluicegate.serving.bundle.errors import BundleRefused
from sluicegate.serving.bundle.manifest import Column, Method, Signature
from sluicegate.serving.protocol.messages import Message
from sluicegate.serving.runtime.columns import Columns
from sluicegate.serving.runtime.engines import choose_engine
from sluicegate.serving.runtime.model_unit import ModelUnit
from sluicegate.serving.runtime.proving import proven
from sluicegate.serving.runtime.sources import Loaded, Source, open_model, refuse_unverified

METHODS: tuple[Method, ...] = ("predict_proba", "predict", "decision_function")


def load(source: Source) -> Loaded:
    """Load and prove. Raises BundleRefused."""
    opened = open_model(source)
    refuse_unverified(source, opened)
    model = _read(opened.path)
    bundle = opened.bundle
    method = _method(source, bundle.manifest.method if bundle else "predict_proba", model)
    signature = opened.signature if bundle else _fitted_signature(model)
    unit = _unit(source, model, method, signature, bundle.example() if bundle else None)
    return proven(unit, opened, signature, width=int(getattr(model, "n_features_in_", 0)))


def _fitted_signature(model: Any) -> Signature:
    return Signature(inputs=tuple(Column(name=str(name)) for name in getattr(model, "feature_names_in_", ())))


def _read(path: Path) -> Any:
    if not path.is_file():
        raise BundleRefused("modelUri", f"no {path.name} in {path.parent}", "a model written by joblib.dump")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", InconsistentVersionWarning)
            return joblib.load(path)
    except InconsistentVersionWarning as error:
        found = f"a model of scikit-learn {error.original_sklearn_version}"
        raise BundleRefused(
            path.name, found, f"one of {error.current_sklearn_version}, the version installed"
        ) from error
    except Exception as error:
        raise BundleRefused(path.name, f"{type(error).__name__}: {error}", "a model that joblib.load reads") from error


def _method(source: Source, default: Method, model: Any) -> Method:
    wanted = source.parameters.get("method", default)
    if wanted not in METHODS:
        raise BundleRefused("parameter method", repr(wanted), f"one of {', '.join(METHODS)}")
    if not hasattr(model, wanted):
        raise BundleRefused(f"method {wanted}", f"{type(model).__name__}, which has none", "a method of the model")
    return METHODS[METHODS.index(wanted)]


def _unit(source: Source, model: Any, method: Method, signature: Signature, example: Message | None) -> ModelUnit:
    # Requests cannot change an estimator's parameters, so proving them again at each call only costs.
    sklearn.set_config(skip_parameter_validation=True)
    columns = Columns(signature.inputs, int(getattr(model, "n_features_in_", 0)))
    _refuse_other_columns(model, columns)
    matrix = columns.matrix(example) if example is not None and columns.numeric else None
    by_frame = getattr(model, method)
    return ModelUnit(
        name=source.name,
        model=model,
        method=method,
        take=columns.matrix if columns.numeric else columns.frame,
        engine=choose_engine(model, method, columns, matrix) if columns.numeric else by_frame,
        classes=signature.outputs or _classes(model, method),
        stackable=columns.numeric,
    )


def _refuse_other_columns(model: Any, columns: Columns) -> None:
    fitted = [str(name) for name in getattr(model, "feature_names_in_", columns.names)]
    if columns.names and list(columns.names) != fitted:
        raise BundleRefused("signature.inputs", ", ".join(columns.names), f"what the model was fitted on: {fitted}")
    width = getattr(model, "n_features_in_", len(columns.names))
    if columns.names and width != len(columns.names):
        raise BundleRefused("signature.inputs", f"{len(columns.names)} columns", f"{width}, as the model was fitted on")


def _classes(model: Any, method: Method) -> tuple[str, ...]:
    return tuple(str(name) for name in getattr(model, "classes_", ())) if method != "predict" else ()
