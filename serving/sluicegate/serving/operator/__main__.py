"""``python -m sluicegate.serving.operator``: environment in, a running operator out.

Refusals are one line on stderr and exit status 78 (configuration), as everywhere in this house.
"""

import asyncio
import logging
import os
import sys

from sluicegate.serving.operator.app import serve
from sluicegate.serving.operator.errors import OperatorError
from sluicegate.serving.operator.process import read_process
from sluicegate.serving.operator.settings import read_installation

REFUSED = 78


def main() -> int:
    """Run until told to stop; the exit status."""
    try:
        process = read_process()
        logging.basicConfig(level=process.log_level.upper(), format="%(asctime)s %(levelname)s %(message)s")
        logging.getLogger("httpx").setLevel(logging.WARNING)
        asyncio.run(serve(process, read_installation(os.environ)))
    except OperatorError as error:
        sys.stderr.write(f"refused: {error}\n")
        return REFUSED
    return 0


if __name__ == "__main__":
    sys.exit(main())
