"""What the server tells of what it serves: Seldon's model and graph metadata, Open Inference's model metadata."""

from importlib.metadata import version
from typing import Any

from sluicegate.serving.server.serving_state import Served

SERVER = {"name": "sluicegate", "version": version("sluicegate"), "extensions": []}
_DATATYPES = {
    "double": "FP64",
    "float": "FP32",
    "long": "INT64",
    "integer": "INT32",
    "boolean": "BOOL",
    "string": "BYTES",
}


def model(served: Served) -> dict[str, Any]:
    """Seldon's metadata of the model: what its owner states, over what is known of it."""
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
