"""The shape of users' pods, as far as anything of ours reads them: lists that are lists, containers that have names.

Pod specs keep unknown fields in the CRD's schema, so nothing before these rules says that ``containers`` is a list.
What is inside is Kubernetes' own to judge, by the operator's trial of the Deployments.
"""

from collections.abc import Iterator
from typing import Any

from sluicegate.serving.api.errors import FieldError
from sluicegate.serving.api.metadata import JSON
from sluicegate.serving.api.seldon_deployment import PredictorSpec

_NAMED_LISTS = ("containers", "initContainers", "volumes")
_OBJECT_LISTS = (
    "ports",
    "env",
    "envFrom",
    "volumeMounts",
    "volumeDevices",
    "tolerations",
    "imagePullSecrets",
    *_NAMED_LISTS,
)
_KEYS = ("name", "mountPath", "devicePath", "protocol")
"""By which items of those lists are told apart."""
_OBJECTS = ("resources", "securityContext", "affinity", "nodeSelector", "lifecycle")
_PROBES = ("livenessProbe", "readinessProbe", "startupProbe")
_TEXT_MAPS = ("labels", "annotations")


def pod_errors(predictor: PredictorSpec, path: str) -> Iterator[FieldError]:
    """What is of another type than Kubernetes' API says."""
    for index, component in enumerate(predictor.component_specs):
        place = f"{path}.componentSpecs[{index}]"
        for field in _TEXT_MAPS:
            yield from _text_map_errors(component.metadata.get(field), f"{place}.metadata.{field}")
        yield from _field_errors(component.spec, f"{place}.spec")
        for field in _NAMED_LISTS:
            yield from _named_list_errors(component.spec.get(field), f"{place}.spec.{field}")


def _named_list_errors(value: Any, path: str) -> Iterator[FieldError]:
    for index, each in enumerate(value if isinstance(value, list) else ()):
        if isinstance(each, dict):
            place, name = f"{path}[{index}]", each.get("name")
            if not name:
                yield FieldError(path=f"{place}.name", found="''", expected="a name")
            yield from _field_errors(each, place)
            yield from _port_errors(each.get("ports"), f"{place}.ports")


def _port_errors(ports: Any, path: str) -> Iterator[FieldError]:
    for index, each in enumerate(ports if isinstance(ports, list) else ()):
        number = each.get("containerPort") if isinstance(each, dict) else 1
        if not isinstance(number, int) or isinstance(number, bool):
            found = _kind(number)
            yield FieldError(path=f"{path}[{index}].containerPort", found=found, expected="a number from 1 to 65535")


def _field_errors(obj: JSON, path: str) -> Iterator[FieldError]:
    for field in _OBJECT_LISTS:
        yield from _list_errors(obj.get(field), f"{path}.{field}")
    for field in (*_OBJECTS, *_PROBES):
        if not isinstance(obj.get(field), dict | None):
            yield FieldError(path=f"{path}.{field}", found=_kind(obj[field]), expected="an object")


def _list_errors(value: Any, path: str) -> Iterator[FieldError]:
    if not isinstance(value, list | None):
        yield FieldError(path=path, found=_kind(value), expected="a list of objects")
        return
    for index, each in enumerate(value or ()):
        if not isinstance(each, dict):
            yield FieldError(path=f"{path}[{index}]", found=_kind(each), expected="an object")
            continue
        for key in (key for key in _KEYS if not isinstance(each.get(key), str | None)):
            yield FieldError(path=f"{path}[{index}].{key}", found=_kind(each[key]), expected="a text")


def _text_map_errors(value: Any, path: str) -> Iterator[FieldError]:
    texts = isinstance(value, dict) and all(isinstance(each, str) for each in value.values())
    if value is not None and not texts:
        yield FieldError(path=path, found=_kind(value), expected="an object whose values are texts")


def _kind(value: Any) -> str:
    names = {dict: "an object", list: "a list", str: "a text", bool: "true or false", int: "a number"}
    return names.get(type(value), "a number" if isinstance(value, float) else "nothing")
