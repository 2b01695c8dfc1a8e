"""Model servers that exist on paper: they become ready when a test says so."""

from dataclasses import dataclass, replace
from itertools import count

from tests.fakes.store import Death

from sluicegate.serving.gateway.routes import Address
from sluicegate.serving.reconcile.workloads import Replica, Workload, WorkloadKey


@dataclass(frozen=True, slots=True)
class ReplicaKey:
    """One server."""

    workload: WorkloadKey
    index: int


class FakeServers:
    """Implements ``local.ports.Servers``. Outlives a killed controller, as real servers do."""

    def __init__(self, death: Death | None = None) -> None:
        self.running: dict[ReplicaKey, Replica] = {}
        self.death = death or Death()
        self.refuses: dict[str, str] = {}
        """Words of refusal by workload name."""
        self.stubborn: set[str] = set()
        """Workload names whose servers never become ready."""
        self._ports = count(9000)

    def apply(self, workloads: tuple[Workload, ...], keep: frozenset[WorkloadKey]) -> None:
        """Start what is wanted, end what is neither wanted nor kept."""
        self.death.act()
        wanted = {ReplicaKey(each.key, index) for each in workloads for index in range(each.replicas)}
        for key in [key for key in self.running if key not in wanted and key.workload not in keep]:
            del self.running[key]
        for key in sorted(wanted - set(self.running), key=str):
            self.running[key] = self._start(key)

    def observe(self) -> tuple[Replica, ...]:
        """Everything that runs."""
        return tuple(self.running[key] for key in sorted(self.running, key=str))

    def become_ready(self) -> None:
        """Every server that can be is ready now; one that refuses its bundle says so."""
        for key, server in self.running.items():
            words = self.refuses.get(server.workload)
            if words is not None:
                self.running[key] = replace(server, state="Failed", message=f"refused: {words}")
            elif server.workload not in self.stubborn:
                self.running[key] = replace(server, state="Ready", message="", verified=True)

    def crash(self, workload: str, message: str = "Killed") -> None:
        """All servers of this workload end by themselves."""
        for key, server in self.running.items():
            if server.workload == workload:
                self.running[key] = replace(server, state="Failed", message=message, restarts=server.restarts + 1)

    def run_again(self) -> None:
        """Nobody has probed them yet, although they run: what a restarted plane finds."""
        self.running = {key: replace(server, state="Starting") for key, server in self.running.items()}

    def workloads(self) -> set[str]:
        """Names of what runs."""
        return {server.workload for server in self.running.values()}

    def _start(self, key: ReplicaKey) -> Replica:
        namespace, name, revision = key.workload
        address = Address(host="127.0.0.1", port=next(self._ports))
        return Replica(
            namespace=namespace,
            workload=name,
            revision=revision,
            index=key.index,
            address=address,
            state="Starting",
        )
