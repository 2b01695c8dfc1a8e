"""Seldon's gRPC as clients speak it: messages from the JSON that they have anyway, and back; what its statuses mean.

For clients of one request and for batches. Needs grpcio and protobuf, which the extra ``serving`` brings.
"""

from typing import Any
from urllib.parse import urlsplit

from sluicegate.serving.api.metadata import JSON
from sluicegate.serving.client.errors import MissingExtraError

try:
    import grpc

    from sluicegate.serving.protocol import seldon, seldon_protobuf
except ImportError as error:
    raise MissingExtraError("grpcio", "serving") from error

PREDICT, FEEDBACK = "/seldon.protos.Seldon/Predict", "/seldon.protos.Seldon/SendFeedback"
_OPTIONS = (("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1))
_STATUSES = {
    grpc.StatusCode.INVALID_ARGUMENT: 400,
    grpc.StatusCode.OUT_OF_RANGE: 400,
    grpc.StatusCode.UNAUTHENTICATED: 401,
    grpc.StatusCode.PERMISSION_DENIED: 403,
    grpc.StatusCode.NOT_FOUND: 404,
    grpc.StatusCode.FAILED_PRECONDITION: 409,
    grpc.StatusCode.RESOURCE_EXHAUSTED: 429,
    grpc.StatusCode.UNIMPLEMENTED: 501,
    grpc.StatusCode.UNAVAILABLE: 503,
    grpc.StatusCode.DEADLINE_EXCEEDED: 504,
}


def open_channel(module: Any, address: str, *, tls: bool) -> Any:
    """A channel of ``grpc`` or of ``grpc.aio`` to HOST:PORT or to a URL of it."""
    target = urlsplit(address).netloc if "://" in address else address
    if tls or address.startswith("https://"):
        return module.secure_channel(target, grpc.ssl_channel_credentials(), options=_OPTIONS)
    return module.insecure_channel(target, options=_OPTIONS)


def metadata_of(
    namespace: str, deployment: str, headers: dict[str, str], token: str = ""
) -> tuple[tuple[str, str], ...]:
    """What leads a call through a gateway to ``deployment``; nothing of it where that is empty."""
    route = {"seldon": deployment, "namespace": namespace} if deployment else {}
    rights = {"authorization": f"Bearer {token}"} if token else {}
    return tuple((name.lower(), value) for name, value in {**route, **rights, **headers}.items())


def method_of(channel: Any, path: str) -> Any:
    """What calls Predict or SendFeedback with a message made of JSON."""
    return channel.unary_unary(
        path,
        request_serializer=lambda message: message.SerializeToString(),
        response_deserializer=seldon_protobuf.SeldonMessage.FromString,
    )


def request_of(body: Any, path: str) -> Any:
    """The message that says what ``body``, which is JSON, says to the method at ``path``. Raises ProtocolError."""
    if path.endswith("/SendFeedback"):
        return seldon_protobuf.to_feedback(seldon.feedback_from(body))
    if path.endswith("/Aggregate"):
        return seldon_protobuf.to_messages(seldon.messages_from(body))
    return seldon_protobuf.to_message(seldon.message_from(body, reported=True))


def answer_of(received: Any) -> JSON:
    """The answer as REST would have given it; that to a feedback has no content. Raises ProtocolError."""
    if received.WhichOneof("data_oneof") is None:
        return {"meta": {"puid": received.meta.puid} if received.meta.puid else {}}
    answer: JSON = seldon.parse(seldon.encode(seldon.body_of(seldon_protobuf.message_from(received, reported=True))))
    return answer


def status_of(error: Any) -> int:
    """The status that REST has for a failed call."""
    return _STATUSES.get(error.code(), 500)


def words_of(error: Any) -> str:
    """The server's own words."""
    return str(error.details() or error.code().name)


def pause_of(error: Any) -> float:
    """Seconds until it may be tried again, if the server says it."""
    told = dict(error.trailing_metadata() or ()).get("retry-after", "")
    return float(told) if isinstance(told, str) and told.isdigit() else 0.0
