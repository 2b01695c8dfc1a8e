"""Every step there is, by room; the tasks of the pipelines, which are chains of them, come last.

The emitters, the command line and the contract tests read this table. A step is loaded when it is asked for: each of a
workflow's steps is a process of its own, and pays for what it imports.
"""

import importlib
from typing import Any

from sluicegate.components.step import Step

ROOM = "sluicegate.components"
PLACES: dict[str, str] = {
    "load-data": "data.loading:load_data",
    "validate-data": "data.validating:validate_data",
    "split-data": "data.splitting:split_data",
    "train": "training.training:train",
    "evaluate": "evaluation.evaluating:evaluate",
    "compare-with-champion": "evaluation.comparing:compare_with_champion",
    "find-champion": "registry.finding:find_champion",
    "register": "registry.registering:register",
    "record-bundle": "registry.recording:record_bundle",
    "package": "packaging.packaging:package",
    "contract-test": "packaging.proving:contract_test",
    "deploy": "deployment.deploying:deploy",
    "smoke-test": "deployment.smoking:smoke_test",
    "start-rollout": "rollout.starting:start_rollout",
    "await-rollout": "rollout.starting:await_rollout",
    "prepare-rollout": "rollout.preparing:prepare_rollout",
    "read-plan": "rollout.reading_plan:read_plan",
    "set-weight": "rollout.shifting:set_weight",
    "set-mirror-route": "rollout.shifting:set_mirror_route",
    "set-header-route": "rollout.shifting:set_header_route",
    "hold": "rollout.shifting:hold",
    "analyse": "rollout.analysing:analyse",
    "await-resume": "rollout.waiting:await_resume",
    "await-approval": "rollout.waiting:await_approval",
    "promote": "rollout.ending:promote",
    "complete": "rollout.ending:complete",
    "end-rollout": "rollout.ending:end_rollout",
    "check-drift": "watching.drifting:check_drift",
    "notify": "watching.notifying:notify",
    "prepare-data": "emit.tasks:prepare_data",
    "qualify": "emit.tasks:qualify",
    "publish": "emit.tasks:publish",
    "release": "emit.tasks:release",
}
"""Name of each step, and where it is below ``ROOM``: ``module:attribute``."""


def find_step(name: str) -> Step[..., Any] | None:
    """The step of this name."""
    module, _, attribute = PLACES.get(name, "").partition(":")
    found: Step[..., Any] | None = getattr(importlib.import_module(f"{ROOM}.{module}"), attribute) if module else None
    return found


def every_step() -> tuple[Step[..., Any], ...]:
    """All of them, in the order of the table."""
    return tuple(found for name in PLACES if (found := find_step(name)) is not None)
