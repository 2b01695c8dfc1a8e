"""Nothing that the store acknowledged is lost when its process is killed at any moment."""

import random
import subprocess
import sys
from pathlib import Path

import pytest

from sluicegate.serving.local.store import Store

pytestmark = pytest.mark.embedded

WRITER = """
import sys
from sluicegate.serving.local.store import Store

store = Store(sys.argv[1], history=50)
known = {obj["metadata"]["name"]: obj for obj in store.list("ConfigMap")}
for number in range(100_000):
    name = f"c{number % 7}"
    if number % 23 == 22 and name in known:
        deleted = store.delete("ConfigMap", "default", name)
        del known[name]
        print(name, deleted["metadata"]["resourceVersion"], "gone", flush=True)
    else:
        body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {"n": str(number) * 200}}
        known[name] = store.replace(body) if name in known else store.create(body)
        print(name, known[name]["metadata"]["resourceVersion"], number, flush=True)
"""


def test_what_was_acknowledged_outlives_any_kill(tmp_path: Path) -> None:
    """Killed eight times in the middle of writing: each time exactly the acknowledged state is there."""
    path, chance = tmp_path / "state.sqlite", random.Random(3)
    for _ in range(8):
        acknowledged = killed_after(path, chance.randint(1, 150))

        store = Store(path, history=50)
        newest = max(version for version, _ in acknowledged.values())
        unsaid = store.version() - newest
        lost = [name for name, (version, value) in acknowledged.items() if not stands(store, name, version, value)]
        store.close()
        # One write may have been done that the writer did not live to tell of.
        assert unsaid in (0, 1)
        assert len(lost) <= unsaid


def killed_after(path: Path, lines: int) -> dict[str, tuple[int, str]]:
    """Start a writer, read that many acknowledgements, kill it; the last version and value known of each name."""
    writer = subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True)
    assert writer.stdout is not None
    said = [writer.stdout.readline() for _ in range(lines)]
    writer.kill()
    # What it had already said when it died was acknowledged, too; a torn last line was not.
    said += [line for line in writer.stdout if line.endswith("\n")]
    writer.wait()
    words = [line.split() for line in said]
    return {name: (int(version), value) for name, version, value in words}


def stands(store: Store, name: str, version: int, value: str) -> bool:
    """Whether the store has exactly what was acknowledged."""
    found = store.get("ConfigMap", "default", name)
    if found is None or value == "gone":
        return found is None and value == "gone"
    return found["metadata"]["resourceVersion"] == str(version) and found["data"]["n"] == value * 200
