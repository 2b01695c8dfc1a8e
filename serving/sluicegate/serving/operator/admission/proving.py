"""What the API server says to rendered objects, told in the words of the object that was submitted.

``spec.template.spec.containers[1].image`` of a Deployment becomes ``spec.predictors[0].componentSpecs[0].spec.
containers[0].image``: containers are found again by name, since the operator adds some. Pure.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sluicegate.serving.api.errors import FieldError
from sluicegate.serving.api.metadata import GROUP, JSON
from sluicegate.serving.operator.admission.pods import Pods
from sluicegate.serving.operator.admission.ports import Proof
from sluicegate.serving.operator.errors import RefusedError

PREDICTOR_LABELS = (f"{GROUP}/predictor", "version")
"""Labels by which a rendered object names its predictor, ours before Seldon Core's."""
_AUTOSCALING = {"HorizontalPodAutoscaler": "hpaSpec", "ScaledObject": "kedaSpec", "PodDisruptionBudget": "pdbSpec"}
_IDENTITIES = ("name", "mountPath", "containerPort")
"""What an item of a pod's list is known by; others by all that they say."""
_SEGMENT = re.compile(r"\.?(?P<name>[\w-]+)(?P<keys>(?:\[[^\]]*\])*)")
_KEY = re.compile(r"\[([^\]]*)\]")
_REQUEST = re.compile(r"^[A-Z]+ \S+: \d+ ")
"""How the client begins a refusal; the reader of ours sent another request."""
_FIELD = re.compile(r"(?<![\w.])\.?(?:spec|metadata)(?:\.[\w-]+|\[[^\]]+\])+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a rendered object comes from: a predictor and, when the user wrote its pod, a component of it."""

    predictor: str
    component: str = ""
    spec: JSON | None = None


def findings_of(pods: Pods, proofs: Iterable[Proof]) -> tuple[tuple[FieldError, ...], tuple[str, ...]]:
    """Errors and warnings. A quota that is used up now is a warning: only time shows whether it stays so."""
    errors: list[FieldError] = []
    warnings: list[str] = []
    for proof in proofs:
        place = place_of(pods, proof.object)
        if proof.refusal is None:
            continue
        message = _REQUEST.sub("", str(proof.refusal))
        if "exceeded quota" in message:
            warnings.append(f"{place.predictor}: not to be started now: {message}")
        else:
            errors += _errors(proof.refusal, message, proof.object, place)
    return tuple(dict.fromkeys(errors)), tuple(dict.fromkeys(warnings))


def without_owners(objects: Iterable[JSON]) -> list[JSON]:
    """Objects as they can be tried before their owner is stored, and has a uid."""
    return [
        each | {"metadata": {k: v for k, v in each["metadata"].items() if k != "ownerReferences"}} for each in objects
    ]


def place_of(pods: Pods, rendered: JSON) -> Place:
    """The predictor that an object was rendered for, by labels or name; and the component, by its containers."""
    metadata, template = rendered.get("metadata") or {}, (rendered.get("spec") or {}).get("template") or {}
    labels = (metadata.get("labels") or {}) | ((template.get("metadata") or {}).get("labels") or {})
    predictors = pods.deployment["spec"]["predictors"]
    chosen = _predictor(predictors, labels, str(metadata.get("name", "")), pods.deployment["metadata"].get("name", ""))
    if chosen is None:
        return Place(predictor="spec")
    place, components = pods.places[chosen], predictors[chosen].get("componentSpecs") or []
    running = _names(template)
    for index, component in enumerate(components):
        named = _names(component)
        if (named and named <= running) or (not running and len(components) == 1):
            return Place(
                predictor=place, component=f"{place}.componentSpecs[{index}]", spec=component.get("spec") or {}
            )
    return Place(predictor=place)


def moved(field: str, rendered: JSON, place: Place) -> str:
    """The path in the submitted object; its predictor's when the field is none that the user wrote."""
    field, kind = field.removeprefix("."), rendered.get("kind")
    inside = field.removeprefix("spec.template.spec.")
    if place.component and inside != field:
        return _in_pod(inside, rendered, place)
    if place.component and field.startswith("spec.template.metadata."):
        return f"{place.component}.{field.removeprefix('spec.template.')}"
    if place.component and kind in _AUTOSCALING and field.startswith("spec."):
        return f"{place.component}.{_AUTOSCALING[str(kind)]}.{field.removeprefix('spec.')}"
    return f"{place.predictor}.replicas" if field == "spec.replicas" else place.predictor


def _predictor(predictors: Sequence[JSON], labels: JSON, name: str, deployment: str) -> int | None:
    names = [str(each.get("name", "")) for each in predictors]
    for label in PREDICTOR_LABELS:
        if labels.get(label) in names:
            return names.index(labels[label])
    fitting = [each for each in names if f"{name}-".startswith(f"{deployment}-{each}-")]
    if fitting:
        return names.index(max(fitting, key=len))
    return 0 if len(names) == 1 else None


def _names(pod: JSON) -> set[Any]:
    containers = (pod.get("spec") or {}).get("containers") or []
    return {each.get("name") for each in containers if isinstance(each, dict)}


def _in_pod(inside: str, rendered: JSON, place: Place) -> str:
    """Down both specs at once: items of lists are found again by what they are, since the operator adds others."""
    made: Any = rendered["spec"]["template"]["spec"]
    written: Any = place.spec
    path = f"{place.component}.spec"
    for segment in _SEGMENT.finditer(inside):
        made, written = _child(made, segment["name"]), _child(written, segment["name"])
        path += f".{segment['name']}"
        for key in _KEY.findall(segment["keys"]):
            if not isinstance(made, list):
                path += f"[{key}]"
                continue
            made = _picked(made, key)
            found = _index_of(made, written)
            if found is None:
                return place.predictor
            path, written = f"{path}[{found}]", written[found]
    return path


def _child(value: Any, name: str) -> Any:
    return value.get(name) if isinstance(value, dict) else None


def _picked(items: list[Any], key: str) -> Any:
    """The item at ``12``, or the one of ``name="c"``."""
    if key.isdecimal():
        return items[int(key)] if int(key) < len(items) else None
    wanted = dict(pair.split("=", 1) for pair in key.split(",") if "=" in pair)
    texts = {name: value.strip('"') for name, value in wanted.items()}
    fitting = (each for each in items if all(str(_child(each, name)) == text for name, text in texts.items()))
    return next(fitting, None)


def _index_of(item: Any, written: Any) -> int | None:
    for index, each in enumerate(written if isinstance(written, list) else ()):
        if item is not None and _is_same(item, each):
            return index
    return None


def _is_same(made: Any, written: Any) -> bool:
    if not isinstance(made, dict) or not isinstance(written, dict):
        return bool(made == written)
    named = [key for key in _IDENTITIES if key in written]
    return all(made.get(key) == written[key] for key in named[:1] or written)


def _errors(refusal: RefusedError, message: str, rendered: JSON, place: Place) -> Iterator[FieldError]:
    causes = [(field, why) for field, why in refusal.causes if field]
    for field, why in causes:
        yield _error(moved(field, rendered, place), why, field, rendered)
    if not causes:
        stated = _FIELD.search(message)
        path = moved(stated.group(), rendered, place) if stated else place.component or place.predictor
        yield _error(path, message, "", rendered)


def _error(path: str, message: str, field: str, rendered: JSON) -> FieldError:
    what = f"{rendered.get('kind')} {(rendered.get('metadata') or {}).get('name')!r}"
    # A path that ends as the field does says it; any other loses the field, so the words keep it.
    said = not field or path.endswith(field.rpartition(".")[2])
    where = "" if said else f" at {field}"
    expected = f"what the API server takes as {what}{where}"
    return FieldError(path=path, found=message[:1].lower() + message[1:], expected=expected)
