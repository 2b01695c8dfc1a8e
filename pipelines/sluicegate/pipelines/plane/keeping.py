"""Starting a keeper: from the outside by ``up``, and by the plane itself when its keeper was killed.

So either of the two brings the other back; only who loses both at once has to say ``sluicegate up``.
"""

import asyncio
import logging
import subprocess
import sys

from sluicegate.pipelines.plane.home import Home

LOOK_SECONDS = 1.0
STARTING_SECONDS = 10.0
"""How long a started keeper may take to hold its lock, before another one is tried."""
_log = logging.getLogger(__name__)


def launch(home: Home) -> "subprocess.Popen[bytes]":
    """Start a keeper in a session of its own. When another one runs, or comes first, it ends by itself."""
    with home.log("keeper").open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "sluicegate.pipelines.plane.keeper", str(home.path)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


async def keep_the_keeper(home: Home) -> None:
    """Have a keeper run, until cancelled."""
    patient_until = 0.0
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        now = asyncio.get_running_loop().time()
        if not home.holder("keeper") and now > patient_until:
            _log.warning("there is no keeper; starting one")
            patient_until = now + STARTING_SECONDS
            _try_to_launch(home)


def _try_to_launch(home: Home) -> None:
    try:
        launch(home)
    except OSError as error:
        _log.warning("no keeper could be started: %s", error)
