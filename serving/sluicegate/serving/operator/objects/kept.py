"""Pods that Seldon Core's operator made and that still serve what is asked for: they go on as they are.

To adopt a Deployment is no reason to restart its pods, so its template stays until another revision is wanted. The
mark on the Deployment says of which revision it is; whoever takes the mark away gets pods of our making. Pure.
"""

import base64
import binascii
import json
from collections.abc import Iterator
from typing import Any

from sluicegate.serving.api.metadata import JSON
from sluicegate.serving.api.seldon_deployment import PredictiveUnit
from sluicegate.serving.operator.objects.comparison import contains
from sluicegate.serving.operator.objects.layout import ENGINE, Pod
from sluicegate.serving.operator.objects.manifest import APPLIED_ANNOTATION, MANAGED_BY
from sluicegate.serving.operator.objects.names import APP_LABEL, entry_selector
from sluicegate.serving.operator.objects.subject import Subject

ADOPTED_ANNOTATION = "sluicegate.dev/adopted"
"""On a Deployment: the revision whose pods are Seldon Core's."""


def kept_template(subject: Subject, name: str, pod: Pod | None) -> JSON | None:
    """The live template where it stays, None where ours takes its place. ``pod`` is None for an engine of its own."""
    live = subject.live.get(("Deployment", name))
    if live is None:
        return None
    notes = live["metadata"].get("annotations") or {}
    if APPLIED_ANNOTATION in notes:
        stays = notes.get(ADOPTED_ANNOTATION) == subject.workload.revision
    else:
        stays = not reasons(subject, live, pod)
    template: JSON = (live.get("spec") or {}).get("template") or {}
    return template if stays and template else None


def kept_port(template: JSON, named: str = "http") -> int | None:
    """Where pods of a kept template answer a predictor's requests."""
    return port_of(answering(template, named), named)


def answering(template: JSON, named: str = "http") -> JSON:
    """The container with a port of this name that answers a predictor's requests; without any, an empty one."""
    boxes = (template.get("spec") or {}).get("containers") or ()
    # Beside Seldon's engine the user's container calls its ports the same, and stands first.
    in_order = sorted(boxes, key=lambda each: each.get("name") != ENGINE)
    return next((box for box in in_order if port_of(box, named)), {})


def port_of(container: JSON, named: str) -> int | None:
    """The number of a container's port."""
    ports = container.get("ports") or ()
    return next((int(port["containerPort"]) for port in ports if port.get("name") == named), None)


def reasons(subject: Subject, live: JSON, pod: Pod | None) -> tuple[str, ...]:
    """Why pods of a Deployment that is not ours yet do not serve what is asked for; none: they do."""
    return tuple(_reasons(subject, live, pod))


def _reasons(subject: Subject, live: JSON, pod: Pod | None) -> Iterator[str]:
    template = (live.get("spec") or {}).get("template") or {}
    labels = (template.get("metadata") or {}).get("labels") or {}
    if not contains((live["metadata"].get("labels") or {}), MANAGED_BY) and not contains(labels, MANAGED_BY):
        yield "it was not made by Seldon Core's operator"
        return
    entry = pod is None or subject.layout.entry_pod == pod.index
    if entry and not contains(labels, entry_selector(subject.layout)):
        yield f"its pods lack the label by which requests find them: {entry_selector(subject.layout)}"
    if labels.get(APP_LABEL) != live["metadata"]["name"]:
        yield f"its pods lack the label {APP_LABEL}={live['metadata']['name']}"
    boxes = {each["name"]: each for each in (template.get("spec") or {}).get("containers") or ()}
    yield from _outdated_graph(subject, boxes.get(ENGINE))
    if entry and subject.layout.has_engine and ENGINE not in boxes:
        yield "nothing in its pods leads requests through the graph"
    if pod is not None:
        yield from _outdated_pod(subject, pod, template, boxes)


def _outdated_pod(subject: Subject, pod: Pod, template: JSON, boxes: JSON) -> Iterator[str]:
    for name in pod.containers:
        stated = {key: value for key, value in pod.users(name).items() if value not in ("", [], {}, None)}
        if name not in boxes:
            yield f"container {name!r} is not in its pods"
        elif not contains(boxes[name], stated):
            yield f"container {name!r} is not as the deployment states it"
    text = json.dumps(template, ensure_ascii=False)
    for name in pod.containers:
        unit = subject.layout.units.get(name)
        if unit is not None and unit.model_uri and unit.model_uri not in text:
            yield f"unit {name!r} has another model than {unit.model_uri}"


def _outdated_graph(subject: Subject, engine: JSON | None) -> Iterator[str]:
    """Seldon's engine is told its predictor in a variable."""
    told = next(
        (each.get("value") for each in (engine or {}).get("env") or () if each["name"] == "ENGINE_PREDICTOR"), ""
    )
    if engine is None or not told:
        return
    try:
        graph = json.loads(base64.b64decode(told))["graph"]
    except (binascii.Error, ValueError, KeyError, TypeError):
        yield "what its engine was told cannot be read"
        return
    if not _same_graph(graph, subject.workload.predictor.graph):
        yield "its engine leads requests through another graph"


def _same_graph(told: Any, wanted: PredictiveUnit) -> bool:
    children = told.get("children") or []
    parameters = [{key: str(each.get(key) or "") for key in ("name", "value")} for each in told.get("parameters") or []]
    stated = [{"name": each.name, "value": str(each.value)} for each in wanted.parameters]
    return (
        told.get("name") == wanted.name
        and (told.get("modelUri") or "") == (wanted.model_uri or "")
        and (told.get("implementation") or "UNKNOWN_IMPLEMENTATION")
        == (wanted.implementation or "UNKNOWN_IMPLEMENTATION")
        and all(each in parameters for each in stated)
        and len(children) == len(wanted.children)
        and all(_same_graph(one, other) for one, other in zip(children, wanted.children, strict=True))
    )


def revision_kept(deployment: JSON) -> str:
    """The revision whose pods are Seldon Core's; empty: none."""
    return str((deployment["metadata"].get("annotations") or {}).get(ADOPTED_ANNOTATION, ""))
