"""Asks a deployment's models over gRPC, and tells them later what was true: ``PredictionClient``'s other transport."""

from collections.abc import Mapping
from typing import Any

import grpc

from sluicegate.serving.api.metadata import JSON
from sluicegate.serving.client import seldon_grpc
from sluicegate.serving.client.errors import ClientError, NotFoundError, RefusedError, UnreachableError
from sluicegate.serving.client.prediction import Predicting, Service
from sluicegate.serving.protocol.errors import ProtocolError

_PATHS: Mapping[Service, str] = {"predictions": seldon_grpc.PREDICT, "feedback": seldon_grpc.FEEDBACK}
_LOST = frozenset({grpc.StatusCode.NOT_FOUND, grpc.StatusCode.UNIMPLEMENTED})
_SILENT = frozenset({grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED})


class GrpcPredictionClient(Predicting):
    """Talks to one deployment at ``gateway``, HOST:PORT or a URL; to a server without a gateway if it has no name.

    ``headers`` go as metadata with every request. ``timeout`` is seconds. Raises as ``PredictionClient`` does.
    """

    def __init__(
        self,
        gateway: str,
        namespace: str,
        deployment: str,
        *,
        headers: dict[str, str] | None = None,
        timeout: float = 10.0,
        tls: bool = False,
    ) -> None:
        self._where, self._timeout = f"{gateway} {namespace}/{deployment}", timeout
        self._metadata = seldon_grpc.metadata_of(namespace, deployment, headers or {})
        self._channel = seldon_grpc.open_channel(grpc, gateway, tls=tls)
        self._methods = {path: seldon_grpc.method_of(self._channel, path) for path in _PATHS.values()}

    def close(self) -> None:
        """Close the channel."""
        self._channel.close()

    def _ask(self, service: Service, body: JSON, headers: dict[str, str] | None) -> JSON:
        path = _PATHS[service]
        more = tuple((name.lower(), value) for name, value in (headers or {}).items())
        try:
            message = seldon_grpc.request_of(body, path)
            received = self._methods[path](message, timeout=self._timeout, metadata=(*self._metadata, *more))
            return seldon_grpc.answer_of(received)
        except ProtocolError as error:
            raise RefusedError(f"{self._where}: {error}") from error
        except grpc.RpcError as error:
            raise self._refusal(error) from error

    def _refusal(self, error: Any) -> ClientError:
        message = f"{self._where}: {error.code().name} {seldon_grpc.words_of(error)[:500]}"
        if error.code() in _LOST:
            return NotFoundError(f"{message}; no such deployment, or none with a port for gRPC")
        if error.code() in _SILENT:
            return UnreachableError(f"{message}; is the gateway up (`sluicegate status`)?")
        return RefusedError(message)
