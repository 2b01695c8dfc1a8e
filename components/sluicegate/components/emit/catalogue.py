"""Every step there is, by room; the tasks of the pipelines, which are chains of them, come last.

The emitters, the command line and the contract tests read this tuple. Importing it brings in no framework.
"""

from typing import Any

from sluicegate.components.data.loading import load_data
from sluicegate.components.data.splitting import split_data
from sluicegate.components.data.validating import validate_data
from sluicegate.components.deployment.deploying import deploy
from sluicegate.components.deployment.smoking import smoke_test
from sluicegate.components.emit.tasks import prepare_data, publish, qualify, release
from sluicegate.components.evaluation.comparing import compare_with_champion
from sluicegate.components.evaluation.evaluating import evaluate
from sluicegate.components.packaging.packaging import package
from sluicegate.components.packaging.proving import contract_test
from sluicegate.components.registry.finding import find_champion
from sluicegate.components.registry.recording import record_bundle
from sluicegate.components.registry.registering import register
from sluicegate.components.rollout.analysing import analyse
from sluicegate.components.rollout.ending import complete, end_rollout, promote
from sluicegate.components.rollout.preparing import prepare_rollout
from sluicegate.components.rollout.reading_plan import read_plan
from sluicegate.components.rollout.shifting import hold, set_header_route, set_mirror_route, set_weight
from sluicegate.components.rollout.starting import await_rollout, start_rollout
from sluicegate.components.rollout.waiting import await_approval, await_resume
from sluicegate.components.step import Step
from sluicegate.components.training.training import train
from sluicegate.components.watching.drifting import check_drift
from sluicegate.components.watching.notifying import notify

STEPS: tuple[Step[..., Any], ...] = (
    load_data,
    validate_data,
    split_data,
    train,
    evaluate,
    compare_with_champion,
    find_champion,
    register,
    record_bundle,
    package,
    contract_test,
    deploy,
    smoke_test,
    start_rollout,
    await_rollout,
    prepare_rollout,
    read_plan,
    set_weight,
    set_mirror_route,
    set_header_route,
    hold,
    analyse,
    await_resume,
    await_approval,
    promote,
    complete,
    end_rollout,
    check_drift,
    notify,
    prepare_data,
    qualify,
    publish,
    release,
)


def find_step(name: str) -> Step[..., Any] | None:
    """The step of this name."""
    return next((step for step in STEPS if step.name == name), None)
