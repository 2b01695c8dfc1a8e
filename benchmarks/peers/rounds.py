"""A workload, measured: all contestants up, right answers, loads in turns (A B C, A B C, …), right answers again."""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import asdict, dataclass

from benchmarks.peers import load
from benchmarks.peers.contestants import Contestant
from benchmarks.peers.processes import NotServedError, Running, start
from benchmarks.peers.workloads import Workload

_WARM_SECONDS = 1.0
_IDLE_SECONDS = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One load of one contestant. ``figure`` is what the workload is about."""

    workload: str
    contestant: str
    clients: int
    round: int
    figure: float
    p50: float = 0.0
    p99: float = 0.0

    def told(self) -> dict[str, object]:
        """For the file of raw rows."""
        return asdict(self)


def measured(
    workload: Workload, contestants: list[Contestant], *, rounds: int, seconds: float
) -> Iterator[Row | NotServedError]:
    """Its rows; an error for each contestant that does not answer, which takes no part from then on."""
    if workload.kind in ("start", "memory"):
        # How much memory a server takes does not drift with the machine.
        yield from _starts(workload, contestants, 1 if workload.kind == "memory" else rounds)
        return
    with ExitStack() as up:
        running = []
        for contestant in contestants:
            try:
                server = start(contestant, workload.model)
                up.callback(server.end)
                server.check(over_grpc=workload.kind == "grpc")
                _load(workload, server, workload.clients[-1], _WARM_SECONDS)
                running.append(server)
            except NotServedError as error:
                yield error
        for clients in workload.clients:
            for number in range(rounds):
                for server in running:
                    yield _row(workload, server, clients, number, seconds)
        for server in running:
            server.check(over_grpc=workload.kind == "grpc")


def _load(workload: Workload, server: Running, clients: int, seconds: float) -> load.Loaded:
    return (load.over_grpc if workload.kind == "grpc" else load.over_http)(server, clients, seconds)


def _row(workload: Workload, server: Running, clients: int, number: int, seconds: float) -> Row | NotServedError:
    try:
        found = _load(workload, server, clients, seconds)
    except NotServedError as error:
        return error
    return Row(
        workload=workload.name,
        contestant=server.contestant.name,
        clients=clients,
        round=number,
        figure=found.p99 if workload.kind == "p99" else found.rate,
        p50=found.p50,
        p99=found.p99,
    )


def _starts(workload: Workload, contestants: list[Contestant], rounds: int) -> Iterator[Row | NotServedError]:
    for number in range(rounds):
        for contestant in contestants:
            try:
                server = start(contestant, workload.model)
            except NotServedError as error:
                yield error
                continue
            try:
                if workload.kind == "memory":
                    time.sleep(_IDLE_SECONDS)
                figure = server.memory() if workload.kind == "memory" else server.seconds
            finally:
                server.end()
            yield Row(workload=workload.name, contestant=contestant.name, clients=1, round=number, figure=figure)
