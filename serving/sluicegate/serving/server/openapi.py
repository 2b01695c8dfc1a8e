"""The OpenAPI 3.1 document of a server, made of its own table of routes: nothing is in it that is not served.

``OPERATIONS`` says of each path what it is for, what it takes and what it gives; ``schemas`` has their shapes.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

from sluicegate.serving.server.schemas import SCHEMAS

_TEXT = "text/plain"
_JSON = "application/json"
_FORM = "application/x-www-form-urlencoded"
_MULTIPART = "multipart/form-data"


@dataclass(frozen=True, slots=True)
class Operation:
    """``takes`` and ``gives`` name schemas; a content type as ``gives`` is text; ``forms``: all Seldon's bodies."""

    summary: str
    gives: str
    takes: str = ""
    forms: bool = False
    fails: str = "Failure"


_UNIT = "UnitFailure"
_V2 = "InferenceFailure"
_PREDICTION = Operation("A prediction of the graph, in Seldon's protocol", "SeldonMessage", "SeldonMessage", forms=True)
_FEEDBACK = Operation("A reward or a label for an earlier answer", "Acknowledgement", "Feedback", forms=True)
_EXPLANATION = Operation("The unit's explain", "Anything", "SeldonMessage", forms=True, fails=_UNIT)
_HEALTH = Operation("What the model says of itself", "Anything")
_MODEL = Operation("Metadata of the model", "ModelMetadata")
_LIVE = Operation("Whether the process runs", "Live")
_READY = Operation("Whether it answers predictions; 503 when not", "Ready")
_INFER = Operation("A prediction, in the Open Inference protocol", "InferenceResponse", "InferenceRequest", fails=_V2)
_INFERENCE_MODEL = Operation("The model, in the Open Inference protocol", "InferenceModel", fails=_V2)
_INFERENCE_READY = Operation("Whether the model is ready", "InferenceReady", fails=_V2)
_TENSORFLOW_PREDICT = Operation(
    "A prediction, in TensorFlow's protocol", "TensorflowAnswer", "TensorflowRequest", fails=_V2
)
_TENSORFLOW_CLASSIFY = Operation(
    "Each example's classes with their scores, in TensorFlow's protocol",
    "TensorflowResults",
    "TensorflowExamples",
    fails=_V2,
)
_TENSORFLOW_REGRESS = Operation(
    "One number for each example, in TensorFlow's protocol", "TensorflowResults", "TensorflowExamples", fails=_V2
)
_TENSORFLOW_STATUS = Operation("The model's status, in TensorFlow's protocol", "TensorflowStatus", fails=_V2)
_TENSORFLOW_METADATA = Operation("The model's signature, in TensorFlow's protocol", "Anything", fails=_V2)
_DOCUMENT = Operation("This document", "Anything")


def _unit(what: str, takes: str = "SeldonMessage") -> Operation:
    return Operation(f"The unit's own {what}", "SeldonMessage", takes, forms=True, fails=_UNIT)


OPERATIONS = {
    "/api/v1.0/predictions": _PREDICTION,
    "/api/v0.1/predictions": _PREDICTION,
    "/api/v1.0/feedback": _FEEDBACK,
    "/api/v0.1/feedback": _FEEDBACK,
    "/api/v1.0/explain": _EXPLANATION,
    "/api/v0.1/explain": _EXPLANATION,
    "/explain": _EXPLANATION,
    "/predict": _unit("predict"),
    "/transform-input": _unit("transform_input"),
    "/transform-output": _unit("transform_output"),
    "/route": _unit("route; the first value of the answer is the branch"),
    "/aggregate": _unit("aggregate", "SeldonMessages"),
    "/send-feedback": Operation(
        "A reward or a label, for the unit", "Acknowledgement", "Feedback", forms=True, fails=_UNIT
    ),
    "/api/v1.0/health/status": _HEALTH,
    "/api/v1.0/status": _HEALTH,
    "/health/status": _HEALTH,
    "/health/ping": Operation("pong", _TEXT),
    "/live": _LIVE,
    "/ready": _READY,
    "/prometheus": Operation("Metrics, in Prometheus' text format", _TEXT),
    "/metadata": _MODEL,
    "/api/v1.0/metadata": Operation("Metadata of the graph", "GraphMetadata"),
    "/api/v1.0/metadata/{model}": _MODEL,
    "/api/v0.1/metadata/{model}": _MODEL,
    "/seldon.json": _DOCUMENT,
    "/api/v1.0/doc/seldon.json": _DOCUMENT,
    "/v2": Operation("The server, in the Open Inference protocol", "InferenceServer"),
    "/v2/health/live": _LIVE,
    "/v2/health/ready": _READY,
    "/v2/models/{model}": _INFERENCE_MODEL,
    "/v2/models/{model}/versions/{version}": _INFERENCE_MODEL,
    "/v2/models/{model}/ready": _INFERENCE_READY,
    "/v2/models/{model}/versions/{version}/ready": _INFERENCE_READY,
    "/v2/models/{model}/infer": _INFER,
    "/v2/models/{model}/versions/{version}/infer": _INFER,
    "/v2/models/infer": _INFER,
    "/v2/repository/index": Operation(
        "What is served, in the Open Inference protocol", "InferenceIndex", "Anything", fails=_V2
    ),
    "/v2/repository/models/{model}/load": Operation(
        "Nothing more to do for a model that is served", "Anything", "Anything", fails=_V2
    ),
    "/v2/repository/models/{model}/unload": Operation(
        "Refused: a model is served as long as its server runs", "Anything", "Anything", fails=_V2
    ),
    **{
        f"{path}:{verb}": operation
        for path in (
            "/v1/models/{model}",
            "/v1/models/{model}/versions/{version}",
            "/v1/models/{model}/",
            "/v1/models",
            "/v1/models/",
        )
        for verb, operation in (
            ("predict", _TENSORFLOW_PREDICT),
            ("classify", _TENSORFLOW_CLASSIFY),
            ("regress", _TENSORFLOW_REGRESS),
        )
    },
    "/v1/models/{model}": _TENSORFLOW_STATUS,
    "/v1/models/{model}/versions/{version}": _TENSORFLOW_STATUS,
    "/v1/models/{model}/metadata": _TENSORFLOW_METADATA,
    "/v1/models/{model}/versions/{version}/metadata": _TENSORFLOW_METADATA,
}
_UNDESCRIBED = Operation("See the reference of HTTP endpoints", "Anything", "Anything")


def document(routes: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """The document of these routes: methods and paths."""
    paths: dict[str, Any] = {}
    for method, path in routes:
        operation = OPERATIONS.get(path, _UNDESCRIBED)
        item = paths.setdefault(path, {})
        named = re.findall(r"{(\w+)}", path)
        if named:
            item["parameters"] = [_parameter(name, "path") for name in named]
        item[method.lower()] = _described(method, path, operation)
    return {
        "openapi": "3.1.0",
        "info": {"title": "sluicegate model server", "version": version("sluicegate")},
        "paths": paths,
        "components": {"schemas": SCHEMAS},
    }


def _described(method: str, path: str, operation: Operation) -> dict[str, Any]:
    gives = {_TEXT: {"schema": {"type": "string"}}} if operation.gives == _TEXT else _content(operation.gives)
    told: dict[str, Any] = {
        "summary": operation.summary,
        "operationId": f"{method.lower()}{path}".translate(str.maketrans("/.-{}", "_____")),
        "responses": {
            "200": {"description": "The answer", "content": gives},
            "default": {"description": "A failure", "content": {_JSON: {"schema": _failures(operation.fails)}}},
        },
    }
    if operation.takes and method == "GET":
        told["parameters"] = [_parameter("json", "query", content=_content(operation.takes))]
    elif operation.takes:
        told["requestBody"] = {"required": True, "content": _bodies(operation)}
    return told


def _failures(own: str) -> dict[str, Any]:
    """The door's form, or Seldon's where the request did not come so far."""
    either = [{"$ref": f"#/components/schemas/{name}"} for name in dict.fromkeys((own, "Failure"))]
    return {"anyOf": either}


def _bodies(operation: Operation) -> dict[str, Any]:
    taken = _content(operation.takes)
    if not operation.forms:
        return taken
    field = {"type": "object", "required": ["json"], "properties": {"json": {"type": "string"}}}
    return taken | {_FORM: {"schema": field}, _MULTIPART: {"schema": {"type": "object"}}}


def _content(schema: str) -> dict[str, Any]:
    return {_JSON: {"schema": {"$ref": f"#/components/schemas/{schema}"}}}


def _parameter(name: str, where: str, content: dict[str, Any] | None = None) -> dict[str, Any]:
    shape = {"content": content} if content is not None else {"schema": {"type": "string"}}
    return {"name": name, "in": where, "required": True, **shape}
