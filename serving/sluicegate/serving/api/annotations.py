"""Every annotation that changed Seldon Core 1.17.1's behaviour, and what becomes of it here.

One table: honoured, and by whom; or without effect, and why. Validation makes warnings of it, so that no annotation of
Seldon's is silently ignored; the reference page is written from it.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from sluicegate.serving.api.seldon_deployment import SeldonDeployment

Place = Literal["deployment", "predictor", "deployment, predictor or pods", "Secret"]
_FOR_GATEWAYS = ("seldon.io/ambassador-", "seldon.io/istio-", "seldon.io/last-applied")
PREFIXES = ("seldon.io/", "machinelearning.seldon.io/")
_BOOLEANS = ("true", "false")


@dataclass(frozen=True, slots=True, kw_only=True)
class Annotation:
    """One annotation. ``honoured_by`` is empty when it has no effect, and then the sentence says why.

    ``name`` may end in ``*``. A value that does not read as ``reads`` has no effect either; a number is at ``least``.
    ``embedded``: honoured by the plane of processes, too.
    """

    name: str
    place: Place
    sentence: str
    honoured_by: str = ""
    reads: Literal["text", "boolean", "number"] = "text"
    least: int = 0
    embedded: bool = False


def _honoured(name: str, place: Place, by: str, sentence: str) -> Annotation:
    return Annotation(name=f"seldon.io/{name}", place=place, sentence=sentence, honoured_by=by)


def _switch(name: str, place: Place, by: str, sentence: str) -> Annotation:
    return Annotation(name=f"seldon.io/{name}", place=place, sentence=sentence, honoured_by=by, reads="boolean")


def _number(name: str, by: str, sentence: str, *, least: int = 0, embedded: bool = False) -> Annotation:
    return Annotation(
        name=f"seldon.io/{name}", place="deployment", sentence=sentence, honoured_by=by, reads="number", least=least,
        embedded=embedded,
    )  # fmt: skip


_WRAPPER = "containers with Seldon's Python wrapper"


def _for_wrapper(name: str, sentence: str, by: str = _WRAPPER) -> Annotation:
    """What the user's container reads, and mostly nothing of ours: the operator hands it on in ``/etc/podinfo``."""
    return Annotation(
        name=f"seldon.io/{name}", place="deployment, predictor or pods", sentence=sentence, reads="number", least=1,
        honoured_by=by,
    )  # fmt: skip


def _idle(name: str, why: str, place: Place = "deployment") -> Annotation:
    return Annotation(name=name if "seldon.io/" in name else f"seldon.io/{name}", place=place, sentence=why)


_AMBASSADOR = "no Ambassador configuration is written; routes go to the Gateway API, Istio or the bundled Envoy"
_JAVA = "it belonged to the Java engine, which Seldon Core 1.17.1 had no more"
_TIMEOUTS = f"{_JAVA}; write seldon.io/rest-timeout or seldon.io/grpc-timeout"
_S3 = "secrets are not read for it; give AWS_ENDPOINT_URL, AWS_REGION and the like in the Secret of envSecretRefName"

ANNOTATIONS = (
    _switch("engine-separate-pod", "deployment", "operator", "The orchestrator gets a Deployment of its own."),
    _switch("no-engine", "predictor", "operator", "No orchestrator; for a single unit only."),
    _switch("headless-svc", "predictor", "operator", "The Service is headless, for clients that balance gRPC."),
    _honoured("svc-name", "predictor", "operator", "The name of the predictor's Service."),
    _switch("no-storage-initializer", "predictor", "operator", "Nothing fetches the model; its server does that."),
    _number("executor-logger-queue-size", "model server", "How many events of the request log wait.", least=1),
    _idle("executor-logger-write-timeout-ms", "events are sent behind the answers and delay none of them"),
    _number("rest-timeout", "gateway", "Milliseconds until a REST answer is given up.", least=1, embedded=True),
    _for_wrapper(
        "grpc-timeout",
        "Milliseconds until a gRPC answer is given up; the gateway reads the deployment's.",
        f"gateway; {_WRAPPER}",
    ),
    _for_wrapper("grpc-max-message-size", "Bytes of the largest gRPC message."),
    _idle("ambassador-config", _AMBASSADOR),
    _idle("ambassador-service-name", _AMBASSADOR),
    _idle("ambassador-header", f"{_AMBASSADOR}; a rollout plan's setHeaderRoute routes by header"),
    _idle("ambassador-regex-header", f"{_AMBASSADOR}; a rollout plan's setHeaderRoute routes by header"),
    _idle("ambassador-id", _AMBASSADOR),
    _idle("ambassador-retries", f"{_AMBASSADOR}; with Istio, seldon.io/istio-retries sets retries"),
    _idle("ambassador-circuit-breakers-max-connections", _AMBASSADOR),
    _idle("ambassador-circuit-breakers-max-pending-requests", _AMBASSADOR),
    _idle("ambassador-circuit-breakers-max-requests", _AMBASSADOR),
    _idle("ambassador-circuit-breakers-max-retries", _AMBASSADOR),
    _honoured("istio-gateway", "deployment", "gateway, with Istio", "The Istio Gateway that the routes belong to."),
    _honoured("istio-host", "deployment", "gateway, with Istio", "The host that the routes are for; else every host."),
    _number("istio-retries", "gateway, with Istio", "How often a request is tried again."),
    _number("istio-retries-timeout", "gateway, with Istio", "Seconds for each of those tries.", least=1),
    _idle("engine-java-opts", _JAVA),
    _idle("engine-seldon-log-messages-externally", f"{_JAVA}; a unit's logger says what is logged"),
    _honoured("engine-*", "deployment", "operator", "A variable of the orchestrator: `engine-log-level` is LOG_LEVEL."),
    _idle("rest-read-timeout", _TIMEOUTS),
    _idle("rest-connection-timeout", _TIMEOUTS),
    _idle("grpc-read-timeout", _TIMEOUTS),
    _idle("last-applied", "Seldon Core's operator kept notes in it; server-side apply needs none"),
    _idle("machinelearning.seldon.io/s3-endpoint", _S3, "Secret"),
    _idle("machinelearning.seldon.io/s3-region", _S3, "Secret"),
    _idle("machinelearning.seldon.io/s3-verifyssl", _S3, "Secret"),
    _idle("machinelearning.seldon.io/s3-usehttps", _S3, "Secret"),
)
"""In the order of Seldon's own list. A name before a pattern that it matches."""


def annotation_warnings(deployment: SeldonDeployment) -> Iterator[str]:
    """A sentence for each annotation of Seldon's that has no effect on a cluster."""
    for place, path, name, value in _found(deployment):
        why = _idle_because(place, name, value)
        if why:
            yield f"{path}[{name}] has no effect: {why}"


def embedded_annotation_warnings(deployment: SeldonDeployment) -> Iterator[str]:
    """A sentence for each annotation that a cluster would honour and the plane of processes does not."""
    for place, path, name, value in _found(deployment):
        known = entry_of(name)
        if known is not None and not known.embedded and not _idle_because(place, name, value):
            yield f"{path}[{name}] has no effect on this plane; on a cluster it is honoured by: {known.honoured_by}"


def for_pods(deployment: SeldonDeployment) -> dict[str, str]:
    """Seldon's annotations in the deployment's spec, which its pods bear; not those that only a gateway reads."""
    notes = deployment.spec.annotations.items()
    return {name: text for name, text in notes if name.startswith(PREFIXES[0]) and not name.startswith(_FOR_GATEWAYS)}


def shared_by_servers(deployment: SeldonDeployment) -> dict[str, str]:
    """What a deployment says to the servers of all its predictors: changed, it needs new ones."""
    noted = {name: text for name, text in deployment.metadata.annotations.items() if _is_for_servers(name)}
    transport = {"transport": deployment.spec.transport} if deployment.spec.transport else {}
    # Pods bear only those of the spec, so that it matters where one stands.
    borne = {f"spec.{name}": text for name, text in for_pods(deployment).items()}
    return {**noted, **borne, **transport}


def _is_for_servers(name: str) -> bool:
    known = entry_of(name)
    return known is not None and bool(known.honoured_by) and not name.startswith(_FOR_GATEWAYS)


def entry_of(name: str) -> Annotation | None:
    """The table's line for an annotation."""
    return next((entry for entry in ANNOTATIONS if _matches(entry.name, name)), None)


def _matches(pattern: str, name: str) -> bool:
    return name.startswith(pattern[:-1]) and name != pattern[:-1] if pattern.endswith("*") else name == pattern


def _found(deployment: SeldonDeployment) -> Iterator[tuple[str, str, str, str]]:
    """Place, path, name and value of every annotation that is named as Seldon's are."""
    spec = deployment.spec
    groups = [("deployment", "metadata", deployment.metadata.annotations), ("deployment", "spec", spec.annotations)]
    for index, predictor in enumerate(spec.predictors):
        path = f"spec.predictors[{index}]"
        groups.append(("predictor", path, predictor.annotations))
        for number, component in enumerate(predictor.component_specs):
            notes = component.metadata.get("annotations")
            if isinstance(notes, dict):
                groups.append(("pods", f"{path}.componentSpecs[{number}].metadata", notes))
    for place, path, notes in groups:
        for name, value in notes.items():
            if name.startswith(PREFIXES):
                yield place, f"{path}.annotations", name, str(value)


def _idle_because(place: str, name: str, value: str) -> str:
    known = entry_of(name)
    if known is None:
        return "sluicegate knows no such annotation; docs/reference/annotations.md has all that it knows"
    if not known.honoured_by:
        return known.sentence
    if place not in known.place.replace(",", "").split():
        return f"it is read on the {known.place}, not on the {place}"
    return "" if _is_read(known, value) else f"{value!r} is not {_expected(known)}"


def _is_read(entry: Annotation, value: str) -> bool:
    if entry.reads == "boolean":
        return value.lower() in _BOOLEANS
    if entry.reads == "text":
        return True
    try:
        return entry.least <= float(value) < math.inf
    except ValueError:
        return False


def _expected(entry: Annotation) -> str:
    return " or ".join(_BOOLEANS) if entry.reads == "boolean" else f"a number, at least {entry.least}"
