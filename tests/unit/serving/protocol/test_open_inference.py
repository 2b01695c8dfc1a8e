"""Open Inference v2 in and out."""

import numpy as np
import pytest

from sluicegate.serving.protocol.errors import BadPayloadError
from sluicegate.serving.protocol.inference import NUMPY_TYPES, answer_of, message_of, request_from
from sluicegate.serving.protocol.messages import Message


def _tensor(**changes: object) -> dict[str, object]:
    return {"name": "a", "shape": [2], "datatype": "FP64", "data": [1, 2]} | changes


@pytest.mark.parametrize("datatype", [name for name in NUMPY_TYPES if name not in ("BYTES", "BOOL")])
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


def test_an_answer_is_one_named_tensor() -> None:
    """Shape, type and flat data of the model's answer."""
    message = Message(content=np.array([[0.25, 0.75]]), names=("no", "yes"))

    answer = answer_of(message, model="m", version="1", identity="i", output="predict_proba")

    assert answer["id"] == "i"
    assert answer["outputs"] == [
        {
            "name": "predict_proba",
            "shape": [1, 2],
            "datatype": "FP64",
            "data": [0.25, 0.75],
            "parameters": {"classes": ["no", "yes"]},
        }
    ]
