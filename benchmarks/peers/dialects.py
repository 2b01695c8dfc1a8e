"""How a server is asked for the labels of some rows over HTTP, and where in its answer they stand."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Rows = list[list[float]]


@dataclass(frozen=True, slots=True)
class Dialect:
    """``body`` of some rows, and ``labels`` of a decoded answer."""

    path: str
    body: Callable[[Rows], Any]
    labels: Callable[[Any], list[Any]]

    def bytes_of(self, rows: Rows) -> bytes:
        """The request's body."""
        return json.dumps(self.body(rows), separators=(",", ":")).encode()


def _tensor(rows: Rows) -> dict[str, Any]:
    flat = [value for row in rows for value in row]
    return {"name": "x", "shape": [len(rows), len(rows[0])], "datatype": "FP64", "data": flat}


def _flat(listed: list[Any]) -> list[Any]:
    return [part[0] if isinstance(part, list) else part for part in listed]


SELDON = Dialect(
    "/api/v1.0/predictions", lambda rows: {"data": {"ndarray": rows}}, lambda told: _flat(told["data"]["ndarray"])
)
V1 = Dialect("/v1/models/m:predict", lambda rows: {"instances": rows}, lambda told: told["predictions"])
V2 = Dialect(
    "/v2/models/m/infer", lambda rows: {"inputs": [_tensor(rows)]}, lambda told: _flat(told["outputs"][0]["data"])
)
MLFLOW = Dialect("/invocations", lambda rows: {"inputs": rows}, lambda told: told["predictions"])
BENTO = Dialect("/predict", lambda rows: {"rows": rows}, lambda told: told)
LIT = Dialect("/predict", lambda rows: {"rows": rows}, lambda told: told["labels"])
