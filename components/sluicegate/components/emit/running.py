"""What every face does around a step: one thread for numeric libraries, a sentence instead of a bare import error."""

import logging
import os
from typing import Any

from sluicegate.components.errors import ExtraMissingError
from sluicegate.components.step import Step

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def run(step: Step[..., Any], arguments: dict[str, Any]) -> dict[str, Any]:
    """Run a step in this process, which is its own. Returns its output parameters by name.

    Raises:
        ExtraMissingError: an optional library is not installed.

    """
    for variable in THREADS:
        # Read by the libraries when they load; boosted trees on busy cores are 80 times slower with two threads.
        os.environ.setdefault(variable, "1")
    # MLflow's telemetry starts a thread at import, which trips over its own environment variable now and then.
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    # Its line for each request would bury what the step itself says.
    logging.getLogger("httpx").setLevel(logging.WARNING)
    try:
        returned = step(**arguments)
    except ModuleNotFoundError as error:
        if not error.name or error.name.split(".")[0] == "sluicegate":
            raise
        extras = ",".join(step.extras)
        raise ExtraMissingError(
            f"step {step.name} needs {error.name}, which is not installed: pip install 'sluicegate[{extras}]'"
        ) from error
    return dict(returned._asdict()) if returned is not None else {}
