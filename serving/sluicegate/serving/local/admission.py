"""The rules of our two kinds as the embedded API asks for them: one function a kind, given to it by the plane."""

from sluicegate.serving.api import model_rollout, seldon_deployment
from sluicegate.serving.api.decoding import decode
from sluicegate.serving.api.defaults import with_candidate_defaults
from sluicegate.serving.api.errors import FieldError, InvalidObjectError
from sluicegate.serving.api.metadata import JSON
from sluicegate.serving.api.model_rollout import ModelRollout
from sluicegate.serving.api.rollout_validation import fence, validate_rollout
from sluicegate.serving.api.seldon_deployment import SeldonDeployment
from sluicegate.serving.api.validation import validate_deployment
from sluicegate.serving.local.kinds import Admit, Admitted, Operation
from sluicegate.serving.local.ports import ObjectStore
from sluicegate.serving.reconcile.admission import admit


def deployment_rules(known_servers: frozenset[str]) -> Admit:
    """Rules of SeldonDeployment on a plane that can start these prepackaged servers."""

    def review(_operation: Operation, old: JSON | None, new: JSON | None) -> Admitted:
        if new is None or _same_spec(old, new):
            return Admitted()
        try:
            view = decode(new, SeldonDeployment)
        except InvalidObjectError as error:
            return Admitted(errors=error.errors)
        errors, warnings = validate_deployment(view, known_servers=known_servers)
        return Admitted(errors=errors, warnings=warnings)

    return review


def rollout_rules(store: ObjectStore, known_servers: frozenset[str]) -> Admit:
    """Rules of ModelRollout: a new one against its target and its rivals, a change against the fence."""

    def review(_operation: Operation, old: JSON | None, new: JSON | None) -> Admitted:
        if new is None or _same_spec(old, new):
            return Admitted()
        try:
            if old is not None:
                return Admitted(errors=fence(decode(old, ModelRollout), decode(new, ModelRollout)))
            return _submitted(decode(with_candidate_defaults(new), ModelRollout), store, known_servers)
        except InvalidObjectError as error:
            return Admitted(errors=error.errors)

    return review


def _submitted(rollout: ModelRollout, store: ObjectStore, known_servers: frozenset[str]) -> Admitted:
    namespace = rollout.metadata.namespace
    raw = [each for each in store.list(seldon_deployment.KIND, namespace) if _name(each) == rollout.spec.target]
    target = decode(raw[0], SeldonDeployment) if raw else None
    errors, warnings = validate_rollout(rollout, target=target, known_servers=known_servers)
    if errors:
        return Admitted(errors=errors, warnings=warnings)
    others = [decode(each, ModelRollout) for each in store.list(model_rollout.KIND, namespace)]
    verdict = admit(rollout, others, target)
    if verdict.verdict == "refuse":
        found = FieldError(path="spec", found=verdict.reason, expected=f"another rollout: {verdict.message}")
        return Admitted(errors=(found,), warnings=warnings)
    return Admitted(warnings=(*warnings, verdict.message) if verdict.message else warnings)


def _same_spec(old: JSON | None, new: JSON) -> bool:
    """Whether only metadata or status moves: labels may be set on what rules of today would not let in."""
    return old is not None and old.get("spec") == new.get("spec")


def _name(obj: JSON) -> str:
    return str(obj["metadata"]["name"])
