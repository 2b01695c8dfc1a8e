"""The store keeps objects as Kubernetes does."""

import asyncio
import sqlite3
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from sluicegate.serving.local.errors import (
    AlreadyExistsError,
    ConflictError,
    ExpiredError,
    NotFoundError,
    StorageError,
)
from sluicegate.serving.local.store import Store

JSON = dict[str, Any]
MOMENT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def deployment(name: str = "iris", **metadata: Any) -> JSON:
    return {"apiVersion": "v1", "kind": "SeldonDeployment", "metadata": {"name": name, **metadata}, "spec": {"a": 1}}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store(tmp_path / "state.sqlite", clock=lambda: MOMENT, history=20, caps={"Event": 3})
    yield opened
    opened.close()


def test_a_new_object_gets_its_identity(store: Store) -> None:
    """uid, creation, generation and version come from the store, whatever the writer says."""
    created = store.create(deployment(uid="mine", generation=7, creationTimestamp=None))

    metadata = created["metadata"]
    assert metadata["uid"] not in ("", "mine")
    assert metadata["creationTimestamp"] == "2026-01-02T03:04:05Z"
    assert (metadata["generation"], metadata["namespace"]) == (1, "default")
    assert int(metadata["resourceVersion"]) == store.version()
    assert store.get("SeldonDeployment", "default", "iris") == created


def test_a_name_is_taken_once(store: Store) -> None:
    """A second create of one name is refused; another namespace is another name."""
    store.create(deployment())

    with pytest.raises(AlreadyExistsError):
        store.create(deployment())
    store.create(deployment(namespace="other"))
    assert [obj["metadata"]["namespace"] for obj in store.list("SeldonDeployment")] == ["default", "other"]
    assert store.get("Namespace", "", "other") is not None


def test_generation_counts_specs_only(store: Store) -> None:
    """Labels and status leave generation alone; the spec raises it."""
    created = store.create(deployment())

    labelled = store.replace(created | {"metadata": created["metadata"] | {"labels": {"a": "b"}}})
    reported = store.replace_status(labelled | {"status": {"state": "Available"}, "spec": {"ignored": True}})
    respecified = store.replace(reported | {"spec": {"a": 2}})

    assert [obj["metadata"]["generation"] for obj in (labelled, reported, respecified)] == [1, 1, 2]
    assert reported["spec"] == {"a": 1}
    assert respecified["status"] == {"state": "Available"}


def test_a_stale_write_is_refused(store: Store) -> None:
    """Who read an older version must read again; so must who means another object of that name."""
    created = store.create(deployment())
    store.replace(created | {"spec": {"a": 2}})

    for stale in (created, deployment(uid="another")):
        with pytest.raises(ConflictError, match="read it again"):
            store.replace(stale | {"spec": {"a": 3}})
    with pytest.raises(NotFoundError):
        store.replace(deployment("nobody"))


def test_writing_the_same_writes_nothing(store: Store) -> None:
    """A controller that repeats itself wakes nobody."""
    created = store.create(deployment())
    reported = store.replace_status(created | {"status": {"state": "Creating"}})

    again = store.replace_status(reported)

    assert again == reported
    assert store.version() == int(reported["metadata"]["resourceVersion"])


def test_a_finalizer_holds_what_is_deleted(store: Store) -> None:
    """Deletion marks it; taking the last finalizer away lets it go."""
    store.create(deployment(finalizers=["sluicegate.dev/drain"]))

    marked = store.delete("SeldonDeployment", "default", "iris")
    assert marked["metadata"]["deletionTimestamp"] == "2026-01-02T03:04:05Z"
    assert store.get("SeldonDeployment", "default", "iris") == marked

    store.replace(marked | {"metadata": marked["metadata"] | {"finalizers": []}})
    assert store.get("SeldonDeployment", "default", "iris") is None


def test_dependents_follow_their_owner(store: Store) -> None:
    """What is owned by what goes is gone too, all the way down; a second owner keeps it."""
    top = store.create(deployment("top"))
    other = store.create(deployment("other"))
    owned = [{"kind": "SeldonDeployment", "name": "top", "uid": top["metadata"]["uid"]}]
    middle = store.create(deployment("middle", ownerReferences=owned))
    below = {"kind": "SeldonDeployment", "name": "middle", "uid": middle["metadata"]["uid"]}
    store.create(deployment("bottom", ownerReferences=[below, *owned]))
    second = {"kind": "SeldonDeployment", "name": "other", "uid": other["metadata"]["uid"]}
    store.create(deployment("shared", ownerReferences=[*owned, second]))

    store.delete("SeldonDeployment", "default", "top")

    left = {obj["metadata"]["name"]: obj for obj in store.list("SeldonDeployment")}
    assert sorted(left) == ["other", "shared"]
    assert left["shared"]["metadata"]["ownerReferences"] == [second]


def test_orphans_stay(store: Store) -> None:
    """Asked to orphan, the store only takes the reference away."""
    owner = store.create(deployment("owner"))
    store.create(deployment("child", ownerReferences=[{"name": "owner", "uid": owner["metadata"]["uid"]}]))

    store.delete("SeldonDeployment", "default", "owner", orphan=True)

    (child,) = store.list("SeldonDeployment")
    assert "ownerReferences" not in child["metadata"]


def test_a_namespace_takes_its_inhabitants_along(store: Store) -> None:
    """Deleting a namespace empties it."""
    store.create(deployment(namespace="team"))

    store.delete("Namespace", "", "team")

    assert store.list("SeldonDeployment") == []


def test_preconditions_guard_a_deletion(store: Store) -> None:
    """A deletion meant for another uid or version does nothing."""
    created = store.create(deployment())

    with pytest.raises(ConflictError):
        store.delete("SeldonDeployment", "default", "iris", uid="another")
    with pytest.raises(ConflictError):
        store.delete("SeldonDeployment", "default", "iris", resource_version="1")
    store.delete("SeldonDeployment", "default", "iris", uid=created["metadata"]["uid"])
    with pytest.raises(NotFoundError):
        store.delete("SeldonDeployment", "default", "iris")


def test_a_dry_run_leaves_no_trace(store: Store) -> None:
    """It answers as the write would, and writes nothing."""
    before = store.version()

    assert store.create(deployment(), dry_run=True)["metadata"]["uid"]

    assert (store.version(), store.list("SeldonDeployment")) == (before, [])


def test_history_is_bounded(store: Store) -> None:
    """Who comes too late, or from a future that never was, is told to list again."""
    start = store.version()
    for number in range(30):
        store.create(deployment(f"d{number}"))

    for version in (start, store.version() + 1):
        with pytest.raises(ExpiredError):
            store.changes("SeldonDeployment", version)
    assert len(store.changes("SeldonDeployment", store.version() - 20).items) == 20


def test_events_are_capped(store: Store) -> None:
    """Only the newest events are kept."""
    for number in range(5):
        store.create({"apiVersion": "v1", "kind": "Event", "metadata": {"name": f"e{number}"}})

    assert [event["metadata"]["name"] for event in store.list("Event")] == ["e2", "e3", "e4"]


def test_a_watch_hears_writes_of_other_threads(store: Store) -> None:
    """Every change of its kind, in order, and none twice."""

    async def watched() -> list[tuple[str, str]]:
        writer = threading.Thread(target=write)
        seen, start = [], store.version()
        writer.start()
        async for type_, obj in store.watch("SeldonDeployment", start):
            seen.append((type_, obj["metadata"]["name"]))
            if len(seen) == 6:
                break
        writer.join()
        return seen

    def write() -> None:
        for name in ("a", "b"):
            created = store.create(deployment(name))
            store.create({"apiVersion": "v1", "kind": "Event", "metadata": {"name": name}})
            store.replace(created | {"spec": {}})
            store.delete("SeldonDeployment", "default", name)

    seen = asyncio.run(asyncio.wait_for(watched(), 10))

    assert seen == [(type_, name) for name in "ab" for type_ in ("ADDED", "MODIFIED", "DELETED")]


def test_closing_ends_the_watches(tmp_path: Path) -> None:
    """A plane that goes down leaves no watcher waiting."""
    store = Store(tmp_path / "state.sqlite")

    async def watched() -> list[Any]:
        asyncio.get_running_loop().call_soon(store.close)
        return [event async for event in store.watch("Secret", store.version())]

    assert asyncio.run(asyncio.wait_for(watched(), 10)) == []


def test_threads_share_a_store(store: Store) -> None:
    """Concurrent writers with optimistic concurrency lose no increment."""
    store.create(deployment() | {"spec": {"count": 0}})

    def count() -> None:
        for _ in range(10):
            while True:
                current = store.get("SeldonDeployment", "default", "iris")
                assert current is not None
                try:
                    store.replace(current | {"spec": {"count": current["spec"]["count"] + 1}})
                    break
                except ConflictError:
                    continue

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    (final,) = store.list("SeldonDeployment")
    assert final["spec"]["count"] == 40


def test_objects_outlive_the_process(tmp_path: Path) -> None:
    """Reopened, the store has what was written and goes on counting."""
    first = Store(tmp_path / "state.sqlite")
    created = first.create(deployment())
    first.close()

    second = Store(tmp_path / "state.sqlite")

    assert second.list("SeldonDeployment") == [created]
    assert second.version() == int(created["metadata"]["resourceVersion"])
    second.close()


def test_a_full_disk_is_named_and_harms_nothing(tmp_path: Path) -> None:
    """The error says which file and what to do; what was there before is still there, and writing can go on."""
    store = Store(tmp_path / "state.sqlite", max_bytes=400_000)
    kept = store.create(deployment("kept"))

    with pytest.raises(StorageError, match=r"state\.sqlite: database or disk is full; .*free some space"):
        store.create(deployment("huge") | {"spec": {"text": "x" * 500_000}})

    assert store.list("SeldonDeployment") == [kept]
    assert store.create(deployment("small"))["metadata"]["name"] == "small"
    store.close()


def test_a_newer_file_is_left_alone(tmp_path: Path) -> None:
    """A store of a later release is refused with what to do."""
    path = tmp_path / "state.sqlite"
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version=99")

    with pytest.raises(StorageError, match=r"newer release.*upgrade"):
        Store(path)


def test_a_file_that_is_no_store_is_refused(tmp_path: Path) -> None:
    """Some other file under that name is not overwritten."""
    path = tmp_path / "state.sqlite"
    path.write_text("my diary, " * 500)

    with pytest.raises(StorageError, match="not a store"):
        Store(path)
    assert path.read_text().startswith("my diary")
