"""The supervisor with real processes: it keeps them, finds them again, and leaves none behind."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import psutil
import pytest
from tests.waiting import free_port, wait_until

from sluicegate.serving.local.process_records import Record, Records
from sluicegate.serving.local.processes import ProcessSpec, ProcessState, Timing
from sluicegate.serving.local.running import Running, kill_all
from sluicegate.serving.local.supervisor import Supervisor

pytestmark = pytest.mark.embedded
PROGRAMS = Path(__file__).parents[1] / "programs"
QUICK = Timing(healthy_after=0.5, starting_poll=0.05, ready_poll=0.05, refused_delay=30.0)


@pytest.fixture(autouse=True)
def _nothing_left(tmp_path: Path) -> Iterator[None]:
    yield
    kill_all(f"{tmp_path.resolve()}|")


def answering(port: int, *arguments: str, name: str = "server", revision: str = "1", grace: float = 5.0) -> ProcessSpec:
    """A server that is ready at once."""
    return ProcessSpec(
        name=name,
        command=(sys.executable, str(PROGRAMS / "answering.py"), str(port), *arguments),
        ready_url=f"http://127.0.0.1:{port}/ready",
        port=port,
        revision=revision,
        grace_seconds=grace,
    )


def saying(text: str, code: int, *, restart: bool = True) -> ProcessSpec:
    """A process that says something and ends."""
    return ProcessSpec(
        name="server", command=("sh", "-c", f"echo '{text}'; exit {code}"), restart=restart, revision="1"
    )


@asynccontextmanager
async def supervising(home: Path, timing: Timing = QUICK) -> AsyncIterator[Supervisor]:
    """A running supervisor that ends with all its processes."""
    supervisor = Supervisor(home, timing=timing)
    task = asyncio.create_task(supervisor.run())
    try:
        yield supervisor
    finally:
        await supervisor.stop()
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def until(
    supervisor: Supervisor, condition: Callable[[ProcessState], bool], name: str = "server", deadline: float = 15.0
) -> ProcessState:
    """The process's state once it is so."""
    async with asyncio.timeout(deadline):
        while True:
            for state in supervisor.observe():
                if state.name == name and condition(state):
                    return state
            await asyncio.sleep(0.02)


def ready(state: ProcessState) -> bool:
    """Ready."""
    return state.state == "Ready"


def test_a_killed_process_is_started_again(tmp_path: Path) -> None:
    """Kill -9: another pid, one restart counted, and nothing of its children is left."""

    async def story() -> None:
        async with supervising(tmp_path) as supervisor:
            supervisor.apply([answering(free_port(), "--child", str(tmp_path / "child"))])
            first = await until(supervisor, ready)
            child = psutil.Process(int((tmp_path / "child").read_text()))
            os.kill(first.pid, signal.SIGKILL)
            failed = await until(supervisor, lambda s: s.state == "Failed")
            again = await until(supervisor, ready)
            assert failed.message.startswith("killed by SIGKILL")
            assert (again.pid != first.pid, again.restarts, again.message) == (True, 1, "")
            assert again.body == b'{"ready":true,"verified":true}'
            assert not child.is_running() or child.status() == psutil.STATUS_ZOMBIE

    asyncio.run(story())


def test_a_failing_process_backs_off_and_says_why(tmp_path: Path) -> None:
    """Its message is how it ended and its last lines; it is tried again and again."""

    async def story() -> None:
        async with supervising(tmp_path) as supervisor:
            supervisor.apply([saying("no such column: flights", 3)])
            failed = await until(supervisor, lambda s: s.restarts >= 2)
            assert failed.message == "exit code 3: no such column: flights"

    asyncio.run(story())


def test_a_refusal_is_passed_on_and_not_repeated_soon(tmp_path: Path) -> None:
    """Exit code 78: the sentence is the message."""

    async def story() -> None:
        async with supervising(tmp_path) as supervisor:
            supervisor.apply([saying("refused: digest differs", 78)])
            failed = await until(supervisor, lambda s: s.state == "Failed")
            assert (failed.message, failed.exit_code, failed.restarts) == ("refused: digest differs", 78, 1)

    asyncio.run(story())


def test_what_cannot_start_says_so(tmp_path: Path) -> None:
    """A missing program is a failure with a reason, not the supervisor's end."""

    async def story() -> None:
        async with supervising(tmp_path) as supervisor:
            supervisor.apply([ProcessSpec(name="server", command=("/no/such/program",))])
            failed = await until(supervisor, lambda s: s.state == "Failed")
            assert failed.message == "cannot start /no/such/program: No such file or directory"

    asyncio.run(story())


def test_one_that_ignores_sigterm_is_killed_after_its_grace(tmp_path: Path) -> None:
    """Grace, then SIGKILL; the record goes."""

    async def story() -> None:
        async with supervising(tmp_path) as supervisor:
            supervisor.apply([answering(free_port(), "--ignore-sigterm", grace=0.3)])
            state = await until(supervisor, ready)
            supervisor.apply([])
            await until(supervisor, lambda s: s.state == "Draining")
            async with asyncio.timeout(10):
                while supervisor.observe():
                    await asyncio.sleep(0.02)
            assert not psutil.pid_exists(state.pid)
            assert Records(tmp_path / "run").all() == ()

    asyncio.run(story())


def test_a_new_revision_replaces_the_process(tmp_path: Path) -> None:
    """Same name, other revision: other pid."""

    async def story() -> None:
        async with supervising(tmp_path) as supervisor:
            port = free_port()
            supervisor.apply([answering(port)])
            first = await until(supervisor, ready)
            supervisor.apply([answering(port, revision="2")])
            second = await until(supervisor, lambda s: ready(s) and s.revision == "2")
            assert second.pid != first.pid

    asyncio.run(story())


def test_a_held_process_stays_stopped_until_released(tmp_path: Path) -> None:
    """``stop`` and ``start`` of one process."""

    async def story() -> None:
        async with supervising(tmp_path) as supervisor:
            supervisor.apply([answering(free_port())])
            first = await until(supervisor, ready)
            supervisor.hold("server")
            await until(supervisor, lambda s: s.state == "Held")
            assert not psutil.pid_exists(first.pid)
            supervisor.release("server")
            await until(supervisor, ready)

    asyncio.run(story())


def test_started_at_most_once(tmp_path: Path) -> None:
    """A process that is never restarted is not started by the next supervisor either."""

    async def story() -> None:
        async with supervising(tmp_path) as supervisor:
            supervisor.apply([saying("once", 1, restart=False)])
            state = await until(supervisor, lambda s: s.state == "Finished")
            assert (state.exit_code, state.message) == (1, "exit code 1: once")
        async with supervising(tmp_path) as supervisor:
            supervisor.apply([saying("once", 1, restart=False)])
            await until(supervisor, lambda s: s.state == "Finished")
        assert (tmp_path / "logs" / "server.log").read_text() == "once\n"

    asyncio.run(story())


def test_a_killed_supervisor_finds_its_children(tmp_path: Path) -> None:
    """Kill -9 of the supervisor: the next one has the same pids; what nobody asks for any more is ended."""
    ports = [free_port(), free_port()]
    command = [sys.executable, str(PROGRAMS / "supervising.py"), str(tmp_path), *map(str, ports)]
    supervisor = subprocess.Popen(command, start_new_session=True)
    records = Records(tmp_path / "run")
    wait_until(lambda: [r.pid > 0 for r in records.all()] == [True, True], message="both started")
    supervisor.kill()
    supervisor.wait()
    before = {record.port: record.pid for record in records.all()}

    async def story() -> None:
        async with supervising(tmp_path) as second:
            second.apply([answering(ports[0], name=f"server-{ports[0]}")])
            kept = await until(second, ready, name=f"server-{ports[0]}")
            assert kept.pid == before[ports[0]]
            async with asyncio.timeout(10):
                while len(second.observe()) > 1:
                    await asyncio.sleep(0.02)
        assert not any(psutil.pid_exists(p) and psutil.Process(p).status() != "zombie" for p in before.values())

    asyncio.run(story())


def test_killed_between_start_and_record(tmp_path: Path) -> None:
    """The record has a mark and no pid: the process is found by its mark, adopted, and no second one is started."""
    port = free_port()
    mark = f"{tmp_path.resolve()}|server|abc"
    orphan = subprocess.Popen(
        [sys.executable, str(PROGRAMS / "answering.py"), str(port)],
        env={**os.environ, "SLUICEGATE_PROCESS": mark},
        start_new_session=True,
    )
    Records(tmp_path / "run").write(Record(name="server", group="plane", mark=mark, revision="1", port=port))

    async def story() -> None:
        async with supervising(tmp_path) as supervisor:
            supervisor.apply([answering(port)])
            state = await until(supervisor, ready)
            assert state.pid == orphan.pid

    try:
        asyncio.run(story())
    finally:
        orphan.kill()
        orphan.wait()


def test_another_process_under_an_old_pid_is_left_alone(tmp_path: Path) -> None:
    """A pid that now belongs to somebody else is neither adopted nor killed."""
    stranger = subprocess.Popen(["sleep", "60"])
    record = Record(name="server", group="plane", mark="t|x", revision="1", pid=stranger.pid, create_time=1.0)
    Records(tmp_path / "run").write(record)

    async def story() -> None:
        async with supervising(tmp_path) as supervisor:
            supervisor.apply([answering(free_port())])
            state = await until(supervisor, ready)
            assert state.pid != stranger.pid

    try:
        asyncio.run(story())
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_running_says_how_it_ended() -> None:
    """An adopted process has no exit code to read."""
    child = subprocess.Popen(["true"])
    child.wait()

    adopted = Running(child.pid, 1.0, "none|")

    assert adopted.ended()
    assert adopted.exit_code is None
