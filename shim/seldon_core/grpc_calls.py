"""Calls over gRPC for ``seldon_client``: what it says as JSON goes as Seldon's messages, and comes back as JSON."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import grpc

from sluicegate.serving.protocol import seldon, seldon_protobuf
from sluicegate.serving.protocol.errors import ProtocolError

METHODS = {
    "predict": "Model/Predict",
    "transform-input": "Generic/TransformInput",
    "transform-output": "Generic/TransformOutput",
    "route": "Generic/Route",
    "aggregate": "Generic/Aggregate",
    "send-feedback": "Model/SendFeedback",
}
"""Of a single unit, by the words of the client."""
_SECONDS = 60.0


class Calls:
    """Channels by address; ``credentials`` as the client has them."""

    def __init__(self, credentials: Any, send_bytes: int, receive_bytes: int) -> None:
        self._credentials = credentials
        self._options = (
            ("grpc.max_send_message_length", send_bytes),
            ("grpc.max_receive_message_length", receive_bytes),
        )
        self._channels: dict[tuple[str, bool], Any] = {}

    def made(
        self, address: str, method: str, body: Any, metadata: Mapping[str, str], *, ssl: bool
    ) -> tuple[Any, bool, str]:
        """The answer, whether it went well, and what went wrong."""
        call = self._channel(address, ssl=ssl).unary_unary(
            f"/seldon.protos.{method}",
            request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=seldon_protobuf.SeldonMessage.FromString,
        )
        try:
            received = call(_request(method, body), timeout=_SECONDS, metadata=tuple(metadata.items()))
            return _answer(received), True, ""
        except grpc.RpcError as error:
            return None, False, f"{error.code().name}: {error.details()}"
        except ProtocolError as error:
            return None, False, str(error)

    def _channel(self, address: str, *, ssl: bool) -> Any:
        if (address, ssl) not in self._channels:
            self._channels[address, ssl] = self._opened(address, ssl=ssl)
        return self._channels[address, ssl]

    def _opened(self, address: str, *, ssl: bool) -> Any:
        if not ssl:
            return grpc.insecure_channel(address, options=self._options)
        roots = _read(self._credentials.verify if isinstance(self._credentials.verify, str) else None)
        chain, key = self._credentials.certificate or (None, None)
        secured = grpc.ssl_channel_credentials(roots, _read(key), _read(chain))
        return grpc.secure_channel(address, secured, options=self._options)


def _read(path: str | None) -> bytes | None:
    if path is None:
        return None
    return Path(path).read_bytes()


def _request(method: str, body: Any) -> Any:
    if method.endswith("/SendFeedback"):
        return seldon_protobuf.to_feedback(seldon.feedback_from(body))
    if method.endswith("/Aggregate"):
        return seldon_protobuf.to_messages(seldon.messages_from(body))
    return seldon_protobuf.to_message(seldon.message_from(body, reported=True))


def _answer(received: Any) -> Any:
    if received.WhichOneof("data_oneof") is None:
        return {"meta": {"puid": received.meta.puid} if received.meta.puid else {}}
    return seldon.parse(seldon.encode(seldon.body_of(seldon_protobuf.message_from(received, reported=True))))
