"""The kinds that this plane serves, each with the rules of its admission.

Rules are ``serving``'s; here they get what they ask about other objects from the store. A rollout's fence (an ended
epoch is not obeyed) is asked at every write of a workflow.
"""

from dataclasses import replace

from sluicegate.serving.api.defaults import with_candidate_defaults
from sluicegate.serving.api.errors import InvalidObjectError
from sluicegate.serving.api.metadata import JSON
from sluicegate.serving.local.admission import deployment_rules, rollout_rules
from sluicegate.serving.local.core_kinds import core_kinds
from sluicegate.serving.local.custom_kinds import (
    model_rollout_kind,
    seldon_deployment_kind,
    workflow_kind,
    workflow_template_kind,
)
from sluicegate.serving.local.kinds import Kind
from sluicegate.serving.local.store import Store


def plane_kinds(store: Store, known_servers: frozenset[str]) -> tuple[Kind, ...]:
    """Everything that ``kubectl api-resources`` shows. ``known_servers``: prepackaged servers that can be started."""
    rollouts = model_rollout_kind(rollout_rules(store, known_servers))
    return (
        *core_kinds(),
        seldon_deployment_kind(deployment_rules(known_servers)),
        replace(rollouts, prepare=_with_candidate),
        workflow_kind(),
        workflow_template_kind(),
    )


def _with_candidate(obj: JSON) -> JSON:
    try:
        return with_candidate_defaults(obj)
    except InvalidObjectError:
        # What does not decode is refused by the API's own check, with the same words for all kinds.
        return obj
