"""Messages as the ``_raw`` methods of user classes see them: Seldon's JSON as a dictionary, and back.

A null among a request's numbers is NaN inside; it goes out to the user as the null that it was.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from sluicegate.serving.protocol.errors import BadAnswerError, BadPayloadError
from sluicegate.serving.protocol.messages import Feedback, Message
from sluicegate.serving.protocol.seldon import body_of, message_from
from sluicegate.serving.runtime.errors import RequestRejectedError


def raw_of(message: Message) -> dict[str, Any]:
    """A message as a dictionary."""
    content = message.content
    if not isinstance(content, np.ndarray) or content.dtype.kind != "f" or np.isfinite(content).all():
        return body_of(message)
    nulls = np.where(np.isfinite(content), content, np.array(None, dtype=object))
    body = body_of(Message(content=None, form="jsonData", meta=message.meta))
    if message.form == "tensor":
        written: dict[str, Any] = {"tensor": {"shape": list(content.shape), "values": nulls.ravel().tolist()}}
    else:
        written = {"ndarray": nulls.tolist()}
    return {"data": {"names": list(message.names), **written}, "meta": body["meta"]}


def message_of_raw(answer: Any, method: str, asked: Sequence[Message]) -> Message:
    """What a ``_raw`` method returned. A ``status`` with a code of 400 or more is a failure with that status.

    Metrics that came with what was ``asked`` stay those of whoever reported them. Raises BadAnswerError,
    RequestRejectedError.
    """
    if not isinstance(answer, dict):
        raise BadAnswerError(f"{method} returned a {type(answer).__name__}; expected a dict: Seldon's message as JSON")
    _raise_failure(answer)
    try:
        read = message_from(answer, reported=True)
    except BadPayloadError as error:
        raise BadAnswerError(f"{method} returned {error}") from error
    if not read.meta.metrics:
        return read
    came = [metric for message in asked for metric in message.meta.metrics]
    metrics = tuple(replace(metric, counted=metric in came) for metric in read.meta.metrics)
    return replace(read, meta=replace(read.meta, metrics=metrics))


def _raise_failure(answer: dict[str, Any]) -> None:
    told = answer.get("status")
    status = told if isinstance(told, dict) else {}
    code = status.get("code")
    if isinstance(code, int) and 400 <= code <= 599:
        reason = str(status.get("reason") or "MICROSERVICE_BAD_DATA")
        raise RequestRejectedError(str(status.get("info") or reason), code, reason)


def raw_feedback(feedback: Feedback) -> dict[str, Any]:
    """A feedback as a dictionary."""
    body: dict[str, Any] = {"reward": feedback.reward}
    for name, message in (("request", feedback.request), ("response", feedback.response), ("truth", feedback.truth)):
        if message is not None:
            body[name] = raw_of(message)
    told = {"puid": feedback.puid} if feedback.puid else {}
    meta = {**told, "routing": feedback.routing} if feedback.routing else told
    if meta:
        answered = body.setdefault("response", {})
        answered["meta"] = {**answered.get("meta", {}), **meta}
    return body
