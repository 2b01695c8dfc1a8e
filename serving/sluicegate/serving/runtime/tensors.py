"""From a message to the tensor that a model of arrays takes: any number of axes, rows first, of a given type."""

import numpy as np

from sluicegate.serving.protocol.errors import BadPayloadError, shown
from sluicegate.serving.protocol.messages import Array, Message


def tensor_of(message: Message, dtype: np.dtype[np.generic]) -> Array:
    """The content as ``dtype``; null is NaN. Raises BadPayloadError for what is no array of such values."""
    content = message.content
    if not isinstance(content, np.ndarray) or not content.ndim:
        raise BadPayloadError("(body)", message.form, "data.ndarray or data.tensor")
    if not content.shape[0]:
        raise BadPayloadError(f"data.{message.form}", "no rows", "at least one")
    if dtype.kind in "OUS":
        return _texts(content)
    if content.dtype.kind == "O":
        content = _numbers(content)
    return as_type(content, dtype)


def as_type(values: Array, dtype: np.dtype[np.generic]) -> Array:
    """Numbers as another type. Raises BadPayloadError where a whole number is wanted and there is another one."""
    if dtype.kind not in "iub" or values.dtype.kind in "iub":
        return values.astype(dtype, copy=False)
    wrong = ~np.isfinite(values) | (values != np.floor(values))
    if wrong.any():
        index = tuple(int(i) for i in np.argwhere(wrong)[0])
        raise BadPayloadError(f"data{list(index)}", str(values[index]), f"a whole number ({dtype})")
    return values.astype(dtype)


def _numbers(content: Array) -> Array:
    for index, value in np.ndenumerate(content):
        if not isinstance(value, int | float | None):
            raise BadPayloadError(f"data{list(index)}", shown(value), "a number or null")
    return content.astype(np.float64)


def _texts(content: Array) -> Array:
    for index, value in np.ndenumerate(content):
        if not isinstance(value, str):
            shown_value = value.item() if isinstance(value, np.generic) else value
            raise BadPayloadError(f"data{list(index)}", shown(shown_value), "a string")
    return content.astype(object)
