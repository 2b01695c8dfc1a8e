"""A real server process with a really trained model: every door that is asked as it should be."""

import threading
from typing import Any

import numpy as np
import pandas as pd
import pytest
from tests import plain_http
from tests.embedded.model_server.rig import GOOD, MODEL, PREDICT, TABLE, Running

pytestmark = pytest.mark.embedded


def test_answers_are_scikit_learns_own(server: Running) -> None:
    """Through both protocols, and in the form that was asked."""
    expected = MODEL.predict_proba(pd.DataFrame([[0.5, -1, 2]], columns=list("abc")))[0]

    answer = server.client.post(PREDICT, json=GOOD, headers={"x-request-id": "r-1"})
    tensor = server.client.post("/predict", json={"data": {"tensor": {"shape": [1, 3], "values": [0.5, -1, 2]}}}).json()
    inputs = [{"name": "x", "shape": [1, 3], "datatype": "FP64", "data": [[0.5, -1, 2]]}]
    inferred = server.client.post("/v2/models/flights/infer", json={"id": "i", "inputs": inputs}).json()

    np.testing.assert_allclose(answer.json()["data"]["ndarray"][0], expected)
    assert answer.json()["data"]["names"] == ["on-time", "late"]
    assert answer.json()["meta"]["puid"] == answer.headers["seldon-puid"] == "r-1"
    np.testing.assert_allclose(tensor["data"]["tensor"]["values"], expected)
    assert inferred["id"] == "i"
    np.testing.assert_allclose(inferred["outputs"][0]["data"], expected)


@pytest.mark.parametrize(
    "path",
    [
        "/live",
        "/ready",
        "/health/status",
        "/health/ping",
        "/api/v1.0/health/status",
        "/metadata",
        "/api/v1.0/metadata",
        "/api/v1.0/metadata/unit",
        "/prometheus",
        "/v2",
        "/v2/health/live",
        "/v2/health/ready",
        "/v2/models/flights",
        "/v2/models/dep/ready",
        "/v2/models/flights/versions/1",
    ],
)
def test_every_reading_route_answers_get_and_head(server: Running, path: str) -> None:
    """HEAD says what GET would, without the body."""
    got, head = server.client.get(path), server.client.head(path)

    assert (got.status_code, head.status_code) == (200, 200)
    assert head.content == b""
    if path != "/prometheus":
        assert head.headers["content-length"] == str(len(got.content))


def test_ready_tells_what_was_proven(server: Running) -> None:
    """Verified, and the digest of the bundle."""
    body = server.client.get("/ready").json()

    assert (body["ready"], body["verified"]) == (True, True)
    assert body["digest"].startswith("sha256:")


def test_methods_that_are_allowed_are_told(server: Running) -> None:
    """405 and OPTIONS carry Allow."""
    assert server.client.get(PREDICT).headers["allow"] == "OPTIONS, POST"
    assert server.client.options("/ready").headers["allow"] == "GET, HEAD, OPTIONS"


def test_a_null_that_the_model_cannot_take_is_the_models_error(server: Running) -> None:
    """A logistic regression raises on NaN: 500 with Seldon's reason."""
    answer = server.client.post(PREDICT, json={"data": {"ndarray": [[None, 1, 2]]}})

    assert answer.status_code == 500
    assert answer.json()["status"]["reason"] == "MICROSERVICE_INTERNAL_ERROR"


def test_many_clients_at_once_get_their_own_answers(server: Running) -> None:
    """Requests that share a call are not mixed up."""
    rows = TABLE.to_numpy()[:64]
    expected = MODEL.predict_proba(TABLE[:64])
    found: dict[int, Any] = {}

    def ask(start: int) -> None:
        with plain_http.client(base_url=f"http://127.0.0.1:{server.port}") as client:
            for index in range(start, 64, 8):
                found[index] = client.post(PREDICT, json={"data": {"ndarray": [rows[index].tolist()]}}).json()

    threads = [threading.Thread(target=ask, args=(start,)) for start in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    np.testing.assert_allclose([found[index]["data"]["ndarray"][0] for index in range(64)], expected)


def test_metrics_bear_seldons_names(server: Running) -> None:
    """The histogram of requests and the feedback counters."""
    server.client.post("/api/v1.0/feedback", json={"reward": 2, "response": {"meta": {"puid": "p"}}})

    text = server.client.get("/prometheus").text

    assert 'seldon_api_executor_server_requests_seconds_count{deployment_name="dep"' in text
    assert 'service="predictions",method="post",code="200"' in text
    assert "seldon_api_model_feedback_total{" in text
