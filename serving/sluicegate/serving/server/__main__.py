"""``python -m sluicegate.serving.server``: see ``--help``."""

import os
import signal
import sys
from types import FrameType


def _end(_number: int, _frame: FrameType | None) -> None:
    os._exit(0)


# As the first process of a container this one ignores what it has no handler for; libraries take seconds to load.
if __name__ == "__main__":
    signal.signal(signal.SIGTERM, _end)

# Read once when numpy and OpenMP are loaded, so it comes before anything else: more threads than one fight for cores.
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

from sluicegate.serving.server.app import main  # noqa: E402  (see above)

if __name__ == "__main__":
    _code = main()
    sys.stdout.flush()
    sys.stderr.flush()
    # A model that hangs in its thread would keep the interpreter from ending.
    os._exit(_code)
