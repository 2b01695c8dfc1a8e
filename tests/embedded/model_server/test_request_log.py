"""What the model server tells a collector, what it hides, and that nobody waits for it."""

import base64
from pathlib import Path

import numpy as np
import pytest
from tests import plain_http
from tests.embedded.model_server.collecting import listening_collector
from tests.embedded.model_server.grpc_rig import message, refusal, serving_grpc
from tests.embedded.model_server.rig import GOOD, PREDICT, serving
from tests.waiting import free_port, wait_until

pytestmark = pytest.mark.embedded


def test_copies_have_a_port_of_their_own(bundle: Path, tmp_path: Path) -> None:
    """Whoever answers the original, what comes there is a copy; copies of what it answered itself go no further."""
    shadow = free_port()
    options = ("--model-uri", str(bundle), "--predictor-name", "p", "--shadow-port", str(shadow))
    with (
        listening_collector() as collector,
        serving(tmp_path, *options, "--log-url", f"http://127.0.0.1:{collector.port}/events") as server,
    ):
        wait_until(server.ready, deadline=60)
        copies = plain_http.client(base_url=f"http://127.0.0.1:{shadow}")

        answers = [
            client.post(PREDICT, json=GOOD, headers={"x-sluicegate-predictor": name, "x-request-id": identity})
            for client, name, identity in ((server.client, "p", "user"), (copies, "p", "own"), (copies, "q", "copy"))
        ]
        wait_until(lambda: len(collector.of("response")) == 2, message="two answers are told")

    assert [one.status_code for one in answers] == [200, 204, 200]
    assert [(one["requestid"], one.get("shadow")) for one in collector.of("request")] == [
        ("user", None),
        ("copy", "true"),
    ]


def test_the_request_log_tells_what_happened_and_hides_what_it_must(bundle: Path, tmp_path: Path) -> None:
    """Ready, request, answer, failure, shadow and feedback events; a dropped column is null."""
    with (
        listening_collector() as collector,
        serving(
            tmp_path,
            *("--model-uri", str(bundle), "--log-url", f"http://127.0.0.1:{collector.port}/events"),
            *("--log-drop", "b", "--deployment", "dep", "--predictor-name", "p"),
        ) as server,
    ):
        wait_until(server.ready, deadline=60)
        server.client.post(PREDICT, json=GOOD, headers={"x-request-id": "one", "x-sluicegate-shadow": "true"})
        server.client.post(PREDICT, json={"data": {"ndarray": [[None, 1, 2]]}}, headers={"x-request-id": "two"})
        server.client.post("/api/v1.0/feedback", json={"response": {"meta": {"puid": "one"}}, "reward": 1})
        wait_until(lambda: collector.of("feedback"), message="feedback reaches the collector")

    ready = collector.of("ready")[0]["data"]
    assert (ready["model"], ready["version"], ready["classes"]) == ("flights", "1", ["on-time", "late"])
    assert ready["profile"] == {"a": {"quantiles": [0, 1]}}
    one, two = collector.of("request")
    assert (one["requestid"], one["shadow"], one["inferenceservicename"]) == ("one", "true", "dep")
    assert one["data"]["data"]["ndarray"] == [[0.5, None, 2]]
    assert two["data"]["data"]["ndarray"] == [[None, None, 2]]
    assert [event["statuscode"] for event in collector.of("response")] == ["200", "500"]
    assert float(collector.of("response")[0]["durationms"]) > 0
    assert collector.of("feedback")[0]["requestid"] == "one"


def test_a_collector_that_is_down_costs_no_request(bundle: Path, tmp_path: Path) -> None:
    """Events are dropped and counted."""
    options = ("--model-uri", str(bundle), "--log-url", f"http://127.0.0.1:{free_port()}/events", "--log-queue", "3")
    with serving(tmp_path, *options) as server:
        wait_until(server.ready, deadline=60)

        statuses = {server.client.post(PREDICT, json=GOOD).status_code for _ in range(20)}

        assert statuses == {200}
        wait_until(
            lambda: (
                "log_dropped_total{" in (text := server.client.get("/prometheus").text)
                and "} 0"
                not in [
                    line[-3:] for line in text.splitlines() if line.startswith("sluicegate_request_log_dropped_total")
                ]
            )
        )


def test_calls_over_grpc_are_told_as_seldons_json(bundle: Path, tmp_path: Path) -> None:
    """Whatever travelled: requests, answers, failures and feedback; a dropped column is null there, too."""
    inputs = [{"name": "x", "datatype": "FP64", "shape": [1, 3]}]
    row = base64.b64encode(np.array([0.5, 1.5, np.nan]).tobytes()).decode()
    infer = message("inference.ModelInferRequest", modelName="flights", inputs=inputs, rawInputContents=[row])
    feedback = message("seldon.protos.Feedback", response={"meta": {"puid": "one"}}, reward=1)
    with listening_collector() as collector:
        options = ("--model-uri", str(bundle), "--log-url", f"http://127.0.0.1:{collector.port}/events")
        with serving_grpc(tmp_path, *options, "--log-drop", "b") as server:
            marks = (("x-request-id", "one"), ("x-sluicegate-shadow", "true"))
            refusal(lambda: server.call("inference.GRPCInferenceService/ModelInfer", infer, metadata=marks))
            server.call("seldon.protos.Seldon/Predict", message("seldon.protos.SeldonMessage", **GOOD))
            server.call("seldon.protos.Seldon/SendFeedback", feedback)
            wait_until(lambda: collector.of("feedback"), message="feedback reaches the collector")

    one, two = collector.of("request")
    assert (one["requestid"], one["shadow"], one["data"]["data"]["ndarray"]) == ("one", "true", [[0.5, None, None]])
    assert two["data"]["data"] == {"names": ["a", "b", "c"], "ndarray": [[0.5, None, 2]]}
    failed, answered = collector.of("response")
    assert (failed["statuscode"], answered["statuscode"]) == ("500", "200")
    assert len(answered["data"]["data"]["ndarray"][0]) == 2
    assert (collector.of("feedback")[0]["requestid"], collector.of("feedback")[0]["data"]["reward"]) == ("one", 1)
