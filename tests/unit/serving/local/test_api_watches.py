"""A watch tells what changed, to whom it concerns, from the version asked for."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.datastructures import QueryParams

from sluicegate.serving.local.api.requests import Target, options
from sluicegate.serving.local.api.watches import watch_lines
from sluicegate.serving.local.core_kinds import core_kinds
from sluicegate.serving.local.store import Store

CONFIG_MAP = next(kind for kind in core_kinds() if kind.kind == "ConfigMap")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store(tmp_path / "state.sqlite", history=10)
    yield opened
    opened.close()


def config_map(name: str, namespace: str = "default", **labels: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": namespace, "labels": labels},
    }


def watched(store: Store, query: str, *, lines: int, namespace: str | None = "default") -> list[tuple[str, str]]:
    """The first lines of a watch, as type and name (or code, or end of the initial events)."""

    async def read() -> list[tuple[str, str]]:
        target = Target(kind=CONFIG_MAP, version="v1", namespace=namespace)
        stream = watch_lines(store, target, options(QueryParams(query), CONFIG_MAP), lambda obj: obj)
        seen = []
        async for line in stream:
            seen.append(json.loads(line))
            if len(seen) == lines:
                break
        return [(event["type"], _name(event["object"])) for event in seen]

    return asyncio.run(asyncio.wait_for(read(), 10))


def _name(obj: dict[str, Any]) -> str:
    metadata = obj["metadata"]
    if metadata.get("annotations"):
        return str(metadata["annotations"])
    return str(obj.get("code") or metadata.get("name", ""))


def test_a_watch_begins_with_what_is_there(store: Store) -> None:
    """Without a version: the state, then changes."""
    store.create(config_map("a"))
    store.create(config_map("elsewhere", "team"))

    assert watched(store, "", lines=1) == [("ADDED", "a")]
    assert watched(store, "resourceVersion=0", lines=2, namespace=None) == [("ADDED", "a"), ("ADDED", "elsewhere")]


def test_a_watch_goes_on_from_a_version(store: Store) -> None:
    """What happened since, and nothing before; other namespaces are not told."""
    created = store.create(config_map("a"))
    store.create(config_map("elsewhere", "team"))
    store.replace(created | {"data": {"x": "y"}})
    store.delete("ConfigMap", "default", "a")

    since = f"resourceVersion={created['metadata']['resourceVersion']}"

    assert watched(store, since, lines=2) == [("MODIFIED", "a"), ("DELETED", "a")]


def test_a_selector_makes_objects_come_and_go(store: Store) -> None:
    """An object whose label no longer matches is deleted for the watcher, one that begins to match is added."""
    start = store.version()
    created = store.create(config_map("a", stage="test"))
    for stage in ("live", "live", "old"):
        labels = {"labels": {"stage": stage}}
        created = store.replace(created | {"metadata": created["metadata"] | labels, "data": {"x": stage}})

    seen = watched(store, f"resourceVersion={start}&labelSelector=stage=live", lines=2)

    assert seen == [("ADDED", "a"), ("DELETED", "a")]


def test_initial_events_end_with_a_bookmark(store: Store) -> None:
    """As clients that stream their lists want it."""
    store.create(config_map("a"))

    seen = watched(store, "sendInitialEvents=true&allowWatchBookmarks=true&resourceVersion=1", lines=2)

    assert seen == [("ADDED", "a"), ("BOOKMARK", "{'k8s.io/initial-events-end': 'true'}")]


def test_a_forgotten_version_is_an_error_event(store: Store) -> None:
    """The client is told to list again, in the stream as real servers do."""
    for number in range(15):
        store.create(config_map(f"c{number}"))

    assert watched(store, "resourceVersion=2", lines=5) == [("ERROR", "410")]


def test_a_watch_ends_in_time_and_with_the_store(store: Store) -> None:
    """``timeoutSeconds`` ends it with a last bookmark; so does a plane that goes down."""
    bookmark = [("BOOKMARK", "")]

    assert watched(store, "timeoutSeconds=1&allowWatchBookmarks=true", lines=9) == bookmark
    store.bell.silence()
    assert watched(store, "", lines=9) == []
