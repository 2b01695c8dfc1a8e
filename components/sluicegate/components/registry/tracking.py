"""The door to MLflow: its client with short patience, its errors as ours, its log lines kept to itself."""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager

from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient

from sluicegate.components.artefacts.places import service
from sluicegate.components.errors import InputRefusedError, ServiceUnreachableError

PRESENT = "RESOURCE_ALREADY_EXISTS"


@contextmanager
def registry() -> Iterator[MlflowClient]:
    """A client of the server that ``MLFLOW_TRACKING_URI`` names.

    Raises:
        InputRefusedError: no address is set, or MLflow refuses what it is asked.
        ServiceUnreachableError: MLflow does not answer.

    """
    address = service("MLFLOW_TRACKING_URI")
    # MLflow's own default tries for minutes; a step that waits so long looks hung.
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
    os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")
    logging.getLogger("mlflow").setLevel(logging.ERROR)
    try:
        yield MlflowClient(tracking_uri=address, registry_uri=address)
    except MlflowException as error:
        reason = str(error).splitlines()[0]
        if "API request to" in reason or "Max retries" in reason:
            raise ServiceUnreachableError(f"MLflow at {address} does not answer: {reason}") from error
        raise InputRefusedError(f"MLflow at {address}: {reason}") from error
