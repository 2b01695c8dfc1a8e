"""One request to a deployment, tried again while trying again may help."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import httpx

AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Statuses that the next try may not meet."""
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of a request in the end. ``code`` is the HTTP status, 0 when nobody answered."""

    code: int
    answer: dict[str, Any] | None = None
    info: str = ""


Ask = Callable[[dict[str, Any], str], Awaitable[tuple[Outcome, float]]]
"""Sends a body under its puid once; gives what came of it, and how many seconds the server wants to be left alone."""


class Sender:
    """Asks by ``ask``; ``retries`` is how often a request goes out after it failed."""

    def __init__(self, ask: Ask, *, retries: int) -> None:
        self._ask, self._retries = ask, retries

    async def send(self, body: dict[str, Any], puid: str) -> Outcome:
        """The answer, or what was wrong at the last try."""
        pause = FIRST_PAUSE
        for tries_left in range(self._retries, -1, -1):
            outcome, wait = await self._ask(body, puid)
            if outcome.answer is not None or not tries_left or (outcome.code and outcome.code not in AGAIN):
                return outcome
            # Spread, so that those who failed together do not come back together.
            await asyncio.sleep(max(wait, pause * random.uniform(0.5, 1.0)))  # noqa: S311  (no secret)
            pause = min(2 * pause, LONGEST_PAUSE)
        raise AssertionError("the last try returns")


class Posting:
    """Asks over REST, at ``address``."""

    def __init__(self, client: httpx.AsyncClient, address: str) -> None:
        self._client, self._address = client, address

    async def __call__(self, body: dict[str, Any], puid: str) -> tuple[Outcome, float]:
        """Once."""
        try:
            response = await self._client.post(self._address, json=body, headers={"seldon-puid": puid})
        except httpx.HTTPError as error:
            return Outcome(code=0, info=f"{self._address} gave no answer: {error or type(error).__name__}"), 0.0
        if response.is_success:
            return _read(response), 0.0
        wait = response.headers.get("retry-after", "")
        return Outcome(code=response.status_code, info=_told(response)), float(wait) if wait.isdigit() else 0.0


def _read(response: httpx.Response) -> Outcome:
    try:
        answer = response.json()
    except ValueError:
        answer = None
    if not isinstance(answer, dict):
        return Outcome(code=response.status_code, info=f"found no JSON object in the answer: {response.text[:200]}")
    return Outcome(code=response.status_code, answer=answer)


def _told(response: httpx.Response) -> str:
    """The model's own words, if it has any."""
    try:
        return str(response.json()["status"]["info"])
    except (ValueError, KeyError, TypeError):
        return response.text[:500]
