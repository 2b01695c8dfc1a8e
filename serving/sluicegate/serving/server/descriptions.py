"""What the server tells of what it serves: Seldon's model and graph metadata, Open Inference's model metadata."""

from importlib.metadata import version
from typing import Any

from sluicegate.serving.protocol.tensorflow import SIGNATURE
from sluicegate.serving.protocol.tensorflow_tensors import type_name
from sluicegate.serving.server.serving_state import Served, State

SERVER = {
    "name": "sluicegate",
    "version": version("sluicegate"),
    "extensions": ["binary_tensor_data", "model_repository"],
}
_DATATYPES = {
    "double": "FP64",
    "float": "FP32",
    "long": "INT64",
    "integer": "INT32",
    "boolean": "BOOL",
    "string": "BYTES",
}


def model(served: Served) -> dict[str, Any]:
    """Seldon's metadata of the model, and what it tells of itself. Raises ModelError when it tells none."""
    if isinstance(served.model.metadata, Exception):
        raise served.model.metadata
    columns = list(served.model.signature.columns)
    known = {
        "name": served.name,
        "versions": [served.version] if served.version else [],
        "platform": _platform(served),
        "inputs": [{"messagetype": "tensor", "schema": {"names": columns, "shape": [len(columns)]}}],
        "outputs": [_outputs(served)],
        "custom": {"digest": served.digest or "", "verified": str(served.model.verified).lower()},
    }
    return known | served.model.metadata


def _outputs(served: Served) -> dict[str, Any]:
    return {"messagetype": "tensor", "schema": {"names": list(served.classes), "shape": [len(served.classes) or 1]}}


def _platform(served: Served) -> str:
    bundle = served.model.bundle
    return bundle.manifest.framework.name if bundle else "seldon"


def graph(served: Served) -> dict[str, Any]:
    """Seldon's metadata of the graph."""
    told = model(served)
    return {
        "name": served.plan.root.name,
        "models": {node.name: told for node in served.plan.nodes if node.name == served.model.unit.name},
        "graphinputs": told["inputs"],
        "graphoutputs": told["outputs"],
    }


def inference(served: Served) -> dict[str, Any]:
    """Open Inference's metadata of the model: one tensor for each column, or one matrix of all."""
    inputs = [
        {"name": column.name, "datatype": _DATATYPES[column.type], "shape": [-1]}
        for column in served.model.signature.inputs
    ]
    shape = [-1, len(served.classes)] if served.classes else [-1]
    output = {
        "name": served.output,
        "datatype": "FP64",
        "shape": shape,
        "parameters": {"classes": list(served.classes)},
    }
    return {
        "name": served.name,
        "versions": [served.version] if served.version else [],
        "platform": _platform(served),
        "inputs": inputs,
        "outputs": [output],
    }


def repository(state: State) -> list[dict[str, str]]:
    """Open Inference's index of the repository: what is served, or nothing yet."""
    served = state.served
    if served is None:
        return []
    ready = state.readiness()
    told = {"name": served.name, "version": served.version}
    return [told | ({"state": "READY", "reason": ""} if ready["ready"] else _away(ready))]


def _away(ready: dict[str, Any]) -> dict[str, str]:
    return {"state": "UNAVAILABLE", "reason": str(ready["reason"])}


def tensorflow_status(served: Served) -> dict[str, Any]:
    """TensorFlow's status of the model."""
    status = {"error_code": "OK", "error_message": ""}
    return {"model_version_status": [{"version": served.version, "state": "AVAILABLE", "status": status}]}


def tensorflow_metadata(served: Served) -> dict[str, Any]:
    """TensorFlow's metadata of the model."""
    spec = {"name": served.name, "signature_name": "", "version": served.version}
    return {"model_spec": spec, "metadata": {"signature_def": signatures(served)}}


def signatures(served: Served) -> dict[str, Any]:
    """The one signature that is served, of the tensors that Open Inference is told."""
    told = inference(served)
    sides = {side: {tensor["name"]: _info(tensor) for tensor in told[side]} for side in ("inputs", "outputs")}
    return {"signature_def": {SIGNATURE: {**sides, "method_name": "tensorflow/serving/predict"}}}


def _info(tensor: dict[str, Any]) -> dict[str, Any]:
    dims = [{"size": str(size), "name": ""} for size in tensor["shape"]]
    shape = {"dim": dims, "unknown_rank": False}
    return {"name": tensor["name"], "dtype": type_name(tensor["datatype"]), "tensor_shape": shape}
