"""What a user's class takes and returns, translated: arguments by what its method accepts, results to messages, and
what ``tags()``, ``metrics()``, ``class_names`` tell beside them.
"""

import inspect
import math
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd

from sluicegate.serving.protocol.errors import BadAnswerError
from sluicegate.serving.protocol.messages import Form, Message, Meta, Metric, MetricKind
from sluicegate.serving.protocol.seldon import body_of
from sluicegate.serving.runtime.errors import BadReportError

_KINDS: tuple[MetricKind, ...] = ("COUNTER", "GAUGE", "TIMER")


@lru_cache(maxsize=64)
def _accepted(function: Callable[..., Any]) -> int:
    parameters = inspect.signature(function).parameters.values()
    if any(parameter.kind is parameter.VAR_POSITIONAL for parameter in parameters):
        return 3
    return min(3, sum(p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD) for p in parameters))


def arguments_of(method: Callable[..., Any], message: Message) -> tuple[Any, ...]:
    """``X, names, meta``: as many as the method takes."""
    count = _accepted(method)
    arguments: tuple[Any, ...] = (message.content, list(message.names))
    return (*arguments, _meta_json(message))[:count] if count > 2 else arguments[:count]


def _meta_json(message: Message) -> Any:
    return body_of(Message(content=None, form="jsonData", meta=message.meta))["meta"]


def answered(result: Any, request: Message, instance: Any, names_from: str) -> Message:
    """The result as a message: form mirrors the request's, tags and metrics of the call are added to its meta.

    Raises BadReportError and BadAnswerError.
    """
    tags, metrics = _called(instance, "tags"), _called(instance, "metrics")
    if all(hasattr(result, name) for name in ("data", "tags", "metrics")):
        result, tags, metrics = result.data, result.tags or tags, result.metrics or metrics
    meta = _with_reports(request.meta, tags, metrics)
    if isinstance(result, str):
        return Message(content=result, form="strData", meta=meta)
    if isinstance(result, bytes):
        return Message(content=result, form="binData", meta=meta)
    if isinstance(result, dict):
        return Message(content=result, form="jsonData", meta=meta)
    return _table(result, replace(request, meta=meta), instance, names_from)


def _table(result: Any, request: Message, instance: Any, names_from: str) -> Message:
    try:
        content = np.asarray(result)
    except ValueError as error:
        raise BadAnswerError(f"the model answered rows of different lengths: {error}") from error
    if content.dtype.kind == "O" and content.ndim == 0:
        raise BadAnswerError(f"the model answered a {type(result).__name__}; expected an array, text, bytes or a dict")
    names = tuple(map(str, result.columns)) if isinstance(result, pd.DataFrame) else ()
    form: Form = request.form if request.tabular else "tensor"
    names = names or _names(content, request, instance, names_from)
    return Message(content=content, form=form, names=names, meta=request.meta)


def _names(content: Any, request: Message, instance: Any, names_from: str) -> tuple[str, ...]:
    given = getattr(instance, names_from, None)
    given = given() if callable(given) else given
    if given is not None:
        return tuple(map(str, given))
    if content.ndim < 2:
        return ()
    if names_from == "feature_names" and len(request.names) == content.shape[1]:
        return request.names
    return tuple(f"t:{index}" for index in range(content.shape[1]))


def _called(instance: Any, name: str) -> Any:
    method = getattr(instance, name, None)
    return method() if callable(method) else None


def _with_reports(meta: Meta, tags: Any, metrics: Any) -> Meta:
    if not tags and not metrics:
        return meta
    if tags is not None and not isinstance(tags, dict):
        raise BadReportError(f"tags() returned a {type(tags).__name__}; expected a dict", "MICROSERVICE_BAD_METADATA")
    if metrics is not None and not isinstance(metrics, list | tuple):
        raise BadReportError(
            f"metrics() returned a {type(metrics).__name__}; expected a list", "MICROSERVICE_BAD_METRIC"
        )
    added = tuple(_metric(metric) for metric in metrics or ())
    return replace(meta, tags={**meta.tags, **(tags or {})}, metrics=(*meta.metrics, *added))


def _metric(metric: Any) -> Metric:
    told: dict[str, Any] = metric if isinstance(metric, dict) else {}
    kind, key, value = told.get("type"), told.get("key"), told.get("value")
    known = kind in _KINDS and isinstance(key, str) and key
    if not known or not isinstance(value, int | float) or not math.isfinite(value):
        expected = "{'type': 'COUNTER' | 'GAUGE' | 'TIMER', 'key': text, 'value': number}"
        raise BadReportError(f"metrics() returned {metric!r:.200}; expected {expected}", "MICROSERVICE_BAD_METRIC")
    tags = {str(name): str(text) for name, text in (told.get("tags") or {}).items()}
    return Metric(key=str(key), kind=_KINDS[_KINDS.index(kind)], value=float(value), tags=tags)
