"""``python -m sluicegate.pipelines.plane.keeper HOME``: starts the plane's process again when it dies.

Nothing else is in it, so that nothing can break it. One per home. SIGTERM: it passes it on, waits, and goes. A plane
that refuses to start (status 78) is not started again. A plane that another keeper left behind is waited for.
"""

import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

from sluicegate.pipelines.plane.home import Home
from sluicegate.serving.local.process_records import rotate

OTHER_RUNS = 75
REFUSED = 78
_LONGEST_PAUSE = 30.0
_HEALTHY_SECONDS = 30.0


class Keeper:
    """The loop. ``stop`` may be called from a signal handler."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._stopping = threading.Event()
        self._plane: subprocess.Popen[bytes] | None = None

    def run(self) -> int:
        """Until stopped (0), or until the plane refuses (78)."""
        pause = 0.1
        while not self._stopping.is_set():
            started = time.monotonic()
            code = self._run_plane()
            if code in (0, REFUSED):
                return code
            if code == OTHER_RUNS:
                self._wait_for_other()
                continue
            pause = 0.1 if time.monotonic() - started > _HEALTHY_SECONDS else min(pause * 2, _LONGEST_PAUSE)
            self._stopping.wait(pause)
        return 0

    def stop(self, *_: object) -> None:
        """End the plane, and then this."""
        self._stopping.set()
        if self._plane is not None:
            self._plane.terminate()

    def _run_plane(self) -> int:
        path = self._home.log("plane")
        rotate(path)
        with path.open("ab") as log:
            self._plane = subprocess.Popen(
                [sys.executable, "-m", "sluicegate.pipelines.plane", str(self._home.path)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        if self._stopping.is_set():
            self._plane.terminate()
        return self._plane.wait()

    def _wait_for_other(self) -> None:
        while not self._stopping.is_set() and self._home.holder("plane"):
            self._stopping.wait(0.2)


def main(arguments: list[str]) -> int:
    """Keep the plane of the home given."""
    home = Home(Path(arguments[0]))
    keeper = Keeper(home)
    signal.signal(signal.SIGTERM, keeper.stop)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with home.locked("keeper") as free:
        return keeper.run() if free else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
