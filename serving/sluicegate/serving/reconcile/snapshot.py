"""What is stored, as decisions need it: deployments and rollouts, typed beside raw, defaults filled in.

The embedded controller reads everything in a pass, the operator one deployment with its rollouts.
"""

import logging
from collections.abc import Iterable
from dataclasses import dataclass

import msgspec

from sluicegate.serving.api.decoding import decode
from sluicegate.serving.api.defaults import with_candidate_defaults
from sluicegate.serving.api.errors import InvalidObjectError
from sluicegate.serving.api.metadata import JSON
from sluicegate.serving.api.model_rollout import ModelRollout
from sluicegate.serving.api.seldon_deployment import SeldonDeployment, SeldonDeploymentSpec
from sluicegate.serving.api.validation import validate_deployment
from sluicegate.serving.reconcile.target import Target

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StoredDeployment:
    """A SeldonDeployment. ``invalid`` says why what it asks for is not started; its view then asks for nothing."""

    target: Target
    invalid: str = ""

    @property
    def raw(self) -> JSON:
        """As stored."""
        return self.target.raw


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StoredRollout:
    """A ModelRollout; raw with its candidate's defaults."""

    view: ModelRollout
    raw: JSON


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """What is stored."""

    deployments: tuple[StoredDeployment, ...]
    rollouts: tuple[StoredRollout, ...]

    def target_of(self, rollout: ModelRollout) -> StoredDeployment | None:
        """The rollout's SeldonDeployment."""
        wanted = (rollout.metadata.namespace, rollout.spec.target)
        return next((each for each in self.deployments if _key(each.target.view) == wanted), None)

    def rollouts_of(self, deployment: SeldonDeployment) -> list[ModelRollout]:
        """All rollouts of a SeldonDeployment, ended ones too."""
        views = (rollout.view for rollout in self.rollouts)
        return [view for view in views if (view.metadata.namespace, view.spec.target) == _key(deployment)]


def snapshot_of(
    deployments: Iterable[JSON], rollouts: Iterable[JSON], known_servers: frozenset[str] | None
) -> Snapshot:
    """Raw objects, read. Objects under deletion count as gone, unreadable rollouts are logged and left alone.

    ``known_servers``: as in ``validate_deployment``.
    """
    read = (_deployment(raw, known_servers) for raw in deployments)
    attempts = (_rollout(raw) for raw in rollouts)
    return Snapshot(
        deployments=tuple(each for each in read if not each.target.view.metadata.deletion_timestamp),
        rollouts=tuple(each for each in attempts if each is not None),
    )


def _deployment(raw: JSON, known_servers: frozenset[str] | None) -> StoredDeployment:
    try:
        view = decode(raw, SeldonDeployment)
    except InvalidObjectError as error:
        return StoredDeployment(target=Target(view=_identity(raw), raw=raw), invalid=str(error))
    errors, _ = validate_deployment(view, known_servers=known_servers)
    if not errors:
        return StoredDeployment(target=Target(view=view, raw=raw))
    asks_nothing = msgspec.structs.replace(view, spec=SeldonDeploymentSpec())
    return StoredDeployment(target=Target(view=asks_nothing, raw=raw), invalid="; ".join(map(str, errors)))


def _identity(raw: JSON) -> SeldonDeployment:
    kept = {key: raw["metadata"].get(key) for key in ("name", "namespace", "uid", "generation", "deletionTimestamp")}
    return decode({"metadata": kept}, SeldonDeployment)


def _rollout(raw: JSON) -> StoredRollout | None:
    try:
        filled = with_candidate_defaults(raw)
        return StoredRollout(view=decode(filled, ModelRollout), raw=filled)
    except InvalidObjectError as error:
        _LOG.warning("%s", error)
        return None


def _key(deployment: SeldonDeployment) -> tuple[str, str]:
    return (deployment.metadata.namespace, deployment.metadata.name)
