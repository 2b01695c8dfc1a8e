"""TensorFlow's rows, columns, examples and tensors: what is read and what is refused."""

import base64
from typing import Any

import numpy as np
import pytest

from sluicegate.serving.protocol import protobuf
from sluicegate.serving.protocol.errors import BadPayloadError, NotCarriedError
from sluicegate.serving.protocol.messages import Message
from sluicegate.serving.protocol.tensorflow import answer_of, request_from
from sluicegate.serving.protocol.tensorflow_protobuf import tensor_array
from sluicegate.serving.protocol.tensorflow_tensors import array_from_json

SCORES = Message(content=np.array([[0.25, 0.75]]), names=("no", "yes"))


@pytest.mark.parametrize(
    ("body", "content", "names"),
    [
        ({"instances": [[1, 2], [3, 4]]}, [[1, 2], [3, 4]], ()),
        ({"instances": [1, 2]}, [[1], [2]], ()),
        ({"instances": [{"a": 1, "b": "x"}, {"b": "y", "a": 2}]}, [[1, "x"], [2, "y"]], ("a", "b")),
        ({"inputs": [[1, 2]]}, [[1, 2]], ()),
        ({"inputs": {"a": [1, 2], "b": [[3], [4]]}}, [[1, 3], [2, 4]], ("a", "b")),
        ({"instances": [[1]], "signature_name": "serving_default"}, [[1]], ()),
    ],
)
def test_rows_and_columns_are_tables(body: dict[str, Any], content: list[Any], names: tuple[str, ...]) -> None:
    """Named inputs are columns."""
    message = request_from(body, "predict").message

    assert (message.content.tolist(), message.names) == (content, names)


def test_inputs_with_shapes_of_their_own_stay_apart() -> None:
    """As models with several inputs take them."""
    message = request_from({"instances": [{"a": [1, 2], "b": 3}, {"a": [4, 5], "b": 6}]}, "predict").message

    assert {name: array.tolist() for name, array in message.content.items()} == {"a": [[1, 2], [4, 5]], "b": [3, 6]}


def test_examples_share_their_context_and_may_leave_features_out() -> None:
    """What is missing is NaN."""
    body = {"context": {"c": 9}, "examples": [{"a": 1}, {"a": 2, "b": 3}]}

    message = request_from(body, "classify").message

    assert message.names == ("c", "a", "b")
    assert np.array_equal(message.content, [[9, 1, np.nan], [9, 2, 3]], equal_nan=True)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ([], "(body)"),
        ({}, "(body)"),
        ({"instances": [[1]], "inputs": [[1]]}, "(body)"),
        ({"instances": []}, "instances"),
        ({"instances": {"a": 1}}, "instances"),
        ({"instances": [{"a": 1}, {"b": 1}]}, "instances[1]"),
        ({"instances": [{"a": 1}, 5]}, "instances[1]"),
        ({"instances": [[1], [2, 3]]}, "instances[1]"),
        ({"instances": [{"b64": "***"}]}, "instances.b64"),
        ({"inputs": {"a": [1, 2], "b": [1]}}, "inputs[1].shape"),
        ({"instances": [[1]], "signature_name": "other"}, "signature_name"),
    ],
)
def test_a_body_that_cannot_be_read_names_its_field(body: Any, field: str) -> None:
    """With what was found and what is expected."""
    with pytest.raises(BadPayloadError) as caught:
        request_from(body, "predict")

    assert caught.value.field == field


def test_classes_come_with_their_scores() -> None:
    """In the order of the model's classes; without names by their number."""
    assert answer_of(SCORES, "classify", rows=True, output="o") == {"results": [[["no", 0.25], ["yes", 0.75]]]}

    nameless = answer_of(Message(content=SCORES.content), "classify", rows=True, output="o")
    assert nameless == {"results": [[["0", 0.25], ["1", 0.75]]]}


def test_a_regression_is_one_number_for_each_example() -> None:
    """A column counts as one; scores of classes do not."""
    assert answer_of(Message(content=np.array([[1.5], [2.5]])), "regress", rows=True, output="o") == {
        "results": [1.5, 2.5]
    }

    with pytest.raises(NotCarriedError, match="one number"):
        answer_of(SCORES, "regress", rows=True, output="o")


def test_several_outputs_are_told_by_name() -> None:
    """Row by row or column by column."""
    message = Message(content={"p": np.array([0.5, 1]), "q": np.array([[1], [2]])})

    assert answer_of(message, "predict", rows=True, output="o") == {
        "predictions": [{"p": 0.5, "q": [1]}, {"p": 1.0, "q": [2]}]
    }
    assert answer_of(message, "predict", rows=False, output="o") == {"outputs": {"p": [0.5, 1.0], "q": [[1], [2]]}}


@pytest.mark.parametrize(
    ("tensor", "expected"),
    [
        ({"dtype": "DT_INT32", "tensorShape": {"dim": [{"size": "2"}, {"size": 1}]}, "intVal": [1, 2]}, [[1], [2]]),
        ({"dtype": 2, "tensor_shape": {"dim": [{"size": "3"}]}, "double_val": [7]}, [7, 7, 7]),
        ({"dtype": "DT_INT64", "tensorShape": {"dim": [{"size": "1"}]}, "int64Val": ["9007199254740993"]}, [2**53 + 1]),
        ({"dtype": "DT_HALF", "tensorShape": {"dim": [{"size": "1"}]}, "halfVal": [0x3C00]}, [1]),
        ({"dtype": "DT_BFLOAT16", "tensorShape": {"dim": [{"size": "1"}]}, "halfVal": [0x4000]}, [2]),
        ({"dtype": "DT_STRING", "tensorShape": {"dim": [{"size": "1"}]}, "stringVal": ["eHk="]}, ["xy"]),
        ({"dtype": "DT_BOOL", "tensorShape": {"dim": [{"size": "1"}]}, "boolVal": [True]}, [True]),
        ({"dtype": "DT_FLOAT", "tensorShape": {"dim": [{"size": "1"}]}, "tensorContent": "AACAPw=="}, [1]),
        ({"dtype": "DT_FLOAT", "tensorShape": {}, "floatVal": [4]}, 4),
    ],
)
def test_a_tensor_in_json_is_read_in_either_spelling(tensor: dict[str, Any], expected: Any) -> None:
    """As protobuf's JSON has it: names in two spellings, whole numbers as text, bytes as base64."""
    assert array_from_json(tensor, "t").tolist() == expected


@pytest.mark.parametrize(
    ("tensor", "field"),
    [
        ([], "t"),
        ({}, "t.dtype"),
        ({"dtype": "DT_COMPLEX64"}, "t.dtype"),
        ({"dtype": "DT_FLOAT", "tensorShape": 5}, "t.tensorShape"),
        ({"dtype": "DT_FLOAT", "tensorShape": {"dim": [{"size": -1}]}}, "t.tensorShape.dim[0].size"),
        ({"dtype": "DT_FLOAT", "tensorShape": {"dim": [{"size": "9" * 30}]}}, "t.tensorShape.dim[0].size"),
        ({"dtype": "DT_FLOAT", "tensorShape": {"dim": [{"size": 1}] * 33}}, "t.tensorShape"),
        ({"dtype": "DT_FLOAT", "tensorShape": {"dim": [{"size": 2**20}] * 2}, "floatVal": [1]}, "t.floatVal"),
        ({"dtype": "DT_FLOAT", "tensorShape": {"dim": [{"size": 1}]}, "floatVal": [1, 2]}, "t.floatVal"),
        ({"dtype": "DT_FLOAT", "tensorShape": {"dim": [{"size": 1}]}, "floatVal": []}, "t.floatVal"),
        ({"dtype": "DT_INT8", "tensorShape": {"dim": [{"size": 1}]}, "intVal": [300]}, "t.intVal"),
        ({"dtype": "DT_INT8", "tensorShape": {"dim": [{"size": 1}]}, "intVal": [1.5]}, "t.intVal"),
        ({"dtype": "DT_STRING", "tensorShape": {"dim": [{"size": 1}]}, "stringVal": ["*"]}, "t.stringVal"),
        ({"dtype": "DT_FLOAT", "tensorShape": {"dim": [{"size": 2}]}, "tensorContent": "AACAPw=="}, "t.floatVal"),
        ({"dtype": "DT_FLOAT", "tensorContent": 5}, "t.tensorContent"),
    ],
)
def test_a_tensor_that_cannot_be_read_names_its_field(tensor: Any, field: str) -> None:
    """A shape is believed only as far as values came for it."""
    with pytest.raises(BadPayloadError) as caught:
        array_from_json(tensor, "t")

    assert caught.value.field == field


def test_a_tensors_bytes_are_not_copied() -> None:
    """The array lies on the message's memory."""
    content = np.arange(4, dtype="<f8").tobytes()
    tensor = protobuf.parsed(
        {
            "dtype": "DT_DOUBLE",
            "tensorShape": {"dim": [{"size": "4"}]},
            "tensorContent": base64.b64encode(content).decode(),
        },
        protobuf.message_type("tensorflow.TensorProto")(),
    )

    array = tensor_array(tensor, "t")

    assert array.tolist() == [0, 1, 2, 3]
    assert array.base is not None
