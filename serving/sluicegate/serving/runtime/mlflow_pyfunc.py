"""MLflow: a directory with ``MLmodel``, through its ``python_function`` flavour; columns by the model's signature.

Loaded through ``loading`` when MLFLOW_SERVER is served. A signature with column names gets a DataFrame of these types,
since MLflow refuses others; one of a tensor gets that; without any, ``xtype`` says whether the model gets the array as
it came (``ndarray``, Seldon's default) or a DataFrame of it.
"""

import os
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd
from mlflow.types.schema import Schema
from sklearn.exceptions import InconsistentVersionWarning

from sluicegate.serving.bundle.errors import BundleRefused
from sluicegate.serving.bundle.manifest import Column, ColumnType, Signature
from sluicegate.serving.protocol.errors import BadPayloadError
from sluicegate.serving.protocol.messages import Message
from sluicegate.serving.runtime.columns import Columns
from sluicegate.serving.runtime.model_unit import ModelUnit
from sluicegate.serving.runtime.proving import proven
from sluicegate.serving.runtime.sources import Loaded, Source, open_model, refuse_unverified
from sluicegate.serving.runtime.tensors import as_type, tensor_of

_COLUMN_TYPES: dict[str, ColumnType] = {
    "double": "double",
    "float": "float",
    "long": "long",
    "integer": "integer",
    "boolean": "boolean",
    "string": "string",
    "datetime": "string",
}
_NUMPY_TYPES = {"float": np.float32, "long": np.int64, "integer": np.int32, "boolean": np.bool_}
_KINDS = ("ndarray", "DataFrame")
_WELL_KNOWN = ("mlflow.sklearn", "mlflow.xgboost", "mlflow.lightgbm", "mlflow.onnx")
"""Flavours of models that answer row by row; a Python function may do anything with its table."""
_Take = Callable[[Message], Any]


def load(source: Source) -> Loaded:
    """Load and prove. Raises BundleRefused."""
    opened = open_model(source)
    refuse_unverified(source, opened)
    model = _read(opened.path)
    schema = model.metadata.get_input_schema()
    take, signature = _taking(source, schema, opened.signature)
    tables = isinstance(schema, Schema) and schema.has_input_names() and not schema.is_tensor_spec()
    unit = ModelUnit(
        name=source.name,
        model=model,
        method=opened.bundle.manifest.method if opened.bundle else "predict",
        take=take,
        engine=model.predict,
        classes=signature.outputs,
        stackable=not tables and model.loader_module in _WELL_KNOWN,
    )
    return proven(unit, opened, signature)


def _read(path: Path) -> Any:
    if not (path / "MLmodel").is_file():
        raise BundleRefused("modelUri", f"no MLmodel in {path}", "a directory that MLflow wrote")
    # A server asks nobody about its model, and MLflow would count its uses elsewhere.
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", InconsistentVersionWarning)
            return mlflow.pyfunc.load_model(str(path))
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"
        expected = f"a python_function model that MLflow {mlflow.__version__} and what is installed here load"
        raise BundleRefused("MLmodel", reason[:500], expected) from error


def _taking(source: Source, schema: Schema | None, stated: Signature) -> tuple[_Take, Signature]:
    kind = source.parameters.get("xtype", "ndarray")
    if kind not in _KINDS:
        raise BundleRefused("parameter xtype", repr(kind), " or ".join(_KINDS))
    if schema is not None and schema.is_tensor_spec():
        return _tensor(schema), stated
    if schema is not None and schema.has_input_names():
        return _table(schema, stated)
    width = len(schema.inputs) if schema is not None else 0
    columns = Columns(stated.inputs, width)
    if kind == "ndarray":
        return columns.matrix if stated.inputs and columns.numeric else lambda message: _array(message, width), stated
    return (lambda message: _frame(message, columns)), stated


def _tensor(schema: Schema) -> _Take:
    if len(schema.inputs) != 1:
        raise BundleRefused("MLmodel signature", f"{len(schema.inputs)} tensors", "one tensor, or columns")
    name, kind = schema.inputs[0].name, np.dtype(schema.numpy_types()[0])
    if name is None:
        return lambda message: tensor_of(message, kind)
    return lambda message: {name: tensor_of(message, kind)}


def _table(schema: Schema, stated: Signature) -> tuple[_Take, Signature]:
    kinds = {str(spec.name): str(getattr(spec.type, "name", spec.type)) for spec in schema.inputs}
    unknown = sorted(name for name, kind in kinds.items() if kind not in _COLUMN_TYPES)
    if unknown:
        expected = f"one of {', '.join(_COLUMN_TYPES)}; serve other types by a Python class"
        raise BundleRefused(f"MLmodel signature, column {unknown[0]}", kinds[unknown[0]], expected)
    if stated.inputs and set(stated.columns) != set(kinds):
        raise BundleRefused("signature.inputs", ", ".join(stated.columns), f"MLmodel's: {', '.join(kinds)}")
    inputs = tuple(Column(name=name, type=_COLUMN_TYPES[kind]) for name, kind in kinds.items())
    columns = Columns(inputs)
    signature = Signature(inputs=stated.inputs or inputs, outputs=stated.outputs)
    return (lambda message: _typed(columns.frame(message), kinds)), signature


def _typed(frame: pd.DataFrame, kinds: dict[str, str]) -> pd.DataFrame:
    for name, kind in kinds.items():
        if kind == "datetime":
            frame[name] = _times(frame[name], name)
        elif kind in _NUMPY_TYPES:
            frame[name] = _numbers(frame[name].to_numpy(), name, np.dtype(_NUMPY_TYPES[kind]))
    return frame


def _numbers(values: Any, name: str, kind: np.dtype[Any]) -> Any:
    try:
        return as_type(values, kind)
    except BadPayloadError as error:
        raise BadPayloadError(f"data column {name!r}", error.found, error.expected) from error


def _times(texts: Any, name: str) -> Any:
    try:
        return pd.to_datetime(texts)
    except ValueError as error:
        raise BadPayloadError(f"data column {name!r}", str(error)[:80], "dates as ISO 8601 texts") from error


def _array(message: Message, width: int) -> Any:
    if isinstance(message.content, np.ndarray) and message.content.dtype.kind != "O":
        return Columns((), width).matrix(message) if width else tensor_of(message, message.content.dtype)
    # Without a signature nobody knows whether texts are right: the model says so.
    return message.content


def _frame(message: Message, columns: Columns) -> Any:
    if columns.names:
        return columns.frame(message)
    content = message.content
    if not isinstance(content, np.ndarray) or content.ndim != 2 or not len(content):
        raise BadPayloadError("data", message.form, "a list of rows")
    table = pd.DataFrame(content, columns=message.names or None)
    return table.infer_objects() if content.dtype.kind == "O" else table
