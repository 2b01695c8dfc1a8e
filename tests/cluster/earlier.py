"""The installation as an earlier commit has it: its manifests out of git, and its images where they were built.

``SLUICEGATE_EARLIER_TAG`` names images of that commit, as `make images` there with this tag pushed them; without it the
earlier manifests run the present images.
"""

import os
import subprocess
from pathlib import Path

import pytest
from tests.cluster import image_rig

ROOT = Path(__file__).parents[2]
COMMIT = (Path(__file__).parent / "EARLIER").read_text().strip()
"""What upgrades begin from."""
TAG = os.environ.get("SLUICEGATE_EARLIER_TAG", image_rig.TAG)


def manifests(folder: Path) -> Path:
    """``manifests`` of that commit, put below ``folder``. Skips where this checkout's history lacks it."""
    archive = subprocess.run(
        ["git", "-C", ROOT, "archive", COMMIT, "manifests/install"], check=False, capture_output=True
    )
    if archive.returncode:
        pytest.skip(f"no commit {COMMIT} here (a shallow clone?): git fetch --unshallow")
    subprocess.run(["tar", "-x", "-C", folder], input=archive.stdout, check=True)
    return folder / "manifests"
