"""Events as a model server sends them."""

import itertools
from typing import Any

REQUEST = "io.seldon.serving.inference.request"
RESPONSE = "io.seldon.serving.inference.response"
FEEDBACK = "io.seldon.serving.feedback"
READY = "dev.sluicegate.model.ready"

_numbers = itertools.count()


def event(kind: str, predictor: str, request: str, data: Any, **attributes: str) -> dict[str, Any]:
    """One event of deployment ``default/flights``, with an id of its own."""
    return {
        "specversion": "1.0",
        "id": f"event-{next(_numbers)}",
        "source": "server",
        "type": kind,
        "requestid": request,
        "namespace": "default",
        "inferenceservicename": "flights",
        "endpoint": predictor,
        "data": data,
    } | attributes


def answer(predictor: str, request: str, probability: float, *, shadow: bool = False) -> dict[str, Any]:
    """An answer with one row; class 1 from one half up."""
    data = {"data": {"names": ["0", "1"], "ndarray": [[1 - probability, probability]]}}
    return event(RESPONSE, predictor, request, data, shadow="true" if shadow else "false")


def asked(predictor: str, request: str, columns: dict[str, float], *, shadow: bool = False) -> dict[str, Any]:
    """A request with one row."""
    data = {"data": {"names": list(columns), "ndarray": [list(columns.values())]}}
    return event(REQUEST, predictor, request, data, shadow="true" if shadow else "false")


def feedback(predictor: str, request: str, truth: int) -> dict[str, Any]:
    """A late label for ``request``, received by ``predictor``, whichever answered."""
    data = {"response": {"meta": {"puid": request}}, "truth": {"data": {"ndarray": [[truth]]}}, "reward": 0}
    return event(FEEDBACK, predictor, f"{request}-feedback", data)
