"""Asking an API again that does not answer: a control plane may be restarted at any moment, and nobody is to notice.

For steps and runners, which go on by themselves; a person at a terminal is told at once.
"""

import time
from collections.abc import Callable
from typing import Protocol, TypeVar

from sluicegate.serving.api.metadata import JSON
from sluicegate.serving.client.errors import ConflictError, UnreachableError

PATIENCE_SECONDS = 30.0
_INTERVAL_SECONDS = 0.1
T = TypeVar("T")


class Creating(Protocol):
    """What ``created`` needs of ``Objects``."""

    def get(self, kind: str, name: str, namespace: str | None = None, /) -> JSON:
        """One object."""

    def create(self, obj: JSON, /) -> JSON:
        """Write a new object."""


def patiently(ask: Callable[[], T], *, seconds: float = PATIENCE_SECONDS, also: tuple[type[Exception], ...] = ()) -> T:
    """What ``ask`` returns, tried until the API answers (or until it raises none of ``also``).

    Raises what ``ask`` raised last when that is so for ``seconds``, and every other error at once.
    """
    retried: tuple[type[Exception], ...] = (UnreachableError, *also)
    end = time.monotonic() + seconds
    while True:
        try:
            return ask()
        except retried:
            if time.monotonic() > end:
                raise
        time.sleep(_INTERVAL_SECONDS)


def created(objects: Creating, document: JSON, *, seconds: float = PATIENCE_SECONDS) -> JSON:
    """Create an object whose name is nobody else's; an API that dies after it wrote it, and before it said so, too.

    Raises as ``Objects.create`` does; ConflictError only when the object was there before the first try.
    """
    kind, metadata, lost = document["kind"], document["metadata"], False
    end = time.monotonic() + seconds
    while True:
        try:
            return objects.create(document)
        except ConflictError:
            if not lost:
                raise
            return patiently(lambda: objects.get(kind, metadata["name"], metadata.get("namespace")))
        except UnreachableError:
            lost = True
            if time.monotonic() > end:
                raise
        time.sleep(_INTERVAL_SECONDS)
