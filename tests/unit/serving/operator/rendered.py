"""A SeldonDeployment rendered for a test, and its objects' fields by a path that reads like YAML."""

import re
from collections.abc import Mapping
from typing import Any

from sluicegate.serving.api.decoding import decode
from sluicegate.serving.api.metadata import JSON
from sluicegate.serving.api.seldon_deployment import SeldonDeployment
from sluicegate.serving.operator.objects.manifest import ObjectKey
from sluicegate.serving.operator.objects.rendering import objects_of
from sluicegate.serving.operator.settings import Installation, read_installation
from sluicegate.serving.reconcile.workloads import workload_of

INSTALLATION = read_installation({"SLUICEGATE_IMAGE_VERSION": "1"})
MISSING = "(not there)"
SERVERS_FOR_SHAPES = (
    '{"TRITON_SERVER": {"seldon": "triton:1", "v2": "triton:1"}, "HUGGINGFACE_SERVER": {"seldon": "hf:1"}}'
)
"""Images that an installation would have to name before every shape of Seldon's runs."""


def render(
    raw: JSON,
    *,
    installation: Installation = INSTALLATION,
    live: Mapping[ObjectKey, JSON] | None = None,
    hold: int | None = None,
) -> dict[str, JSON]:
    """All objects of all predictors, by ``Kind/name``."""
    view = decode(raw, SeldonDeployment)
    found = [
        manifest
        for predictor in view.spec.predictors
        for manifest in objects_of(
            workload_of(view, predictor), view, raw["metadata"], installation, live=live or {}, hold_replicas=hold
        )
    ]
    assert len(found) == len({(each["kind"], each["metadata"]["name"]) for each in found})
    return {f"{each['kind']}/{each['metadata']['name']}": each for each in found}


def owned(raw: JSON, namespace: str = "default") -> JSON:
    """The SeldonDeployment as if it were stored there."""
    return {
        **raw,
        "metadata": {"uid": "11111111-2222-3333-4444-555555555555", **raw["metadata"], "namespace": namespace},
    }


def only(objects: Mapping[str, JSON], kind: str) -> JSON:
    """The one object of that kind."""
    (found,) = (each for name, each in objects.items() if name.startswith(f"{kind}/"))
    return found


def at(value: Any, path: str) -> Any:
    """``spec.template.spec.containers[classifier].env[X].value``; a name in brackets may hold dots."""
    for word in re.findall(r"\[[^\]]+\]|[^.\[]+", path):
        value = _step(value, word)
        if value == MISSING:
            break
    return value


def _step(value: Any, word: str) -> Any:
    if not word.startswith("["):
        return value.get(word, MISSING)
    name = word[1:-1]
    if isinstance(value, dict):
        return value.get(name, MISSING)
    if name.isdigit():
        return value[int(name)]
    found = (each for each in value if name in (each.get("name"), each.get("mountPath")))
    return next(found, MISSING)
