"""TensorFlow's REST API and the repository of Open Inference, asked over HTTP."""

from typing import Any

import numpy as np
import pytest
from tests.embedded.model_server.rig import MODEL, Running

pytestmark = pytest.mark.embedded
ROW = [0.5, -1.0, 2.0]
SCORES = MODEL.predict_proba([ROW])[0].tolist()
NAMED = dict(zip("abc", ROW, strict=True))


@pytest.mark.parametrize(
    "path", ["/v1/models/flights", "/v1/models/flights/versions/1", "/v1/models/flights/", "/v1/models", "/v1/models/"]
)
def test_rows_are_predicted_at_every_path(server: Running, path: str) -> None:
    """With the model, with its version, or without either, as Seldon's executor takes them."""
    answer = server.client.post(f"{path}:predict", json={"instances": [ROW]})

    assert np.allclose(answer.json()["predictions"], [SCORES])
    assert answer.headers["seldon-puid"]


@pytest.mark.parametrize(
    ("verb", "body", "answer"),
    [
        ("predict", {"instances": [NAMED]}, {"predictions": [SCORES]}),
        ("predict", {"inputs": {name: [value] for name, value in NAMED.items()}}, {"outputs": [SCORES]}),
        (
            "classify",
            {"context": {"c": 2.0}, "examples": [{"a": 0.5, "b": -1.0}]},
            {"results": [[["on-time", SCORES[0]], ["late", SCORES[1]]]]},
        ),
    ],
)
def test_each_format_is_answered_in_its_own(server: Running, verb: str, body: Any, answer: Any) -> None:
    """Rows, columns and examples."""
    found = server.client.post(f"/v1/models/flights:{verb}", json=body)

    assert found.json() == answer


@pytest.mark.parametrize(
    ("path", "body", "status", "told"),
    [
        ("/v1/models/flights:predict", {"rows": []}, 400, "instances and inputs"),
        ("/v1/models/other:predict", {"instances": [ROW]}, 404, "expected one of"),
        ("/v1/models/flights/versions/9:predict", {"instances": [ROW]}, 404, "version '9'"),
        ("/v1/models/flights:regress", {"examples": [NAMED]}, 406, "one number for each example"),
        ("/v2/repository/models/flights/unload", {}, 409, "as long as this server runs"),
        ("/v2/repository/models/other/load", {}, 404, "expected one of"),
        ("/v2/nothing", {}, 404, "expected a route"),
    ],
)
def test_a_failure_is_told_in_the_protocols_form(server: Running, path: str, body: Any, status: int, told: str) -> None:
    """An object with ``error``."""
    answer = server.client.post(path, json=body)

    assert (answer.status_code, told in answer.json()["error"]) == (status, True), answer.text


def test_the_model_is_described(server: Running) -> None:
    """Its status and its signature."""
    status = server.client.get("/v1/models/flights").json()["model_version_status"]
    told = server.client.get("/v1/models/flights/metadata").json()

    assert [(each["version"], each["state"]) for each in status] == [("1", "AVAILABLE")]
    signature = told["metadata"]["signature_def"]["signature_def"]["serving_default"]
    assert (list(signature["inputs"]), told["model_spec"]["name"]) == (["a", "b", "c"], "flights")


def test_bytes_that_do_not_follow_their_header_are_refused(server: Running) -> None:
    """The length of the JSON must be one."""
    for told in ("x", "-1", "99999", ""):
        answer = server.client.post(
            "/v2/models/flights/infer", content=b"{}", headers={"Inference-Header-Content-Length": told}
        )

        assert (answer.status_code, "length of the JSON" in answer.text) == (400, True)
