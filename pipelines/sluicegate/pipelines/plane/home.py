"""The plane's directory: where everything lies, ``plane.json`` with its schema version, and the locks.

All state of a plane is here; two planes are two directories. ``plane.json`` holds the ports that were chosen, so that
addresses stay the same over restarts.
"""

import fcntl
import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from sluicegate.pipelines.plane.errors import HomeError, PortError
from sluicegate.serving.local.ports_allocation import choose_port

SCHEMA_VERSION = 1
MIGRATIONS: tuple[Callable[[dict[str, Any]], dict[str, Any]], ...] = ()
"""Function n brings ``plane.json`` from schema version n + 1 to n + 2. Never edit one that was released: append."""
HOST = "127.0.0.1"
_LOCK_ATTEMPTS = 10
FOLDERS = ("bundles", "mlflow", "collector", "evidence", "envoy", "logs", "run", "workflows")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """Where the plane listens, always on loopback. ``api`` also serves the triggers; ``xds`` is the gateway's door."""

    api: int = 7080
    gateway: int = 8003
    collector: int = 7081
    mlflow: int = 5000
    envoy_admin: int = 7082
    xds: int = 7083

    def chosen(self) -> "Ports":
        """With a free port in place of each 0. Raises PortError when two are the same or one is no port."""
        named = asdict(self)
        for name, port in named.items():
            if not 0 <= port <= 65535:
                raise PortError(f"port of {name}: found {port}; expected 0 to 65535 (0 chooses a free one)")
        for name in (name for name, port in named.items() if port == 0):
            named[name] = choose_port(set(named.values()))
        twice = next((name for name, port in named.items() if list(named.values()).count(port) > 1), None)
        if twice is not None:
            raise PortError(f"port of {twice}: {named[twice]} is asked for twice; give each part its own")
        return Ports(**named)

    def addresses(self) -> dict[str, str]:
        """URLs by part, for people; the gateway's door speaks gRPC, to the gateway alone."""
        return {name: f"http://{HOST}:{port}" for name, port in asdict(self).items() if name != "xds"}


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaneFile:
    """``plane.json``. ``pid`` is the plane's own process, 0 when it is down."""

    schema_version: int = SCHEMA_VERSION
    ports: Ports = field(default_factory=Ports)
    pid: int = 0


class Home:
    """One home directory, by its absolute path. Raises HomeError when it cannot be used."""

    def __init__(self, path: Path) -> None:
        self.path = path.expanduser().resolve()

    @property
    def plane_file(self) -> Path:
        """Addresses and pids."""
        return self.path / "plane.json"

    @property
    def kubeconfig(self) -> Path:
        """For kubectl."""
        return self.path / "kubeconfig"

    def log(self, name: str) -> Path:
        """A process's log."""
        return self.path / "logs" / f"{name}.log"

    def make(self) -> None:
        """Make all directories; private to the user, because the request log holds users' data."""
        try:
            self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
            for folder in FOLDERS:
                (self.path / folder).mkdir(exist_ok=True)
        except OSError as error:
            raise HomeError(f"{self.path}: {error.strerror}; choose one that you may write with --home") from error

    def read(self) -> PlaneFile | None:
        """``plane.json`` in today's schema, None when there is none."""
        try:
            found = json.loads(self.plane_file.read_text())
            return _decoded(migrated(found, self.plane_file))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
            raise HomeError(f"{self.plane_file} cannot be read ({error}); move it away and start again") from error

    def write(self, plane: PlaneFile) -> None:
        """Replace ``plane.json`` in one stroke."""
        document = {
            "schemaVersion": plane.schema_version,
            "pid": plane.pid,
            "ports": asdict(plane.ports),
            "addresses": plane.ports.addresses(),
        }
        draft = self.plane_file.with_suffix(f".{os.getpid()}.tmp")
        try:
            draft.write_text(json.dumps(document, indent=2) + "\n")
            draft.replace(self.plane_file)
        except OSError as error:
            raise HomeError(
                f"{self.plane_file}: {error.strerror}; free some space, or choose another --home"
            ) from error

    def write_pid(self, pid: int) -> None:
        """Say which process the plane is; 0: it is down."""
        self.write(replace(self.read() or PlaneFile(), pid=pid))

    @contextmanager
    def locked(self, name: str) -> Iterator[bool]:
        """Whether this process alone holds the lock ``name`` (plane, keeper) while the block lasts.

        The kernel drops it when the process dies, however it dies.
        """
        descriptor = os.open(self.path / f"{name}.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            free = _lock(descriptor)
            if free:
                os.ftruncate(descriptor, 0)
                os.write(descriptor, str(os.getpid()).encode())
            yield free
        finally:
            os.close(descriptor)

    def holder(self, name: str) -> int:
        """The process that holds that lock now, 0 when none does."""
        path = self.path / f"{name}.lock"
        if not path.exists():
            return 0
        descriptor = os.open(path, os.O_RDWR)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return int(os.read(descriptor, 20) or b"0")
        finally:
            os.close(descriptor)
        return 0


def _lock(descriptor: int) -> bool:
    """Whether it could be locked. Who looks for its holder has it for an instant, so one refusal proves nothing."""
    for _ in range(_LOCK_ATTEMPTS):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(0.01)
        else:
            return True
    return False


def migrated(document: dict[str, Any], path: Path) -> dict[str, Any]:
    """A document of ``plane.json`` in today's schema. Raises HomeError when it is from a newer release."""
    version = int(document.get("schemaVersion", 1))
    if version > SCHEMA_VERSION:
        raise HomeError(
            f"{path} is from a newer release (schema {version}, this one knows {SCHEMA_VERSION}); "
            "upgrade sluicegate, or choose another --home"
        )
    for step in MIGRATIONS[version - 1 :]:
        document = step(document)
    return document | {"schemaVersion": SCHEMA_VERSION}


def _decoded(document: dict[str, Any]) -> PlaneFile:
    names = {slot.name for slot in fields(Ports)}
    ports = {name: int(port) for name, port in document["ports"].items() if name in names}
    return PlaneFile(ports=Ports(**ports), pid=int(document.get("pid", 0)))
