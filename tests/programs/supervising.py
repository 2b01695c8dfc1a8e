"""A supervisor in a process of its own, to be killed: supervising.py HOME PORT [PORT…], one answering.py per port."""

import asyncio
import sys
from pathlib import Path

from sluicegate.serving.local.processes import ProcessSpec
from sluicegate.serving.local.supervisor import Supervisor


async def main(home: Path, ports: list[int]) -> None:
    """Keep them running."""
    supervisor = Supervisor(home)
    program = str(Path(__file__).with_name("answering.py"))
    supervisor.apply(
        ProcessSpec(
            name=f"server-{port}",
            command=(sys.executable, program, str(port)),
            ready_url=f"http://127.0.0.1:{port}/ready",
            port=port,
            revision="1",
        )
        for port in ports
    )
    await supervisor.run()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), [int(port) for port in sys.argv[2:]]))
