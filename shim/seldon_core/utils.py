"""The functions of Seldon's ``utils`` that users' classes call and that need no protobuf."""

import base64
import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from seldon_core.flask_utils import SeldonMicroserviceException
from seldon_core.missing import missing_from

_TRUE = ("1", "true", "t", "yes", "y", "on")


def getenv(*env_vars: str, default: Any = None) -> Any:
    """The first of these variables that is set."""
    return next((os.environ[name] for name in env_vars if name in os.environ), default)


def getenv_as_bool(*env_vars: str, default: bool = False) -> bool:
    """The same, as a truth value."""
    found = getenv(*env_vars)
    return default if found is None else str(found).strip().lower() in _TRUE


def array_to_rest_datadef(data_type: str, array: Any, names: Sequence[str] | None = None) -> dict[str, Any]:
    """``data`` of a message: an array as ``tensor`` or ``ndarray``."""
    found = np.asarray(array)
    told: dict[str, Any] = {"names": list(names or [])}
    if data_type == "tensor":
        return told | {"tensor": {"shape": list(found.shape), "values": found.ravel().tolist()}}
    if data_type == "ndarray":
        return told | {"ndarray": found.tolist()}
    raise SeldonMicroserviceException(f"data_type: found {data_type!r}; expected tensor or ndarray")


def extract_request_parts_json(request: dict[str, Any]) -> tuple[Any, dict[str, Any], dict[str, Any], str]:
    """Of a message: its content, its ``meta``, its ``data``, and what kind it is of."""
    meta = request.get("meta") or {}
    data = request.get("data")
    if isinstance(data, dict) and "ndarray" in data:
        return np.array(data["ndarray"]), meta, data, "data"
    if isinstance(data, dict) and "tensor" in data:
        tensor = data["tensor"]
        return np.array(tensor["values"]).reshape(tensor["shape"]), meta, data, "data"
    if "binData" in request:
        return base64.b64decode(request["binData"]), meta, {}, "binData"
    for kind in ("strData", "jsonData"):
        if kind in request:
            return request[kind], meta, {}, kind
    raise SeldonMicroserviceException(
        "found no content; expected data with ndarray or tensor, binData, strData, jsonData"
    )


__getattr__ = missing_from(
    __name__,
    "getenv, getenv_as_bool, array_to_rest_datadef and extract_request_parts_json are; protobuf is not read here",
)
