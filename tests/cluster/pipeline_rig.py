"""What a delivery on a cluster needs beside it: a registry, an operator and a gateway, for one namespace.

Registry and operator are processes of this host, which pods reach at the address ``SLUICEGATE_TEST_HOST``; the gateway
is a pod, because model servers are.
"""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import numpy as np
import pandas as pd
from tests.cluster import audit, image_rig, operator_rig, storages
from tests.cluster.kubectl import Kubectl
from tests.waiting import wait_until

HOST = os.environ.get("SLUICEGATE_TEST_HOST", "10.88.0.1")
JSON = operator_rig.JSON


def free_port() -> int:
    """One of ``HOST`` that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


@contextmanager
def registry(directory: Path) -> Iterator[str]:
    """A real MLflow server; its address for pods and for this process."""
    port = free_port()
    command = [
        sys.executable, "-m", "mlflow", "server", "--host", HOST, "--port", str(port), "--workers", "1",
        "--backend-store-uri", f"sqlite:///{directory}/mlflow.db", "--artifacts-destination", str(directory / "files"),
    ]  # fmt: skip
    told = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    with _process(command, directory / "mlflow.log", f"http://{HOST}:{port}/health", told):
        yield f"http://{HOST}:{port}"


@contextmanager
def operator(namespace: str, directory: Path, collector: str) -> Iterator[tuple[int, int]]:
    """An operator for this namespace, whose servers tell the collector; the ports at which its gateway asks, and
    learns whether it leads.
    """
    http, xds = free_port(), free_port()
    environment = {
        "SLUICEGATE_WATCH_NAMESPACE": namespace, "POD_NAMESPACE": namespace, "SLUICEGATE_WEBHOOK_PORT": "0",
        "SLUICEGATE_HTTP_PORT": str(http), "SLUICEGATE_XDS_PORT": str(xds),
        "SLUICEGATE_IMAGE_REGISTRY": image_rig.PREFIX, "SLUICEGATE_IMAGE_VERSION": image_rig.TAG,
        "REQUEST_LOGGER_DEFAULT_ENDPOINT": f"{collector}/events",
    }  # fmt: skip
    command = [sys.executable, "-m", "sluicegate.serving.operator"]
    with _process(command, directory / "operator.log", f"http://{HOST}:{http}/livez", environment):
        yield xds, http


@contextmanager
def collector(directory: Path) -> Iterator[str]:
    """A collector; its address for pods."""
    port = free_port()
    command = [
        sys.executable, "-m", "sluicegate.monitoring.collector", "--data", str(directory / "data"),
        "--host", HOST, "--port", str(port),
    ]  # fmt: skip
    with _process(command, directory / "collector.log", f"http://{HOST}:{port}/ready"):
        yield f"http://{HOST}:{port}"


@contextmanager
def _process(command: list[str], log: Path, health: str, environment: dict[str, str] | None = None) -> Iterator[None]:
    with log.open("w") as sink:
        process = subprocess.Popen(
            command, stdout=sink, stderr=sink, start_new_session=True, env={**os.environ, **(environment or {})}
        )
    try:
        wait_until(lambda: _answers(health), 120, f"{health} answers, see {log}")
        yield
    finally:
        _end(process)


def _end(process: "subprocess.Popen[bytes]") -> None:
    """Ask it, then make it: MLflow waits for connections that somebody still holds open."""
    os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(5)


def _answers(url: str) -> bool:
    try:
        return httpx.get(url).status_code == 200
    except httpx.TransportError:
        return False


def gateway(kubectl: Kubectl, xds: int, leading: int) -> list[JSON]:
    """The installation's gateway in this namespace, one pod of it, fed by the operator at these ports."""
    found = [one for one in operator_rig.installation(kubectl) if one["metadata"]["name"] == "sluicegate-gateway"]
    kept = [one for one in found if one["kind"] in {"Deployment", "Service"}]
    for one in kept:
        one["metadata"]["namespace"] = kubectl.namespace
        if one["kind"] == "Deployment":
            one["spec"]["replicas"] = 1
            told = {
                "SLUICEGATE_XDS_HOST": HOST,
                "SLUICEGATE_XDS_PORT": str(xds),
                "SLUICEGATE_LEADER_PORT": str(leading),
            }
            container = one["spec"]["template"]["spec"]["containers"][0]
            kept_variables = [each for each in container["env"] if each["name"] not in told]
            container["env"] = kept_variables + image_rig.variables(told)
    return kept


def told(namespace: str, mlflow: str, collector: str, prefix: str) -> list[JSON]:
    """The ConfigMap and the Secrets that steps and Argo read."""
    environment = {
        **audit.variables(),
        "SLUICEGATE_GATEWAY": f"http://sluicegate-gateway.{namespace}",
        "SLUICEGATE_COLLECTOR": collector,
        "MLFLOW_TRACKING_URI": mlflow,
        "SLUICEGATE_BUNDLES": f"s3://{storages.BUCKET}/{prefix}/bundles",
        "SLUICEGATE_BUNDLES_SECRET": "sluicegate-credentials",
    }
    return [
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "sluicegate-environment"}, "data": environment},
        _secret("sluicegate-credentials", storages.S3_ENVIRONMENT | {"AWS_REGION": "us-east-1"}),
        # Argo's own keys for its artefact repository.
        _secret("s3", {"accesskey": storages.S3_KEY, "secretkey": storages.S3_SECRET}),
    ]


def _secret(name: str, entries: dict[str, str]) -> JSON:
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": entries}


def table(prefix: str) -> str:
    """Two columns, the first of which decides, as a CSV in the storage; its address."""
    generator = np.random.default_rng(1)
    frame = pd.DataFrame(generator.normal(size=(300, 2)), columns=["delay", "pressure"])
    frame["late"] = (frame.delay + 0.3 * generator.normal(size=300) > 0).astype(int)
    storages.bucket().pipe_file(f"{storages.BUCKET}/{prefix}/rows.csv", frame.to_csv(index=False).encode())
    return f"s3://{storages.BUCKET}/{prefix}/rows.csv"


def workflow(name: str, template: str, **parameters: str) -> JSON:
    """As ``argo submit --from workflowtemplate/TEMPLATE -p …`` makes it."""
    given = [{"name": key, "value": value} for key, value in parameters.items()]
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Workflow",
        "metadata": {"name": name},
        "spec": {"workflowTemplateRef": {"name": template}, "arguments": {"parameters": given}},
    }
