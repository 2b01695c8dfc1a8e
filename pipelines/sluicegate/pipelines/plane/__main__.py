"""``python -m sluicegate.pipelines.plane HOME``: the plane's process, as the keeper starts it.

Exit status: 0 ended as asked; 75 another plane has this home; 78 refused, the last line says why; else it broke.
"""

import asyncio
import logging
import sys
from pathlib import Path

from sluicegate.pipelines.plane.errors import PlaneError
from sluicegate.pipelines.plane.home import Home, PlaneFile
from sluicegate.pipelines.plane.plane import Plane
from sluicegate.serving.gateway.errors import GatewayError
from sluicegate.serving.local.errors import LocalError

OTHER_RUNS = 75
REFUSED = 78


def main(arguments: list[str]) -> int:
    """Run the plane of the home given."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    home = Home(Path(arguments[0]))
    try:
        home.make()
        with home.locked("plane") as free:
            if not free:
                return OTHER_RUNS
            asyncio.run(_run(home))
    except (PlaneError, LocalError, GatewayError) as error:
        sys.stderr.write(f"refused: {error}\n")
        return REFUSED
    return 0


async def _run(home: Home) -> None:
    await Plane(home, home.read() or PlaneFile()).run()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
