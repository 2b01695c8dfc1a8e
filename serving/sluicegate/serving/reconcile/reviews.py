"""Whether a write to one of our two kinds may pass: one set of rules, behind the embedded API and behind the webhook.

A write that leaves ``spec`` as it is always passes: labels, finalizers and status move also on what the rules of today
would not let in. A deployment under deletion passes too. A rollout's fence holds until the object is gone.
Deletions are nobody's to refuse: effective traffic is computed from what is stored, so deleting a rollout under way
puts traffic back by itself, and a refused deletion would only keep namespaces from going.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from sluicegate.serving.api import model_rollout, seldon_deployment
from sluicegate.serving.api.decoding import decode
from sluicegate.serving.api.defaults import with_candidate_defaults
from sluicegate.serving.api.errors import FieldError, InvalidObjectError
from sluicegate.serving.api.metadata import JSON
from sluicegate.serving.api.model_rollout import ModelRollout
from sluicegate.serving.api.rollout_validation import fence, validate_rollout
from sluicegate.serving.api.seldon_deployment import SeldonDeployment
from sluicegate.serving.api.validation import Findings, validate_deployment
from sluicegate.serving.reconcile.admission import admit

NOTHING: Findings = ((), ())


class Stored(Protocol):
    """The objects that are there already."""

    def list(self, kind: str, namespace: str | None = None) -> Sequence[JSON]:
        """Objects of a kind, in all namespaces unless one is named."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Servers:
    """Which prepackaged servers there are, as in ``validate_deployment``: processes, or an installation's images.

    ``installed`` is asked with a protocol, since a server may have another image for each.
    """

    known: frozenset[str] | None = None
    installed: Callable[[str], frozenset[str]] | None = None

    def installed_for(self, protocol: str) -> frozenset[str] | None:
        """Those that an installation has images for in this protocol; None means not to ask."""
        return self.installed(protocol) if self.installed is not None else None


def review_deployment(old: JSON | None, new: JSON, servers: Servers) -> Findings:
    """A SeldonDeployment, submitted (``old`` None) or changed."""
    if is_same_spec(old, new) or is_leaving(new):
        return NOTHING
    try:
        view = decode(new, SeldonDeployment)
    except InvalidObjectError as error:
        return error.errors, ()
    return validate_deployment(view, known_servers=servers.known, installed=servers.installed_for(view.spec.protocol))


def review_rollout(old: JSON | None, new: JSON, stored: Stored, servers: Servers) -> Findings:
    """A ModelRollout: a new one against its target and its rivals, a change against the fence."""
    if is_same_spec(old, new):
        return NOTHING
    try:
        asked = decode(with_candidate_defaults(new), ModelRollout)
        if old is None:
            return _submitted(asked, stored, servers)
        return fence(decode(with_candidate_defaults(old), ModelRollout), asked), ()
    except InvalidObjectError as error:
        return error.errors, ()


def is_same_spec(old: JSON | None, new: JSON) -> bool:
    """Whether only metadata or status moves."""
    return old is not None and old.get("spec") == new.get("spec")


def is_leaving(obj: JSON) -> bool:
    """Whether the object is under deletion."""
    metadata = obj.get("metadata")
    return isinstance(metadata, dict) and bool(metadata.get("deletionTimestamp"))


def target_of(rollout: ModelRollout, stored: Stored) -> JSON | None:
    """The rollout's SeldonDeployment, as stored."""
    there = stored.list(seldon_deployment.KIND, rollout.metadata.namespace)
    return next((each for each in there if each["metadata"]["name"] == rollout.spec.target), None)


def _submitted(rollout: ModelRollout, stored: Stored, servers: Servers) -> Findings:
    found = target_of(rollout, stored)
    target = decode(found, SeldonDeployment) if found is not None else None
    installed = servers.installed_for(target.spec.protocol if target is not None else "")
    errors, warnings = validate_rollout(rollout, target=target, known_servers=servers.known, installed=installed)
    if errors:
        return errors, warnings
    others = [decode(each, ModelRollout) for each in stored.list(model_rollout.KIND, rollout.metadata.namespace)]
    admission = admit(rollout, others, target)
    if admission.verdict != "refuse":
        return (), warnings
    expected = f"a rollout that may start: {admission.message}"
    return (FieldError(path="spec", found=admission.reason, expected=expected),), warnings
