"""A watch as the client sees it: one JSON object a line, from a version on, filtered, with bookmarks."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator

import msgspec

from sluicegate.serving.api.metadata import JSON
from sluicegate.serving.local.api.errors import translated
from sluicegate.serving.local.api.requests import Options, Target
from sluicegate.serving.local.errors import ExpiredError, StoreError
from sluicegate.serving.local.rows import Change
from sluicegate.serving.local.store import Store

BOOKMARK_SECONDS = 30.0
DEFAULT_SECONDS = 1800.0
Render = Callable[[JSON], JSON]


async def watch_lines(store: Store, target: Target, options: Options, render: Render) -> AsyncIterator[bytes]:
    """The stream's lines, until the time-out or the end of the store; an expired version is an ERROR event."""
    try:
        since, first = _beginning(store, target, options, render)
        for line in first:
            yield line
        async for line in _following(store, target, options, render, since):
            yield line
    except StoreError as error:
        if isinstance(error, ExpiredError) or not store.bell.silenced:
            yield _line("ERROR", translated(error, target.kind).status())


def _beginning(store: Store, target: Target, options: Options, render: Render) -> tuple[int, Iterator[bytes]]:
    """The version to follow from, and what comes before: the state, unless a version was given."""
    if options.version and not options.initial_events:
        return options.version, iter(())
    snapshot = store.snapshot(target.kind.kind, target.namespace)
    added = (_line("ADDED", render(obj)) for obj in snapshot.items if options.selects(obj))
    if not options.initial_events:
        return snapshot.version, added
    end = _bookmark(target, snapshot.version, {"k8s.io/initial-events-end": "true"})
    return snapshot.version, _chained(added, end)


async def _following(
    store: Store, target: Target, options: Options, render: Render, since: int
) -> AsyncIterator[bytes]:
    clock = asyncio.get_running_loop().time
    end = clock() + (DEFAULT_SECONDS if options.timeout is None else options.timeout)
    with store.bell.listening() as listener:
        while not store.bell.silenced and clock() < end:
            changes = store.changes(target.kind.kind, since)
            for change in changes.items:
                type_ = _seen_as(change, target, options)
                if type_:
                    yield _line(type_, render(change.object))
            if since == changes.version:
                rang = await listener.rung(min(BOOKMARK_SECONDS, max(0.0, end - clock())))
                if not rang and options.bookmarks:
                    yield _bookmark(target, since, {})
            since = changes.version


def _seen_as(change: Change, target: Target, options: Options) -> str:
    """What the change is to a watcher with selectors: an object that no longer matches is gone for it."""
    if target.namespace is not None and change.object["metadata"].get("namespace") != target.namespace:
        return ""
    if not options.fields(change.object):
        return ""
    before = change.labels_before is not None and options.labels(change.labels_before)
    after = change.type != "DELETED" and options.labels(change.object["metadata"].get("labels") or {})
    return {(True, True): "MODIFIED", (False, True): "ADDED", (True, False): "DELETED"}.get((before, after), "")


def _bookmark(target: Target, version: int, annotations: dict[str, str]) -> bytes:
    metadata: JSON = {"resourceVersion": str(version), "creationTimestamp": None}
    annotated = metadata | ({"annotations": annotations} if annotations else {})
    kind = {"kind": target.kind.kind, "apiVersion": target.kind.api_version(target.version)}
    return _line("BOOKMARK", kind | {"metadata": annotated})


def _chained(lines: Iterator[bytes], last: bytes) -> Iterator[bytes]:
    yield from lines
    yield last


def _line(type_: str, obj: JSON) -> bytes:
    return msgspec.json.encode({"type": type_, "object": obj}) + b"\n"
