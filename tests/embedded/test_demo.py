"""The demonstration plays: every claim of its quick acts holds, on ports of its own."""

import os
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest

from sluicegate.pipelines.plane.home import Ports

pytestmark = [pytest.mark.embedded, pytest.mark.demo, pytest.mark.timeout(420)]
ROOT = Path(__file__).parents[2]


def test_the_quick_acts_hold_what_they_claim(tmp_path: Path) -> None:
    """Acts 1, 2 and 4: a first release, a better one, and one that errs and is put back."""
    environment = {**os.environ, **{f"SLUICEGATE_{slot.name.upper()}_PORT": "0" for slot in fields(Ports)}}
    command = [sys.executable, "-m", "demo", "--quick", "--work", str(tmp_path)]

    played = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)

    assert played.returncode == 0, played.stdout + played.stderr + _logs(tmp_path)
    assert "Act 4. One that errs" in played.stdout
    assert "<svg" in (tmp_path / "report.html").read_text()


def _logs(directory: Path) -> str:
    return "\n".join(f"--- {path.name}\n{path.read_text()[-3000:]}" for path in sorted(directory.glob("logs/*.log")))
