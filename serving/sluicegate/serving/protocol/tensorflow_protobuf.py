"""TensorFlow's TensorProto in protobuf to arrays and back."""

from typing import Any

from sluicegate.serving.protocol.messages import Array
from sluicegate.serving.protocol.tensorflow_tensors import array_from, content_of, shape_of, type_of


def tensor_array(tensor: Any, path: str) -> Array:
    """A received tensor's values, on the message's memory where they came as bytes. Raises BadPayloadError."""
    kind = type_of(tensor.dtype, f"{path}.dtype")
    shape = shape_of([dim.size for dim in tensor.tensor_shape.dim], f"{path}.tensor_shape")
    values = [] if tensor.tensor_content else list(getattr(tensor, kind.values))
    return array_from(kind, shape, tensor.tensor_content, values, f"{path}.{kind.values}")


def fill_tensor(tensor: Any, array: Array) -> None:
    """Write an array. Raises BadAnswerError."""
    kind, content, texts = content_of(array)
    tensor.dtype = kind.number
    tensor.tensor_shape.dim.extend([type(tensor.tensor_shape).Dim(size=size) for size in array.shape])
    tensor.tensor_content = content
    tensor.string_val.extend(texts)
