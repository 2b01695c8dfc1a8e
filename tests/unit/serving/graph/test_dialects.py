"""What is sent to units of other processes, and read of them, as the protocols' own pages write it."""

import json
from typing import Any

import numpy as np
import pytest

from sluicegate.serving.api.seldon_deployment import PredictiveUnit
from sluicegate.serving.graph.grpc_dialects import grpc_dialect
from sluicegate.serving.graph.planning import Node, plan_of
from sluicegate.serving.graph.rest_dialects import rest_dialect
from sluicegate.serving.protocol import seldon_protobuf
from sluicegate.serving.protocol.errors import BadPayloadError
from sluicegate.serving.protocol.messages import Feedback, Message, Meta
from sluicegate.serving.protocol.tensor_messages import tensors_to_ask

NODE: Node = plan_of(PredictiveUnit(name="my model", type="MODEL", implementation="a.B")).root
ROWS = Message(content=np.array([[1.0, 2.0], [3.0, 4.0]]), meta=Meta(puid="p", tags={"a": 1}))


def asked(protocol: str, message: Message) -> tuple[bytes, Any]:
    """Path and JSON of a prediction."""
    path, body = rest_dialect(protocol, NODE).asked("predict", [message])
    return path, json.loads(body)


@pytest.mark.parametrize("protocol", ["v2", "kfserving"])
def test_open_inference_is_asked(protocol: str) -> None:
    path, body = asked(protocol, ROWS)

    assert path == b"/v2/models/my%20model/infer"
    tensor = {"name": "input", "shape": [2, 2], "datatype": "FP64", "data": [1.0, 2.0, 3.0, 4.0]}
    assert body == {"id": "p", "inputs": [tensor]}


def test_open_inference_answers() -> None:
    body = {"model_name": "m", "outputs": [{"name": "y", "shape": [2], "datatype": "INT64", "data": [7, 8]}]}

    answer = rest_dialect("v2", NODE).answered("predict", [ROWS], json.dumps(body).encode())

    assert (answer.content.tolist(), answer.form, answer.tensors, answer.meta) == ([7, 8], "ndarray", ("y",), ROWS.meta)


def test_several_outputs_keep_their_names() -> None:
    outputs = [{"name": name, "shape": [1], "datatype": "BYTES", "data": [name]} for name in "xy"]

    answer = rest_dialect("v2", NODE).answered("predict", [ROWS], json.dumps({"outputs": outputs}).encode())

    assert {name: array.tolist() for name, array in answer.content.items()} == {"x": ["x"], "y": ["y"]}


def test_tensorflow_is_asked_by_rows() -> None:
    assert asked("tensorflow", ROWS) == (b"/v1/models/my%20model:predict", {"instances": [[1.0, 2.0], [3.0, 4.0]]})


@pytest.mark.parametrize("body", [{"predictions": [[5.0], [6.0]]}, {"outputs": [[5.0], [6.0]]}])
def test_tensorflow_answers(body: Any) -> None:
    answer = rest_dialect("tensorflow", NODE).answered("predict", [ROWS], json.dumps(body).encode())

    assert answer.content.tolist() == [[5.0], [6.0]]


@pytest.mark.parametrize("protocol", ["v2", "tensorflow"])
@pytest.mark.parametrize("body", [b"{}", b"[]", b'{"outputs": []}', b'{"predictions": 3}', b"oops"])
def test_what_is_no_answer_is_said_to_be_none(protocol: str, body: bytes) -> None:
    dialect: Any = rest_dialect(protocol, NODE)
    if protocol == "tensorflow" and body == b'{"outputs": []}':
        body = b'{"outputs": {"a": [[1], [1, 2]]}}'

    with pytest.raises(BadPayloadError):
        dialect.answered("predict", [ROWS], body)


def test_columns_go_as_the_tensors_that_they_came_as() -> None:
    table = np.array([["red", 1], ["blue", 2]], dtype=object)

    tensors = tensors_to_ask(Message(content=table, names=("colour", "size"), tensors=("colour", "size")))

    assert [(each.name, each.datatype, each.values.tolist()) for each in tensors] == [
        ("colour", "BYTES", ["red", "blue"]),
        ("size", "INT64", [1, 2]),
    ]


@pytest.mark.parametrize("names", [(), ("same", "same"), ("one",)])
def test_text_beside_numbers_needs_names(names: tuple[str, ...]) -> None:
    with pytest.raises(BadPayloadError, match="int beside str"):
        tensors_to_ask(Message(content=np.array([["red", 1]], dtype=object), names=names))


@pytest.mark.parametrize("protocol", ["v2", "tensorflow"])
def test_json_has_no_form_for_nan_and_says_where_it_is(protocol: str) -> None:
    with pytest.raises(BadPayloadError, match=r"input\[0\]\[1\]: found NaN"):
        asked(protocol, Message(content=np.array([[1.0, np.nan]])))


def test_open_inference_over_grpc_carries_nan_and_every_type() -> None:
    dialect = grpc_dialect("v2", NODE)

    method, sent = dialect.asked("predict", [Message(content=np.array([[1.0, np.nan]], dtype=np.float16))])

    assert method == "/inference.GRPCInferenceService/ModelInfer"
    assert (sent.model_name, sent.inputs[0].datatype) == ("my model", "FP16")
    assert np.isnan(np.frombuffer(sent.raw_input_contents[0], np.float16)[1])


def test_tensorflow_over_grpc_is_asked_under_the_tensors_name() -> None:
    method, sent = grpc_dialect("tensorflow", NODE).asked("predict", [Message(content=np.ones((1, 2)), tensors=("x",))])

    assert method == "/tensorflow.serving.PredictionService/Predict"
    assert (sent.model_spec.name, list(sent.inputs)) == ("my model", ["x"])


@pytest.mark.parametrize("protocol", ["v2", "tensorflow"])
def test_only_seldons_protocol_has_feedback(protocol: str) -> None:
    feedback = Feedback(puid="p", reward=1.0)

    assert rest_dialect(protocol, NODE).told(feedback) is None
    assert grpc_dialect(protocol, NODE).told(feedback) is None
    assert rest_dialect("seldon", NODE).told(feedback) is not None


@pytest.mark.parametrize("form", ["ndarray", "tensor"])
def test_a_missing_value_is_asked_for_as_one(form: Any) -> None:
    """As a unit of the same process gets it; it was once a failure of the server."""
    message = Message(content=np.array([[1.0, np.nan]]), form=form)

    _, body = asked("seldon", message)
    _, sent = grpc_dialect("seldon", NODE).asked("predict", [message])

    assert body["data"]["ndarray"] == [[1.0, None]]
    values = seldon_protobuf.message_from(sent).content
    assert np.array_equal(values, message.content, equal_nan=True)
