"""scikit-learn: ``model.joblib`` with predict_proba (default), predict or decision_function, one answer a row.

Loaded through ``loading`` when SKLEARN_SERVER is served. A bundle's model takes the signature's columns and is refused
when its answers on the bundle's own example are not those the trainer saw.
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import sklearn
from sklearn.exceptions import InconsistentVersionWarning

from sluicegate.serving.bundle.errors import BundleRefused
from sluicegate.serving.bundle.manifest import Column, Method, Signature
from sluicegate.serving.bundle.reading import Bundle
from sluicegate.serving.bundle.verification import compare_answers
from sluicegate.serving.protocol.errors import BadPayloadError, ProtocolError
from sluicegate.serving.protocol.messages import Array, Feedback, Message
from sluicegate.serving.runtime.columns import Columns
from sluicegate.serving.runtime.engines import Engine, choose_engine
from sluicegate.serving.runtime.errors import ModelError, ModelFailedError
from sluicegate.serving.runtime.sources import Loaded, Source, open_source

METHODS: tuple[Method, ...] = ("predict_proba", "predict", "decision_function")
FILE = "model.joblib"


@dataclass(frozen=True, slots=True, kw_only=True)
class EstimatorUnit:
    """A fitted estimator as a unit. ``classes`` are the answer's names; empty when an answer is one number a row."""

    name: str
    model: Any
    method: Method
    columns: Columns
    engine: Engine
    classes: tuple[str, ...] = ()
    per_row: bool = True

    def transform_input(self, message: Message) -> Message:
        """Nothing to do."""
        return message

    def transform_output(self, message: Message) -> Message:
        """Nothing to do."""
        return message

    def send_feedback(self, feedback: Feedback) -> None:
        """A fitted estimator learns nothing; the server counts."""

    def predict(self, message: Message) -> Message:
        """One answer a row. Raises BadPayloadError, ModelFailedError."""
        return self._message(message, self._answers(message))

    def predict_many(self, messages: Sequence[Message]) -> list[Message | Exception]:
        """Answers of independent requests by one call; a request that fails takes no other with it."""
        if len(messages) == 1 or not self.columns.numeric:
            return [self._tried(message) for message in messages]
        matrices = [self._matrix(message) for message in messages]
        good = [matrix for matrix in matrices if isinstance(matrix, np.ndarray)]
        try:
            together = self._run(np.concatenate(good)) if good else np.empty(0)
        except (ModelError, ValueError):
            return [self._tried(message) for message in messages]
        answers: list[Message | Exception] = []
        start = 0
        for message, matrix in zip(messages, matrices, strict=True):
            if isinstance(matrix, Exception):
                answers.append(matrix)
                continue
            answers.append(self._message(message, together[start : start + len(matrix)]))
            start += len(matrix)
        return answers

    def _matrix(self, message: Message) -> Array | Exception:
        try:
            return self.columns.matrix(message)
        except BadPayloadError as error:
            return error

    def _tried(self, message: Message) -> Message | Exception:
        try:
            return self.predict(message)
        except (ModelError, ProtocolError) as error:
            return error

    def _answers(self, message: Message) -> Array:
        if self.columns.numeric:
            return self._run(self.columns.matrix(message))
        frame = self.columns.frame(message)
        try:
            return np.asarray(getattr(self.model, self.method)(frame))
        except Exception as error:
            raise ModelFailedError(self.name, error) from error

    def _run(self, matrix: Array) -> Array:
        try:
            return self.engine(matrix)
        except Exception as error:
            raise ModelFailedError(self.name, error) from error

    def _message(self, message: Message, answers: Array) -> Message:
        names = self.classes if answers.ndim > 1 else ()
        return Message(content=answers, form=message.form, names=names, meta=message.meta)


def load(source: Source) -> Loaded:
    """Load and prove. Raises BundleRefused."""
    path, bundle = open_source(source)
    if path is None:
        raise BundleRefused("modelUri", "none", "a bundle's directory, or one with model.joblib")
    if bundle is None:
        return _bare(source, path)
    manifest = bundle.manifest
    model = _read(bundle.path(manifest.model or FILE))
    example = bundle.example()
    unit = _unit(source, model, _method(source, manifest.method, model), manifest.signature, example)
    unit = _prove(unit, bundle, example)
    return Loaded(unit=unit, signature=manifest.signature, bundle=bundle, verified=True, example=example)


def _bare(source: Source, path: Path) -> Loaded:
    model = _read(path / FILE if path.is_dir() else path)
    names = [str(name) for name in getattr(model, "feature_names_in_", ())]
    signature = Signature(inputs=tuple(Column(name=name) for name in names))
    unit = _unit(source, model, _method(source, "predict_proba", model), signature, None)
    return Loaded(unit=unit, signature=signature)


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


def _unit(source: Source, model: Any, method: Method, signature: Signature, example: Message | None) -> EstimatorUnit:
    # Requests cannot change an estimator's parameters, so proving them again at each call only costs.
    sklearn.set_config(skip_parameter_validation=True)
    columns = Columns(signature.inputs)
    _refuse_other_columns(model, columns)
    matrix = columns.matrix(example) if example is not None and columns.numeric else None
    engine = choose_engine(model, method, columns.names, matrix)
    return EstimatorUnit(
        name=source.name,
        model=model,
        method=method,
        columns=columns,
        engine=engine,
        classes=signature.outputs or _classes(model, method),
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


def _prove(unit: EstimatorUnit, bundle: Bundle, example: Message | None) -> EstimatorUnit:
    expected = bundle.answers()
    if example is None or expected is None:
        return unit
    try:
        found = unit.predict(example)
    except (ModelError, ProtocolError) as error:
        raise BundleRefused(bundle.manifest.input_example, str(error), "answers on the bundle's own example") from error
    if unit.method == bundle.manifest.method:
        compare_answers(expected, found, bundle.manifest.expected_answers)
    return replace(unit, per_row=_per_row(unit, example, found))


def _per_row(unit: EstimatorUnit, example: Message, together: Message) -> bool:
    """Whether a row's answer is the same beside other rows as alone; only then may requests share a call."""
    if not unit.columns.numeric:
        return False
    rows = [unit.predict(replace(example, content=row[None, :])).content for row in np.asarray(example.content)]
    alone, beside = np.concatenate(rows), np.asarray(together.content)
    if alone.dtype.kind in "fiub":
        return bool(np.allclose(alone, beside, rtol=1e-9, atol=1e-12))
    return bool(np.array_equal(alone, beside))
