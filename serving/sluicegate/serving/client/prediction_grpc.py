"""Asks a deployment's models over gRPC, and tells them later what was true: ``PredictionClient``'s other transport."""

from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self

import grpc

from sluicegate.serving.api.metadata import JSON
from sluicegate.serving.client import seldon_grpc
from sluicegate.serving.client.errors import ClientError, NotFoundError, RefusedError, UnreachableError
from sluicegate.serving.client.prediction import Prediction, asked_of, prediction_of, told_of
from sluicegate.serving.protocol.errors import ProtocolError

_LOST = frozenset({grpc.StatusCode.NOT_FOUND, grpc.StatusCode.UNIMPLEMENTED})
_SILENT = frozenset({grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED})


class GrpcPredictionClient:
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
        self._methods = {
            path: seldon_grpc.method_of(self._channel, path) for path in (seldon_grpc.PREDICT, seldon_grpc.FEEDBACK)
        }

    def __enter__(self) -> Self:
        """The client, to be closed at the end of the block."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the channel."""
        self.close()

    def close(self) -> None:
        """Close the channel."""
        self._channel.close()

    def predict(
        self, rows: Sequence[Sequence[Any]], names: Sequence[str], *, headers: dict[str, str] | None = None
    ) -> Prediction:
        """The model's answer for these rows; ``names`` are the columns."""
        return prediction_of(self._call(seldon_grpc.PREDICT, asked_of(rows, names), headers))

    def feedback(self, puid: str, truth: Sequence[Any], *, reward: float = 0.0) -> None:
        """What turned out to be true for the request ``puid``: one label for each of its rows."""
        self._call(seldon_grpc.FEEDBACK, told_of(puid, truth, reward), None)

    def _call(self, path: str, body: JSON, headers: dict[str, str] | None) -> JSON:
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
