"""The world of ``operator_scale``: deployments, pods that nobody starts, rollouts, operator and Envoy as processes.

Pods are held back by a scheduling gate and said to be ready in their status; all of them are Envoy's own ``/ready``, so
that a thousand servers cost nothing. Everything lies in one namespace.
"""

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import httpx
import psutil

from sluicegate.serving.api.metadata import JSON
from sluicegate.serving.api.resources import CLUSTER_RESOURCES, RESOURCES, Resource
from sluicegate.serving.gateway.binary import find_envoy
from sluicegate.serving.gateway.bootstrap import Bootstrap, bootstrap, command
from sluicegate.serving.gateway.routes import Address
from sluicegate.serving.operator.cluster.client import Cluster
from sluicegate.serving.operator.cluster.requests import Request

T = TypeVar("T")
NAMESPACE = "sluicegate-scale"
SDEP, ROLLOUT, DEPLOYMENT = RESOURCES["SeldonDeployment"], RESOURCES["ModelRollout"], CLUSTER_RESOURCES["Deployment"]
KINDS = {"Event": RESOURCES["Event"], "ConfigMap": RESOURCES["ConfigMap"], "Secret": RESOURCES["Secret"]} | {
    kind: CLUSTER_RESOURCES[kind] for kind in ("Deployment", "Service", "PodDisruptionBudget")
}
"""Kinds whose versions say whether anything was written, beside our own two."""
HTTP, XDS, FRONT, ADMIN, SERVER = 18080, 18081, 18003, 18004, 18005
HOST = os.environ.get("SCALE_HOST", "127.0.0.1")
PORTS = {
    "SLUICEGATE_HTTP_PORT": str(HTTP),
    "SLUICEGATE_XDS_PORT": str(XDS),
    "SLUICEGATE_GATEWAY_PORT": str(FRONT),
    "SLUICEGATE_WEBHOOK_PORT": "0",
    "SLUICEGATE_GATEWAY_KIND": "envoy",
}
_AT_A_TIME = 20
_GRAPH = {"name": "model", "implementation": "SKLEARN_SERVER", "modelUri": "file:///models/none"}


def name_of(index: int) -> str:
    """The index-th deployment."""
    return f"model-{index:04}"


def deployment(index: int) -> JSON:
    """The index-th SeldonDeployment. It asks for no pods; ``Pods`` says that there is one."""
    return {
        "apiVersion": SDEP.api_version,
        "kind": "SeldonDeployment",
        "metadata": {"name": name_of(index), "namespace": NAMESPACE},
        "spec": {"predictors": [{"name": "main", "replicas": 0, "traffic": 100, "graph": _GRAPH}]},
    }


def rollout(index: int) -> JSON:
    """A rollout of the index-th deployment."""
    candidate = {"name": "next", "replicas": 0, "graph": _GRAPH | {"modelUri": "file:///models/next"}}
    return {
        "apiVersion": ROLLOUT.api_version,
        "kind": "ModelRollout",
        "metadata": {"name": name_of(index), "namespace": NAMESPACE},
        "spec": {"target": name_of(index), "candidate": candidate},
    }


def pod_of(made: JSON) -> JSON:
    """What a Deployment would make, never to be started."""
    template = made["spec"]["template"]["metadata"]
    container = {"name": "model", "image": "none", "ports": [{"name": "http", "containerPort": SERVER}]}
    meta = {"labels": template["labels"], "annotations": template.get("annotations", {})}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": f"{made['metadata']['name']}-0", "namespace": NAMESPACE, **meta},
        "spec": {"schedulingGates": [{"name": "sluicegate.dev/benchmark"}], "containers": [container]},
    }


async def each(do: Callable[[T], Awaitable[object]], items: Iterable[T]) -> None:
    """``do`` all, a few at a time."""
    gate = asyncio.Semaphore(_AT_A_TIME)

    async def one(item: T) -> None:
        async with gate:
            await do(item)

    await asyncio.gather(*(one(item) for item in items))


async def start_pods(cluster: Cluster, predictor: str) -> None:
    """A ready pod for each Deployment of this predictor."""
    ready = {"podIP": HOST, "phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}

    async def one(made: JSON) -> None:
        stored = await cluster.create(pod_of(made))
        await cluster.replace(stored | {"status": ready}, status=True)

    made, _ = await cluster.list(DEPLOYMENT, NAMESPACE)
    await each(one, [found for found in made if f"-{predictor}-" in found["metadata"]["name"]])


async def until(condition: Callable[[], Awaitable[bool]], seconds: float, every: float = 0.02) -> float:
    """Seconds until ``condition`` held; raises TimeoutError."""
    start = time.monotonic()
    async with asyncio.timeout(seconds):
        while not await condition():
            await asyncio.sleep(every)
    return time.monotonic() - start


async def all_are(cluster: Cluster, resource: Resource, good: Callable[[JSON], bool], seconds: float) -> float:
    """Seconds until the status of every object is good."""

    async def holds() -> bool:
        items, _ = await cluster.list(resource, NAMESPACE)
        return all(good(item.get("status") or {}) for item in items)

    return await until(holds, seconds, every=0.5)


async def metrics() -> dict[str, float]:
    """The operator's own figures; nothing while it does not answer."""
    async with httpx.AsyncClient(timeout=10, trust_env=False) as client:
        try:
            text = (await client.get(f"http://127.0.0.1:{HTTP}/metrics")).text
        except httpx.HTTPError:
            return {}
    found = (line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
    return {name: float(value) for name, value in found}


def writes(figures: dict[str, float]) -> float:
    """How often an operator wrote, its lease apart."""
    return sum(
        value
        for name, value in figures.items()
        if name.startswith("sluicegate_operator_api_requests_total{")
        and any(f'verb="{verb}"' in name for verb in ("create", "update", "patch", "delete"))
        and 'trial="no"' in name
        and 'resource="leases' not in name
    )


async def idle() -> None:
    """Wait until the operator leads and has had nothing to do for two seconds."""
    quiet, before = 0, -1.0
    while quiet < 4:
        await asyncio.sleep(0.5)
        figures = await metrics()
        looks = figures.get("sluicegate_operator_reconcile_seconds_count", -1.0)
        still = figures.get("sluicegate_operator_queue_length") == 0 and figures.get("sluicegate_operator_leads") == 1
        quiet, before = quiet + 1 if still and looks == before else 0, looks


async def versions(cluster: Cluster) -> dict[str, str]:
    """Versions of everything in the namespace that an operator could write, its lease apart."""
    found = {}
    for resource in (SDEP, ROLLOUT, *KINDS.values()):
        items, _ = await cluster.list(resource, NAMESPACE)
        for meta in (each["metadata"] for each in items):
            found[f"{resource.plural}/{meta['name']}"] = meta["resourceVersion"]
    return found


@contextmanager
def running(arguments: list[str], environment: dict[str, str]) -> Iterator[psutil.Process]:
    """A process, ended with the block."""
    child = subprocess.Popen(arguments, env={**os.environ, **environment}, stderr=subprocess.DEVNULL)
    try:
        yield psutil.Process(child.pid)
    finally:
        child.terminate()
        child.wait(30)


@contextmanager
def operator() -> Iterator[psutil.Process]:
    """An operator that looks after the namespace."""
    told = {**PORTS, "SLUICEGATE_WATCH_NAMESPACE": NAMESPACE, "POD_NAMESPACE": NAMESPACE}
    with running([sys.executable, "-m", "sluicegate.serving.operator"], told) as process:
        yield process


@contextmanager
def envoy() -> Iterator[psutil.Process]:
    """A gateway that asks the operator for its routes."""
    settings = Bootstrap(
        control_plane=Address(host="127.0.0.1", port=XDS),
        admin=Address(host="127.0.0.1", port=ADMIN),
        statistics=Address(host="0.0.0.0", port=SERVER),
    )
    with tempfile.TemporaryDirectory() as home:
        path = Path(home) / "bootstrap.json"
        path.write_text(json.dumps(bootstrap(settings)))
        with running(command(find_envoy(), path, log_level="error"), {}) as process:
            yield process


async def listens() -> bool:
    """Whether the gateway has its first routes: before, it does not listen."""
    async with httpx.AsyncClient(timeout=5, trust_env=False) as client:
        try:
            return (await client.get(f"http://127.0.0.1:{FRONT}/")).status_code == 404
        except httpx.HTTPError:
            return False


async def clean(cluster: Cluster) -> None:
    """Delete the namespace, and wait until it is gone."""
    namespace = Request(verb="get", resource=RESOURCES["Namespace"], name=NAMESPACE)
    await cluster.delete({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace.name}})

    async def gone() -> bool:
        items, _ = await cluster.list(RESOURCES["Namespace"], None)
        return NAMESPACE not in {item["metadata"]["name"] for item in items}

    await until(gone, 240, every=1)
