"""A message as the tensors that another server is asked with, and that server's tensors as the answer.

For calls of units in other processes by Open Inference and by TensorFlow's protocol. What a tensor cannot say (JSON,
text beside numbers without names, nothing at all) is the caller's mistake and is said so, before anything is sent.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from sluicegate.serving.protocol.errors import BadAnswerError, BadPayloadError
from sluicegate.serving.protocol.messages import Array, Message
from sluicegate.serving.protocol.tensors import Tensor, datatype_of, texts

INPUT = "input"
"""Name of a tensor whose message has none."""


def tensors_to_ask(message: Message) -> tuple[Tensor, ...]:
    """The message's content, under the names that its tensors had. Raises BadPayloadError."""
    content = message.content
    if isinstance(content, dict) and content and all(isinstance(each, np.ndarray) for each in content.values()):
        return tuple(_tensor(str(name), array) for name, array in content.items())
    name = message.tensors[0] if len(message.tensors) == 1 else INPUT
    if isinstance(content, str | bytes):
        return (_tensor(name, texts([content.encode() if isinstance(content, str) else content])),)
    if not isinstance(content, np.ndarray):
        raise BadPayloadError("(body)", message.form, "data, strData or binData: this graph calls a unit by tensors")
    columns = _columns(message, content)
    if columns:
        return tuple(_tensor(column, _plain(content[:, index], column)) for index, column in enumerate(columns))
    return (_tensor(name, _plain(content, name)),)


def _columns(message: Message, content: Array) -> tuple[str, ...]:
    """Names of tensors, one for each column: as they came, or where one tensor could not hold what columns do."""
    if content.ndim != 2:
        return ()
    if 1 < len(message.tensors) == content.shape[1]:
        return message.tensors
    several = content.dtype.kind == "O" and len({type(each) is str for each in content.flat}) > 1
    return message.names if several and len(set(message.names)) == content.shape[1] else ()


def _plain(array: Array, name: str) -> Array:
    """An array of one kind of values. Raises BadPayloadError for text beside others, and for null."""
    if array.dtype.kind != "O":
        return array
    kinds = {type(each) for each in array.flat}
    if kinds <= {str, bytes}:
        return array
    if kinds <= {int, float, bool} and (bool not in kinds or len(kinds) == 1):
        return np.array(array.tolist())
    found = "null" if type(None) in kinds else f"{' beside '.join(sorted(kind.__name__ for kind in kinds))} values"
    raise BadPayloadError(
        name, found, "values of one kind: this graph calls a unit by tensors, by columns if all are named"
    )


def _tensor(name: str, array: Array) -> Tensor:
    values = array if array.ndim else array.reshape(1)
    try:
        return Tensor(name=name, datatype=datatype_of(values, name), values=values)
    except BadAnswerError as error:
        raise BadPayloadError(name, str(error), "numbers, truth values or text") from error


def check_finite(tensors: Sequence[Tensor]) -> None:
    """Raise BadPayloadError for NaN and infinity, where the protocol has no form for them."""
    for tensor in tensors:
        if tensor.values.dtype.kind == "f" and not np.isfinite(tensor.values).all():
            place = "".join(f"[{int(i)}]" for i in np.argwhere(~np.isfinite(tensor.values))[0])
            raise BadPayloadError(
                f"{tensor.name}{place}", "NaN or infinity", "a finite number for the unit that is called"
            )


def answer_of_tensors(tensors: Sequence[Tensor], asked: Message) -> Message:
    """What a unit answered, in the form and with the meta of what it was asked."""
    form = asked.form if asked.tabular else "tensor"
    if len(tensors) == 1:
        (tensor,) = tensors
        answer = Message(
            content=tensor.values, form=form, names=tensor.classes, tensors=(tensor.name,) if tensor.name else ()
        )
    else:
        content: dict[str, Any] = {tensor.name: tensor.values for tensor in tensors}
        answer = Message(content=content, form=form)
    return replace(answer, meta=asked.meta)
