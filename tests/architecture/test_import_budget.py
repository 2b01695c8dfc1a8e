"""What a rollout's steps load: some thirty short processes, each of which pays for its imports while traffic waits."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from sluicegate.pipelines.plane.home import Ports
from sluicegate.pipelines.plane.kubeconfig import kubeconfig

WITH_INDEX = ("set-weight", "set-mirror-route", "set-header-route", "hold", "analyse", "await-resume", "await-approval")
WITHOUT = ("promote", "complete", "end-rollout", "prepare-rollout")
GIVEN = {
    "read-plan": ["--plan={}", "--index=0"],
    "end-rollout": ["--rollout=a"],
    "prepare-rollout": [
        "--rollout=a", "--deployment=d", "--model=m", "--version=1", "--bundle-uri=b", "--bundle-digest=c",
    ],
}  # fmt: skip
STEPS = ("read-plan", *WITH_INDEX, *WITHOUT)
HEAVY = {"pandas", "sklearn", "scipy", "mlflow", "kfp", "hera", "kubernetes", "starlette", "pyarrow"}
MODULES = 650
"""A step that only writes to the API and waits has some 300, one that judges (numpy, httpx) some 600."""
STEP = f"""
import sys
from sluicegate.pipelines.cli.main import main
try:
    main()
finally:
    sys.stderr.write(f"loaded {{sorted({HEAVY!r} & set(sys.modules))}} of {{len(sys.modules)}}")
"""


class _Nothing(BaseHTTPRequestHandler):
    """An API without objects."""

    def do_GET(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(404)
        self.end_headers()

    do_PATCH = do_POST = do_GET  # noqa: N815  the base class's names

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the base class's word
        pass


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A directory whose kubeconfig names an API that has no objects: a step goes there, and ends."""
    directory = tmp_path_factory.mktemp("home")
    with ThreadingHTTPServer(("127.0.0.1", 0), _Nothing) as server:
        (directory / "kubeconfig").write_text(kubeconfig(Ports(api=server.server_port)))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield directory
        server.shutdown()


@pytest.mark.parametrize("step", STEPS)
def test_a_step_of_a_rollout_that_did_its_work_has_loaded_nothing_heavy(step: str, home: Path) -> None:
    index = ["--index=0"] if step in WITH_INDEX else []
    words = GIVEN.get(step, ["--rollout=a", "--epoch=b", *index])
    environment = {**os.environ, "KUBECONFIG": str(home / "kubeconfig"), "SLUICEGATE_HOME": str(home)}

    ended = subprocess.run(
        [sys.executable, "-c", STEP, "step", step, *words], env=environment, capture_output=True, text=True, check=False
    )

    loaded, _, count = ended.stderr.rpartition("loaded ")[2].partition(" of ")
    assert loaded == "[]", ended.stderr
    assert int(count) <= MODULES
