"""``python -m sluicegate.pipelines.follower``: environment in, a registry that follows out.

Refusals are one line on stderr and exit status 78 (configuration), as everywhere in this house.
"""

import asyncio
import importlib
import logging
import os
import sys

from sluicegate.pipelines.follower.app import serve
from sluicegate.pipelines.follower.errors import FollowerError
from sluicegate.pipelines.follower.settings import read_settings
from sluicegate.serving.operator.errors import OperatorError

REFUSED = 78


def main() -> int:
    """Run until told to stop; the exit status."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    try:
        settings = read_settings(os.environ)
        # Heavy, and an extra: loaded once the settings are known to be good.
        module = importlib.import_module("sluicegate.pipelines.triggers.mlflow_registry")
        asyncio.run(serve(settings, module.MlflowRegistry(settings.registry)))
    except (FollowerError, OperatorError) as error:
        sys.stderr.write(f"refused: {error}\n")
        return REFUSED
    except ModuleNotFoundError as error:
        sys.stderr.write(f"refused: {error.name} is not installed; pip install 'sluicegate[mlflow,argo]'\n")
        return REFUSED
    return 0


if __name__ == "__main__":
    sys.exit(main())
