"""What a codec writes it reads as it was; Seldon's JSON is what Google's own library makes of the protobuf message."""

import base64
import json
from typing import Any

import numpy as np
import pytest
from google.protobuf.json_format import MessageToDict
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.serving.protocol.strategies import JSON, METAS, SINGLE, messages, same, tensors

from sluicegate.serving.protocol import inference, inference_protobuf, protobuf, seldon, seldon_protobuf, tensorflow
from sluicegate.serving.protocol.messages import Feedback, Message
from sluicegate.serving.protocol.tensorflow_protobuf import fill_tensor, tensor_array
from sluicegate.serving.protocol.tensors import NUMPY_TYPES, Tensor, datatype_of

TensorProto = protobuf.message_type("tensorflow.TensorProto")


@given(messages())
def test_seldon_in_json(message: Message) -> None:
    """Every form, with its meta."""
    assert same(seldon.message_from(seldon.parse(seldon.encode(seldon.body_of(message))), reported=True), message)


@given(messages())
def test_seldon_in_protobuf(message: Message) -> None:
    """Over the bytes that travel."""
    sent = seldon_protobuf.to_message(message).SerializeToString()

    assert same(seldon_protobuf.message_from(seldon_protobuf.SeldonMessage.FromString(sent), reported=True), message)


@given(messages())
def test_seldons_json_is_what_google_reads(message: Message) -> None:
    """Our JSON, parsed by protobuf's own rules, is the message that we write in protobuf."""
    read = protobuf.parsed(json.loads(seldon.encode(seldon.body_of(message))), seldon_protobuf.SeldonMessage())

    assert same(seldon_protobuf.message_from(read, reported=True), message)


@given(messages())
def test_seldons_protobuf_is_what_google_writes(message: Message) -> None:
    """Our protobuf, written as JSON by protobuf's own rules, is read as the same message."""
    written = MessageToDict(seldon_protobuf.to_message(message), descriptor_pool=protobuf.POOL)

    found = seldon.message_from(written, reported=True)

    assert same(found, message)


@given(st.lists(messages(), min_size=1, max_size=3))
def test_lists_for_combiners(several: list[Message]) -> None:
    """In protobuf, and in both forms of JSON."""
    sent = seldon_protobuf.to_messages(several)
    listed = [json.loads(seldon.encode(seldon.body_of(each))) for each in several]

    for found in (
        seldon_protobuf.messages_from(sent),
        seldon.messages_from(listed),
        seldon.messages_from({"seldonMessages": listed}),
    ):
        assert all(same(one, other) for one, other in zip(found, several, strict=True))


@given(messages(), messages(), SINGLE, METAS)
def test_feedback(request: Message, truth: Message, reward: float, meta: Any) -> None:
    """In protobuf; routing and puid lie in the response."""
    feedback = Feedback(puid=meta.puid, reward=reward, request=request, truth=truth, routing=meta.routing)

    found = seldon_protobuf.feedback_from(seldon_protobuf.to_feedback(feedback))

    assert found.request is not None
    assert found.truth is not None
    assert found.request.content is not None or request.content is None
    assert (found.reward, found.routing) == (reward, meta.routing)
    assert found.puid == (meta.puid or request.meta.puid)


@pytest.mark.parametrize("datatype", [name for name in NUMPY_TYPES if name != "BF16"])
@pytest.mark.parametrize("raw", [True, False])
@settings(max_examples=20)
@given(data=st.data())
def test_open_inference_in_protobuf(datatype: str, raw: bool, data: st.DataObject) -> None:
    """All types, typed and raw, as request and as answer."""
    tensor = Tensor(name="a", datatype=datatype, values=data.draw(tensors(datatype)))
    asked = inference.InferenceRequest(
        id="i", inputs=(tensor,), outputs=("b",), parameters={"n": 1, "t": True, "s": "x"}
    )
    answered = inference.InferenceAnswer(model="m", version="1", id="i", outputs=(tensor,))

    sent = inference_protobuf.to_request(asked, model="m", raw=raw).SerializeToString()
    request = inference_protobuf.request_from(inference_protobuf.ModelInferRequest.FromString(sent))
    answer = inference_protobuf.answer_from(inference_protobuf.to_answer(answered, raw=raw))

    assert (request.outputs, request.parameters) == (asked.outputs, asked.parameters)
    for found in (request.inputs[0], answer.outputs[0]):
        assert (found.datatype, found.values.tolist()) == (datatype, tensor.values.tolist())
        assert (found.values.shape, found.values.dtype) == (tensor.values.shape, tensor.values.dtype)


@pytest.mark.parametrize("datatype", [name for name in NUMPY_TYPES if name != "BF16"])
@pytest.mark.parametrize("binary", [True, False])
@settings(max_examples=20)
@given(data=st.data())
def test_open_inference_in_json(datatype: str, binary: bool, data: st.DataObject) -> None:
    """All types: an answer, read back as if it were a request, with and without bytes behind the JSON."""
    content = data.draw(tensors(datatype))
    asked = inference.InferenceRequest(inputs=(), parameters={"binary_data_output": binary})
    answer = inference.answer_of(Message(content=content), asked, model="m", version="", output="o")

    body, length = inference.body_of(answer, asked)
    value = json.loads(body[:length])
    (found,) = inference.request_from({"inputs": value["outputs"]}, body[length:] if length is not None else b"").inputs

    assert (found.values.dtype, found.values.tolist()) == (content.dtype, content.tolist())


@given(tensors("FP32"))
def test_bf16_keeps_the_upper_half_of_a_number(values: Any) -> None:
    """Written raw and read back it is itself."""
    halved = (values.view(np.uint32) & 0xFFFF0000).view(np.float32)
    tensor = Tensor(name="a", datatype="BF16", values=halved)

    sent = inference_protobuf.to_request(inference.InferenceRequest(inputs=(tensor,)), model="m")

    assert inference_protobuf.request_from(sent).inputs[0].values.tolist() == halved.tolist()


@pytest.mark.parametrize("datatype", [name for name in NUMPY_TYPES if name != "BF16"])
@settings(max_examples=20)
@given(data=st.data())
def test_tensorflows_tensor(datatype: str, data: st.DataObject) -> None:
    """In protobuf, over the bytes that travel."""
    array = data.draw(tensors(datatype))
    made = TensorProto()
    fill_tensor(made, array)

    found = tensor_array(TensorProto.FromString(made.SerializeToString()), "t")

    assert (found.dtype, found.tolist(), datatype_of(found)) == (array.dtype, array.tolist(), datatype)


@given(tensors("FP64") | tensors("INT64") | tensors("BYTES"), st.booleans())
def test_tensorflows_rows_and_columns(content: Any, rows: bool) -> None:
    """What is answered, sent as a request, is the same table; a list of values is a column."""
    answer = tensorflow.answer_of(Message(content=content), "predict", rows=rows, output="o")
    sent = {"instances": answer["predictions"]} if rows else {"inputs": answer["outputs"]}

    found = tensorflow.request_from(json.loads(seldon.encode(sent)), "predict")

    expected = content if content.ndim > 1 else content.reshape(-1, 1)
    assert (found.message.content.tolist(), found.rows) == (expected.tolist(), rows)


@given(st.binary(max_size=30))
def test_bytes_in_tensorflows_json(element: bytes) -> None:
    """They travel as base64 both ways."""
    encoded = {"b64": base64.b64encode(element).decode()}

    message = tensorflow.request_from({"instances": [[encoded], [encoded]]}, "predict").message

    assert message.content.tolist() == [[element], [element]]
    assert tensorflow.answer_of(message, "predict", rows=True, output="o")["predictions"] == [[encoded]] * 2


@given(JSON)
def test_custom_data_that_is_known_is_what_google_makes_of_it(value: Any) -> None:
    """An Any that holds a Value."""
    content = {"@type": "type.googleapis.com/google.protobuf.Value", "value": value}
    message = Message(content=content, form="customData")

    sent = seldon_protobuf.to_message(message)

    assert seldon_protobuf.message_from(sent).content == content
    assert MessageToDict(sent, descriptor_pool=protobuf.POOL)["customData"] == content


@given(st.binary(max_size=20))
def test_custom_data_that_is_unknown_keeps_its_bytes(packed: bytes) -> None:
    """Through our JSON and back."""
    sent = seldon_protobuf.SeldonMessage()
    sent.customData.type_url, sent.customData.value = "example.com/a.B", packed

    body = seldon.encode(seldon.body_of(seldon_protobuf.message_from(sent)))

    assert seldon_protobuf.to_message(seldon.message_from(seldon.parse(body))).customData == sent.customData
