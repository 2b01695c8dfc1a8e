"""ONNX Runtime: ``model.onnx`` with one tensor of all columns, one input for each column, or one tensor of any shape.

Loaded through ``loading`` when ONNX_SERVER is served. Of a classifier's outputs (label and probabilities, as a tensor
or as ZipMap's list of dictionaries) ``method`` chooses; ``output`` names one. One thread for an operator unless set.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime

from sluicegate.serving.bundle.errors import BundleRefused
from sluicegate.serving.bundle.manifest import Column, Signature
from sluicegate.serving.protocol.messages import Array, Message
from sluicegate.serving.runtime.columns import Columns
from sluicegate.serving.runtime.model_unit import ModelUnit, NamedAnswers
from sluicegate.serving.runtime.proving import proven
from sluicegate.serving.runtime.sources import Loaded, Opened, Source, open_model
from sluicegate.serving.runtime.tensors import as_type, tensor_of

_TYPES: dict[str, type[np.generic]] = {
    "tensor(float16)": np.float16,
    "tensor(float)": np.float32,
    "tensor(double)": np.float64,
    "tensor(int8)": np.int8,
    "tensor(int16)": np.int16,
    "tensor(int32)": np.int32,
    "tensor(int64)": np.int64,
    "tensor(uint8)": np.uint8,
    "tensor(uint16)": np.uint16,
    "tensor(uint32)": np.uint32,
    "tensor(uint64)": np.uint64,
    "tensor(bool)": np.bool_,
    "tensor(string)": np.object_,
}
_ZIPMAP = ("seq(map(string,tensor(float)))", "seq(map(int64,tensor(float)))")
_Take = Callable[[Message], Any]


def load(source: Source) -> Loaded:
    """Load and prove. Raises BundleRefused."""
    opened = open_model(source)
    session = _session(source, opened.path)
    inputs = session.get_inputs()
    signature = opened.signature if opened.signature.inputs or len(inputs) == 1 else _one_each(inputs)
    method, output = _output(source, opened, session.get_outputs())
    take, width = _taking(inputs, signature)
    unit = ModelUnit(
        name=source.name,
        model=session,
        method=method,
        take=take,
        engine=_engine(session, output, one=inputs[0].name if len(inputs) == 1 else ""),
        classes=signature.outputs or _classes(session, output, inputs, width),
        stackable=len(inputs) == 1,
    )
    return proven(unit, opened, signature, width=width)


def _session(source: Source, path: Path) -> Any:
    threads = source.parameters.get("intra_op_num_threads", 1)
    if not str(threads).isdigit() or int(threads) < 1:
        raise BundleRefused("parameter intra_op_num_threads", repr(threads), "a whole number from 1")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = int(threads), 1
    options.log_severity_level = 4  # what goes wrong is raised as well
    try:
        return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    except Exception as error:
        expected = f"a model that ONNX Runtime {onnxruntime.__version__} reads"
        raise BundleRefused(path.name, str(error)[:500], expected) from error


def _one_each(inputs: Sequence[Any]) -> Signature:
    return Signature(
        inputs=tuple(
            Column(name=each.name, type="string" if _type(each) is np.object_ else "double") for each in inputs
        )
    )


def _type(found: Any) -> type[np.generic]:
    if found.type not in _TYPES:
        raise BundleRefused(f"input {found.name}", found.type, f"one of {', '.join(_TYPES)}")
    return _TYPES[found.type]


def _taking(inputs: Sequence[Any], signature: Signature) -> tuple[_Take, int]:
    """How a message becomes the session's inputs, and the width of a table of numbers (0: there is none)."""
    if len(inputs) > 1:
        return _by_column(inputs, signature), 0
    only = inputs[0]
    kind = np.dtype(_type(only))
    if len(only.shape) != 2:
        return (lambda message: tensor_of(message, kind)), 0
    stated = only.shape[1] if isinstance(only.shape[1], int) else 0
    if stated and signature.inputs and len(signature.inputs) != stated:
        raise BundleRefused("signature.inputs", f"{len(signature.inputs)} columns", f"{stated}, as the model takes")
    columns = Columns(signature.inputs, stated)
    if kind.kind == "O":
        return columns.texts, 0
    return (lambda message: as_type(columns.matrix(message), kind)), columns.width


def _by_column(inputs: Sequence[Any], signature: Signature) -> _Take:
    kinds = {each.name: np.dtype(_type(each)) for each in inputs}
    wide = [each.name for each in inputs if len(each.shape) > 2 or (len(each.shape) == 2 and each.shape[1] != 1)]
    if wide:
        raise BundleRefused(f"input {wide[0]}", "several columns beside other inputs", "one tensor, or one a column")
    if set(kinds) != set(signature.columns):
        raise BundleRefused("signature.inputs", ", ".join(signature.columns), f"the model's inputs: {', '.join(kinds)}")
    columns = Columns(signature.inputs)
    flat = {each.name for each in inputs if len(each.shape) == 1}

    def take(message: Message) -> dict[str, Array]:
        fed: dict[str, Array] = {}
        for name, values in columns.by_name(message).items():
            kind = kinds[name]
            column = np.array([text or "" for text in values], dtype=object) if kind.kind == "O" else values
            fed[name] = (column if kind.kind == "O" else as_type(np.asarray(column), kind)).reshape(
                (-1,) if name in flat else (-1, 1)
            )
        return fed

    return take


def _output(source: Source, opened: Opened, outputs: Sequence[Any]) -> tuple[str, Any]:
    """The method and the output that answers it. Raises BundleRefused."""
    named = {each.name: each for each in outputs}
    wanted = source.parameters.get("output")
    method = source.parameters.get("method", opened.bundle.manifest.method if opened.bundle else "predict_proba")
    if method not in ("predict", "predict_proba"):
        raise BundleRefused("method", repr(method), "predict or predict_proba")
    if wanted is not None:
        if wanted not in named:
            raise BundleRefused("parameter output", repr(wanted), f"one of {', '.join(named)}")
        return method, named[wanted]
    # Converters of classifiers write the label first, then the probabilities.
    classifier = len(outputs) == 2 and ("label" in outputs[0].name.lower() or outputs[1].type in _ZIPMAP)
    return method, outputs[1] if classifier and method == "predict_proba" else outputs[0]


def _engine(session: Any, output: Any, *, one: str) -> Callable[[Any], Any]:
    names = [output.name]

    def run(taken: Any) -> Any:
        return session.run(names, {one: taken} if one else taken)[0]

    if output.type not in _ZIPMAP:
        return run
    return lambda taken: _named(run(taken))


def _named(rows: Sequence[dict[Any, float]]) -> NamedAnswers:
    """ZipMap's answers: each row's dictionary has all classes, in order."""
    values = np.array([list(row.values()) for row in rows], dtype=np.float32)
    return NamedAnswers(values=values, columns=tuple(map(str, rows[0])))


def _classes(session: Any, output: Any, inputs: Sequence[Any], width: int) -> tuple[str, ...]:
    """ZipMap's classes as metadata tells them, by the answer to a row of zeros; nothing where texts are taken."""
    if output.type not in _ZIPMAP or any(_type(each) is np.object_ for each in inputs):
        return ()
    fed = {each.name: np.zeros([1, width or 1][: len(each.shape)], dtype=_type(each)) for each in inputs}
    try:
        return tuple(map(str, session.run([output.name], fed)[0][0]))
    except Exception:  # noqa: BLE001  (ONNX Runtime's errors have no common class; each answer tells them, too)
        return ()
