"""How an operator bears many SeldonDeployments: time of a change, idle cost, rollouts, a restart that writes nothing.

``KUBECONFIG=… python -m benchmarks.operator_scale [--count 1000] [--rollouts 50] [--keep]``. It starts an operator and
an Envoy of its own on this machine, for a namespace of its own, and no pod at all. The custom resource definitions have
to be installed. Rows come out in Markdown, each as soon as it is known.
"""

import argparse
import asyncio
import os
import random
import statistics
import time
from collections.abc import Callable, Sequence

import psutil

from benchmarks import scale_world as world
from sluicegate.serving.api.metadata import JSON
from sluicegate.serving.operator.cluster.access import connect, from_kubeconfig
from sluicegate.serving.operator.cluster.client import Cluster
from sluicegate.serving.operator.errors import ConflictError

IDLE_SECONDS = 30.0


def row(what: str, figure: str) -> None:
    """One line of the table."""
    print(f"| {what} | {figure} |", flush=True)


def spread(seconds: Sequence[float]) -> str:
    """Median and 95th percentile."""
    ordered = sorted(seconds)
    return f"median {statistics.median(ordered):.3f} s, p95 {ordered[int(len(ordered) * 0.95)]:.3f} s"


def used(process: psutil.Process) -> float:
    """Seconds of a core."""
    times = process.cpu_times()
    return times.user + times.system


async def cost(seconds: float, *processes: psutil.Process) -> list[str]:
    """Share of a core and memory of each, over some time in which nothing is asked of them."""
    before, began = [used(each) for each in processes], time.monotonic()
    await asyncio.sleep(seconds)
    lasted = time.monotonic() - began
    return [
        f"{(used(each) - spent) / lasted:.1%} of a core, {each.memory_info().rss / 1e6:.0f} MB"
        for each, spent in zip(processes, before, strict=True)
    ]


class Bench:
    """One run."""

    def __init__(self, cluster: Cluster, count: int, rollouts: int) -> None:
        self._cluster, self._count, self._rollouts = cluster, count, rollouts

    async def create(self, process: psutil.Process) -> None:
        """All deployments, their pods, and all of them served."""
        stored, _ = await self._cluster.list(world.SDEP, world.NAMESPACE)
        there = {each["metadata"]["name"] for each in stored}
        start = time.monotonic()
        missing = [index for index in range(self._count) if world.name_of(index) not in there]
        await world.each(lambda index: self._cluster.create(world.deployment(index)), missing)
        written = time.monotonic() - start
        await world.idle()
        row(
            f"{len(missing)} deployments created in {written:.0f} s", f"all made {time.monotonic() - start:.0f} s after"
        )
        start = time.monotonic()
        await world.start_pods(self._cluster, "main")
        await self._all(lambda status: status.get("state") == "Available")
        row("all pods say in a row that they are ready", f"all Available {time.monotonic() - start:.0f} s after")
        await world.idle()
        row("the operator's work until here", f"{used(process):.1f} s of a core")

    async def _all(self, good: Callable[[JSON], bool]) -> float:
        return await world.all_are(self._cluster, world.SDEP, good, 240)

    async def change(self, what: str, process: psutil.Process, gateway: psutil.Process) -> None:
        """Changes one after the other."""
        before, spent, began = used(process), used(gateway), time.monotonic()
        chosen = random.sample(range(self._rollouts, self._count), min(100, self._count - self._rollouts))
        seconds = [await self._change(index) for index in chosen]
        row(f"a change reaches its Deployment{what}", spread(seconds))
        share = (used(process) - before) / len(chosen) * 1000
        lasted = (time.monotonic() - began) / len(chosen) * 1000
        envoys = (used(gateway) - spent) / len(chosen) * 1000
        row(f"a core's time for a change{what}", f"operator {share:.0f} ms, Envoy {envoys:.0f} ms, of {lasted:.0f} ms")

    async def _change(self, index: int) -> float:
        stored = await self._cluster.get(world.SDEP, world.NAMESPACE, world.name_of(index))
        mark = f"file:///models/{random.randrange(10**9)}"
        stored["spec"]["predictors"][0]["graph"]["modelUri"] = mark
        await self._cluster.replace(stored)
        made = f"{world.name_of(index)}-main-0-model"

        async def followed() -> bool:
            return mark in str(await self._cluster.get(world.DEPLOYMENT, world.NAMESPACE, made))

        return await world.until(followed, 30)

    async def rest(self, what: str, process: psutil.Process, gateway: psutil.Process) -> None:
        """What they cost while nothing happens."""
        before = world.writes(await world.metrics())
        mine, envoys = await cost(IDLE_SECONDS, process, gateway)
        row(f"the operator{what}", mine)
        row(f"Envoy{what}", envoys)
        row(f"the operator's writes{what}, its lease apart", f"{world.writes(await world.metrics()) - before:.0f}")

    async def roll(self, process: psutil.Process, gateway: psutil.Process) -> None:
        """Rollouts under way, each with half of the traffic; then all of them go back."""
        mine = range(self._rollouts)
        await world.each(lambda index: self._cluster.create(world.rollout(index)), mine)
        await self._phase("Ready")
        await world.start_pods(self._cluster, "next")
        start = time.monotonic()
        await world.each(self._claim, mine)
        await world.all_are(
            self._cluster, world.ROLLOUT, lambda status: status["traffic"] == {"main": 50, "next": 50}, 120
        )
        row(
            f"{self._rollouts} rollouts get half of the traffic at once",
            f"in force after {time.monotonic() - start:.1f} s",
        )
        await self.rest(f", {self._rollouts} rollouts under way", process, gateway)
        await self.change(f", {self._rollouts} rollouts under way", process, gateway)
        start = time.monotonic()
        await world.each(lambda index: self._desire(index, intent="Abort"), mine)
        await self._phase("RolledBack")
        row(f"{self._rollouts} rollouts are aborted at once", f"all rolled back after {time.monotonic() - start:.1f} s")

    async def _phase(self, phase: str) -> None:
        await world.all_are(self._cluster, world.ROLLOUT, lambda status: status.get("phase") == phase, 120)

    async def _claim(self, index: int) -> None:
        await self._desire(index, weight=50, leaseSeconds=600, renewal=1)

    async def _desire(self, index: int, **desired: object) -> None:
        while True:
            stored = await self._cluster.get(world.ROLLOUT, world.NAMESPACE, world.name_of(index))
            said = stored["spec"].get("desired", {}) | {"epoch": stored["status"]["epoch"], **desired}
            try:
                await self._cluster.replace(stored | {"spec": stored["spec"] | {"desired": said}})
            except ConflictError:
                continue
            return

    async def restart(self) -> None:
        """Another operator takes over, and another Envoy comes."""
        before = await world.versions(self._cluster)
        start = time.monotonic()
        with world.operator() as process:
            await world.idle()
            row(
                "a restarted operator has looked at everything",
                f"{time.monotonic() - start:.0f} s after, {used(process):.1f} s of a core",
            )
            start = time.monotonic()
            with world.envoy() as gateway:
                await world.until(world.listens, 120)
                row(
                    "a new Envoy has all routes",
                    f"after {time.monotonic() - start:.1f} s, {used(gateway):.1f} s of a core",
                )
                await world.idle()
            wrote = world.writes(await world.metrics())
            after = await world.versions(self._cluster)
        changed = [name for name in before.keys() | after.keys() if before.get(name) != after.get(name)]
        row("a restart's writes, its lease apart", f"{wrote:.0f}; {len(changed)} of {len(before)} objects differ")


async def measure(count: int, rollouts: int, *, keep: bool) -> None:
    """Print the figures."""
    cluster = Cluster(connect(from_kubeconfig(os.environ["KUBECONFIG"])))
    try:
        await cluster.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": world.NAMESPACE}})
    except ConflictError:
        print(f"namespace {world.NAMESPACE} is there from before: what it has is used")
    try:
        bench = Bench(cluster, count, rollouts)
        row(f"{count} SeldonDeployments", "")
        row("---", "---")
        with world.operator() as process, world.envoy() as gateway:
            await bench.create(process)
            await bench.change("", process, gateway)
            await world.idle()
            await bench.rest(", idle", process, gateway)
            await bench.roll(process, gateway)
            await world.idle()
        await bench.restart()
    finally:
        start = time.monotonic()
        if not keep:
            await world.clean(cluster)
            print(f"cleaned up in {time.monotonic() - start:.0f} s")
        await cluster.close()


def main() -> None:
    """Read the command line and measure."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.operator_scale", description=__doc__)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--rollouts", type=int, default=50)
    parser.add_argument("--keep", action="store_true", help="leave the namespace, for another run")
    told = parser.parse_args()
    asyncio.run(measure(told.count, told.rollouts, keep=told.keep))


if __name__ == "__main__":
    main()
