"""The kinds that this plane serves, each with the rules of its admission.

Rules are ``serving``'s; here they get what they ask about other objects from the store. A rollout's fence (an ended
epoch is not obeyed) is asked at every write of a workflow.
"""

from dataclasses import replace

from sluicegate.serving.api import model_rollout, seldon_deployment
from sluicegate.serving.api.decoding import decode
from sluicegate.serving.api.defaults import with_candidate_defaults
from sluicegate.serving.api.errors import FieldError, InvalidObjectError
from sluicegate.serving.api.metadata import JSON
from sluicegate.serving.api.model_rollout import ModelRollout
from sluicegate.serving.api.rollout_validation import fence, validate_rollout
from sluicegate.serving.api.seldon_deployment import SeldonDeployment
from sluicegate.serving.api.validation import validate_deployment
from sluicegate.serving.local.core_kinds import core_kinds
from sluicegate.serving.local.custom_kinds import (
    model_rollout_kind,
    seldon_deployment_kind,
    workflow_kind,
    workflow_template_kind,
)
from sluicegate.serving.local.kinds import Admit, Admitted, Kind, Operation
from sluicegate.serving.local.store import Store
from sluicegate.serving.reconcile.admission import admit


def plane_kinds(store: Store, known_servers: frozenset[str]) -> tuple[Kind, ...]:
    """Everything that ``kubectl api-resources`` shows. ``known_servers``: prepackaged servers that can be started."""
    rollouts = model_rollout_kind(_admit_rollout(store, known_servers))
    return (
        *core_kinds(),
        seldon_deployment_kind(_admit_deployment(known_servers)),
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


def _admit_deployment(known_servers: frozenset[str]) -> Admit:
    def rule(_operation: Operation, old: JSON | None, new: JSON | None) -> Admitted:
        if new is None or (old is not None and old.get("spec") == new.get("spec")):
            return Admitted()
        try:
            errors, warnings = validate_deployment(decode(new, SeldonDeployment), known_servers=known_servers)
        except InvalidObjectError as error:
            return Admitted(errors=error.errors)
        return Admitted(errors=errors, warnings=warnings)

    return rule


def _admit_rollout(store: Store, known_servers: frozenset[str]) -> Admit:
    def rule(operation: Operation, old: JSON | None, new: JSON | None) -> Admitted:
        try:
            if operation == "CREATE" and new is not None:
                return _admit_new(store, decode(new, ModelRollout), known_servers)
            if operation == "UPDATE" and old is not None and new is not None:
                return Admitted(errors=fence(decode(old, ModelRollout), decode(new, ModelRollout)))
        except InvalidObjectError as error:
            return Admitted(errors=error.errors)
        return Admitted()

    return rule


def _admit_new(store: Store, rollout: ModelRollout, known_servers: frozenset[str]) -> Admitted:
    namespace = rollout.metadata.namespace
    found = store.get(seldon_deployment.KIND, namespace, rollout.spec.target)
    target = decode(found, SeldonDeployment) if found is not None else None
    errors, warnings = validate_rollout(rollout, target=target, known_servers=known_servers)
    others = [decode(each, ModelRollout) for each in store.list(model_rollout.KIND, namespace)]
    admission = admit(rollout, others, target)
    if admission.verdict == "refuse" and not errors:
        expected = f"a rollout that may start: {admission.message}"
        errors = (FieldError(path="spec", found=admission.reason, expected=expected),)
    return Admitted(errors=tuple(errors), warnings=tuple(warnings))
