"""A request's whole way through the server, without a socket: bytes in, bytes out, in this process, one at a time.

For ``instructions``. What is left out is asyncio, the kernel, and grpcio's own part; parsing, reading, dispatching, the
model, writing and counting are the server's own code, put together as ``app`` does it.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import joblib
import msgspec
import numpy as np
from sklearn.linear_model import LogisticRegression

from sluicegate.serving.protocol import inference, inference_protobuf
from sluicegate.serving.server.connections import Connection, Door
from sluicegate.serving.server.dispatching import Bounds, Dispatcher
from sluicegate.serving.server.doors import Doors, handler_of
from sluicegate.serving.server.grpc_calls import call_of, parsed
from sluicegate.serving.server.grpc_inference import SERVICE, InferenceService
from sluicegate.serving.server.metrics import Metrics
from sluicegate.serving.server.predictions import Behind
from sluicegate.serving.server.serving_state import State
from sluicegate.serving.server.settings import read_settings
from sluicegate.serving.server.starting import serve_graph
from sluicegate.serving.server.unit_thread import UnitThread

Ask = Callable[[], bytes]
"""One request; gives the answer."""
ROW = [[0.5, -1.0, 2.0, 0.25]]
_METHOD = f"/{SERVICE}/ModelInfer"
_AROUND = """
class Before:
    def transform_input(self, X, names):
        return X + 1

class After:
    def transform_output(self, X, names):
        return X * 2
"""


class _Loop:
    """Callbacks, run when ``turn`` says so."""

    def __init__(self) -> None:
        self._due: list[Callable[[], None]] = []

    def call_soon(self, callback: Callable[[], None]) -> None:
        self._due.append(callback)

    def call_soon_threadsafe(self, callback: Callable[..., None], *args: Any) -> None:
        self._due.append(lambda: callback(*args))

    def turn(self) -> None:
        """Until nothing is due."""
        while self._due:
            self._due.pop(0)()


class _Wire:
    """A client's end that keeps the last answer."""

    def __init__(self) -> None:
        self.answer = b""

    def write(self, data: bytes) -> None:
        self.answer = data

    def resume_reading(self) -> None:
        """Nothing to do."""


class Server:
    """Settings to doors, with nothing listening."""

    def __init__(self, *options: str) -> None:
        self._loop, self._worker = _Loop(), UnitThread()
        settings = read_settings([*options, "--allow-unverified", "true"], {})
        metrics = Metrics(identity=(), unit=())
        served = serve_graph(settings, self._worker, metrics)
        state = State(phase="ready", served=served, names=frozenset({"model"}))
        bounds = Bounds(batch_rows=settings.batch_rows, inline_rows=settings.batch_rows)
        state.dispatcher = Dispatcher(cast("Any", served.graph), self._loop, self._worker, bounds, metrics.called)
        self._behind = Behind(state=state, metrics=metrics, log=None, sender=cast("Any", None))
        doors = Doors(behind=self._behind, worker=self._worker, loop=cast("Any", self._loop), figures=lambda _: None)
        door = Door(
            handler=handler_of(doors.router()), body_bytes=1 << 24, keep_alive_seconds=60, receive_seconds=60, date=b"x"
        )
        self._connection, self._wire = Connection(door), _Wire()
        self._connection.connection_made(cast("Any", self._wire))

    def http(self, path: str, body: bytes, *headers: str) -> Ask:
        """A request on a connection that stays."""
        lines = [f"POST {path} HTTP/1.1", "Host: a", "Content-Type: application/json", f"Content-Length: {len(body)}"]
        sent = "\r\n".join([*lines, "X-Request-Id: one", *headers, "", ""]).encode() + body

        def ask() -> bytes:
            self._connection.data_received(sent)
            self._loop.turn()
            return self._wire.answer

        return ask

    def grpc(self, message: Any) -> Ask:
        """A call, from its message's bytes to the answer's."""
        raw = message.SerializeToString()
        infer = InferenceService(self._behind).services()[SERVICE]["ModelInfer"]
        metadata = (("x-request-id", "one"), ("user-agent", "grpc"))

        def ask() -> bytes:
            work = cast("Any", infer(call_of(_METHOD, metadata, b""), parsed(type(message), raw)))
            work.send(None)
            self._loop.turn()
            try:
                work.send(None)
            except StopIteration as ended:
                return bytes(ended.value.SerializeToString())
            raise RuntimeError("the call waits for more than the model")

        return ask


def paths(directory: Path) -> dict[str, Ask]:
    """Ways to ask by name; a model is trained and written below ``directory``. Within a running event loop."""
    random = np.random.default_rng(5)
    table = random.normal(size=(200, 4))
    model = LogisticRegression().fit(table, (table[:, 0] > 0).astype(int) + (table[:, 1] > 1))
    joblib.dump(model, directory / "model.joblib")
    (directory / "around.py").write_text(_AROUND)
    server = Server("--model-uri", str(directory))
    graph = Server("--predictor", str(_graph(directory)))
    tensor = {"name": "x", "shape": [1, 4], "datatype": "FP64"}
    told = msgspec.json.encode({"inputs": [tensor | {"parameters": {"binary_data_size": 32}}]})
    outputs = msgspec.json.encode({"inputs": [tensor | {"data": ROW[0]}]})
    raw = inference_protobuf.to_request(
        inference.request_from({"inputs": [tensor | {"data": ROW[0]}]}), model="model", raw=True
    )
    body = msgspec.json.encode({"data": {"ndarray": ROW}})
    return {
        "Seldon JSON, 1 row": server.http("/api/v1.0/predictions", body),
        "Open Inference JSON": server.http("/v2/models/model/infer", outputs),
        "Open Inference, binary tensors": server.http(
            "/v2/models/model/infer",
            told + np.asarray(ROW[0], "<f8").tobytes(),
            f"Inference-Header-Content-Length: {len(told)}",
        ),
        "gRPC, Open Inference": server.grpc(raw),
        "fused graph of three": graph.http("/api/v1.0/predictions", body),
    }


def _graph(directory: Path) -> Path:
    unit = {"name": "model", "type": "MODEL", "implementation": "SKLEARN_SERVER", "modelUri": str(directory)}
    code = {"modelUri": str(directory)}
    after = {
        "name": "after",
        "type": "OUTPUT_TRANSFORMER",
        "implementation": "around.After",
        "children": [unit],
        **code,
    }
    before = {"name": "before", "type": "TRANSFORMER", "implementation": "around.Before", "children": [after], **code}
    path = directory / "graph.json"
    path.write_bytes(msgspec.json.encode({"name": "p", "graph": before}))
    return path
