"""How the bundled gateway bears many deployments: the door, and one Envoy that it feeds, without a cluster.

``python -m benchmarks.gateway_scale [--count 1000]``. A second Envoy poses as everybody's server and answers that it is
ready. The door runs in this process, so its time is this process's. Rows come out in Markdown; seconds of a core say
more than the clock's where the machine is busy.
"""

import argparse
import asyncio
import json
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from benchmarks.operator_scale import cost, row, used
from sluicegate.serving.gateway.binary import find_envoy
from sluicegate.serving.gateway.bootstrap import Bootstrap, bootstrap, command
from sluicegate.serving.gateway.listener import Front
from sluicegate.serving.gateway.routes import Address, Backend, Route
from sluicegate.serving.gateway.xds import XdsDoor

DOOR, FRONT, ADMIN, SERVER, OTHER_ADMIN = 18081, 18003, 18004, 18006, 18007
CHANGES = 10
IDLE_SECONDS = 20.0


def route(index: int, *, share: int = 100, host: str = "127.0.0.1") -> Route:
    """A deployment of two predictors; the second has the rest of the share."""
    servers = (Address(host=host, port=SERVER),)
    backends = (
        Backend(predictor="main", weight=share, addresses=servers),
        Backend(predictor="next", weight=100 - share, addresses=servers),
    )
    return Route(namespace="many", name=f"model-{index:04}", backends=backends if share < 100 else backends[:1])


@contextmanager
def envoy(home: Path, name: str, document: object) -> Iterator[psutil.Process]:
    """A running one."""
    path = home / f"{name}.json"
    path.write_text(json.dumps(document))
    child = subprocess.Popen(command(find_envoy(), path, log_level="error"))
    try:
        yield psutil.Process(child.pid)
    finally:
        child.terminate()
        child.wait(30)


def servers() -> object:
    """An Envoy whose ``/ready`` everybody may ask: it waits for no door."""
    here = Address(host="127.0.0.1", port=OTHER_ADMIN)
    asked = Bootstrap(control_plane=here, admin=here, statistics=Address(host="0.0.0.0", port=SERVER))
    document = bootstrap(asked)
    return {name: value for name, value in document.items() if name != "dynamic_resources"}


class Bench:
    """One run."""

    def __init__(self, door: XdsDoor, count: int) -> None:
        self._door, self._routes = door, [route(index) for index in range(count)]
        self._me = psutil.Process()

    async def change(self, what: str, envoy: psutil.Process, changed: list[Route]) -> None:
        """One change after the other, each until it is in force."""
        spent, began = {each: used(each) for each in (self._me, envoy)}, time.monotonic()
        for each in changed:
            self._routes[int(each.name[-4:])] = each
            await self.put()
        lasted, times = time.monotonic() - began, len(changed)
        door, gateway = (round((used(each) - before) / times * 1000) for each, before in spent.items())
        row(what, f"{lasted / times:.2f} s; door {door} ms, Envoy {gateway} ms of a core")

    async def put(self) -> None:
        """What is wanted is in force."""
        version = self._door.publish(tuple(self._routes))
        async with asyncio.timeout(300):
            while self._door.acknowledged().version != version:
                await asyncio.sleep(0.01)

    async def run(self, home: Path) -> None:
        """All rows."""
        spent = used(self._me)
        self._door.publish(tuple(self._routes))
        row("the first table, rendered", f"{used(self._me) - spent:.2f} s of a core")
        document = bootstrap(
            Bootstrap(control_plane=Address(host="127.0.0.1", port=DOOR), admin=Address(host="127.0.0.1", port=ADMIN))
        )
        spent, began = used(self._me), time.monotonic()
        with envoy(home, "gateway", document) as gateway:
            await self.put()
            lasted, spent = time.monotonic() - began, used(self._me) - spent
            row(
                "a new Envoy has all routes",
                f"{lasted:.1f} s; door {spent:.2f} s, Envoy {used(gateway):.2f} s of a core",
            )
            some = range(CHANGES)
            await self.change("another server of one deployment", gateway, [route(i, host="127.0.0.2") for i in some])
            await self.change("a second predictor of one deployment", gateway, [route(i, share=90) for i in some])
            await self.change("another share of one deployment", gateway, [route(i, share=50) for i in some])
            for name, figure in zip(("door", "Envoy"), await cost(IDLE_SECONDS, self._me, gateway), strict=True):
                row(f"idle: {name}", figure)


async def main() -> None:
    """Read the command line, and measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=1000, help="how many deployments")
    count = parser.parse_args().count
    door = XdsDoor(Front(address=Address(host="127.0.0.1", port=FRONT)))
    serving = asyncio.create_task(door.serve("127.0.0.1", DOOR))
    row(f"{count} deployments", "figure")
    row("---", "---")
    with tempfile.TemporaryDirectory() as home, envoy(Path(home), "servers", servers()):
        await Bench(door, count).run(Path(home))
    serving.cancel()
    await asyncio.gather(serving, return_exceptions=True)


if __name__ == "__main__":
    asyncio.run(main())
