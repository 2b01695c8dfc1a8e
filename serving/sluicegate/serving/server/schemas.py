"""Shapes of what the doors take and give, as JSON Schema (2020-12) for the OpenAPI document."""

from typing import Any


def _object(properties: dict[str, Any], *required: str) -> dict[str, Any]:
    return {"type": "object", "properties": properties, **({"required": list(required)} if required else {})}


def _ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


def _list(items: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": items}


_TEXT = {"type": "string"}
_TEXTS = _list(_TEXT)
_WHOLE = {"type": "integer"}
_NUMBER = {"type": "number"}
_TRUTH = {"type": "boolean"}
_MAP = {"type": "object"}
_SHAPE = _list({"type": "integer", "minimum": -1})

_CONTENTS = ("data", "strData", "jsonData", "binData", "customData")
_MESSAGE = {
    "data": _ref("Data"),
    "strData": _TEXT,
    "jsonData": {},
    "binData": {"type": "string", "contentEncoding": "base64"},
    "customData": _MAP,
    "meta": _ref("Meta"),
    "status": _ref("Status"),
}

SCHEMAS: dict[str, Any] = {
    "Anything": {},
    "SeldonMessage": {**_object(_MESSAGE), "oneOf": [{"required": [name]} for name in _CONTENTS]},
    "SeldonMessages": {
        "anyOf": [
            _list(_ref("SeldonMessage")),
            _object({"seldonMessages": _list(_ref("SeldonMessage"))}, "seldonMessages"),
        ]
    },
    "Data": {
        **_object(
            {
                "names": {"anyOf": [_TEXTS, {"type": "null"}]},
                "ndarray": {"type": "array"},
                "tensor": _ref("Tensor"),
                "tftensor": _MAP,
            }
        ),
        "oneOf": [{"required": [name]} for name in ("ndarray", "tensor", "tftensor")],
    },
    "Tensor": _object({"shape": _SHAPE, "values": _list({"type": ["number", "boolean", "null"]})}, "values"),
    "Meta": {
        "anyOf": [
            _object(
                {
                    "puid": {"anyOf": [{"type": "string", "maxLength": 256}, {"type": "null"}]},
                    "tags": {"type": ["object", "null"]},
                    "routing": {"type": ["object", "null"], "additionalProperties": _WHOLE},
                    "requestPath": {"type": ["object", "null"]},
                    "metrics": _list(_ref("Metric")),
                }
            ),
            {"type": "null"},
        ]
    },
    "Metric": _object({"key": _TEXT, "type": {"enum": ["COUNTER", "GAUGE", "TIMER"]}, "value": _NUMBER, "tags": _MAP}),
    "Status": _object({"code": _WHOLE, "info": _TEXT, "reason": _TEXT, "status": {"enum": ["SUCCESS", "FAILURE"]}}),
    "Feedback": {
        **_object({"request": _MAP, "response": _MAP, "truth": _MAP, "reward": _NUMBER}),
        "anyOf": [{"required": [name]} for name in ("request", "response", "truth", "reward")],
    },
    "Acknowledgement": _object({"meta": _ref("Meta")}, "meta"),
    "Failure": _object({"status": _ref("Status"), "meta": _ref("Meta")}, "status"),
    "UnitFailure": _object(
        {"status": _object({"status": _WHOLE, "code": _WHOLE, "info": _TEXT, "reason": _TEXT}, "status", "info")},
        "status",
    ),
    "Live": _object({"live": _TRUTH}, "live"),
    "Ready": _object({"ready": _TRUTH, "reason": _TEXT, "digest": {"type": ["string", "null"]}}, "ready"),
    "ModelMetadata": _object(
        {
            "name": _TEXT,
            "versions": _TEXTS,
            "platform": _TEXT,
            "inputs": _list({}),
            "outputs": _list({}),
            "custom": _MAP,
        },
        "name",
    ),
    "GraphMetadata": _object({"name": _TEXT, "models": _MAP, "graphinputs": {}, "graphoutputs": {}}, "name", "models"),
    "InferenceServer": _object({"name": _TEXT, "version": _TEXT, "extensions": _TEXTS}, "name", "version"),
    "InferenceModel": _object(
        {
            "name": _TEXT,
            "versions": _TEXTS,
            "platform": _TEXT,
            "inputs": _list(_ref("TensorMetadata")),
            "outputs": _list(_ref("TensorMetadata")),
        },
        "name",
        "platform",
    ),
    "TensorMetadata": _object({"name": _TEXT, "datatype": _TEXT, "shape": _SHAPE}, "name", "datatype", "shape"),
    "InferenceReady": _object({"name": _TEXT, "ready": _TRUTH}, "ready"),
    "InferenceRequest": _object(
        {"id": _TEXT, "parameters": _MAP, "inputs": _list(_ref("InferenceTensor")), "outputs": _list(_MAP)}, "inputs"
    ),
    "InferenceResponse": _object(
        {"id": _TEXT, "model_name": _TEXT, "model_version": _TEXT, "outputs": _list(_ref("InferenceTensor"))},
        "model_name",
        "outputs",
    ),
    "InferenceTensor": _object(
        {"name": _TEXT, "shape": _SHAPE, "datatype": _TEXT, "parameters": _MAP, "data": {"type": "array"}},
        "name",
        "shape",
        "datatype",
    ),
    "InferenceIndex": _list(_object({"name": _TEXT, "version": _TEXT, "state": _TEXT, "reason": _TEXT}, "name")),
    "TensorflowRequest": {
        **_object({"signature_name": _TEXT, "instances": {"type": "array"}, "inputs": {}}),
        "oneOf": [{"required": [name]} for name in ("instances", "inputs")],
    },
    "TensorflowAnswer": {
        **_object({"predictions": {"type": "array"}, "outputs": {}}),
        "oneOf": [{"required": [name]} for name in ("predictions", "outputs")],
    },
    "TensorflowExamples": _object({"signature_name": _TEXT, "context": _MAP, "examples": _list(_MAP)}, "examples"),
    "TensorflowResults": _object({"results": {"type": "array"}}, "results"),
    "TensorflowStatus": _object(
        {"model_version_status": _list(_object({"version": _TEXT, "state": _TEXT, "status": _MAP}))},
        "model_version_status",
    ),
    "InferenceFailure": _object({"error": _TEXT}, "error"),
}
