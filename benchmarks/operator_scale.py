"""How an operator bears many SeldonDeployments: time of a change, idle cost, and a restart that writes nothing.

``KUBECONFIG=… python -m benchmarks.operator_scale [--count 1000]``. It starts an operator of its own on this machine,
for a namespace of its own. No pod is started, as all deployments have no replicas: what is measured is the operator.
The custom resource definitions have to be installed.
"""

import argparse
import asyncio
import os
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import psutil

from sluicegate.serving.api.metadata import JSON
from sluicegate.serving.api.resources import CLUSTER_RESOURCES, RESOURCES
from sluicegate.serving.operator.cluster.access import connect, from_kubeconfig
from sluicegate.serving.operator.cluster.client import Cluster

NAMESPACE = "sluicegate-scale"
SDEP, DEPLOYMENT = RESOURCES["SeldonDeployment"], CLUSTER_RESOURCES["Deployment"]
PORTS = {"SLUICEGATE_HTTP_PORT": "18080", "SLUICEGATE_XDS_PORT": "18081", "SLUICEGATE_WEBHOOK_PORT": "0"}


def deployment(index: int) -> JSON:
    """The index-th SeldonDeployment."""
    graph = {"name": "model", "implementation": "SKLEARN_SERVER", "modelUri": "file:///models/none"}
    return {
        "apiVersion": "machinelearning.seldon.io/v1",
        "kind": "SeldonDeployment",
        "metadata": {"name": f"model-{index:04}", "namespace": NAMESPACE},
        "spec": {"predictors": [{"name": "main", "replicas": 0, "graph": graph}]},
    }


@contextmanager
def operator() -> Iterator[psutil.Process]:
    """An operator that looks after the namespace, ready."""
    environment = {**os.environ, **PORTS, "SLUICEGATE_WATCH_NAMESPACE": NAMESPACE, "POD_NAMESPACE": NAMESPACE}
    command = [sys.executable, "-m", "sluicegate.serving.operator"]
    child = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
    try:
        yield psutil.Process(child.pid)
    finally:
        child.terminate()
        child.wait(30)


async def until(condition, seconds: float) -> float:  # type: ignore[no-untyped-def]  # an async predicate
    """Seconds until ``condition`` held; raises TimeoutError."""
    start = time.monotonic()
    async with asyncio.timeout(seconds):
        while not await condition():
            await asyncio.sleep(0.02)
    return time.monotonic() - start


async def idle() -> None:
    """Wait until the operator has nothing to do for two seconds."""
    quiet = 0
    async with httpx.AsyncClient(timeout=5) as client:
        while quiet < 10:
            await asyncio.sleep(0.2)
            try:
                text = (await client.get(f"http://127.0.0.1:{PORTS['SLUICEGATE_HTTP_PORT']}/metrics")).text
            except httpx.HTTPError:
                continue
            figures = dict(line.rsplit(" ", 1) for line in text.splitlines() if line.startswith("sluicegate_operator_"))
            still = figures.get("sluicegate_operator_queue_length") == "0.0" and "sluicegate_operator_leads" in figures
            quiet = quiet + 1 if still and figures["sluicegate_operator_leads"] == "1.0" else 0


async def create(cluster: Cluster, count: int) -> None:
    """All of them, twenty at a time."""
    gate = asyncio.Semaphore(20)

    async def one(index: int) -> None:
        async with gate:
            await cluster.create(deployment(index))

    await asyncio.gather(*(one(index) for index in range(count)))


async def change(cluster: Cluster, index: int) -> float:
    """Seconds from a change of a predictor until the Deployment has it."""
    stored = await cluster.get(SDEP, NAMESPACE, f"model-{index:04}")
    mark = f"file:///models/{random.randrange(10**9)}"
    stored["spec"]["predictors"][0]["graph"]["modelUri"] = mark
    await cluster.replace(stored)

    async def followed() -> bool:
        return mark in str(await cluster.get(DEPLOYMENT, NAMESPACE, f"model-{index:04}-main-0-model"))

    return await until(followed, 30)


async def versions(cluster: Cluster) -> dict[str, str]:
    """Versions of everything in the namespace that the operator could write."""
    found = {}
    for resource in (SDEP, DEPLOYMENT, CLUSTER_RESOURCES["Service"]):
        items, _ = await cluster.list(resource, NAMESPACE)
        for meta in (each["metadata"] for each in items):
            found[f"{resource.plural}/{meta['name']}"] = meta["resourceVersion"]
    return found


async def measure(count: int) -> None:
    """Print the figures."""
    cluster = Cluster(connect(from_kubeconfig(os.environ["KUBECONFIG"])))
    await cluster.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})
    try:
        with operator() as process:
            await create(cluster, count)
            start = time.monotonic()
            await idle()
            print(f"{count} new deployments reconciled {time.monotonic() - start:.1f} s after the last was created")
            seconds = sorted([await change(cluster, index) for index in random.sample(range(count), min(100, count))])
            print(f"a change reaches its Deployment: median {statistics.median(seconds):.3f} s,", end=" ")
            print(f"p95 {seconds[int(len(seconds) * 0.95)]:.3f} s")
            await idle()
            used, began = sum(process.cpu_times()[:2]), time.monotonic()
            await asyncio.sleep(60)
            share = (sum(process.cpu_times()[:2]) - used) / (time.monotonic() - began)
            print(f"idle: {share:.1%} of a core, {process.memory_info().rss / 1e6:.0f} MB")
        before = await versions(cluster)
        with operator():
            await idle()
            after = await versions(cluster)
        changed = sum(before[name] != after.get(name) for name in before)
        print(f"a restart wrote {changed} of {len(before)} objects")
    finally:
        await cluster.delete({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})
        await cluster.close()


def main() -> None:
    """Read the command line and measure."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.operator_scale", description=__doc__)
    parser.add_argument("--count", type=int, default=1000)
    asyncio.run(measure(parser.parse_args().count))


if __name__ == "__main__":
    main()
