"""Open Inference v2 in and out."""

import json
from typing import Any

import numpy as np
import pytest

from sluicegate.serving.protocol.errors import BadPayloadError, NotCarriedError
from sluicegate.serving.protocol.inference import InferenceRequest, answer_of, body_of, message_of, request_from
from sluicegate.serving.protocol.messages import Message
from sluicegate.serving.protocol.tensors import NUMPY_TYPES


def _tensor(**changes: object) -> dict[str, object]:
    return {"name": "a", "shape": [2], "datatype": "FP64", "data": [1, 2]} | changes


@pytest.mark.parametrize("datatype", [name for name in NUMPY_TYPES if name not in ("BYTES", "BOOL", "BF16")])
def test_every_numeric_type_is_read(datatype: str) -> None:
    """Tensors of all JSON types keep their type."""
    request = request_from({"inputs": [_tensor(datatype=datatype)]})

    assert request.inputs[0].values.dtype == NUMPY_TYPES[datatype]
    assert request.inputs[0].values.tolist() == [1, 2]


def test_truth_values_and_text_are_read() -> None:
    """BOOL and BYTES tensors."""
    request = request_from(
        {"inputs": [_tensor(datatype="BOOL", data=[True, False]), _tensor(name="b", datatype="BYTES", data=["x", "y"])]}
    )

    assert message_of(request).names == ("a", "b")
    assert np.asarray(message_of(request).content).tolist() == [[True, "x"], [False, "y"]]


@pytest.mark.parametrize(
    ("inputs", "field"),
    [
        ([], "inputs"),
        ("x", "inputs"),
        ([1], "inputs[0]"),
        ([_tensor(name="")], "inputs[0].name"),
        ([_tensor(datatype="BF16")], "inputs[0].datatype"),
        ([_tensor(datatype=7)], "inputs[0].datatype"),
        ([_tensor(shape=[3])], "inputs[0].data"),
        ([_tensor(shape="2")], "inputs[0].shape"),
        ([_tensor(datatype="INT8", data=[1, 300])], "inputs[0].data[1]"),
        ([_tensor(datatype="INT64", data=[1, 1.5])], "inputs[0].data[1]"),
        ([_tensor(datatype="UINT8", data=[1, -1])], "inputs[0].data[1]"),
        ([_tensor(datatype="INT32", data=[1, None])], "inputs[0].data[1]"),
        ([_tensor(datatype="BOOL")], "inputs[0].data"),
        ([_tensor(datatype="FP32", data=["a", "b"])], "inputs[0].data"),
        ([_tensor(datatype="BYTES")], "inputs[0].data[0]"),
        ([_tensor(), _tensor()], "inputs"),
        ([_tensor(), _tensor(name="b", shape=[1], data=[1])], "inputs[1].shape"),
    ],
)
def test_a_bad_tensor_names_its_field(inputs: object, field: str) -> None:
    """Every broken tensor is told with its path."""
    with pytest.raises(BadPayloadError) as caught:
        message_of(request_from({"inputs": inputs}))

    assert caught.value.field == field


def _request(**changes: object) -> InferenceRequest:
    return request_from({"id": "i", "inputs": [_tensor()]} | changes)


def _answered(message: Message, request: InferenceRequest) -> tuple[dict[str, Any], bytes]:
    body, length = body_of(answer_of(message, request, model="m", version="1", output="predict_proba"), request)
    return json.loads(body[:length]), body[length:] if length is not None else b""


def test_an_answer_is_one_named_tensor() -> None:
    """Shape, type and flat data of the model's answer."""
    message = Message(content=np.array([[0.25, 0.75]]), names=("no", "yes"))

    answer, _ = _answered(message, _request())

    assert (answer["id"], answer["model_version"]) == ("i", "1")
    assert answer["outputs"] == [
        {
            "name": "predict_proba",
            "shape": [1, 2],
            "datatype": "FP64",
            "data": [0.25, 0.75],
            "parameters": {"classes": ["no", "yes"]},
        }
    ]


def test_bytes_behind_the_json_are_the_tensors() -> None:
    """The binary extension: each tensor takes what it says, in order."""
    tensors = [
        {"name": "a", "shape": [2], "datatype": "FP16", "parameters": {"binary_data_size": 4}},
        {"name": "b", "shape": [2], "datatype": "BF16", "parameters": {"binary_data_size": 4}},
        {"name": "c", "shape": [2], "datatype": "BYTES", "parameters": {"binary_data_size": 11}},
    ]
    tail = np.array([1, 2], "<f2").tobytes() + b"\x80\x3f\x00\x40" + b"\x01\0\0\0x\x02\0\0\0yz"

    request = request_from({"inputs": tensors}, tail)

    assert [tensor.values.tolist() for tensor in request.inputs] == [[1, 2], [1, 2], ["x", "yz"]]


def test_numbers_behind_the_json_are_not_copied() -> None:
    """The array lies on the request's own memory."""
    tail = np.arange(6, dtype="<f4").tobytes()
    tensor = {"name": "a", "shape": [2, 3], "datatype": "FP32", "parameters": {"binary_data_size": 24}}

    (read,) = request_from({"inputs": [tensor]}, memoryview(tail)).inputs

    assert np.shares_memory(read.values, np.frombuffer(tail, np.uint8))


@pytest.mark.parametrize(
    ("changes", "tail", "field"),
    [
        ({"parameters": {"binary_data_size": 99}}, b"", "inputs[0].parameters.binary_data_size"),
        ({"parameters": {"binary_data_size": -1}}, b"", "inputs[0].parameters.binary_data_size"),
        ({"parameters": {"binary_data_size": 8}}, b"x" * 8, "inputs[0].parameters.binary_data_size"),
        ({"parameters": {"binary_data_size": 16}}, b"x" * 17, "(body)"),
        (
            {"shape": [2**30, 2**10], "parameters": {"binary_data_size": 16}},
            b"x" * 16,
            "inputs[0].parameters.binary_data_size",
        ),
        (
            {"datatype": "BYTES", "parameters": {"binary_data_size": 4}},
            b"\xff" * 4,
            "inputs[0].parameters.binary_data_size",
        ),
        (
            {"datatype": "BYTES", "parameters": {"binary_data_size": 4}},
            b"\0" * 4,
            "inputs[0].parameters.binary_data_size",
        ),
        ({"parameters": 5}, b"", "inputs[0].parameters"),
    ],
)
def test_bytes_that_do_not_fit_their_tensor_are_refused(changes: dict[str, object], tail: bytes, field: str) -> None:
    """Before anything of the declared shape is made."""
    with pytest.raises(BadPayloadError) as caught:
        request_from({"inputs": [_tensor(**changes)]}, tail)

    assert caught.value.field == field


def test_a_client_chooses_outputs_and_which_of_them_come_as_bytes() -> None:
    """By name, with a default for the whole request."""
    content = {"p": np.array([0.5, 1.5]), "q": np.array([[1], [2]], dtype=np.int32), "r": np.array([1])}
    outputs = [{"name": "q"}, {"name": "p", "parameters": {"binary_data": False}}]
    request = _request(outputs=outputs, parameters={"binary_data_output": True})

    answer, tail = _answered(Message(content=content), request)

    assert [output["name"] for output in answer["outputs"]] == ["q", "p"]
    assert answer["outputs"][0]["parameters"] == {"binary_data_size": 8}
    assert (np.frombuffer(tail, "<i4").tolist(), answer["outputs"][1]["data"]) == ([1, 2], [0.5, 1.5])


def test_an_output_that_is_not_answered_is_refused_by_name() -> None:
    """And told which there are."""
    with pytest.raises(BadPayloadError, match="expected 'predict_proba'"):
        _answered(Message(content=np.array([1.0])), _request(outputs=[{"name": "x"}]))


def test_tensors_of_several_shapes_stay_apart() -> None:
    """As a model with inputs of its own shapes takes them."""
    tensors = [_tensor(), _tensor(name="b", shape=[2, 3], data=[1, 2, 3, 4, 5, 6])]

    message = message_of(request_from({"inputs": tensors}))

    assert {name: array.shape for name, array in dict(message.content).items()} == {"a": (2,), "b": (2, 3)}


def test_json_is_not_carried() -> None:
    """The protocol has tensors only; the error says where else to ask."""
    with pytest.raises(NotCarriedError, match="Seldon's protocol"):
        _answered(Message(content={"a": 1}, form="jsonData"), _request())


@pytest.mark.parametrize("number", [2.0**64, -1.0, 0.5])
def test_a_fraction_or_a_number_beyond_64_bits_is_refused(number: float) -> None:
    """Also where a double cannot tell the largest number from the next."""
    with pytest.raises(BadPayloadError, match="UINT64"):
        request_from({"inputs": [_tensor(datatype="UINT64", data=[number, 1.0])]})


def test_large_whole_numbers_are_exact() -> None:
    """Beyond 2^63, beside smaller ones."""
    request = request_from({"inputs": [_tensor(datatype="UINT64", data=[1, 2**64 - 1])]})

    assert request.inputs[0].values.tolist() == [1, 2**64 - 1]
