"""The plane's own processes: the gateway, the registry and the collector, as the supervisor needs them. Pure."""

import json
import sys
from dataclasses import replace
from pathlib import Path

from sluicegate.pipelines.plane.home import HOST, Home, Ports
from sluicegate.serving.api.names import short_hash
from sluicegate.serving.gateway.bootstrap import Bootstrap, bootstrap, command
from sluicegate.serving.gateway.routes import Address
from sluicegate.serving.local.processes import ProcessSpec

COMPONENTS = ("envoy", "mlflow", "collector")
EVENTS_PATH = "/sluicegate/v1/events"


def component_specs(home: Home, ports: Ports, envoy: Path) -> tuple[ProcessSpec, ...]:
    """All three. ``envoy`` is the binary; its bootstrap is written by ``write_bootstrap``."""
    return tuple(map(_with_revision, (_envoy(home, ports, envoy), _mlflow(home, ports), _collector(home, ports))))


def write_bootstrap(home: Home, ports: Ports) -> None:
    """The document that Envoy is started with."""
    settings = Bootstrap(
        control_plane=Address(host=HOST, port=ports.xds), admin=Address(host=HOST, port=ports.envoy_admin)
    )
    _bootstrap_file(home).write_text(json.dumps(bootstrap(settings), indent=2))


def _bootstrap_file(home: Home) -> Path:
    return home.path / "envoy" / "bootstrap.json"


def _envoy(home: Home, ports: Ports, envoy: Path) -> ProcessSpec:
    return ProcessSpec(
        name="envoy",
        command=tuple(command(envoy, _bootstrap_file(home))),
        ready_url=f"{ports.addresses()['envoy_admin']}/ready",
        port=ports.gateway,
        grace_seconds=5.0,
    )


def _mlflow(home: Home, ports: Ports) -> ProcessSpec:
    """One worker: SQLite has one writer, and a laptop has other work. It is not to report to its makers."""
    store, artifacts = home.path / "mlflow" / "mlflow.db", home.path / "mlflow" / "artifacts"
    return ProcessSpec(
        name="mlflow",
        command=(
            *(sys.executable, "-m", "mlflow", "server", "--host", HOST, "--port", str(ports.mlflow), "--workers", "1"),
            *("--backend-store-uri", f"sqlite:///{store}", "--artifacts-destination", str(artifacts)),
        ),
        environment={
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "DO_NOT_TRACK": "true",
            "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
            "MLFLOW_TRACKING_URI": "",
        },
        ready_url=f"{ports.addresses()['mlflow']}/health",
        port=ports.mlflow,
        grace_seconds=5.0,
    )


def _collector(home: Home, ports: Ports) -> ProcessSpec:
    addresses = ports.addresses()
    return ProcessSpec(
        name="collector",
        command=(
            *(sys.executable, "-m", "sluicegate.monitoring.collector"),
            *("--data", str(home.path / "collector"), "--port", str(ports.collector)),
            *("--envoy-admin", addresses["envoy_admin"], "--alert-url", addresses["api"] + EVENTS_PATH),
        ),
        ready_url=f"{addresses['collector']}/ready",
        port=ports.collector,
        grace_seconds=8.0,
    )


def _with_revision(spec: ProcessSpec) -> ProcessSpec:
    """Another command or environment needs another process."""
    said = [list(spec.command), sorted(spec.environment.items())]
    return replace(spec, revision=short_hash(said))
