"""Asking a process whether it is ready: one GET, answered with what came back or with why nothing did."""

from dataclasses import dataclass
from typing import Protocol

import httpx


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """``answered`` is false when nobody spoke HTTP there in time; ``ready`` is a 2xx."""

    answered: bool
    ready: bool
    body: bytes = b""


class Probe(Protocol):
    """How readiness is asked for."""

    async def ask(self, url: str) -> Answer:
        """One question; never raises."""


class HttpProbe:
    """The real one. Proxies of the environment are not asked about loopback."""

    def __init__(self, timeout: float) -> None:
        self._client = httpx.AsyncClient(timeout=timeout, trust_env=False)

    async def ask(self, url: str) -> Answer:
        """GET it."""
        try:
            answer = await self._client.get(url)
        except (httpx.HTTPError, OSError):
            return Answer(answered=False, ready=False)
        return Answer(answered=True, ready=answer.is_success, body=answer.content)

    async def close(self) -> None:
        """Drop its connections."""
        await self._client.aclose()
