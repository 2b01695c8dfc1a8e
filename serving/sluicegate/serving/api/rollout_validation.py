"""Whether a ModelRollout may enter, and whether a write to a running one may be obeyed.

The second is the fence: a workflow that was killed, resumed or retried writes under an epoch; once that epoch has ended
its writes are refused, not obeyed. Called by the API's admission.
"""

from collections.abc import Iterator

import msgspec

from sluicegate.serving.api.defaults import stable_of
from sluicegate.serving.api.errors import FieldError
from sluicegate.serving.api.metadata import DIGEST_ANNOTATION, ObjectMeta
from sluicegate.serving.api.model_rollout import TERMINAL_PHASES, Desired, Intent, ModelRollout, ModelRolloutSpec
from sluicegate.serving.api.names import LABEL_RULE, is_digest, is_dns_label
from sluicegate.serving.api.plan_rules import header_route_errors, plan_errors, positive
from sluicegate.serving.api.seldon_deployment import SeldonDeployment, SeldonDeploymentSpec
from sluicegate.serving.api.validation import Findings, validate_deployment

ONLY_A_BUNDLE = "sha256:… of the bundle's bundle.json; a bare modelUri can be served, only a rollout demands a bundle"
_ORDER: dict[Intent, int] = {"Progress": 0, "Promote": 1, "Complete": 2, "Abort": 3}


def validate_rollout(
    rollout: ModelRollout,
    *,
    target: SeldonDeployment | None = None,
    known_servers: frozenset[str] | None = None,
    installed: frozenset[str] | None = None,
) -> Findings:
    """Errors and warnings of a new rollout, its candidate's defaults already filled in.

    ``target`` None: the SeldonDeployment does not exist yet; the rollout waits for it. The servers: as in
    ``validate_deployment``.
    """
    spec = rollout.spec
    alone = candidate_alone(rollout, target)
    found, warnings = validate_deployment(alone, known_servers=known_servers, installed=installed)
    errors = [
        *_identity_errors(rollout),
        *map(in_candidate, found),
        *_shadow_errors(spec),
        *_digest_errors(spec),
        *plan_errors(spec.plan, "spec.plan"),
        *_share_errors(spec),
        *(target_errors(spec, target) if target is not None else ()),
    ]
    if spec.desired != Desired():
        expected = "nothing yet: the workflow writes it once status.epoch is handed out"
        errors.append(FieldError(path="spec.desired", found="a value", expected=expected))
    return tuple(errors), warnings


def fence(old: ModelRollout, new: ModelRollout) -> tuple[FieldError, ...]:
    """What forbids this change of a stored rollout."""
    return (*_immutable_errors(old.spec, new.spec), *(_desired_errors(old, new.spec.desired)))


def target_errors(spec: ModelRolloutSpec, target: SeldonDeployment) -> Iterator[FieldError]:
    """What is wrong between candidate and target; also asked again when a waiting rollout starts."""
    if stable_of(target.spec) is None:
        expected = "a SeldonDeployment with exactly one predictor that gets traffic: that one is replaced"
        yield FieldError(path="spec.target", found=repr(spec.target), expected=expected)
    if spec.candidate.name in {predictor.name for predictor in target.spec.predictors}:
        expected = f"a name that no predictor of {spec.target!r} has"
        yield FieldError(path="spec.candidate.name", found=repr(spec.candidate.name), expected=expected)


def candidate_alone(rollout: ModelRollout, target: SeldonDeployment | None) -> SeldonDeployment:
    """A deployment of nothing but the candidate, by which its predictor is judged as any other."""
    protocol = target.spec.protocol if target is not None else ""
    spec = SeldonDeploymentSpec(predictors=(rollout.spec.candidate,), protocol=protocol)
    return SeldonDeployment(metadata=ObjectMeta(name="candidate"), spec=spec)


def in_candidate(error: FieldError) -> FieldError:
    """The same error, found in a rollout's candidate instead of a deployment's only predictor."""
    path = error.path.replace("spec.predictors[0]", "spec.candidate").replace("spec.predictors", "spec.candidate")
    return FieldError(path=path, found=error.found, expected=error.expected)


def _identity_errors(rollout: ModelRollout) -> Iterator[FieldError]:
    for path, name in (("metadata.name", rollout.metadata.name), ("spec.target", rollout.spec.target)):
        if not is_dns_label(name):
            yield FieldError(path=path, found=repr(name), expected=LABEL_RULE)


def _shadow_errors(spec: ModelRolloutSpec) -> Iterator[FieldError]:
    if spec.candidate.shadow:
        yield FieldError(path="spec.candidate.shadow", found="true", expected="false: the plan mirrors")


def _digest_errors(spec: ModelRolloutSpec) -> Iterator[FieldError]:
    if spec.model is None:
        yield FieldError(path="spec.model", found="", expected="the registered model's name, version and bundleDigest")
    elif not spec.model.name or not spec.model.version:
        yield FieldError(path="spec.model", found="", expected="name and version of the registered model")
    digest = spec.candidate.annotations.get(DIGEST_ANNOTATION, "")
    if not is_digest(digest):
        yield FieldError(path="spec.model.bundleDigest", found=repr(digest), expected=ONLY_A_BUNDLE)
    elif spec.model is not None and spec.model.bundle_digest not in ("", digest):
        path = f"spec.candidate.annotations[{DIGEST_ANNOTATION}]"
        yield FieldError(path=path, found=digest, expected=f"spec.model.bundleDigest {spec.model.bundle_digest}")


def _share_errors(spec: ModelRolloutSpec) -> Iterator[FieldError]:
    if spec.expected_disagreement is not None and not 0 <= spec.expected_disagreement <= 1:
        found = str(spec.expected_disagreement)
        yield FieldError(path="spec.expectedDisagreement", found=found, expected="a share from 0 to 1")


def _immutable_errors(old: ModelRolloutSpec, new: ModelRolloutSpec) -> Iterator[FieldError]:
    for field in msgspec.structs.fields(ModelRolloutSpec):
        if field.name in ("desired", "paused"):
            continue
        if getattr(old, field.name) != getattr(new, field.name):
            expected = "what it was: of a rollout's spec only desired and paused may change; submit another rollout"
            yield FieldError(path=f"spec.{field.encode_name}", found="a change", expected=expected)


def _desired_errors(old: ModelRollout, desired: Desired) -> Iterator[FieldError]:
    before, status = old.spec.desired, old.status
    if desired == before:
        return
    ended = _ended(old, desired)
    if ended:
        yield FieldError(path="spec.desired", found="a write", expected=ended)
        return
    if desired.epoch != status.epoch or (not status.epoch and desired.intent != "Abort"):
        expected = f"status.epoch {status.epoch!r}" if status.epoch else "no write before status.epoch is handed out"
        yield FieldError(path="spec.desired.epoch", found=repr(desired.epoch), expected=expected)
    yield from _backward_errors(before, desired)
    yield from _range_errors(desired)
    if desired.intent == "Complete" and status.phase != "Baking":
        expected = f"Progress, Promote or Abort: Complete ends a bake, the phase is {status.phase}"
        yield FieldError(path="spec.desired.intent", found="Complete", expected=expected)


def _ended(old: ModelRollout, desired: Desired) -> str:
    status = old.status
    why = f"{status.phase} ({status.reason}: {status.message})" if status.reason else status.phase
    if status.phase in TERMINAL_PHASES:
        return f"none: rollout {old.metadata.name!r} has ended, {why}; submit another rollout"
    if status.phase == "Aborting" and desired.intent != "Abort":
        return f"none: rollout {old.metadata.name!r} is on its way back, {why}"
    return ""


def _backward_errors(before: Desired, desired: Desired) -> Iterator[FieldError]:
    if desired.epoch != before.epoch:
        return
    for path, old, new in (("renewal", before.renewal, desired.renewal), ("step", before.step, desired.step)):
        if new < old:
            yield FieldError(path=f"spec.desired.{path}", found=str(new), expected=f"at least {old}: it only goes up")
    if _ORDER[desired.intent] < _ORDER[before.intent]:
        expected = f"{before.intent} or later: an intent is not taken back"
        yield FieldError(path="spec.desired.intent", found=desired.intent, expected=expected)


def _range_errors(desired: Desired) -> Iterator[FieldError]:
    for path, share in (("weight", desired.weight), ("mirror", desired.mirror)):
        if not 0 <= share <= 100:
            yield FieldError(path=f"spec.desired.{path}", found=str(share), expected="0 to 100 percent")
    yield from positive(desired.lease_seconds, "spec.desired.leaseSeconds")
    if desired.header_route is not None:
        yield from header_route_errors(desired.header_route, "spec.desired.headerRoute")
    for path, count in (("step", desired.step), ("renewal", desired.renewal)):
        if count < 0:
            yield FieldError(path=f"spec.desired.{path}", found=str(count), expected="0 or more")
