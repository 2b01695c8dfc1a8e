"""Model servers as processes: the controller's rim ``Servers`` over the supervisor.

A workload becomes one process per replica. What a process is called and where it listens follows from what it is, so a
plane that was killed finds the same servers at the same ports.
"""

import json
import re
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import msgspec

from sluicegate.serving.api.decoding import encode
from sluicegate.serving.api.defaults import implementation_of, model_of
from sluicegate.serving.api.graph_rules import container_of
from sluicegate.serving.api.metadata import JSON
from sluicegate.serving.api.seldon_deployment import PredictiveUnit, PredictorSpec
from sluicegate.serving.gateway.routes import Address
from sluicegate.serving.local.ports_allocation import choose_port
from sluicegate.serving.local.processes import ProcessSpec, ProcessState
from sluicegate.serving.local.supervisor import Supervisor
from sluicegate.serving.reconcile.server_environment import router_home_of, server_environment
from sluicegate.serving.reconcile.workloads import Replica, ReplicaState, Workload, WorkloadKey

GROUP = "servers"
HOST = "127.0.0.1"
_PORT_TAKEN = re.compile("address already in use", re.IGNORECASE)

SecretReader = Callable[[str, str], Mapping[str, str] | None]
"""Namespace and name of a Secret to its values, None when there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSettings:
    """What every model server of this plane is told.

    ``log_url``: where request events go, empty for nowhere. ``drain_seconds``: how long one that is asked to end may
    finish what it has begun; it is killed 5 seconds later.
    """

    log_url: str = ""
    drain_seconds: float = 5.0


class SupervisedServers:
    """``Servers`` of the controller. Ports are kept as long as a server of that name is known."""

    def __init__(self, supervisor: Supervisor, *, settings: ServerSettings, secrets: SecretReader) -> None:
        self._supervisor, self._settings, self._secrets = supervisor, settings, secrets
        self._ports = {record.name: record.port for record in supervisor.recorded if record.group == GROUP}

    def apply(self, workloads: tuple[Workload, ...], keep: frozenset[WorkloadKey]) -> None:
        """Bring the running servers after ``workloads``; raises PortsExhaustedError."""
        wanted = {server_name(each.key, index): (each, index) for each in workloads for index in range(each.replicas)}
        states = {state.name: state for state in self._supervisor.observe()}
        kept = {name for name in states if (found := _parse(name)) and found[0] in keep}
        self._forget_ports(wanted.keys() | states.keys(), states.values())
        specs = [self._spec(name, workload, index) for name, (workload, index) in wanted.items()]
        self._supervisor.apply(specs, group=GROUP, keep=frozenset(kept))

    def observe(self) -> tuple[Replica, ...]:
        """Every server, kept and ending ones included."""
        parsed = ((state, _parse(state.name)) for state in self._supervisor.observe())
        return tuple(_replica(state, *found) for state, found in parsed if found and self._is_server(state.name))

    def _is_server(self, name: str) -> bool:
        return name in self._ports

    def _forget_ports(self, known: Iterable[str], states: Iterable[ProcessState]) -> None:
        taken = {state.name for state in states if state.state == "Failed" and _PORT_TAKEN.search(state.message)}
        names = set(known) - taken
        self._ports = {name: port for name, port in self._ports.items() if name in names}

    def _port(self, name: str) -> int:
        if not self._ports.get(name):
            self._ports[name] = choose_port(set(self._ports.values()))
        return self._ports[name]

    def _spec(self, name: str, workload: Workload, index: int) -> ProcessSpec:
        port = self._port(name)
        secret = workload.predictor.graph.env_secret_ref_name
        values = (self._secrets(workload.namespace, secret) or {}) if secret else {}
        return ProcessSpec(
            name=name,
            command=server_command(workload, port, self._settings),
            environment=process_environment(workload, index, values),
            revision=workload.revision,
            ready_url=f"http://{HOST}:{port}/ready",
            port=port,
            grace_seconds=self._settings.drain_seconds + 5.0,
        )


def server_name(key: WorkloadKey, index: int) -> str:
    """The process's name: namespace, workload, revision and index."""
    return f"{'.'.join(key)}.{index}"


def server_command(workload: Workload, port: int, settings: ServerSettings) -> tuple[str, ...]:
    """The model server's argv."""
    predictor, unit = workload.predictor, workload.predictor.graph
    model = model_of(predictor)
    alone = not unit.children and unit.type in (None, "MODEL", "UNKNOWN_TYPE")
    optional = {
        "--implementation": implementation_of(predictor, unit) if alone else "",
        "--model-uri": unit.model_uri if alone else "",
        "--graph": "" if alone else _graph_text(predictor),
        "--bundle-digest": model.bundle_digest if model else "",
        "--log-url": settings.log_url,
        "--router-home": router_home_of(predictor, settings.log_url),
    }
    return (
        *(sys.executable, "-m", "sluicegate.serving.server"),
        *("--host", HOST, "--http-port", str(port), "--name", unit.name),
        *("--drain-seconds", f"{settings.drain_seconds:g}"),
        *(word for option, value in optional.items() if value for word in (option, value)),
    )


def _graph_text(predictor: PredictorSpec) -> str:
    """The whole graph for one process; where its containers would be reached means nothing here."""
    spoken = PredictorSpec(name=predictor.name, graph=_here(predictor.graph), annotations=predictor.annotations)
    return msgspec.json.encode(encode(spoken), order="sorted").decode()


def _here(unit: PredictiveUnit) -> PredictiveUnit:
    return msgspec.structs.replace(unit, endpoint=None, children=tuple(_here(child) for child in unit.children))


def process_environment(workload: Workload, index: int, secret: Mapping[str, str]) -> dict[str, str]:
    """Its environment beside the plane's own: Seldon's variables, then the container's, which win."""
    predictor, unit = workload.predictor, workload.predictor.graph
    return {
        **server_environment(workload, unit),
        "SLUICEGATE_REPLICA": str(index),
        **secret,
        **_plain_values((container_of(predictor, unit) or {}).get("env")),
    }


def _plain_values(entries: object) -> dict[str, str]:
    """Container variables with a plain value; those taken from elsewhere in a pod mean nothing here."""
    listed: list[JSON] = [each for each in entries if isinstance(each, dict)] if isinstance(entries, list) else []
    return {str(each["name"]): str(each["value"]) for each in listed if "name" in each and "value" in each}


def _parse(name: str) -> tuple[WorkloadKey, int] | None:
    namespace, _, rest = name.partition(".")
    parts = rest.rsplit(".", 2)
    if len(parts) != 3 or not parts[2].isdigit():
        return None
    return (namespace, parts[0], parts[1]), int(parts[2])


def _replica(state: ProcessState, key: WorkloadKey, index: int) -> Replica:
    namespace, workload, revision = key
    return Replica(
        namespace=namespace,
        workload=workload,
        revision=revision,
        index=index,
        address=Address(host=HOST, port=state.port),
        state=_replica_state(state),
        message="stopped by hand; `sluicegate start` starts it" if state.state == "Held" else state.message,
        restarts=state.restarts,
        verified=_verified(state),
    )


def _replica_state(state: ProcessState) -> ReplicaState:
    match state.state:
        case "Ready":
            return "Ready"
        case "Draining":
            return "Draining"
        case "Failed" | "Held" | "Finished":
            return "Failed"
        case _:
            return "Starting"


def _verified(state: ProcessState) -> bool | None:
    if state.state != "Ready":
        return None
    try:
        found = json.loads(state.body)
    except ValueError:
        return None
    verified = found.get("verified") if isinstance(found, dict) else None
    return verified if isinstance(verified, bool) else None
