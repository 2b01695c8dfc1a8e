"""Pods as replicas: what runs, whether it answers, and its last words. Pure.

Words are for a person who did not look at the pod: which container, what it said or what Kubernetes says of it, and
what to do where that is known.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping

from sluicegate.serving.api.conditions import seconds_of
from sluicegate.serving.api.metadata import JSON
from sluicegate.serving.api.names import workload_name
from sluicegate.serving.gateway.routes import Address
from sluicegate.serving.operator.cluster.cache import OWNER_LABEL
from sluicegate.serving.operator.objects.kept import answering, kept_port, port_of, revision_kept
from sluicegate.serving.operator.objects.names import APP_LABEL, ENTRY_LABEL, PREDICTOR_LABEL, REVISION_ANNOTATION
from sluicegate.serving.reconcile.workloads import Replica, ReplicaState, WorkloadKey

DIGEST_VARIABLE = "SLUICEGATE_BUNDLE_DIGEST"
"""Our server is ready only with the bundle of the digest that it is told here."""
REFUSED_EXIT = 78
"""Exit status of our server when it refuses what it should serve; its last line says why."""
_CHECK_IMAGE = "check the image's name and the pull secret"
_UNPULLED = ("ErrImagePull", "ImagePullBackOff")
_REMEDIES = {
    "InvalidImageName": "correct the image's name",
    "ErrImageNeverPull": "load the image onto the node, or allow it to be pulled",
    "CreateContainerConfigError": "create what it refers to",
    "CreateContainerError": "see `kubectl describe pod`",
    "RunContainerError": "see `kubectl describe pod`",
}
_FAILING = frozenset({*_REMEDIES, *_UNPULLED, "CrashLoopBackOff"})
_LONGEST = 1000
_DEFAULT_PORT = 9000


def observed_replicas(pods: Iterable[JSON], deployments: Iterable[JSON]) -> tuple[Replica, ...]:
    """The servers of one SeldonDeployment.

    ``pods`` are those that answer for a predictor, ``deployments`` make them; one that a quota, a policy or a webhook
    keeps from making pods counts as one failed server.
    """
    deployments = tuple(deployments)
    adopted = {each["metadata"]["name"]: kept for each in deployments if (kept := revision_kept(each))}
    found = sorted(pods, key=lambda pod: str(pod["metadata"]["name"]))
    servers = [_replica(pod, index, adopted) for index, pod in enumerate(found)]
    return (*servers, *(ghost for deployment in deployments for ghost in _ghosts(deployment)))


def predictor_of(labels: Mapping[str, str]) -> str:
    """The predictor that a pod works for; pods made by Seldon Core say it by their version."""
    return labels.get(PREDICTOR_LABEL) or labels.get("version") or ""


def key_of_deployment(deployment: JSON) -> WorkloadKey:
    """The workload and revision whose pods a Deployment makes."""
    template = (deployment.get("spec") or {}).get("template") or {}
    meta = {**(template.get("metadata") or {}), "namespace": deployment["metadata"]["namespace"]}
    return _identity(meta, revision_kept(deployment))


def key_of_object(obj: JSON) -> WorkloadKey:
    """The workload that an object of any other kind belongs to; it has no revision."""
    return _identity(obj["metadata"])


def is_made_by(pod: JSON, deployments: Collection[str]) -> bool:
    """Whether one of these Deployments made the pod."""
    return str((pod["metadata"].get("labels") or {}).get(APP_LABEL, "")) in deployments


def answers(pod: JSON) -> bool:
    """Whether the pod takes requests for a predictor, and is no part behind one that does."""
    return ENTRY_LABEL in (pod["metadata"].get("labels") or {})


def _replica(pod: JSON, index: int, adopted: Mapping[str, str]) -> Replica:
    """``adopted``: revisions of Deployments whose pods are Seldon Core's, and do not say it themselves."""
    meta, status = pod["metadata"], pod.get("status") or {}
    state, words = _state(pod)
    namespace, workload, revision = _identity(meta, adopted.get((meta.get("labels") or {}).get(APP_LABEL, ""), ""))
    return Replica(
        namespace=namespace,
        workload=workload,
        revision=revision,
        index=index,
        address=_address(pod),
        state=state,
        message=words[:_LONGEST],
        restarts=sum(int(each.get("restartCount", 0)) for each in status.get("containerStatuses") or ()),
        verified=True if state == "Ready" and _is_told_a_digest(pod) else None,
    )


def _ghosts(deployment: JSON) -> Iterator[Replica]:
    key = key_of_deployment(deployment)
    return (unmade(key, message) for message in _refusals(deployment))


def unmade(key: WorkloadKey, message: str) -> Replica:
    """A server that should be and is not even a pod."""
    namespace, workload, revision = key
    return Replica(
        namespace=namespace,
        workload=workload,
        revision=revision,
        index=0,
        address=Address(host="", port=0),
        state="Failed",
        message=message[:_LONGEST],
    )


def _identity(meta: JSON, unsaid: str = "") -> WorkloadKey:
    labels = meta.get("labels") or {}
    workload = workload_name(labels.get(OWNER_LABEL, ""), predictor_of(labels))
    return meta["namespace"], workload, (meta.get("annotations") or {}).get(REVISION_ANNOTATION, unsaid)


def _address(pod: JSON) -> Address:
    """Where the pod takes requests: at the ports called ``http`` and ``grpc`` of the container that answers.

    Servers of others may know no ``/ready``: whether they are, Kubernetes says, unless their own probe asks there.
    """
    box = answering(pod)
    port = port_of(box, "http") or _DEFAULT_PORT
    asked = (box.get("readinessProbe") or {}).get("httpGet") or {}
    return Address(
        host=str((pod.get("status") or {}).get("podIP", "")),
        port=port,
        grpc_port=kept_port(pod, "grpc") or 0,
        checked=asked.get("path") == "/ready"
        and asked.get("port") in ("http", port)
        and asked.get("scheme") != "HTTPS",
    )


def _is_told_a_digest(pod: JSON) -> bool:
    containers = (pod.get("spec") or {}).get("containers") or ()
    return any(
        each.get("name") == DIGEST_VARIABLE and each.get("value") for box in containers for each in box.get("env") or ()
    )


def _refusals(deployment: JSON) -> Iterator[str]:
    for condition in (deployment.get("status") or {}).get("conditions") or ():
        if condition.get("type") == "ReplicaFailure" and condition.get("status") == "True":
            yield f"no pod could be made: {condition.get('message', condition.get('reason', ''))}"


def _state(pod: JSON) -> tuple[ReplicaState, str]:
    status = pod.get("status") or {}
    conditions = {each["type"]: each for each in status.get("conditions") or ()}
    words = _words(status, conditions)
    if pod["metadata"].get("deletionTimestamp"):
        return "Draining", ""
    if conditions.get("Ready", {}).get("status") == "True" and status.get("podIP"):
        return "Ready", ""
    if status.get("phase") in ("Failed", "Succeeded"):
        return "Failed", words or str(status.get("message") or status.get("reason") or "the pod ended")
    if status.get("podIP") and _was_ready(status, conditions.get("Ready", {})):
        return "Silent", words
    failing = any(_fails(each) for each in _containers(status))
    return ("Failed" if failing else "Starting"), words


def _was_ready(status: JSON, readiness: JSON) -> bool:
    """Whether it ceased to be ready after the last of its containers, all of which run, had begun."""
    running = [(each.get("state") or {}).get("running") or {} for each in status.get("containerStatuses") or ()]
    begun = [seconds_of(str(each.get("startedAt", ""))) for each in running]
    ceased = seconds_of(str(readiness.get("lastTransitionTime", "")))
    return bool(begun) and ceased is not None and all(each is not None and each < ceased for each in begun)


def _containers(status: JSON) -> list[JSON]:
    return [*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())]


def _fails(container: JSON) -> bool:
    state: Mapping[str, JSON] = container.get("state") or {}
    if state.get("waiting", {}).get("reason") in _FAILING:
        return True
    return bool(state.get("terminated", {}).get("exitCode"))


def _words(status: JSON, conditions: Mapping[str, JSON]) -> str:
    for container in _containers(status):
        if said := _last_words(container):
            return said
    unscheduled = conditions.get("PodScheduled", {})
    if unscheduled.get("status") == "False":
        return f"no node takes the pod: {unscheduled.get('message', '')}"
    return ""


def _last_words(container: JSON) -> str:
    state: Mapping[str, JSON] = container.get("state") or {}
    waiting = state.get("waiting") or {}
    terminated = state.get("terminated") or (container.get("lastState") or {}).get("terminated") or {}
    name = container.get("name", "")
    if terminated.get("exitCode"):
        return _ended(name, terminated)
    reason = str(waiting.get("reason", ""))
    if reason not in _FAILING:
        return ""
    if reason in _UNPULLED:
        # Kubernetes changes between these two every few seconds, with words of different length for the same thing.
        cause = str(waiting.get("message", "")).rpartition("ErrImagePull: ")[2].strip()
        return f"container {name!r} does not start: its image cannot be pulled ({cause}); {_CHECK_IMAGE}"
    detail = f": {waiting['message']}" if waiting.get("message") else ""
    remedy = f"; {_REMEDIES[reason]}" if reason in _REMEDIES else ""
    return f"container {name!r} does not start ({reason}){detail}{remedy}"


def _ended(name: str, terminated: JSON) -> str:
    lines = [line for line in str(terminated.get("message", "")).strip().splitlines() if line.strip()]
    refusal = next((line[line.index("refused:") :] for line in reversed(lines) if "refused:" in line), "")
    if terminated["exitCode"] == REFUSED_EXIT and refusal:
        return refusal
    last = f": {' | '.join(lines[-3:])}" if lines else "; see `kubectl logs --previous`"
    because = "out of memory" if terminated.get("reason") == "OOMKilled" else f"exit code {terminated['exitCode']}"
    return f"container {name!r} ended ({because}){last}"
