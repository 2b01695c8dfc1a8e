"""Real servers of other frameworks, bare and from bundles: both protocols give the framework's own answers."""

import json
from pathlib import Path

import numpy as np
import pytest
from tests.contract.trained_models import TABLE, TRAINERS
from tests.embedded.model_server.rig import PREDICT, serving
from tests.waiting import wait_until

pytestmark = pytest.mark.embedded
ROWS = TABLE.to_numpy()[:2]


@pytest.mark.parametrize(
    "kind", ["xgboost, both classes", "lightgbm, names", "onnx, one input a column", "mlflow, columns"]
)
def test_a_server_answers_as_its_framework_does(kind: str, tmp_path: Path) -> None:
    model = TRAINERS[kind](tmp_path)
    parameters = json.dumps([{"name": k, "value": v, "type": "STRING"} for k, v in model.parameters.items()])
    options = ("--implementation", model.implementation, "--model-uri", str(model.where), "--parameters", parameters)
    columns = [
        {"name": name, "datatype": "FP64", "shape": [2], "data": column.tolist()}
        for name, column in zip("cab", ROWS.T[[2, 0, 1]], strict=True)
    ]

    with serving(tmp_path, *options, "--allow-unverified") as server:
        wait_until(server.ready, deadline=60, message="the server is ready")
        asked = {"data": {"names": ["a", "b", "c"], "ndarray": ROWS.tolist()}}
        answered = server.client.post(PREDICT, json=asked).json()["data"]["ndarray"]
        inferred = server.client.post("/v2/models/unit/infer", json={"inputs": columns}).json()["outputs"][0]

    expected = np.asarray(model.answer(ROWS))
    np.testing.assert_allclose(answered, expected, rtol=1e-5)
    np.testing.assert_allclose(np.reshape(inferred["data"], inferred["shape"]), expected, rtol=1e-5)


def test_metadata_beside_the_model_is_told(tmp_path: Path) -> None:
    """And the environment's, if it is there, over it."""
    model = TRAINERS["onnx, label"](tmp_path)
    (model.where / "metadata.yaml").write_text("name: flights\nversions: [v7]\n")
    options = ("--implementation", model.implementation, "--model-uri", str(model.where))

    with serving(tmp_path, *options) as server:
        wait_until(server.ready, deadline=60, message="the server is ready")
        beside = server.client.get("/metadata").json()
    with serving(tmp_path, *options, MODEL_METADATA="{name: other}") as server:
        wait_until(server.ready, deadline=60, message="the server is ready")
        stated = server.client.get("/metadata").json()

    assert (beside["name"], beside["versions"]) == ("flights", ["v7"])
    assert (stated["name"], stated["versions"]) == ("other", ["v7"])
