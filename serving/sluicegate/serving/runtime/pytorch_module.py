"""PyTorch: a TorchScript archive (``model.pt``) or an exported program (``model.pt2``); tensors in, a tensor out.

Loaded through ``loading`` when PYTORCH_SERVER is served. One thread unless ``OMP_NUM_THREADS`` says otherwise. A
pickled module is refused: it needs its own code, and can run any.
"""

from pathlib import Path
from typing import Any

import numpy as np
import torch

from sluicegate.serving.bundle.errors import BundleRefused
from sluicegate.serving.protocol.messages import Array
from sluicegate.serving.runtime.columns import Columns
from sluicegate.serving.runtime.model_unit import ModelUnit
from sluicegate.serving.runtime.proving import proven
from sluicegate.serving.runtime.sources import Loaded, Source, open_model
from sluicegate.serving.runtime.tensors import as_type, tensor_of

_TYPES = ("float32", "float64", "float16", "int64", "int32", "int16", "int8", "uint8", "bool")


def load(source: Source) -> Loaded:
    """Load and prove. Raises BundleRefused."""
    opened = open_model(source)
    module = _read(opened.path)
    kind, signature = _type(source), opened.signature
    output = source.parameters.get("output", 0)
    columns = Columns(signature.inputs)

    def engine(tensor: Array) -> Array:
        with torch.inference_mode():
            answered = module(torch.from_numpy(np.ascontiguousarray(tensor)))
        return _chosen(answered, output)

    unit = ModelUnit(
        name=source.name,
        model=module,
        method=opened.bundle.manifest.method if opened.bundle else "predict",
        take=(lambda message: as_type(columns.matrix(message), kind))
        if signature.inputs
        else (lambda message: tensor_of(message, kind)),
        engine=engine,
        classes=signature.outputs,
        stackable=True,
    )
    return proven(unit, opened, signature, width=len(signature.inputs))


def _type(source: Source) -> "np.dtype[Any]":
    wanted = source.parameters.get("dtype", "float32")
    if wanted not in _TYPES:
        raise BundleRefused("parameter dtype", repr(wanted), f"one of {', '.join(_TYPES)}")
    return np.dtype(wanted)


def _read(path: Path) -> Any:
    try:
        if path.suffix == ".pt2":
            return torch.export.load(path).module()
        return torch.jit.load(path, map_location="cpu").eval()
    except Exception as error:
        reason = f"{type(error).__name__}: {error}".partition("\n")[0]
        expected = f"what torch.jit.save or torch.export.save wrote and PyTorch {torch.__version__} reads"
        raise BundleRefused(path.name, reason[:500], expected) from error


def _chosen(answered: Any, output: Any) -> Array:
    """The tensor of an answer that may be one, a tuple of several, or a dictionary."""
    if isinstance(answered, dict):
        answered = answered[output] if output in answered else next(iter(answered.values()))
    elif isinstance(answered, list | tuple):
        answered = answered[int(output)]
    found: Array = answered.detach().cpu().numpy()
    return found
