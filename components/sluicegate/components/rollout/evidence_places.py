"""Where a rollout's evidence is kept: a directory of this machine, or the collector, which every pod can reach.

A place holds whole documents; whoever writes again replaces what was there.
"""

from pathlib import Path
from typing import Protocol

from sluicegate.monitoring.sources.collector import fetch_evidence, store_evidence


class Place(Protocol):
    """One rollout's evidence."""

    @property
    def reference(self) -> str:
        """Where it is found, for status and registry."""

    def read(self) -> bytes | None:
        """What is kept, or None."""

    def write(self, document: bytes) -> None:
        """Keep this, whole or not at all; raises OSError or SourceError when it cannot be."""


class DirectoryPlace:
    """``<directory>/<rollout>.json``."""

    def __init__(self, directory: Path, rollout: str) -> None:
        self._path = directory.absolute() / f"{rollout}.json"

    @property
    def reference(self) -> str:
        """A file URI."""
        return self._path.as_uri()

    def read(self) -> bytes | None:
        """What is in the file."""
        return self._path.read_bytes() if self._path.exists() else None

    def write(self, document: bytes) -> None:
        """Write beside it, then put it in its place."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        fresh = self._path.with_suffix(".new")
        fresh.write_bytes(document)
        fresh.replace(self._path)


class CollectorPlace:
    """The collector at ``base_url``."""

    def __init__(self, base_url: str, namespace: str, rollout: str) -> None:
        self._base_url, self._namespace, self._rollout = base_url, namespace, rollout

    @property
    def reference(self) -> str:
        """The address at which it is read."""
        return f"{self._base_url.rstrip('/')}/v1/evidence/{self._namespace}/{self._rollout}"

    def read(self) -> bytes | None:
        """What the collector has."""
        return fetch_evidence(self._base_url, namespace=self._namespace, rollout=self._rollout)

    def write(self, document: bytes) -> None:
        """Send it."""
        store_evidence(self._base_url, document, namespace=self._namespace, rollout=self._rollout)
