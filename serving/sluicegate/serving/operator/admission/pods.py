"""Which pods of a submitted object the API server is to prove: pod specs keep unknown fields in our CRDs' schemas.

They are rendered and applied for trial even when rules were broken elsewhere, so that every error comes at once: what
a rule refuses is put aside first (a graph that nothing runs becomes a bare unit), so that rendering never meets it.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sluicegate.serving.api import seldon_deployment
from sluicegate.serving.api.decoding import decode
from sluicegate.serving.api.defaults import with_candidate_defaults
from sluicegate.serving.api.errors import FieldError, InvalidObjectError
from sluicegate.serving.api.metadata import JSON
from sluicegate.serving.api.model_rollout import ModelRollout
from sluicegate.serving.api.seldon_deployment import SeldonDeployment
from sluicegate.serving.reconcile.reviews import Stored, target_of

_FIRST = re.compile(r"\w+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pods:
    """A SeldonDeployment to be rendered; ``places`` says where each of its predictors stands in what was submitted."""

    deployment: JSON
    places: tuple[str, ...]


def deployment_pods(new: JSON, errors: Iterable[FieldError]) -> Pods | None:
    """Pods of a SeldonDeployment; None when it has none, or cannot be read at all."""
    if not _reads(new):
        return None
    predictors = new["spec"].get("predictors") or []
    return _pods(new, [(f"spec.predictors[{index}]", each) for index, each in enumerate(predictors)], tuple(errors))


def candidate_pods(rollout: JSON, stored: Stored, errors: Iterable[FieldError]) -> Pods | None:
    """Pods of a rollout's candidate, as its target would run them."""
    try:
        filled = with_candidate_defaults(rollout)
        view = decode(filled, ModelRollout)
    except InvalidObjectError:
        return None
    target = target_of(view, stored) or {"metadata": {"name": view.spec.target}, "spec": {}}
    metadata = {"namespace": view.metadata.namespace, "uid": ""} | target["metadata"]
    host = {"apiVersion": seldon_deployment.API_VERSION, "kind": seldon_deployment.KIND, "metadata": metadata}
    spec = dict(target.get("spec") or {})
    broken = tuple(errors)
    if any(error.path == "spec.target" for error in broken):
        host["metadata"] = metadata | {"name": "target"}
    return _pods(host | {"spec": spec}, [("spec.candidate", (filled.get("spec") or {}).get("candidate") or {})], broken)


def _reads(new: JSON) -> bool:
    try:
        decode(new, SeldonDeployment)
    except InvalidObjectError:
        return False
    return isinstance(new.get("spec"), dict)


def _pods(deployment: JSON, placed: list[tuple[str, JSON]], errors: tuple[FieldError, ...]) -> Pods | None:
    kept = [(place, _without(each, _fields(place, errors), index)) for index, (place, each) in enumerate(placed)]
    predictors = [each for _, each in kept if each is not None]
    if not predictors:
        return None
    spec = {key: value for key, value in deployment["spec"].items() if f"spec.{key}" not in {e.path for e in errors}}
    metadata = deployment["metadata"] | ({"name": "proof"} if any(e.path == "metadata.name" for e in errors) else {})
    rendered = deployment | {"metadata": metadata, "spec": spec | {"predictors": predictors}}
    return Pods(deployment=rendered, places=tuple(place for place, each in kept if each is not None))


def _fields(place: str, errors: tuple[FieldError, ...]) -> set[str]:
    """Fields of the predictor at ``place`` that rules refuse."""
    below = (error.path.removeprefix(f"{place}.") for error in errors if error.path.startswith(f"{place}."))
    return {found.group() for rest in below if (found := _FIRST.match(rest))}


def _without(predictor: JSON, refused: set[str], index: int) -> JSON | None:
    """The predictor as it can be rendered; None when nothing but what was refused would run."""
    kept = {key: value for key, value in predictor.items() if key not in refused}
    if "name" in refused:
        kept["name"] = f"p{index}"
    if "graph" in refused:
        names = [each.get("name") for each in _containers(kept)]
        kept["graph"] = {"name": names[0] if names else "", "type": "MODEL"}
        return kept if names else None
    return kept


def _containers(predictor: JSON) -> list[JSON]:
    components: list[Any] = predictor.get("componentSpecs") or []
    lists = [(component.get("spec") or {}).get("containers") for component in components if isinstance(component, dict)]
    found = [each for containers in lists if isinstance(containers, list) for each in containers]
    return [each for each in found if isinstance(each, dict) and isinstance(each.get("name"), str) and each["name"]]
