"""Calls over gRPC for ``seldon_client``: what it says as JSON goes as Seldon's messages, and comes back as JSON."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import grpc

from sluicegate.serving.client import seldon_grpc
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
        path = f"/seldon.protos.{method}"
        call = seldon_grpc.method_of(self._channel(address, ssl=ssl), path)
        try:
            received = call(seldon_grpc.request_of(body, path), timeout=_SECONDS, metadata=tuple(metadata.items()))
            return seldon_grpc.answer_of(received), True, ""
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
