"""The rules of our two kinds as the embedded API asks for them: one function a kind, given to it by the plane."""

from sluicegate.serving.api.metadata import JSON
from sluicegate.serving.local.kinds import Admit, Admitted, Operation
from sluicegate.serving.reconcile.reviews import Servers, Stored, review_deployment, review_rollout


def deployment_rules(known_servers: frozenset[str]) -> Admit:
    """Rules of SeldonDeployment on a plane that can start these prepackaged servers."""

    def review(_operation: Operation, old: JSON | None, new: JSON | None) -> Admitted:
        if new is None:
            return Admitted()
        errors, warnings = review_deployment(old, new, Servers(known=known_servers))
        return Admitted(errors=errors, warnings=warnings)

    return review


def rollout_rules(store: Stored, known_servers: frozenset[str]) -> Admit:
    """Rules of ModelRollout: a new one against its target and its rivals, a change against the fence."""

    def review(_operation: Operation, old: JSON | None, new: JSON | None) -> Admitted:
        if new is None:
            return Admitted()
        errors, warnings = review_rollout(old, new, store, Servers(known=known_servers))
        return Admitted(errors=errors, warnings=warnings)

    return review
