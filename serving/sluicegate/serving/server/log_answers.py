"""What the collector's answer says of a batch of events: which were kept, and whether sending again can help. Pure.

A collector keeps what is good of a batch and counts what it refuses, so one bad event costs itself alone. It counts
nothing when it could not read the body: then the batch is halved, until the event that spoils it is alone.
"""

from dataclasses import dataclass
from typing import Annotated, Literal

import msgspec

_BUSY = frozenset({408, 425, 429})
"""Refusals that are about the moment, not about what was sent."""
_TOO_LONG = 413


class _Told(msgspec.Struct):
    """The collector's own words; any other receiver leaves them out."""

    accepted: Annotated[int, msgspec.Meta(ge=0)] = 0
    refused: Annotated[int, msgspec.Meta(ge=0)] = 0
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """``again``: later, as it is. ``halve``: at once, in two parts. ``done``: all but ``refused`` events are kept."""

    verdict: Literal["done", "halve", "again"]
    refused: int = 0
    reason: str = ""


def outcome(status: int, body: bytes, sent: int) -> Outcome:
    """What follows from an answer to ``sent`` events."""
    told = _told(body)
    reason = f"the collector answered {status}" + (f": {told.error}" if told.error else "")
    if status >= 500 or status in _BUSY:
        return Outcome(verdict="again", reason=reason)
    if status < 300:
        return Outcome(verdict="done", refused=min(told.refused, sent), reason=reason)
    if told.accepted > 0 and told.accepted + told.refused == sent:
        return Outcome(verdict="done", refused=told.refused, reason=reason)
    unread = status == _TOO_LONG or 0 < told.refused < sent
    return Outcome(verdict="halve" if unread and sent > 1 else "done", refused=sent, reason=reason)


def _told(body: bytes) -> _Told:
    try:
        return msgspec.json.decode(body, type=_Told)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _Told()
