"""Users' classes, unchanged, in real servers: what Seldon's clients ask of them by the units' own API."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from jsonschema import Draft202012Validator
from tests.embedded.model_server.rig import Running, serving
from tests.waiting import wait_until

from seldon_core.seldon_client import SeldonClient

pytestmark = pytest.mark.embedded

HERE = Path(__file__).parent
PATHS = f"{HERE}:{HERE.parents[2] / 'shim'}"
Start = Callable[..., Running]
METRICS = [{"key": "of_a_child", "type": "COUNTER", "value": 1}]


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Start]:
    """A server of a class, one for all tests that ask for the same."""
    running: dict[tuple[str, ...], Any] = {}

    def started(*options: str, **how: str) -> Running:
        key = (*options, *how.values())
        if key not in running:
            running[key] = serving(tmp_path_factory.mktemp("class"), *options, **{"PYTHONPATH": PATHS, **how})
            server = running[key].__enter__()
            wait_until(server.ready, deadline=60, message=f"{options} is ready")
            running[key].server = server
        found: Running = running[key].server
        return found

    yield started
    for context in running.values():
        context.__exit__(None, None, None)


@pytest.fixture
def model(start: Start) -> Running:
    """By Seldon's own command."""
    parameters = '[{"name":"factor","value":"3","type":"FLOAT"}]'
    options = ("seldon_classes.Model", "--service-type", "MODEL", "--parameters", parameters, "--workers", "1")
    return start(*options, program="seldon_core.microservice", PREDICTIVE_UNIT_IMAGE="image:1")


def test_a_component_of_seldons_answers_with_its_reports(model: Running) -> None:
    """Tags of the request, of the class and of the response, in this order; names, metrics and the image."""
    asked = {"data": {"names": ["a", "b"], "tensor": {"shape": [1, 2], "values": [1, 2]}}, "meta": {"tags": {"t": 1}}}

    answer = model.client.post("/predict", json=asked).json()

    assert answer["data"] == {"names": ["one", "two"], "tensor": {"shape": [1, 2], "values": [3.0, 6.0]}}
    assert answer["meta"]["tags"] == {"t": 1, "loaded": True, "rows": 1}
    assert answer["meta"]["requestPath"] == {"unit": "image:1"}
    assert [metric["key"] for metric in answer["meta"]["metrics"]] == ["calls", "took", "rows"]
    assert 'kind="all"' in model.client.get("/prometheus").text


def test_its_errors_have_the_wrappers_form(model: Running) -> None:
    """A status of its choice, or 500; at the graph's door Seldon's orchestrator's form."""
    refused = model.client.post("/predict", json={"strData": "<b>"})
    failed = model.client.post("/predict", json={"data": {"ndarray": []}})

    assert (refused.status_code, failed.status_code) == (422, 500)
    assert refused.json()["status"] == {"status": 1, "info": "no text, <b>", "code": -1, "reason": "TEXT"}
    assert b"<" not in refused.content
    assert failed.json()["status"]["reason"] == "MICROSERVICE_INTERNAL_ERROR"
    outside = model.client.post("/api/v1.0/predictions", json={"strData": "x"}).json()["status"]
    assert (outside["code"], outside["status"]) == (422, "FAILURE")


def test_json_comes_in_a_query_a_form_or_a_multipart(model: Running) -> None:
    """As the wrapper takes it."""
    text = '{"data":{"ndarray":[[1,2]]}}'

    answers = [
        model.client.get("/predict", params={"json": text}),
        model.client.post("/predict", data={"json": text}),
        model.client.post("/api/v1.0/predictions", files={"data": (None, '{"ndarray":[[1,2]]}')}),
    ]

    assert [answer.json()["data"]["ndarray"] for answer in answers] == [[[3.0, 6.0]]] * 3


def test_feedback_health_metadata_and_explanations_are_its_own(model: Running) -> None:
    feedback = {"request": {"data": {"ndarray": [[1, 2]]}}, "reward": 0.25}

    assert model.client.post("/send-feedback", json=feedback).status_code == 200
    assert model.client.get("/health/status").json()["data"]["tensor"]["values"] == [0.25]
    assert model.client.get("/metadata").json()["name"] == "doubling"
    assert model.client.get("/metadata").json()["custom"] == {"author": "me"}
    assert model.client.post("/explain", json={"data": {"ndarray": [[1]]}}).json() == {"because": [[1]]}


def test_a_router_answers_the_branch(start: Start) -> None:
    """As a message; what is no whole number is its failure."""
    router = start("seldon_classes.Router", "--service-type", "ROUTER")

    answer = router.client.post("/route", json={"data": {"ndarray": [[2.0]]}}).json()
    broken = router.client.post("/route", json={"data": {"ndarray": [[7.0]]}})

    assert answer["data"]["ndarray"] == [[2]]
    assert answer["meta"]["tags"] == {"routed": True}
    assert broken.status_code == 500
    assert "route returned 'first'; expected a whole number" in broken.json()["status"]["info"]
    assert router.client.post("/predict", json={"data": {"ndarray": [[2.0]]}}).status_code == 501


@pytest.mark.parametrize("wrapped", [False, True], ids=["list", "SeldonMessageList"])
def test_a_combiner_gets_a_list(start: Start, wrapped: bool) -> None:
    """Bare, as Seldon's executor sends it, or in an object. What a child reported was counted where it is."""
    combiner = start("seldon_classes.Combiner", SERVICE_TYPE="COMBINER")
    children = [
        {"data": {"ndarray": [[v]]}, "meta": {"tags": {"last": v, str(v): v}, "metrics": METRICS}} for v in (1.0, 3.0)
    ]

    answer = combiner.client.post("/aggregate", json={"seldonMessages": children} if wrapped else children).json()

    assert answer["data"] == {"names": ["t:0"], "ndarray": [[2.0]]}
    assert [metric["key"] for metric in answer["meta"]["metrics"]] == ["of_a_child", "of_a_child"]
    assert "of_a_child" not in combiner.client.get("/prometheus").text
    assert answer["meta"]["tags"] == {"1.0": 1.0, "3.0": 3.0, "last": 3.0}
    assert combiner.client.post("/aggregate", json={"data": {}}).status_code == 400


def test_a_transformer_needs_no_base_class_and_may_wait(start: Start) -> None:
    """Coroutines, plain and raw."""
    transformer = start("seldon_classes.Transformer", "--service-type", "TRANSFORMER")

    changed = transformer.client.post("/transform-input", json={"data": {"names": ["a"], "ndarray": [[1.0]]}}).json()
    raw = transformer.client.post("/transform-output", json={"strData": "s"}).json()

    assert changed["data"] == {"names": ["a"], "ndarray": [[2.0]]}
    assert (raw["jsonData"], raw["meta"]["tags"]) == ({"seen": ["meta", "strData"]}, {"raw": True})


def test_a_raw_model_has_the_whole_message(start: Start) -> None:
    """And says the status of its answer."""
    raw = start("seldon_classes.Raw")

    answer = raw.client.post("/api/v1.0/predictions", json={"jsonData": 1, "meta": {"tags": {"a": "b"}}}).json()
    assert (answer["data"], answer["meta"]["tags"]) == ({"names": ["raw"], "ndarray": [[1]]}, {"a": "b"})
    assert raw.client.post("/predict", json={"strData": "s"}).status_code == 409


def test_the_document_is_true_of_the_answers(model: Running) -> None:
    """Those to a prediction, a feedback, and a failure have the shapes that it tells."""
    told = model.client.get("/seldon.json").json()
    good, bad = {"data": {"ndarray": [[1]]}}, {"strData": "s"}

    for path, body in (("/predict", good), ("/api/v1.0/feedback", {"reward": 1}), ("/predict", bad)):
        answer = model.client.post(path, json=body)
        responses = told["paths"][path]["post"]["responses"]
        schema = responses["200" if answer.status_code == 200 else "default"]["content"]["application/json"]["schema"]
        Draft202012Validator({**schema, "components": told["components"]}).validate(answer.json())


@pytest.mark.parametrize("path", ["/predict", "/api/v1.0/predictions"])
def test_a_blueprints_answer_goes_out_as_it_is(start: Start, path: str) -> None:
    """What the settings say of metadata and metrics holds, too."""
    told = {"MODEL_METADATA": "{name: mine, versions: [v7]}", "INCLUDE_METRICS_IN_CLIENT_RESPONSE": "false"}
    model = start("flask_classes.Model", **told)

    answer = model.client.post(path, json={"strData": "key"})

    assert (answer.status_code, answer.json()) == (404, {"mine": {"message": "no key", "app_code": 1402}})
    assert "metrics" not in model.client.post(path, json={"data": {"ndarray": [[1]]}}).json()["meta"]
    assert "hidden" in model.client.get("/prometheus").text
    assert model.client.get("/metadata").json()["versions"] == ["v7"]


def test_seldons_client_gets_its_answers(model: Running) -> None:
    """From the unit's own doors and from the graph's, in each form; a failure is told, not raised."""
    client = SeldonClient(microservice_endpoint=f"127.0.0.1:{model.port}", gateway_endpoint=f"127.0.0.1:{model.port}")
    data = np.array([[1.0, 2.0]])

    own = client.microservice(data=data, payload_type="ndarray", names=["a", "b"])
    outside = client.predict(gateway="seldon", data=data)
    feedback = client.microservice_feedback(own.request, own.response, 1.0)
    refused = client.predict(gateway="seldon", str_data="text")

    assert own.response["data"]["ndarray"] == [[3.0, 6.0]]
    assert outside.response["data"]["tensor"] == {"shape": [1, 2], "values": [3.0, 6.0]}
    assert (own.success, outside.success, feedback.success, refused.success) == (True, True, True, False)
    assert (refused.msg, refused.response["status"]["info"]) == ("422:Unprocessable Entity", "no text, text")


def test_pages_and_events_get_their_headers(model: Running) -> None:
    """At every door."""
    headers = {"origin": "http://page", "ce-specversion": "1.0", "seldon-puid": "p"}

    answer = model.client.post("/predict", json={"data": {"ndarray": [[1]]}}, headers=headers)
    asked = model.client.options("/predict", headers=headers)

    assert answer.headers["access-control-allow-origin"] == "*"
    assert (answer.headers["ce-id"], answer.headers["ce-specversion"]) == ("p", "0.3")
    assert (asked.status_code, asked.headers["access-control-allow-methods"]) == (204, "GET, POST, OPTIONS")
