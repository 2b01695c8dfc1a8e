"""What is fuzzed: for each codec, and for the HTTP door, what bytes go through it and what may come of them.

``TARGETS`` is called by ``run`` (atheris, for as long as you like) and by the tests (on the bytes that lie in
``corpus``). A target raises nothing, whatever it gets: what breaks a format is refused with a ProtocolError, inside.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, cast

from google.protobuf.message import DecodeError

from sluicegate.serving.protocol import inference, inference_protobuf, protobuf, seldon, seldon_protobuf, tensorflow
from sluicegate.serving.protocol.errors import ProtocolError
from sluicegate.serving.protocol.messages import Feedback, Message
from sluicegate.serving.protocol.tensorflow_protobuf import fill_tensor, tensor_array
from sluicegate.serving.protocol.tensors import Tensor, datatype_of, message_of_tensors, tensors_of_message
from sluicegate.serving.server.bodies import value_of
from sluicegate.serving.server.connections import Connection, Door
from sluicegate.serving.server.exchanges import Reply, Request, json_response

_PredictRequest = protobuf.message_type("tensorflow.serving.PredictRequest")
_Tensor = protobuf.message_type("tensorflow.TensorProto")
_VERBS: tuple[tensorflow.Verb, ...] = ("predict", "classify", "regress")


def _tried(read: Callable[[], Any]) -> Any:
    """What it gives; None if it refuses."""
    with suppress(ProtocolError):
        return read()
    return None


def _written(message: Message) -> None:
    """An echo of what came, by every protocol."""
    request = inference.InferenceRequest(inputs=())
    _tried(lambda: seldon.encode(seldon.body_of(message)))
    _tried(lambda: seldon.encode(seldon.log_value(message)))
    _tried(lambda: seldon_protobuf.to_message(message).SerializeToString())
    _tried(lambda: inference.body_of(_inference_answer(message, request), request))
    for raw in (False, True):
        _tried(lambda raw=raw: inference_protobuf.to_answer(_inference_answer(message, request), raw=raw))
    for verb in _VERBS:
        for rows in (False, True):
            _tried(
                lambda verb=verb, rows=rows: seldon.encode(
                    tensorflow.answer_of(message, verb, rows=rows, output="output")
                )
            )
    _tried(lambda: [fill_tensor(_Tensor(), each.values) for each in tensors_of_message(message, "output")])


def _inference_answer(message: Message, request: inference.InferenceRequest) -> inference.InferenceAnswer:
    return inference.answer_of(message, request, model="m", version="1", output="output")


def _all_written(messages: Sequence[Message] | None) -> None:
    for message in messages or ():
        _written(message)


def _fed_back(feedback: Feedback | None) -> None:
    if feedback is not None:
        _tried(lambda: seldon.encode(seldon.body_of_feedback(feedback)))
        _tried(lambda: seldon_protobuf.to_feedback(feedback))


def seldon_json(data: bytes) -> None:
    """As a prediction, a unit's answer, a combiner's input, a feedback."""
    value = _tried(lambda: seldon.parse(data))
    _all_written([each for each in (_tried(lambda: seldon.message_from(value)),) if each])
    _all_written([each for each in (_tried(lambda: seldon.message_from(value, reported=True)),) if each])
    _all_written(_tried(lambda: seldon.messages_from(value)))
    _fed_back(_tried(lambda: seldon.feedback_from(value)))


def seldon_bytes(data: bytes) -> None:
    """The same in protobuf; the first byte chooses the message."""
    kinds = (
        (seldon_protobuf.SeldonMessage, lambda found: [seldon_protobuf.message_from(found)]),
        (seldon_protobuf.SeldonMessage, lambda found: [seldon_protobuf.message_from(found, reported=True)]),
        (seldon_protobuf.SeldonMessageList, seldon_protobuf.messages_from),
        (seldon_protobuf.FeedbackMessage, seldon_protobuf.feedback_from),
    )
    kind, read = kinds[data[0] % len(kinds) if data else 0]
    with suppress(DecodeError):
        found = kind.FromString(data[1:])
        told = _tried(lambda: read(found))
        _fed_back(told) if isinstance(told, Feedback) else _all_written(told)


def inference_json(data: bytes) -> None:
    """Open Inference: the first two bytes say how long the JSON is, others follow it."""
    length = int.from_bytes(data[:2], "little")
    value = _tried(lambda: seldon.parse(data[2 : 2 + length]))
    request = _tried(lambda: inference.request_from(value, data[2 + length :]))
    message = _tried(lambda: inference.message_of(request)) if request else None
    if message is not None:
        _written(message)
        _tried(lambda: inference.body_of(_inference_answer(message, request), request))


def inference_bytes(data: bytes) -> None:
    """Open Inference in protobuf, typed and raw contents, requests and answers."""
    with suppress(DecodeError):
        found = inference_protobuf.ModelInferRequest.FromString(data)
        request = _tried(lambda: inference_protobuf.request_from(found))
        _all_written([each for each in (_tried(lambda: inference.message_of(request)) if request else None,) if each])
        if request:
            _tried(lambda: inference_protobuf.to_request(request, model="m"))
    with suppress(DecodeError):
        answer = inference_protobuf.ModelInferResponse.FromString(data)
        _tried(lambda: inference_protobuf.answer_from(answer))


def tensorflow_json(data: bytes) -> None:
    """TensorFlow's JSON by each verb."""
    value = _tried(lambda: seldon.parse(data))
    for verb in _VERBS:
        request = _tried(lambda verb=verb: tensorflow.request_from(value, verb))
        if request is not None:
            _written(request.message)


def tensorflow_bytes(data: bytes) -> None:
    """TensorFlow's PredictRequest."""
    with suppress(DecodeError):
        found = _PredictRequest.FromString(data)
        arrays = {name: _tried(lambda name=name: tensor_array(found.inputs[name], name)) for name in found.inputs}
        read = {name: array for name, array in arrays.items() if array is not None}
        tensors = [
            Tensor(name=name, datatype=datatype_of(array), values=array if array.ndim else array.reshape(1))
            for name, array in read.items()
        ]
        message = _tried(lambda: message_of_tensors(tensors)) if tensors else None
        if message is not None:
            _written(message)


_TYPES = (b"application/x-www-form-urlencoded", b"multipart/form-data; boundary=x", b"multipart/form-data; boundary=")


def http_bodies(data: bytes) -> None:
    """Forms, queries and multiparts; the first byte chooses the type, or the type is among the bytes."""
    kind = (
        _TYPES[(data or b"0")[0] % len(_TYPES)]
        if data[:1] != b"\xff"
        else data[1:40].replace(b"\r", b"").replace(b"\n", b"")
    )
    for body, query in ((data[1:], b""), (b"", data[1:])):
        headers = {b"content-type": kind}
        request = Request(method="POST", path="/predict", headers=headers, body=body, received=0.0, query=query)
        value = _tried(lambda request=request: value_of(request))
        _tried(lambda value=value: seldon.message_from(value))


class _Wire(asyncio.Transport):
    """A client's end that remembers whether it is closed."""

    def __init__(self) -> None:
        super().__init__()
        self.sent, self.closed = 0, False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.sent += len(data)

    def close(self) -> None:
        self.closed = True

    def abort(self) -> None:
        self.closed = True

    def write_eof(self) -> None:
        """Nothing to do."""

    def pause_reading(self) -> None:
        """Nothing to do."""

    def resume_reading(self) -> None:
        """Nothing to do."""


def _echo(request: Request, reply: Reply, _: Callable[[], bool]) -> None:
    reply(json_response({"method": request.method, "rows": len(request.body)}))


def http_wire(data: bytes) -> None:
    """A connection that gets the bytes in pieces, as the first byte says; no answer is of the server's fault."""
    door = Door(handler=_echo, body_bytes=200, keep_alive_seconds=1, receive_seconds=1)
    connection, wire = Connection(door), _Wire()
    connection.connection_made(wire)
    size = 1 + data[0] if data else 1
    for start in range(1, len(data), size):
        if not wire.closed:
            connection.data_received(data[start : start + size])
    connection.eof_received()
    connection.check_time(float("inf"))
    connection.connection_lost(None)
    assert not door.connections


TARGETS: dict[str, Callable[[bytes], None]] = {
    function.__name__: cast("Callable[[bytes], None]", function)
    for function in (
        seldon_json,
        seldon_bytes,
        inference_json,
        inference_bytes,
        tensorflow_json,
        tensorflow_bytes,
        http_bodies,
        http_wire,
    )
}
