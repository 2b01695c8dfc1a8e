"""Bringing a plane up and down from the outside: what ``sluicegate up`` and ``down`` do.

``up`` starts the keeper, which starts the plane, and waits until all parts answer. If that fails, or a person presses
Ctrl-C, all that was started is ended again.
"""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, replace
from functools import cache
from typing import Any

import httpx
import psutil

from sluicegate.pipelines.plane.errors import PortError, RunningError, StartError
from sluicegate.pipelines.plane.home import Home, PlaneFile
from sluicegate.pipelines.plane.keeping import launch
from sluicegate.pipelines.plane.preflight import check_installed, check_ports, check_space
from sluicegate.serving.local.process_records import Records, last_lines
from sluicegate.serving.local.processes import REFUSED_PREFIX
from sluicegate.serving.local.running import find, kill_all

Document = dict[str, Any]
_POLL_SECONDS = 0.1
_HOPELESS_RESTARTS = 3


def start(home: Home, asked: Mapping[str, int], *, timeout: float, progress: Callable[[Document], None]) -> Document:
    """Have the plane up and ready; returns its status. ``asked``: ports by part, as far as somebody asked for them.

    Does nothing but wait when it runs already. Raises PlaneError; then, and on KeyboardInterrupt, nothing is left of
    what was started here.
    """
    if home.holder("keeper"):
        _check_as_asked(home, asked)
        return _wait(home, None, timeout, progress)
    keeper = _start_keeper(home, asked)
    try:
        return _wait(home, keeper, timeout, progress)
    except BaseException:
        handler = signal.signal(signal.SIGINT, signal.SIG_IGN)
        stop(home)
        keeper.wait()
        signal.signal(signal.SIGINT, handler)
        raise


def stop(home: Home, *, timeout: float = 45.0) -> int:
    """End the plane, its keeper and every process of this home; returns how many orphans had to be killed.

    Each is asked first and has ``timeout`` seconds in all.
    """
    deadline = time.monotonic() + timeout
    asked: set[int] = set()
    # A plane that lost its keeper may start another one meanwhile; a lock is free a moment before its holder is gone.
    while (fresh := _holders(home) - asked) or any(map(_runs, asked)):
        for pid in fresh:
            _signal(pid, signal.SIGTERM)
        asked |= fresh
        if time.monotonic() > deadline:
            break
        time.sleep(_POLL_SECONDS)
    for pid in _holders(home):
        _signal(pid, signal.SIGKILL)
    orphans = kill_all(f"{home.path}|")
    if home.plane_file.exists():
        home.write_pid(0)
    return orphans


def read_status(home: Home) -> Document | None:
    """The plane's own status document, None when it does not answer."""
    plane = home.read()
    if plane is None:
        return None
    try:
        answer = _loopback().get(f"{plane.ports.addresses()['api']}/sluicegate/v1/status")
        found: Document = answer.json()
    except (httpx.HTTPError, ValueError):
        return None
    # Another home's plane may have taken the port.
    return found if found.get("home") == str(home.path) else None


@cache
def _loopback() -> httpx.Client:
    """One client for all looks, without certificates: to load them takes longer than the look."""
    return httpx.Client(timeout=3.0, trust_env=False, verify=False)  # noqa: S501  plain HTTP on this machine


def _start_keeper(home: Home, asked: Mapping[str, int]) -> subprocess.Popen[bytes]:
    check_installed()
    home.make()
    check_space(home)
    if not home.holder("plane"):
        plane = home.read() or PlaneFile()
        ports = replace(plane.ports, **asked).chosen()
        check_ports(ports, _own_ports(home))
        home.write(replace(plane, ports=ports, pid=0))
    return launch(home)


def _own_ports(home: Home) -> set[int]:
    """Ports of processes that a killed plane left running, Envoy's second one included."""
    alive = [record for record in Records(home.path / "run").all() if find(record) is not None]
    ports = {record.port for record in alive}
    known = (home.read() or PlaneFile()).ports
    return ports | ({known.envoy_admin} if known.gateway in ports else set())


def _check_as_asked(home: Home, asked: Mapping[str, int]) -> None:
    have = asdict((home.read() or PlaneFile()).ports)
    other = next((name for name, port in asked.items() if port not in (0, have[name])), None)
    if other is not None:
        raise RunningError(
            f"the plane of {home.path} runs with port {have[other]} for {other}; `sluicegate down` ends it first"
        )


def _wait(
    home: Home, keeper: subprocess.Popen[bytes] | None, timeout: float, progress: Callable[[Document], None]
) -> Document:
    deadline = time.monotonic() + timeout
    before: dict[str, int] = {}
    while True:
        # One that finds another keeper ends by itself, and then there is that other one.
        if keeper is not None and keeper.poll() is not None and not home.holder("keeper"):
            raise _refusal(home)
        status = read_status(home)
        if status is not None:
            progress(status)
            if status["ready"]:
                return status
            check_hope(status, before)
        if time.monotonic() > deadline:
            raise StartError(f"not ready within {timeout:g} s: {_waiting(status)}; see `sluicegate logs`")
        time.sleep(_POLL_SECONDS)


def _refusal(home: Home) -> Exception:
    last = (last_lines(home.log("plane"), lines=1) or last_lines(home.log("keeper"), lines=1) or ["no word"])[0]
    sentence = last.removeprefix(REFUSED_PREFIX)
    return PortError(sentence) if sentence.startswith("port ") else StartError(f"the plane did not start: {sentence}")


def check_hope(status: Document, before: dict[str, int]) -> None:
    """Raise StartError for a part that died again and again while we looked.

    ``before`` takes up how often each had died at the first look: in a plane that runs for weeks, things die.
    """
    for part in status["components"]:
        deaths = part["restarts"] - before.setdefault(part["name"], part["restarts"])
        if deaths >= _HOPELESS_RESTARTS or part["message"].startswith(REFUSED_PREFIX):
            raise StartError(f"{part['name']} does not start: {part['message'].removeprefix(REFUSED_PREFIX)}")


def _waiting(status: Document | None) -> str:
    if status is None:
        return "the plane does not answer"
    return ", ".join(f"{part['name']} is {part['state']}" for part in status["components"] if part["state"] != "Ready")


def _holders(home: Home) -> set[int]:
    """Keeper and plane, as far as they run."""
    return {home.holder("keeper"), home.holder("plane")} - {0}


def _runs(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _signal(pid: int, number: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)
