"""A real MLflow server on SQLite, as the plane starts it: what else it would start takes more time than it does."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
from tests import plain_http
from tests.waiting import free_port, wait_until

_ENVIRONMENT = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    # Its workers for jobs are six processes, which no registry needs.
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
}


@contextmanager
def registry(directory: Path) -> Iterator[str]:
    """Its address, while it runs over this directory."""
    port = free_port()
    command = [
        sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1",
        "--backend-store-uri", f"sqlite:///{directory}/mlflow.db", "--artifacts-destination", str(directory / "files"),
    ]  # fmt: skip
    with (directory / "log").open("w") as log:
        process = subprocess.Popen(
            command, stdout=log, stderr=log, env=os.environ | _ENVIRONMENT, start_new_session=True
        )
    address = f"http://127.0.0.1:{port}"
    try:
        wait_until(lambda: _answers(address), 90, "MLflow answers")
        yield address
    finally:
        # With its workers, and at once: nobody reads what it would still write.
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(20)


def _answers(address: str) -> bool:
    try:
        return plain_http.get(f"{address}/health", timeout=2).status_code == 200
    except httpx.HTTPError:
        return False
