"""``python -m sluicegate.serving.server``: see ``--help``."""

import os
import sys

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
