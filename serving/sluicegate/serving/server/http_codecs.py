"""How a prediction comes in and goes out over HTTP: Seldon's JSON, Open Inference with or without bytes, TensorFlow's.

A codec serves one request, and may remember of it what its answer depends on.
"""

from dataclasses import dataclass
from typing import Any, Protocol

from sluicegate.serving.protocol import inference, seldon, tensorflow
from sluicegate.serving.protocol.errors import BadPayloadError
from sluicegate.serving.protocol.messages import Message
from sluicegate.serving.server.bodies import value_of
from sluicegate.serving.server.exchanges import JSON_TYPE, Request, html_safe
from sluicegate.serving.server.serving_state import Served

JSON_LENGTH = b"inference-header-content-length"
_BYTES_TYPE = b"application/octet-stream"


@dataclass(frozen=True, slots=True)
class Written:
    """An answer's body. ``json`` False: it is not JSON alone, so the request log gets the message instead."""

    body: bytes
    content_type: bytes = JSON_TYPE
    headers: bytes = b""
    json: bool = True


class Codec(Protocol):
    """A protocol's way in and out."""

    protocol: str
    """What Seldon calls it."""

    @property
    def json(self) -> bool:
        """Whether the request's body can be logged as it is."""

    def parse(self, request: Request) -> Any:
        """The body's JSON. Raises BadPayloadError."""

    def read(self, value: Any) -> Message:
        """The payload as a message. Raises BadPayloadError."""

    def write(self, message: Message, served: Served) -> Written:
        """The answer. Raises BadAnswerError."""

    def failure(self, code: int, reason: str, info: str, puid: str) -> dict[str, Any]:
        """A failure's body."""


class SeldonCodec:
    """Seldon's JSON."""

    protocol = "seldon"
    json = True
    parse = staticmethod(value_of)
    read = staticmethod(seldon.message_from)

    def failure(self, code: int, reason: str, info: str, puid: str) -> dict[str, Any]:
        """SeldonMessage with a status alone."""
        return seldon.failure(code, reason, info, puid)

    def write(self, message: Message, served: Served) -> Written:  # noqa: ARG002  (the port's signature)
        """SeldonMessage."""
        return Written(html_safe(seldon.encode(seldon.body_of(message))))


class UnitCodec(SeldonCodec):
    """Seldon's JSON at the doors of a unit, where its wrapper writes failures in a form of its own."""

    def failure(self, code: int, reason: str, info: str, puid: str) -> dict[str, Any]:  # noqa: ARG002
        """The wrapper's status object: 1 is a failure, and the code is no HTTP status."""
        return {"status": {"status": 1, "info": info, "code": -1, "reason": reason}}


class InferenceCodec:
    """Open Inference v2: a request's id comes back in the answer, but joins nothing, as clients repeat ids."""

    protocol = "v2"

    def __init__(self) -> None:
        self._request: inference.InferenceRequest | None = None
        self._tail = memoryview(b"")
        self.json = True

    def parse(self, request: Request) -> Any:
        """The JSON, which by the binary extension is followed by bytes. Raises BadPayloadError."""
        told = request.headers.get(JSON_LENGTH)
        if told is None:
            return seldon.parse(request.body)
        if not (told.isdigit() and len(told) < 16 and int(told) <= len(request.body)):
            found = told[:40].decode("latin-1")
            expected = f"the length of the JSON in these {len(request.body)} bytes"
            raise BadPayloadError("Inference-Header-Content-Length", repr(found), expected)
        self._tail = memoryview(request.body)[int(told) :]
        self.json = not self._tail
        return seldon.parse(request.body[: int(told)])

    def read(self, value: Any) -> Message:
        """An inference request."""
        self._request = inference.request_from(value, self._tail)
        return inference.message_of(self._request)

    def write(self, message: Message, served: Served) -> Written:
        """An inference response."""
        request = self._request or inference.InferenceRequest(inputs=())
        answer = inference.answer_of(message, request, model=served.name, version=served.version, output=served.output)
        body, length = inference.body_of(answer, request)
        if length is None:
            return Written(html_safe(body))
        return Written(body, _BYTES_TYPE, b"%b: %d\r\n" % (JSON_LENGTH, length), json=False)

    def failure(self, code: int, reason: str, info: str, puid: str) -> dict[str, Any]:  # noqa: ARG002
        """The protocol's error object."""
        return {"error": info}


class TensorflowCodec:
    """TensorFlow Serving's JSON, of one verb."""

    protocol = "tensorflow"
    json = True

    def __init__(self, verb: tensorflow.Verb) -> None:
        self._verb = verb
        self._rows = True

    def parse(self, request: Request) -> Any:
        """The body."""
        return seldon.parse(request.body)

    def read(self, value: Any) -> Message:
        """The rows, columns or examples."""
        request = tensorflow.request_from(value, self._verb)
        self._rows = request.rows
        return request.message

    def write(self, message: Message, served: Served) -> Written:
        """Predictions, outputs or results."""
        body = tensorflow.answer_of(message, self._verb, rows=self._rows, output=served.output)
        return Written(html_safe(seldon.encode(body)))

    def failure(self, code: int, reason: str, info: str, puid: str) -> dict[str, Any]:  # noqa: ARG002
        """The protocol's error object."""
        return {"error": info}
