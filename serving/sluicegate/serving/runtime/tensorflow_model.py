"""TensorFlow: a SavedModel, or a directory of numbered versions of one, called by a signature; numpy in and out.

Loaded through ``loading`` when TENSORFLOW_SERVER is served in Seldon's protocol or Open Inference. The parameters are
those of Seldon's proxy: ``signature_name``, ``model_input``, ``model_output``.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from sluicegate.serving.bundle.errors import BundleRefused
from sluicegate.serving.protocol.messages import Array
from sluicegate.serving.runtime.columns import Columns
from sluicegate.serving.runtime.model_unit import ModelUnit
from sluicegate.serving.runtime.proving import proven
from sluicegate.serving.runtime.sources import Loaded, Source, open_model
from sluicegate.serving.runtime.tensors import as_type, tensor_of


def load(source: Source) -> Loaded:
    """Load and prove. Raises BundleRefused."""
    opened = open_model(source)
    model = _read(_newest(opened.path))
    name = _one("signature_name", source.parameters.get("signature_name"), model.signatures, "serving_default")
    call = model.signatures[name]
    inputs, outputs = call.structured_input_signature[1], call.structured_outputs
    given = _one("model_input", source.parameters.get("model_input"), inputs)
    wanted = _one("model_output", source.parameters.get("model_output"), outputs)
    spec = inputs[given]
    kind, signature = np.dtype(spec.dtype.as_numpy_dtype), opened.signature
    rank = spec.shape.rank
    width = int(spec.shape[1] or 0) if rank == 2 else 0
    columns = Columns(signature.inputs, width)
    numbers = rank == 2 and kind.kind != "O"

    def engine(tensor: Array) -> Array:
        answered: Array = call(**{given: tf.constant(tensor, dtype=spec.dtype)})[wanted].numpy()
        return np.vectorize(bytes.decode, otypes=[object])(answered) if answered.dtype.kind == "O" else answered

    unit = ModelUnit(
        # The signature's function holds its model only weakly.
        name=source.name,
        model=model,
        method=opened.bundle.manifest.method if opened.bundle else "predict",
        take=(lambda message: as_type(columns.matrix(message), kind))
        if numbers
        else (lambda message: tensor_of(message, kind)),
        engine=engine,
        classes=signature.outputs,
        stackable=True,
    )
    return proven(unit, opened, signature, width=columns.width if numbers else 0)


def _newest(path: Path) -> Path:
    if (path / "saved_model.pb").is_file() or not path.is_dir():
        return path
    versions = [each for each in path.iterdir() if each.name.isdigit() and (each / "saved_model.pb").is_file()]
    if not versions:
        raise BundleRefused("modelUri", f"no saved_model.pb in {path}", "a SavedModel, or numbered versions of one")
    return max(versions, key=lambda each: int(each.name))


def _read(path: Path) -> Any:
    try:
        return tf.saved_model.load(str(path))
    except Exception as error:
        reason = f"{type(error).__name__}: {error}".partition("\n")[0]
        expected = f"a SavedModel that TensorFlow {tf.__version__} reads"
        raise BundleRefused("saved_model.pb", reason[:500], expected) from error


def _one(parameter: str, wanted: str | None, known: Iterable[str], usual: str = "") -> str:
    """The one that is wanted, else the usual or the only one. Raises BundleRefused."""
    names = sorted(known)
    found = wanted or (usual if usual in names or len(names) != 1 else names[0])
    if found not in names:
        raise BundleRefused(f"parameter {parameter}", repr(found) if found else "none", f"one of {', '.join(names)}")
    return found
