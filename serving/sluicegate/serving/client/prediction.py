"""Asks a deployment's models through the gateway, in Seldon's protocol, and tells them later what was true."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Literal, Self

import httpx

from sluicegate.serving.api.metadata import JSON
from sluicegate.serving.client.errors import ClientError, NotFoundError, RefusedError, UnreachableError

Service = Literal["predictions", "feedback"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """An answer: one row of ``values`` for each row asked, under ``names``; ``puid`` is its id, for feedback."""

    values: list[list[Any]]
    names: tuple[str, ...]
    puid: str
    raw: JSON


def asked_of(rows: Sequence[Sequence[Any]], names: Sequence[str]) -> JSON:
    """A request for these rows."""
    return {"data": {"names": list(names), "ndarray": [list(row) for row in rows]}}


def prediction_of(answer: JSON) -> Prediction:
    """What an answer says."""
    data = answer.get("data") or {}
    return Prediction(
        values=data.get("ndarray") or [],
        names=tuple(data.get("names") or ()),
        puid=str((answer.get("meta") or {}).get("puid", "")),
        raw=answer,
    )


def told_of(puid: str, truth: Sequence[Any], reward: float) -> JSON:
    """A feedback with a label for each row of the request ``puid``."""
    rows = [[label] for label in truth]
    return {"response": {"meta": {"puid": puid}}, "truth": {"data": {"ndarray": rows}}, "reward": reward}


class Predicting(ABC):
    """What a client does, whatever carries it."""

    def __enter__(self) -> Self:
        """The client, to be closed at the end of the block."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connections."""
        self.close()

    def predict(
        self, rows: Sequence[Sequence[Any]], names: Sequence[str], *, headers: dict[str, str] | None = None
    ) -> Prediction:
        """The model's answer for these rows; ``names`` are the columns."""
        return prediction_of(self._ask("predictions", asked_of(rows, names), headers))

    def feedback(self, puid: str, truth: Sequence[Any], *, reward: float = 0.0) -> None:
        """What turned out to be true for the request ``puid``: one label for each of its rows."""
        self._ask("feedback", told_of(puid, truth, reward), None)

    @abstractmethod
    def close(self) -> None:
        """Close the connections."""

    @abstractmethod
    def _ask(self, service: Service, body: JSON, headers: dict[str, str] | None) -> JSON:
        """The answer to ``body``."""


class PredictionClient(Predicting):
    """Talks to one deployment below ``<gateway>/seldon/<namespace>/<deployment>``.

    ``headers`` go with every request (a sticky header, a header route). ``timeout`` is seconds. Raises NotFoundError,
    RefusedError (the model's own message), UnreachableError.
    """

    def __init__(
        self,
        gateway_url: str,
        namespace: str,
        deployment: str,
        *,
        headers: dict[str, str] | None = None,
        timeout: float = 10.0,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._where = f"{gateway_url.rstrip('/')}/seldon/{namespace}/{deployment}"
        self._http = httpx.Client(headers=headers, timeout=timeout, transport=transport, trust_env=False)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def _ask(self, service: Service, body: JSON, headers: dict[str, str] | None) -> JSON:
        url = f"{self._where}/api/v1.0/{service}"
        try:
            response = self._http.post(url, json=body, headers=headers)
        except httpx.HTTPError as error:
            remedy = "is the gateway up (`sluicegate status`)?"
            raise UnreachableError(f"{url}: no answer ({error.__class__.__name__}: {error}); {remedy}") from error
        if response.is_error:
            raise _refusal(url, response)
        try:
            answer = response.json()
        except ValueError as error:
            raise RefusedError(f"{url}: answered {response.text[:200]!r}, expected JSON") from error
        return answer if isinstance(answer, dict) else {}


def _refusal(url: str, response: httpx.Response) -> ClientError:
    message = f"{url}: {response.status_code} {response.text[:500] or response.reason_phrase}"
    if response.status_code == httpx.codes.NOT_FOUND:
        return NotFoundError(f"{message}; no such deployment, or no route to it yet")
    if response.status_code in (httpx.codes.BAD_GATEWAY, httpx.codes.SERVICE_UNAVAILABLE, httpx.codes.GATEWAY_TIMEOUT):
        return UnreachableError(f"{message}; no server is ready behind the gateway")
    return RefusedError(message)
