"""TensorFlow's TensorProto, in JSON and in protobuf, to arrays and back; pure, and without protobuf's library.

For ``data.tftensor`` of Seldon's messages and for TensorFlow's Predict. Values come as bytes or as a list, of which the
last stands for all that follow: how far a list may be filled up so is limited, as a shape costs nothing to write.
"""

import base64
import binascii
import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from sluicegate.serving.protocol.arrays import list_of
from sluicegate.serving.protocol.errors import BadAnswerError, BadPayloadError, NotCarriedError, shown
from sluicegate.serving.protocol.messages import Array, JSONValue
from sluicegate.serving.protocol.tensors import check_extent, from_bytes, octets, texts, to_bytes, widened

FILLED = 1 << 18
"""Most values of a request that one value may stand for; it takes no memory here, but whoever copies it pays."""
_TIMES = 64
"""How many times longer a list of several values may become."""


@dataclass(frozen=True, slots=True)
class DataType:
    """TensorFlow's number of a type, Open Inference's name of it, and the list that holds its values."""

    number: int
    open_inference: str
    values: str


TYPES = {
    "DT_FLOAT": DataType(1, "FP32", "float_val"),
    "DT_DOUBLE": DataType(2, "FP64", "double_val"),
    "DT_INT32": DataType(3, "INT32", "int_val"),
    "DT_UINT8": DataType(4, "UINT8", "int_val"),
    "DT_INT16": DataType(5, "INT16", "int_val"),
    "DT_INT8": DataType(6, "INT8", "int_val"),
    "DT_STRING": DataType(7, "BYTES", "string_val"),
    "DT_INT64": DataType(9, "INT64", "int64_val"),
    "DT_BOOL": DataType(10, "BOOL", "bool_val"),
    "DT_BFLOAT16": DataType(14, "BF16", "half_val"),
    "DT_UINT16": DataType(17, "UINT16", "int_val"),
    "DT_HALF": DataType(19, "FP16", "half_val"),
    "DT_UINT32": DataType(22, "UINT32", "uint32_val"),
    "DT_UINT64": DataType(23, "UINT64", "uint64_val"),
}
_BY_NUMBER = {kind.number: name for name, kind in TYPES.items()}
_BY_OPEN_INFERENCE = {kind.open_inference: name for name, kind in TYPES.items()}
_BITS = {"FP16": np.dtype(np.uint16), "BF16": np.dtype(np.uint16)}
_PLAIN: dict[str, Any] = {
    "BOOL": np.bool_,
    "FP32": np.float32,
    "FP64": np.float64,
    **{f"{sign}INT{size}": np.dtype(f"{sign}int{size}".lower()) for sign in ("", "U") for size in (8, 16, 32, 64)},
}


def type_name(datatype: str) -> str:
    """TensorFlow's name of a data type of Open Inference."""
    return _BY_OPEN_INFERENCE[datatype]


def type_of(found: JSONValue, path: str) -> DataType:
    """The type by its name or number. Raises BadPayloadError for one that cannot be read."""
    name = _BY_NUMBER.get(found) if isinstance(found, int) else found
    if not isinstance(name, str) or name not in TYPES:
        raise BadPayloadError(path, shown(found), f"one of {', '.join(TYPES)}")
    return TYPES[name]


def array_from(kind: DataType, shape: tuple[int, ...], content: bytes, values: list[Any], path: str) -> Array:
    """What a TensorProto says: ``content`` if there is any, else ``values``. Raises BadPayloadError."""
    if content:
        return _from_content(kind, shape, content, path)
    count = math.prod(shape)
    if len(values) > count:
        raise BadPayloadError(path, f"{len(values)} values", f"{count} for shape {list(shape)}")
    if len(values) == count:
        return _from_values(kind, values, path).reshape(shape)
    if len(values) == 1 and count <= FILLED:
        return np.broadcast_to(_from_values(kind, values, path), shape)
    if not values or count > _TIMES * len(values):
        expected = f"{count} for shape {list(shape)}" if not values else f"all {count}, too many to be filled up"
        raise BadPayloadError(path, f"{len(values)} values", expected)
    return _from_values(kind, [*values, *[values[-1]] * (count - len(values))], path).reshape(shape)


def check_filled(contents: Iterable[Any], path: str) -> None:
    """Raise BadPayloadError for a request whose many tensors are filled up, each within its own limit."""
    filled = sum(each.size for each in contents if isinstance(each, np.ndarray) and not any(each.strides))
    if filled > FILLED:
        raise BadPayloadError(path, f"{filled} values filled up", f"at most {FILLED} of a request's that are not sent")


def _from_content(kind: DataType, shape: tuple[int, ...], content: bytes, path: str) -> Array:
    if kind.open_inference == "BYTES":
        raise BadPayloadError(path, "text as tensor_content", "string_val")
    return from_bytes(content, kind.open_inference, shape, path)


def _from_values(kind: DataType, values: list[Any], path: str) -> Array:
    try:
        if kind.open_inference == "BYTES":
            return texts(values)
        if kind.values == "half_val":
            bits = np.array(values, dtype=np.uint16)
            return bits.view(np.float16) if kind.open_inference == "FP16" else widened(bits)
        return np.array(values, dtype=_PLAIN[kind.open_inference])
    except (ValueError, TypeError, OverflowError) as error:
        raise BadPayloadError(path, shown(str(error)), f"values of {kind.open_inference}") from error


def array_from_json(value: JSONValue, path: str) -> Array:
    """A TensorProto as protobuf's JSON writes it, with its names in either spelling. Raises BadPayloadError."""
    if not isinstance(value, dict):
        raise BadPayloadError(path, shown(value), "an object with dtype, tensorShape and values")
    fields = {_snake(name): each for name, each in value.items()}
    kind = type_of(fields.get("dtype"), f"{path}.dtype")
    shape = _shape(fields.get("tensor_shape") or {}, f"{path}.tensorShape")
    content = _decoded(fields.get("tensor_content") or "", f"{path}.tensorContent")
    where = f"{path}.{_camel(kind.values)}"
    values = fields.get(kind.values) or []
    if not isinstance(values, list):
        raise BadPayloadError(where, shown(values), "a list")
    return array_from(kind, shape, content, [_value(kind, each, where) for each in values], where)


def _value(kind: DataType, value: JSONValue, path: str) -> Any:
    datatype = kind.open_inference
    if datatype == "BYTES":
        return _decoded(value, path)
    if datatype == "BOOL":
        if not isinstance(value, bool):
            raise BadPayloadError(path, shown(value), "true or false")
        return value
    whole = not datatype.startswith("FP") or kind.values == "half_val"
    number = _number(value, float if not whole else int)
    if number is None:
        raise BadPayloadError(path, shown(value), "a whole number" if whole else "a number")
    return number


def _number(value: JSONValue, read: type[int] | type[float]) -> int | float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = read(value)
    except (ValueError, OverflowError):
        return None
    return None if read is int and isinstance(value, float) and number != value else number


def _shape(value: JSONValue, path: str) -> tuple[int, ...]:
    dims = value.get("dim") or [] if isinstance(value, dict) else None
    if not isinstance(dims, list):
        raise BadPayloadError(path, shown(value), "an object with dim")
    return shape_of([each.get("size", 0) if isinstance(each, dict) else each for each in dims], path)


def shape_of(sizes: list[Any], path: str) -> tuple[int, ...]:
    """A tensor's shape from its sizes, numbers or text. Raises BadPayloadError."""
    if len(sizes) > 32:
        raise BadPayloadError(path, f"{len(sizes)} dimensions", "at most 32")
    for index, size in enumerate(sizes):
        text = isinstance(size, str) and size.isascii() and size.isdigit() and len(size) < 11
        if isinstance(size, bool) or not (text or isinstance(size, int)) or not 0 <= int(size) < 2**31:
            raise BadPayloadError(f"{path}.dim[{index}].size", shown(size), "a whole number from 0 to 2147483647")
    shape = tuple(map(int, sizes))
    check_extent(shape, path)
    return shape


def _decoded(value: JSONValue, path: str) -> bytes:
    try:
        return base64.b64decode(value, validate=True)
    except (TypeError, ValueError, binascii.Error) as error:
        raise BadPayloadError(path, shown(value), "a base64 string") from error


def kind_of(array: Array) -> tuple[str, DataType]:
    """The type that an array is written with. Raises NotCarriedError."""
    if array.dtype.kind in "OUS":
        return "DT_STRING", TYPES["DT_STRING"]
    name = _BY_NUMPY.get(array.dtype.newbyteorder("="))
    if name is None:
        raise NotCarriedError(f"the answer has numpy type {array.dtype}; TensorFlow's tensors have no type for it here")
    return name, TYPES[name]


_BY_NUMPY = {np.dtype(kind): type_name(datatype) for datatype, kind in _PLAIN.items()} | {np.dtype("f2"): "DT_HALF"}


def json_of(array: Array) -> dict[str, Any]:
    """An array as a TensorProto in protobuf's JSON, with its values in a list. Raises BadAnswerError."""
    name, kind = kind_of(array)
    shape = {"dim": [{"size": str(size)} for size in array.shape]}
    return {"dtype": name, "tensorShape": shape, _camel(kind.values): _listed(array, kind)}


def _listed(array: Array, kind: DataType) -> list[Any]:
    if kind.open_inference == "BYTES":
        return [base64.b64encode(element).decode() for element in octets(array)]
    flat = array.ravel()
    checked = list_of(flat, "tftensor") if flat.size else []
    if kind.open_inference in _BITS:
        return list(flat.view(np.uint16).tolist())
    return list(map(str, checked)) if kind.values in ("int64_val", "uint64_val") else checked


def content_of(array: Array) -> tuple[DataType, bytes, list[bytes]]:
    """An array's type with its bytes, or with its texts. Raises BadAnswerError."""
    _, kind = kind_of(array)
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise BadAnswerError("the answer holds NaN or infinity; a model must answer finite numbers")
    return (kind, b"", octets(array)) if kind.open_inference == "BYTES" else (kind, to_bytes(array), [])


def _snake(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(part.capitalize() for part in rest)
