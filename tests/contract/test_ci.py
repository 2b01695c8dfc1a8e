"""GitHub's workflow runs what people run, and none of its jobs can be forgotten."""

import re
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
JOBS: dict[str, Any] = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text())["jobs"]
COMMANDS = [step["run"] for job in JOBS.values() for step in job["steps"] if "run" in step]


def test_every_make_target_that_it_calls_exists() -> None:
    known = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    called = set(re.findall(r"^\s*make ([a-z-]+)", "\n".join(COMMANDS), re.MULTILINE))

    assert {"lint", "test", "test-wheel", "demo", "images", "test-cluster"} <= called <= known


def test_the_last_job_needs_every_other_to_succeed() -> None:
    others = JOBS.keys() - {"passed"}

    assert set(JOBS["passed"]["needs"]) == others
    assert JOBS["passed"]["steps"][0]["run"].count("success") == len(others)


def test_actions_are_named_by_their_commit() -> None:
    used = [step["uses"] for job in JOBS.values() for step in job["steps"] if "uses" in step]

    assert [each for each in used if not re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", each)] == []
