"""``prepare-rollout``: creates the ModelRollout with its candidate, and waits until it is ready at 0 percent.

The candidate is the deployment's own predictor with another bundle, so that replicas, resources and parameters are the
stable's; its name is the model's version and a short hash of its spec.
"""

import json
from collections.abc import Iterator
from typing import Annotated, Any, NamedTuple, Protocol

import msgspec

from sluicegate.components.artefacts.bundles import described
from sluicegate.components.rollout.errors import RolloutEndedError, RolloutError, RolloutRefusedError
from sluicegate.components.rollout.rollouts import KIND, Rollouts
from sluicegate.components.step import step
from sluicegate.serving.api.decoding import decode, encode
from sluicegate.serving.api.metadata import (
    DIGEST_ANNOTATION,
    MODEL_ANNOTATION,
    VERSION_ANNOTATION,
    WORKFLOW_ANNOTATION,
)
from sluicegate.serving.api.model_rollout import API_VERSION, TERMINAL_PHASES, ModelRollout
from sluicegate.serving.api.names import candidate_name
from sluicegate.serving.api.rollout_plan import RolloutPlan, Step, canary_steps
from sluicegate.serving.api.seldon_deployment import PredictorSpec, SeldonDeployment
from sluicegate.serving.bundle.errors import BundleError
from sluicegate.serving.client.errors import ClientError, ConflictError, NotFoundError
from sluicegate.serving.client.objects import Objects
from sluicegate.serving.client.patience import created, patiently


class Reading(Protocol):
    """What is asked of the API to know a workflow."""

    def get(self, kind: str, name: str, namespace: str | None = None) -> dict[str, Any]:
        """One object; NotFoundError when it is not there."""


class Prepared(NamedTuple):
    """A rollout whose candidate is ready. ``plan`` is the plan with its defaults filled in, as JSON."""

    rollout: str
    epoch: str
    stable: str
    candidate: str
    plan: str
    more: bool


@step("prepare-rollout", effects=True)
def prepare_rollout(
    *, rollout: str, deployment: str, model: str, version: str, bundle_uri: str, bundle_digest: str,
    namespace: str = "default", plan: dict[str, Any] | None = None, mirror: bool = True,
    expected_disagreement: float = -1.0, concurrency: str = "refuse", retry_refused: bool = False,
    timeout: float = 300.0,
    workflow: Annotated[str, "Namespace/name/uid of the workflow that drives it; its end ends the rollout."] = "",
) -> Prepared:  # fmt: skip
    """Create the ModelRollout, unless it is there, and wait until its candidate is proved, ready and warm.

    An attempt that was killed after it had created the rollout is followed by one that finds it.
    A negative ``expected_disagreement`` means the one that the bundle records of its training.
    Raises RolloutRefusedError when the API does not admit it, RolloutEndedError when the candidate is refused,
    NotSoInTimeError when it is not ready in time.
    """
    objects = Objects()
    access = Rollouts(objects=objects, name=rollout, namespace=namespace)
    before = access.find()
    if before is not None and before.status.phase in TERMINAL_PHASES:
        raise RolloutEndedError(_over(before))
    if before is None:
        candidate = _candidate(_target(objects, deployment, namespace), model, version, bundle_uri, bundle_digest)
        document = _document(rollout, namespace, deployment, candidate, rollout_plan(plan or {}, mirror=mirror))
        document["spec"] |= {
            "model": {"name": model, "version": version, "bundleDigest": bundle_digest},
            "concurrency": concurrency, "retryRefused": retry_refused,
        }  # fmt: skip
        expected = expected_disagreement if expected_disagreement >= 0 else _recorded(bundle_uri)
        document["spec"] |= {} if expected is None else {"expectedDisagreement": expected}
        if is_here(objects, workflow):
            document["metadata"]["annotations"] = {WORKFLOW_ANNOTATION: workflow}
        _create(objects, document)
    waiting = {"Pending", "Queued"}
    found = access.wait(lambda r: r.status.phase not in waiting and bool(r.status.epoch), timeout=timeout, what="ready")
    settled = encode(found.spec.plan)
    return Prepared(
        rollout=rollout, epoch=found.status.epoch, stable=found.status.stable, candidate=found.status.candidate,
        plan=json.dumps(settled), more=bool(found.spec.plan.steps),
    )  # fmt: skip


def rollout_plan(plan: dict[str, Any], *, mirror: bool) -> RolloutPlan:
    """The plan with defaults; without ``mirror`` its ladder begins at the first step that leads requests."""
    decoded = decode(plan, RolloutPlan)
    if mirror:
        return decoded
    if "steps" not in plan:
        return msgspec.structs.replace(decoded, steps=canary_steps(mirror=False))
    return msgspec.structs.replace(decoded, steps=tuple(_unmirrored(decoded.steps)))


def _unmirrored(steps: tuple[Step, ...]) -> Iterator[Step]:
    """Steps without mirrors, and without analyses before anybody asks: these would wait for ever."""
    asked = False
    for entry in steps:
        asked = asked or bool(entry.set_weight) or entry.set_header_route is not None
        if entry.set_mirror_route is None and (asked or entry.analysis is None):
            yield entry


def _over(rollout: ModelRollout) -> str:
    """Retried by Argo, a workflow comes here again after its rollout has ended: an epoch that is over stays over."""
    name, status = rollout.metadata.name, rollout.status
    said = f"rollout {name!r} has ended already: {status.phase} ({status.reason}): {status.message}"
    return f"{said}; it is not taken up again: submit the workflow anew, with another name for `rollout`"


def is_here(objects: Reading, workflow: str) -> bool:
    """Whether this workflow is an object of the API that keeps the rollout: another one's end is not seen there."""
    namespace, _, named = workflow.partition("/")
    name, _, uid = named.partition("/")
    if not (namespace and name and uid):
        return False
    try:
        found = patiently(lambda: objects.get("Workflow", name, namespace=namespace))
    except ClientError:
        return False
    return bool(found["metadata"].get("uid") == uid)


def _recorded(bundle_uri: str) -> float | None:
    """The share of flips that the bundle's trainer saw; unknown where the bundle cannot be read from here."""
    try:
        found = described(bundle_uri).manifest.expected_disagreement
    except BundleError:
        return None
    return None if found is None else found.share


def _target(objects: Objects, deployment: str, namespace: str) -> SeldonDeployment:
    try:
        found = patiently(lambda: objects.get("SeldonDeployment", deployment, namespace=namespace))
        return decode(found, SeldonDeployment)
    except NotFoundError as error:
        raise RolloutError(
            f"no SeldonDeployment {deployment!r} in {namespace!r}: a first release is deployed, not rolled out"
        ) from error


def _candidate(
    target: SeldonDeployment, model: str, version: str, bundle_uri: str, bundle_digest: str
) -> PredictorSpec:
    serving = [predictor for predictor in target.spec.predictors if not predictor.shadow]
    stable = max(serving, key=lambda predictor: predictor.traffic)
    annotations = {
        **stable.annotations, MODEL_ANNOTATION: model, VERSION_ANNOTATION: version, DIGEST_ANNOTATION: bundle_digest,
    }  # fmt: skip
    graph = msgspec.structs.replace(stable.graph, model_uri=bundle_uri)
    candidate = msgspec.structs.replace(stable, name="", graph=graph, annotations=annotations, traffic=0)
    return msgspec.structs.replace(candidate, name=candidate_name(version, candidate))


def _document(
    name: str, namespace: str, deployment: str, candidate: PredictorSpec, plan: RolloutPlan
) -> dict[str, Any]:
    spec: dict[str, Any] = {"target": deployment, "candidate": encode(candidate), "plan": encode(plan)}
    return {"apiVersion": API_VERSION, "kind": KIND, "metadata": {"name": name, "namespace": namespace}, "spec": spec}


def _create(objects: Objects, document: dict[str, Any]) -> None:
    try:
        created(objects, document)
    except ConflictError:
        return  # another attempt of this step was faster
    except ClientError as error:
        raise RolloutRefusedError(f"rollout {document['metadata']['name']!r}: {error}") from error
