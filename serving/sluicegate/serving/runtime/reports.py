"""What a user's method returns and what the class tells beside it, made into messages.

``tags()``, ``metrics()`` and the names are asked by the unit and handed over as ``Reports``; nothing of the user's runs
in here.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from sluicegate.serving.protocol.errors import BadAnswerError
from sluicegate.serving.protocol.messages import Form, Message, Meta, Metric, MetricKind
from sluicegate.serving.protocol.seldon import body_of
from sluicegate.serving.runtime.errors import BadReportError

_KINDS: tuple[MetricKind, ...] = ("COUNTER", "GAUGE", "TIMER")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reports:
    """What an instance tells beside a result; None for what it does not tell. ``keep_names``: features stay named."""

    tags: Any = None
    metrics: Any = None
    names: Any = None
    keep_names: bool = False


def meta_json(meta: Meta) -> dict[str, Any]:
    """``meta`` as a user's method gets it."""
    told: dict[str, Any] = body_of(Message(content=None, form="jsonData", meta=meta))["meta"]
    return told


def answered(result: Any, request: Message, reports: Reports) -> Message:
    """The result as a message: its form mirrors the request's, tags and metrics are added to the request's meta.

    A SeldonResponse is known by its ``data``, ``tags`` and ``metrics``; its tags win. Raises BadReportError and
    BadAnswerError.
    """
    meta = _told(request.meta, reports.tags, reports.metrics)
    if is_response(result):
        meta = _told(meta, result.tags, result.metrics)
        result = result.data
    if isinstance(result, str):
        return Message(content=result, form="strData", meta=meta)
    if isinstance(result, bytes):
        return Message(content=result, form="binData", meta=meta)
    if isinstance(result, dict):
        return Message(content=result, form="jsonData", meta=meta)
    return _table(result, replace(request, meta=meta), reports)


def is_response(result: Any) -> bool:
    """Whether this is a SeldonResponse, of whichever package."""
    return all(hasattr(result, name) for name in ("data", "tags", "metrics"))


def _table(result: Any, request: Message, reports: Reports) -> Message:
    try:
        content = np.asarray(result)
    except ValueError as error:
        raise BadAnswerError(f"the model answered rows of different lengths: {error}") from error
    if content.dtype.kind == "O" and content.ndim == 0:
        raise BadAnswerError(f"the model answered a {type(result).__name__}; expected an array, text, bytes or a dict")
    form: Form = request.form if request.tabular else "tensor"
    names = _columns(result) or _names(content, request, reports)
    return Message(content=content, form=form, names=names, meta=request.meta)


def _columns(result: Any) -> tuple[str, ...]:
    """Those of a data frame, of whichever library: none is imported here."""
    named = hasattr(result, "columns") and hasattr(result, "to_numpy")
    return tuple(map(str, result.columns)) if named else ()


def _names(content: Any, request: Message, reports: Reports) -> tuple[str, ...]:
    if reports.names is not None:
        return tuple(map(str, reports.names))
    if content.ndim < 2:
        return ()
    if reports.keep_names and len(request.names) == content.shape[1]:
        return request.names
    return tuple(f"t:{index}" for index in range(content.shape[1]))


def routed(result: Any, request: Message, reports: Reports) -> Message:
    """A router's answer as a message that holds the branch. Raises BadReportError and BadAnswerError."""
    if not is_response(result):
        return answered([[_branch(result)]], request, reports)
    return replace(
        answered([[_branch(result.data)]], request, reports),
        meta=_told(_told(request.meta, reports.tags, reports.metrics), result.tags, result.metrics),
    )


def branch_of(message: Message) -> int:
    """The branch in a router's answer: its first value. Raises BadAnswerError."""
    content = message.content
    if not isinstance(content, np.ndarray) or not content.size:
        raise _no_branch(type(content).__name__)
    first = content.flat[0]
    # A tensor's values are floats on the wire.
    return _branch(int(first) if isinstance(first, float) and first.is_integer() else first)


def _branch(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise _no_branch(f"{value!r:.100}")
    return int(value)


def _no_branch(found: str) -> BadAnswerError:
    return BadAnswerError(f"route returned {found}; expected a whole number: which child, or -1 for all of them")


def _told(meta: Meta, tags: Any, metrics: Any) -> Meta:
    if not tags and not metrics:
        return meta
    if tags is not None and not isinstance(tags, dict):
        raise BadReportError(f"tags() returned a {type(tags).__name__}; expected a dict", "MICROSERVICE_BAD_METADATA")
    if metrics is not None and not isinstance(metrics, list | tuple):
        raise BadReportError(
            f"metrics() returned a {type(metrics).__name__}; expected a list", "MICROSERVICE_BAD_METRIC"
        )
    return replace(meta, tags={**meta.tags, **(tags or {})}, metrics=(*meta.metrics, *_metrics(metrics or ())))


def _metrics(told: Sequence[Any]) -> tuple[Metric, ...]:
    return tuple(_metric(metric) for metric in told)


def _metric(metric: Any) -> Metric:
    told: dict[str, Any] = metric if isinstance(metric, dict) else {}
    kind, key, value = told.get("type"), told.get("key"), told.get("value")
    # numpy's own numbers are no subclasses of Python's, but for float64.
    number = float(value) if isinstance(value, int | float | np.integer | np.floating) else math.nan
    if kind not in _KINDS or not isinstance(key, str) or not key or not math.isfinite(number):
        expected = "{'type': 'COUNTER' | 'GAUGE' | 'TIMER', 'key': text, 'value': number}"
        raise BadReportError(f"metrics() returned {metric!r:.200}; expected {expected}", "MICROSERVICE_BAD_METRIC")
    tags = {str(name): str(text) for name, text in (told.get("tags") or {}).items()}
    return Metric(key=key, kind=_KINDS[_KINDS.index(kind)], value=number, tags=tags)
