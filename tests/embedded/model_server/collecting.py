"""A collector that only remembers what it is told."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.tiny_http import take_posts


@dataclass
class Collector:
    """A collector that only remembers."""

    port: int
    events: list[dict[str, Any]] = field(default_factory=list)

    def of(self, kind: str) -> list[dict[str, Any]]:
        """Events of a type by its last word."""
        return [event for event in self.events if event["type"].endswith(kind)]


@contextmanager
def listening_collector() -> Iterator[Collector]:
    found = Collector(port=0)

    def take(_: str, __: Mapping[str, str], body: bytes) -> tuple[int, bytes]:
        found.events += json.loads(body)
        return 202, b""

    with take_posts(take) as found.port:
        yield found
