"""What the registry should say, given the deployments, the rollouts and what it says now. Pure.

``champion`` is the version that a deployment serves by its own spec, once that is Available; nobody sets it by hand.
Tags tell each version's last rollout. ``challenger``, set by a person, asks for a rollout, once per version.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from sluicegate.serving.api.defaults import model_of, shares_of
from sluicegate.serving.api.model_rollout import ModelRollout, RegisteredModel
from sluicegate.serving.api.seldon_deployment import SeldonDeployment
from sluicegate.serving.reconcile.admission import HARM_REASONS

CHAMPION = "champion"
CHALLENGER = "challenger"
ROLLOUT_TAG = "sluicegate.rollout"
PHASE_TAG = "sluicegate.rollout.phase"
REFUSED_TAG = "sluicegate.refused"
EVIDENCE_TAG = "sluicegate.evidence"
ASKED_TAG = "sluicegate.challenger"
"""On a version whose alias was obeyed: the workflow that was started for it."""
_TAG_LENGTH = 1000

Version = tuple[str, str]
"""Registered model and version."""
Tags = dict[str, str | None]
"""Tags to write; None: to be taken away."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Challenge:
    """A version that a person asked to roll out, and the deployment that serves its model (empty: none does)."""

    model: str
    version: str
    namespace: str = ""
    deployment: str = ""


def champions(deployments: Iterable[SeldonDeployment]) -> dict[str, str]:
    """Model to the version in service. When several deployments serve one model the eldest speaks for it."""
    found: dict[str, str] = {}
    for deployment in sorted(deployments, key=_age, reverse=True):
        model = served_model(deployment)
        if model is not None and model.version and is_available(deployment):
            found[model.name] = model.version
    return found


def served_model(deployment: SeldonDeployment) -> RegisteredModel | None:
    """The registered model of the predictor with the largest share."""
    shares = shares_of(deployment.spec)
    serving = [predictor for predictor in deployment.spec.predictors if predictor.name in shares]
    largest = max(serving, key=lambda predictor: shares[predictor.name], default=None)
    return None if largest is None else model_of(largest)


def is_available(deployment: SeldonDeployment) -> bool:
    """Whether its present spec is what is served."""
    status = deployment.status
    return status.state == "Available" and status.observed_generation >= deployment.metadata.generation


def version_tags(rollouts: Iterable[ModelRollout]) -> dict[Version, Tags]:
    """Tags of each version that was ever in a rollout; a later rollout's win, and its promotion clears a refusal."""
    found: dict[Version, Tags] = {}
    for rollout in sorted(rollouts, key=lambda each: (each.metadata.creation_timestamp, each.metadata.name)):
        model, status = rollout.spec.model, rollout.status
        if model is None or not model.version:
            continue
        tags = found.setdefault((model.name, model.version), {})
        tags |= {ROLLOUT_TAG: rollout.metadata.name, PHASE_TAG: status.phase}
        if status.evidence:
            tags[EVIDENCE_TAG] = status.evidence[:_TAG_LENGTH]
        if status.phase == "Promoted":
            tags[REFUSED_TAG] = None
        elif status.phase in ("RolledBack", "Refused") and status.reason in HARM_REASONS:
            _refuse(tags, f"{status.reason}: {status.message}", again=status.reason == "RefusedBefore")
    return found


def changed_tags(wanted: Tags, present: Mapping[str, str]) -> Tags:
    """Those that have to be written."""
    return {name: value for name, value in wanted.items() if present.get(name) != value}


def challenges(
    aliases: Mapping[str, Mapping[str, str]], deployments: Iterable[SeldonDeployment], rollouts: Iterable[ModelRollout]
) -> Iterator[Challenge]:
    """Versions with the alias ``challenger`` that are neither in service nor were in a rollout."""
    listed = sorted(deployments, key=_age)
    serving = champions(listed)
    tried = {(each.spec.model.name, each.spec.model.version) for each in rollouts if each.spec.model is not None}
    for model in sorted(aliases):
        version = aliases[model].get(CHALLENGER, "")
        if not version or serving.get(model) == version or (model, version) in tried:
            continue
        home = next((each for each in listed if (found := served_model(each)) and found.name == model), None)
        named = {"namespace": home.metadata.namespace, "deployment": home.metadata.name} if home else {}
        yield Challenge(model=model, version=version, **named)


def _refuse(tags: Tags, text: str, *, again: bool) -> None:
    """The first refusal has the reason; a later one only says that there was one."""
    if not (again and tags.get(REFUSED_TAG)):
        tags[REFUSED_TAG] = text[:_TAG_LENGTH]


def _age(deployment: SeldonDeployment) -> tuple[str, str, str]:
    metadata = deployment.metadata
    return metadata.creation_timestamp, metadata.namespace, metadata.name
