"""Triton's own clients, over gRPC and over HTTP, against our server: other people's judgement of Open Inference."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from tests.embedded.model_server.grpc_rig import Grpc, serving_grpc
from tests.embedded.model_server.rig import MODEL, TABLE
from tritonclient import grpc as over_grpc
from tritonclient import http as over_http
from tritonclient.utils import InferenceServerException

pytestmark = pytest.mark.embedded
ROWS = TABLE[:4].to_numpy()
EXPECTED = MODEL.predict_proba(ROWS)
OUTPUT = "predict_proba"


@pytest.fixture(scope="module")
def running(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Grpc]:
    """One server for all clients."""
    with serving_grpc(tmp_path_factory.mktemp("triton"), "--model-uri", bundle.as_uri()) as server:
        yield server


@pytest.fixture(params=["grpc", "http"])
def client(request: pytest.FixtureRequest, running: Grpc) -> Iterator[Any]:
    """Triton's client, with its module as ``its``."""
    module, port = (over_grpc, running.port) if request.param == "grpc" else (over_http, running.server.port)
    made = module.InferenceServerClient(f"127.0.0.1:{port}")
    made.its = module
    yield made
    made.close()


def _input(client: Any, array: Any, datatype: str, name: str = "x", **options: Any) -> Any:
    made = client.its.InferInput(name, list(array.shape), datatype)
    made.set_data_from_numpy(array, **options)
    return made


@pytest.mark.parametrize("datatype", ["FP32", "FP64", "FP16"])
def test_a_matrix_is_predicted(client: Any, datatype: str) -> None:
    """Sent as bytes; the answer comes back as it is."""
    rows = ROWS.astype({"FP32": np.float32, "FP64": np.float64, "FP16": np.float16}[datatype])

    answer = client.infer("flights", [_input(client, rows, datatype)], request_id="r1")

    assert np.allclose(answer.as_numpy(OUTPUT), MODEL.predict_proba(rows.astype(np.float64)))
    found = answer.get_response()
    assert (found["id"] if isinstance(found, dict) else found.id) == "r1"


def test_bf16_is_read(client: Any) -> None:
    """From the upper halves of 32-bit floats."""
    halved = ROWS.astype(ml_dtypes.bfloat16)

    answer = client.infer("flights", [_input(client, halved, "BF16")])

    assert np.allclose(answer.as_numpy(OUTPUT), MODEL.predict_proba(halved.astype(np.float64)))


def test_columns_come_as_tensors_by_name(client: Any) -> None:
    """In any order, of different types."""
    columns = {"c": ROWS[:, 2].astype(np.float32), "a": ROWS[:, 0], "b": ROWS[:, 1]}
    inputs = [
        _input(client, values, "FP32" if values.dtype == np.float32 else "FP64", name)
        for name, values in columns.items()
    ]

    answer = client.infer("flights", inputs, outputs=[client.its.InferRequestedOutput(OUTPUT)])

    assert np.allclose(answer.as_numpy(OUTPUT), EXPECTED, atol=1e-6)


@pytest.mark.parametrize("binary", [True, False])
def test_over_http_each_side_may_be_json(running: Grpc, binary: bool) -> None:
    """Bytes in and JSON out, and the other way round."""
    client = over_http.InferenceServerClient(f"127.0.0.1:{running.server.port}")
    client.its = over_http
    inputs = [_input(client, ROWS, "FP64", binary_data=binary)]
    outputs = [over_http.InferRequestedOutput(OUTPUT, binary_data=not binary)]

    answer = client.infer("flights", inputs, outputs=outputs)

    assert np.allclose(answer.as_numpy(OUTPUT), EXPECTED)


def test_the_server_and_its_model_are_described(client: Any) -> None:
    """Live, ready, by name and version; what is not there is not ready."""
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready("flights", "1")
    assert not client.is_model_ready("flights", "2")
    server, model = client.get_server_metadata(), client.get_model_metadata("flights")
    told = server if isinstance(server, dict) else {"name": server.name, "extensions": list(server.extensions)}
    assert (told["name"], "binary_tensor_data" in told["extensions"]) == ("sluicegate", True)
    inputs = model["inputs"] if isinstance(model, dict) else model.inputs
    assert [each["name"] if isinstance(each, dict) else each.name for each in inputs] == ["a", "b", "c"]


def test_the_repository_holds_what_is_served(client: Any) -> None:
    """It can be loaded, which it is already; others cannot, and nobody can take it away."""
    index = client.get_model_repository_index()
    models = index if isinstance(index, list) else index.models
    assert [each["name"] if isinstance(each, dict) else each.name for each in models] == ["flights"]

    client.load_model("flights")
    with pytest.raises(InferenceServerException, match="expected one of"):
        client.load_model("other")
    with pytest.raises(InferenceServerException, match="as long as this server runs"):
        client.unload_model("flights")
    assert client.is_model_ready("flights")


@pytest.mark.parametrize("name", ["flights", "other"])
def test_a_client_is_told_what_is_wrong(client: Any, name: str) -> None:
    """A wrong width of the matrix, or a model that is not served."""
    with pytest.raises(InferenceServerException, match="columns" if name == "flights" else "expected one of"):
        client.infer(name, [_input(client, ROWS[:, :2].copy(), "FP64")])
