"""Whatever comes, a codec reads it or refuses it with a reason: no other error, no memory for a shape that is a lie."""

from contextlib import suppress
from typing import Any

import pytest
from google.protobuf.message import DecodeError
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.fuzzing.targets import inference_json, seldon_json, tensorflow_json
from tests.unit.serving.protocol.strategies import JSON

from sluicegate.serving.protocol import inference, inference_protobuf, protobuf, seldon, seldon_protobuf, tensorflow
from sluicegate.serving.protocol.errors import BadPayloadError, ProtocolError
from sluicegate.serving.protocol.tensorflow_protobuf import tensor_array
from sluicegate.serving.protocol.tensors import NUMPY_TYPES

SIZES = st.integers(-2, 4) | st.sampled_from([2**20, 2**31 - 1, 2**31, 2**62, -(2**63)])
SHAPES = st.lists(SIZES, max_size=4) | st.just([1] * 40)
TYPES = st.sampled_from([*NUMPY_TYPES, "", "X"])
NUMBERS = st.lists(st.integers(-300, 2**31 - 1), max_size=4)
FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "name": st.sampled_from(["a", "b", ""]) | JSON,
    "datatype": TYPES | JSON,
    "shape": SHAPES | JSON,
    "data": JSON | st.lists(JSON, max_size=3),
    "parameters": st.fixed_dictionaries({}, optional={"binary_data_size": SIZES | JSON}) | JSON,
}
TensorProto = protobuf.message_type("tensorflow.TensorProto")


def _read_or_refused(read: Any, *given_: Any) -> None:
    with suppress(ProtocolError):
        read(*given_)


@given(
    st.fixed_dictionaries(
        {}, optional={"inputs": st.lists(st.fixed_dictionaries({}, optional=FIELDS), max_size=3) | JSON, "id": JSON}
    ),
    st.binary(max_size=40),
)
@settings(max_examples=300)
def test_open_inference_in_json(body: Any, tail: bytes) -> None:
    """Requests of the right names and any values."""
    _read_or_refused(lambda: inference.message_of(inference.request_from(body, tail)))


@given(TYPES, SHAPES, NUMBERS, st.lists(st.binary(max_size=20), max_size=2), st.booleans())
@settings(max_examples=300)
def test_open_inference_in_protobuf(
    datatype: str, shape: list[int], numbers: list[int], raw: list[bytes], typed: bool
) -> None:
    """Any shape for any contents."""
    request = inference_protobuf.ModelInferRequest(raw_input_contents=raw)
    tensor = request.inputs.add(name="a", datatype=datatype, shape=[size for size in shape if size < 2**63])
    if typed:
        tensor.contents.int_contents.extend(numbers)
        tensor.contents.fp32_contents.extend(numbers)

    _read_or_refused(lambda: inference.message_of(inference_protobuf.request_from(request)))


@given(st.integers(0, 30), SHAPES, st.binary(max_size=20), NUMBERS, st.lists(st.binary(max_size=4), max_size=3))
@settings(max_examples=300)
def test_tensorflows_tensor(
    kind: int, shape: list[int], content: bytes, numbers: list[int], texts: list[bytes]
) -> None:
    """Any type, shape and values."""
    tensor = TensorProto(
        dtype=kind, tensor_content=content, int_val=numbers, half_val=numbers, double_val=numbers, string_val=texts
    )
    for size in shape:
        tensor.tensor_shape.dim.add(size=size)

    _read_or_refused(tensor_array, tensor, "t")


TENSOR_FIELDS = ("dtype", "tensorShape", "tensorContent", "intVal", "halfVal", "doubleVal", "stringVal", "boolVal")


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "data": st.dictionaries(st.sampled_from(["names", "ndarray", "tensor", "tftensor"]), JSON, max_size=3)
            | st.fixed_dictionaries(
                {"tftensor": st.dictionaries(st.sampled_from(TENSOR_FIELDS), JSON | st.sampled_from(["DT_HALF", 1]))}
            ),
            "customData": JSON,
            "meta": JSON | st.dictionaries(st.sampled_from(["puid", "tags", "routing", "metrics"]), JSON),
            "status": JSON | st.dictionaries(st.sampled_from(["code", "info", "status"]), JSON),
            "binData": JSON,
        },
    )
)
@settings(max_examples=300)
def test_seldon_in_json(body: Any) -> None:
    """As a client's request, as a unit's answer, as a feedback's part."""
    _read_or_refused(seldon.message_from, body)
    _read_or_refused(lambda: seldon.message_from(body, reported=True))
    _read_or_refused(seldon.messages_from, [body])
    _read_or_refused(seldon.feedback_from, {"request": body, "response": body})


@given(st.binary(max_size=60))
@settings(max_examples=500)
def test_seldon_in_protobuf(raw: bytes) -> None:
    """Bytes of which some are messages."""
    for kind, read in (
        (seldon_protobuf.SeldonMessage, seldon_protobuf.message_from),
        (seldon_protobuf.SeldonMessageList, seldon_protobuf.messages_from),
        (seldon_protobuf.FeedbackMessage, seldon_protobuf.feedback_from),
    ):
        try:
            message = kind.FromString(raw)
        except DecodeError:
            continue
        _read_or_refused(read, message)


ROWS = st.lists(JSON | st.fixed_dictionaries({"b64": JSON}), max_size=3)


@given(
    st.dictionaries(
        st.sampled_from(["instances", "inputs", "examples", "context", "signature_name"]),
        JSON | ROWS | st.dictionaries(st.sampled_from("ab"), JSON | ROWS, max_size=2),
        max_size=3,
    )
)
@settings(max_examples=300)
def test_tensorflow_in_json(body: Any) -> None:
    """By each verb."""
    for verb in ("predict", "classify", "regress"):
        _read_or_refused(tensorflow.request_from, body, verb)


LIE = [0, 2**31 - 1, 2**31 - 1]


def test_a_shape_without_values_that_no_array_can_have_is_refused() -> None:
    """In every codec that reads shapes; such a one was once an error of the server."""
    tensor = {"name": "a", "datatype": "FP32", "shape": LIE, "data": []}
    sent = protobuf.parsed(
        {"inputs": [{"name": "a", "datatype": "FP32", "shape": LIE}]}, inference_protobuf.ModelInferRequest()
    )
    seldon_message = protobuf.parsed(
        {"data": {"tensor": {"shape": LIE, "values": []}}}, seldon_protobuf.SeldonMessage()
    )
    dims = {"dim": [{"size": size} for size in LIE]}

    for read in (
        lambda: inference.request_from({"inputs": [tensor]}),
        lambda: inference_protobuf.request_from(sent),
        lambda: seldon.message_from({"data": {"tensor": {"shape": LIE, "values": []}}}),
        lambda: seldon.message_from({"data": {"tftensor": {"dtype": "DT_FLOAT", "tensorShape": dims}}}),
        lambda: seldon_protobuf.message_from(seldon_message),
    ):
        with pytest.raises(BadPayloadError, match=r"2\^48"):
            read()


HUGE = b"1" + b"0" * 5000
HARD = {
    "100000 lists": b"[" * 100_000 + b"]" * 100_000,
    "100000 objects": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "900 lists": b"[" * 900 + b"]" * 900,
    "900 lists beside a number": b"[" + b"[" * 900 + b"]" * 900 + b",1]",
    "900 lists around bytes": b"[" * 900 + b'{"b64":"eA=="}' + b"]" * 900,
    "a number of 5000 digits": HUGE,
    "numbers of 5000 digits": b"[" + HUGE + b",-" + HUGE + b",null]",
    "a number beyond a double": b"[1e999]",
    "just within": b"[1.7976931348623157e308,-1e-400,18446744073709551616,-9223372036854775809]",
    "NaN": b"[NaN,Infinity]",
    "half a surrogate": b'["\\ud800","\\udc00\\ud800"]',
    "no UTF-8": b'["\xff\xfe\xed\xa0\x80"]',
    "a name twice": b'{"a":1,"a":[2],"shape":[1],"shape":[2]}',
    "a shape that is a lie": b"[1000000000,1000000]",
    "a shape of nothing": b"[1000000000,0]",
}
PLACES = (
    b"%b",
    b'{"data":{"ndarray":%b}}',
    b'{"data":{"tensor":{"shape":%b,"values":[]}}}',
    b'{"data":{"tensor":{"shape":[1],"values":%b}}}',
    b'{"data":{"names":%b,"ndarray":[[1]]}}',
    b'{"data":{"tftensor":{"dtype":"DT_FLOAT","tensorShape":{"dim":%b},"floatVal":[1]}}}',
    b'{"data":{"tftensor":{"dtype":"DT_HALF","tensorShape":{"dim":[{"size":1}]},"halfVal":%b}}}',
    b'{"jsonData":%b}',
    b'{"strData":"a","meta":{"puid":%b}}',
    b'{"strData":"a","meta":{"tags":%b,"routing":%b}}',
    b'{"strData":"a","meta":{"metrics":[{"key":"k","value":%b}]}}',
    b'{"reward":%b}',
    b'{"inputs":[{"name":"a","shape":%b,"datatype":"FP32","data":[]}]}',
    b'{"inputs":[{"name":"a","shape":[1],"datatype":"FP16","data":%b}]}',
    b'{"inputs":[{"name":"a","shape":[1],"datatype":"UINT64","data":%b}]}',
    b'{"inputs":%b}',
    b'{"instances":%b}',
    b'{"instances":[1],"signature_name":%b}',
    b'{"examples":[{"a":%b}]}',
)


@pytest.mark.parametrize("hard", HARD.values(), ids=HARD)
def test_what_is_hard_for_readers_of_json_is_read_or_refused(hard: bytes) -> None:
    """At every place of every codec."""
    for place in PLACES:
        body = place.replace(b"%b", hard)
        seldon_json(body)
        tensorflow_json(body)
        inference_json(len(body).to_bytes(2, "little") + body if len(body) < 2**16 else body[: 2**15])
