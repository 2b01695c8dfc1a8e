"""Named tensors: Open Inference's data types, their bytes, and what becomes of tensors in a message and back.

For the codecs of Open Inference and TensorFlow. Bytes become arrays without a copy; a declared shape is held against
the bytes that came before anything is made of it. BF16, which numpy has not, is read into 32 bits.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from sluicegate.serving.protocol.errors import BadAnswerError, BadPayloadError, NotCarriedError
from sluicegate.serving.protocol.messages import Array, Message

NUMPY_TYPES: dict[str, Any] = {
    "BOOL": np.bool_,
    "UINT8": np.uint8,
    "UINT16": np.uint16,
    "UINT32": np.uint32,
    "UINT64": np.uint64,
    "INT8": np.int8,
    "INT16": np.int16,
    "INT32": np.int32,
    "INT64": np.int64,
    "FP16": np.float16,
    "FP32": np.float32,
    "FP64": np.float64,
    "BYTES": np.object_,
    "BF16": np.float32,
}
_DATATYPES = {np.dtype(kind): name for name, kind in reversed(NUMPY_TYPES.items())} | {np.dtype("f4"): "FP32"}
_EXTENT = 2**48
_EMPTY_ROWS = 2**16
"""A row without values costs a client nothing, and a list in the answer."""
_LENGTH = 4
"""Bytes that say how long an element of BYTES is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tensor:
    """A named array with its Open Inference datatype. ``classes`` name what is along the second axis of an answer."""

    name: str
    datatype: str
    values: Array
    classes: tuple[str, ...] = ()
    parameters: dict[str, Any] = field(default_factory=dict)


def check_extent(shape: Sequence[int], path: str) -> None:
    """Raise BadPayloadError for a shape that no array can have, even one without values; or no list of lists."""
    if math.prod(max(1, size) for size in shape) >= _EXTENT:
        raise BadPayloadError(path, str(list(shape)), "sizes whose product is less than 2^48, counting 0 as 1")
    if 0 in shape and math.prod(shape[: shape.index(0)]) > _EMPTY_ROWS:
        raise BadPayloadError(path, f"{list(shape)}, which holds nothing", f"at most {_EMPTY_ROWS} rows without values")


def datatype_of(array: Array, name: str = "the answer") -> str:
    """Open Inference's name of the array's type. Raises BadAnswerError."""
    if array.dtype.kind in "OUS":
        return "BYTES"
    found = _DATATYPES.get(array.dtype.newbyteorder("="))
    if found is None:
        raise BadAnswerError(f"{name} has numpy type {array.dtype}; only numbers, truth values and text can be sent")
    return found


def from_bytes(raw: bytes | memoryview, datatype: str, shape: tuple[int, ...], path: str) -> Array:
    """Little-endian values, row by row, as an array on the same memory. Raises BadPayloadError for another length."""
    count = math.prod(shape)
    if datatype == "BYTES":
        return texts(_elements(memoryview(raw), count, path)).reshape(shape)
    stored = np.dtype(np.uint16 if datatype == "BF16" else NUMPY_TYPES[datatype]).newbyteorder("<")
    if len(raw) != count * stored.itemsize:
        expected = f"{count * stored.itemsize} for shape {list(shape)} of {datatype}"
        raise BadPayloadError(path, f"{len(raw)} bytes", expected)
    if datatype == "BOOL":
        return np.frombuffer(raw, np.uint8).astype(np.bool_).reshape(shape)
    values = np.frombuffer(raw, stored).reshape(shape)
    return widened(values) if datatype == "BF16" else values


def widened(bits: Array) -> Array:
    """The upper halves of 32-bit floats, as BF16 keeps them, as floats."""
    return (bits.astype(np.uint32) << 16).view(np.float32)


def _elements(raw: memoryview, count: int, path: str) -> list[bytes]:
    found: list[bytes] = []
    at = 0
    while at < len(raw):
        length = int.from_bytes(raw[at : at + _LENGTH], "little")
        end = at + _LENGTH + length
        if end > len(raw) or len(found) == count:
            raise BadPayloadError(path, f"elements that end at byte {end} of {len(raw)}", f"{count} elements of BYTES")
        found.append(bytes(raw[at + _LENGTH : end]))
        at = end
    if len(found) != count:
        raise BadPayloadError(path, f"{len(found)} elements", f"{count} elements of BYTES")
    return found


def texts(elements: Sequence[bytes]) -> Array:
    """An array of text if all elements are UTF-8, else of bytes."""
    made = np.empty(len(elements), dtype=object)
    try:
        made[:] = [element.decode() for element in elements]
    except UnicodeDecodeError:
        made[:] = list(elements)
    return made


def to_bytes(array: Array) -> bytes:
    """An array's values as they travel: little-endian, row by row. Raises BadAnswerError for what is no BYTES."""
    if array.dtype.kind not in "OUS":
        return array.astype(array.dtype.newbyteorder("<"), copy=False).tobytes()
    parts: list[bytes] = []
    for element in octets(array):
        parts += [len(element).to_bytes(_LENGTH, "little"), element]
    return b"".join(parts)


def octets(array: Array) -> list[bytes]:
    """Elements of an array of text as bytes. Raises BadAnswerError for an element that is neither text nor bytes."""
    found = []
    for element in array.ravel().tolist():
        if not isinstance(element, str | bytes | int | float | bool | None):
            raise BadAnswerError(f"the answer holds a {type(element).__name__}; only numbers and text can be sent")
        found.append(element if isinstance(element, bytes) else _written(element).encode())
    return found


def _written(element: object) -> str:
    return "" if element is None else str(element)


def message_of_tensors(tensors: Sequence[Tensor], path: str = "inputs") -> Message:
    """Tensors as a message: one as it is, several of one value a row as columns, any others each by its name.

    Raises BadPayloadError when they differ in their number of rows.
    """
    first = tensors[0]
    if len(tensors) == 1 and first.values.ndim != 1:
        named = (first.name,) if first.name and first.values.shape[1:] == (1,) else ()
        return Message(content=first.values, form="tensor", names=named, tensors=(first.name,) if first.name else ())
    rows = first.values.shape[:1]
    for index, tensor in enumerate(tensors):
        if tensor.values.shape[:1] != rows or not rows:
            expected = f"{list(rows)} or more dimensions, of which the first is the row, as in the first tensor"
            raise BadPayloadError(f"{path}[{index}].shape", str(list(tensor.values.shape)), expected)
    if any(tensor.values.shape not in (rows, (*rows, 1)) for tensor in tensors):
        return Message(content={tensor.name: tensor.values for tensor in tensors}, form="tensor")
    columns = [tensor.values.reshape(rows) for tensor in tensors]
    text = any(column.dtype.kind == "O" for column in columns)
    content = np.column_stack([column.astype(object) for column in columns] if text else columns)
    names = tuple(tensor.name for tensor in tensors if tensor.name)
    return Message(content=content, form="tensor", names=names, tensors=names)


def tensors_of_message(message: Message, output: str) -> tuple[Tensor, ...]:
    """What a model answered as tensors; an array is called ``output`` if it came without a name, arrays by name keep
    theirs.

    Raises NotCarriedError for content that is not made of tensors, BadAnswerError for NaN and foreign types.
    """
    content = message.content
    if isinstance(content, dict) and content and all(isinstance(each, np.ndarray) for each in content.values()):
        return tuple(_tensor(str(name), array, ()) for name, array in content.items())
    if isinstance(content, str | bytes):
        content = texts([content.encode() if isinstance(content, str) else content])
    if not isinstance(content, np.ndarray):
        raise NotCarriedError("the model answered JSON, this protocol carries tensors only; ask by Seldon's protocol")
    return (_tensor(message.tensors[0] if len(message.tensors) == 1 else output, content, message.names),)


def _tensor(name: str, array: Array, classes: tuple[str, ...]) -> Tensor:
    values = array if array.ndim else array.reshape(1)
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        place = "".join(f"[{int(i)}]" for i in np.argwhere(~np.isfinite(values))[0])
        raise BadAnswerError(f"{name}{place} is not a finite number; a model must answer finite numbers")
    return Tensor(name=name, datatype=datatype_of(values, name), values=values, classes=classes)


def chosen(tensors: tuple[Tensor, ...], wanted: Sequence[str], path: str = "outputs[{}].name") -> tuple[Tensor, ...]:
    """Those that a client asked for, in its order; all if it named none. Raises BadPayloadError for an unknown one."""
    known = {tensor.name: tensor for tensor in tensors}
    for index, name in enumerate(wanted):
        if name not in known:
            raise BadPayloadError(path.format(index), repr(name), " or ".join(map(repr, known)))
    return tuple(known[name] for name in wanted) if wanted else tensors
