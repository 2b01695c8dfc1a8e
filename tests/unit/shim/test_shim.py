"""The names of Seldon's package: what they give, and what is said of those that are not there."""

import inspect
import json
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

import seldon_core.utils
from seldon_core.flask_utils import SeldonMicroserviceException
from seldon_core.metrics import create_counter, create_gauge, create_timer, validate_metrics
from seldon_core.microservice import command_of
from seldon_core.seldon_client import SeldonClient
from seldon_core.storage import Storage
from seldon_core.user_model import SeldonComponent, SeldonNotImplementedError, SeldonResponse
from sluicegate.serving.bundle.errors import BundleRefused
from sluicegate.serving.protocol.messages import Message
from sluicegate.serving.protocol.seldon import message_from
from sluicegate.serving.runtime.errors import RequestRejectedError
from sluicegate.serving.runtime.python_unit import PythonUnit

TAKES_NOTHING = {"load", "__init__"}
MESSAGE = Message(content=np.array([[1.0]]), names=("a",))


def test_every_method_of_the_base_class_says_that_it_is_not_there() -> None:
    """So that the server asks the next one."""
    methods = inspect.getmembers(SeldonComponent(anything=1), inspect.ismethod)
    for name, method in methods:
        if name not in TAKES_NOTHING:
            arguments = [None] * len([p for p in inspect.signature(method).parameters.values() if p.default is p.empty])
            with pytest.raises(SeldonNotImplementedError, match=name):
                method(*arguments)
    assert len(methods) == 22


def test_a_bare_component_passes_messages_on_and_refuses_the_rest() -> None:
    """Nothing of it is called for real."""
    unit = PythonUnit("u", SeldonComponent())

    assert unit.transform_input(MESSAGE) is MESSAGE
    assert unit.transform_output(MESSAGE) is MESSAGE
    assert unit.health_status() is None
    assert unit.metadata() == {}
    for verb, argument in (("predict", MESSAGE), ("route", MESSAGE), ("aggregate", [MESSAGE]), ("explain", MESSAGE)):
        with pytest.raises(RequestRejectedError, match=f"has no {verb}"):
            getattr(unit, verb)(argument)


def test_an_error_of_seldons_keeps_its_status_and_its_body() -> None:
    error = SeldonMicroserviceException("sour", status_code=422, reason="SALT")

    assert (str(error), error.status_code, SeldonMicroserviceException("x").status_code) == ("sour", 422, 400)
    assert error.to_dict() == {"status": {"status": 1, "info": "sour", "code": -1, "reason": "SALT"}}


def test_a_response_is_made_of_anything_once() -> None:
    response = SeldonResponse.create([1])

    assert SeldonResponse.create(response) is response
    assert (response.data, response.tags, response.metrics) == ([1], {}, [])


def test_metrics_are_made_and_checked() -> None:
    """With tags or without."""
    made = [create_counter("c", 1), create_gauge("g", 2.5, {"t": "u"}), create_timer("t", np.float32(3))]

    assert validate_metrics(made)
    assert made[1] == {"key": "g", "type": "GAUGE", "value": 2.5, "tags": {"t": "u"}}
    for broken in ({}, [1], [{"type": "X", "key": "k", "value": 1}], [{"type": "GAUGE", "key": "k", "value": "1"}]):
        assert not validate_metrics(broken)
    with pytest.raises(ValueError, match="expected a name and a number"):
        create_gauge("g", float("nan"))


@pytest.mark.parametrize("kind", ["tensor", "ndarray"])
def test_data_is_written_as_the_server_reads_it(kind: str) -> None:
    """And read back."""
    array = np.arange(6.0).reshape(2, 3)
    request = {"data": seldon_core.utils.array_to_rest_datadef(kind, array, ["a", "b", "c"]), "meta": {"tags": {}}}

    content, meta, data, found = seldon_core.utils.extract_request_parts_json(request)

    np.testing.assert_array_equal(content, array)
    np.testing.assert_array_equal(message_from(request).content, array)
    assert (meta, data, found) == ({"tags": {}}, request["data"], "data")


def test_variables_are_read_in_their_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECOND", "True")

    assert seldon_core.utils.getenv("FIRST", "SECOND") == "True"
    assert seldon_core.utils.getenv("FIRST", default="d") == "d"
    assert seldon_core.utils.getenv_as_bool("FIRST", "SECOND") is True
    assert seldon_core.utils.getenv_as_bool("FIRST") is False


def test_a_name_that_is_not_there_is_told() -> None:
    with pytest.raises(AttributeError, match="array_to_grpc_datadef is not provided"):
        _ = seldon_core.utils.array_to_grpc_datadef


def test_a_model_of_this_machine_is_found_where_it_lies(tmp_path: Path) -> None:
    assert Storage.download(tmp_path.as_uri()) == str(tmp_path)
    with pytest.raises(BundleRefused, match="nothing at"):
        Storage.download("/nowhere/to/be")


def test_the_command_is_the_servers_and_tells_what_has_no_effect() -> None:
    """Unknown options end it."""
    command, idle = command_of(["m.C", "REST", "--service-type", "ROUTER", "--threads", "4", "--debug"])

    assert command[1:] == ["-m", "sluicegate.serving.server", "m.C", "--service-type", "ROUTER"]
    assert idle == ["--threads", "--debug"]
    with pytest.raises(SystemExit):
        command_of(["m.C", "--nonsense"])


@pytest.mark.parametrize(
    ("arguments", "address"),
    [
        ({"gateway": "istio"}, "http://gate/seldon/ns/dep/api/v1.0/predictions"),
        ({"gateway": "ambassador", "ssl": True}, "https://gate/seldon/ns/dep/api/v1.0/predictions"),
        ({"gateway": "seldon"}, "http://gate/api/v1.0/predictions"),
        ({"gateway_prefix": "/mine"}, "http://gate/mine/api/v1.0/predictions"),
    ],
)
def test_the_client_asks_where_the_gateway_listens(arguments: dict[str, Any], address: str) -> None:
    """With a token if it has one."""
    asked: list[httpx.Request] = []

    def answering(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(200, json={})

    client = SeldonClient(namespace="ns", deployment_name="dep", gateway_endpoint="gate")
    client.http = httpx.Client(transport=httpx.MockTransport(answering))

    answer = client.predict(data=[[1, 2]], payload_type="tftensor", meta={"tags": {"a": 1}}, **arguments)

    body = json.loads(asked[0].content)
    assert (str(asked[0].url), answer.success) == (address, True)
    assert body["data"]["tftensor"]["tensorShape"] == {"dim": [{"size": "1"}, {"size": "2"}]}
    assert body["meta"] == {"tags": {"a": 1}}


def test_an_explainer_has_a_name_of_its_own_and_is_asked_over_rest() -> None:
    client = SeldonClient(namespace="ns", deployment_name="dep", gateway_endpoint="127.0.0.1:9")

    answer = client.explain(str_data="s")

    assert not answer.success
    assert "http://127.0.0.1:9/seldon/ns/dep-explainer/default/api/v1.0/explain" in answer.msg
    with pytest.raises(NotImplementedError, match="expected rest"):
        client.explain(str_data="s", transport="grpc")
    with pytest.raises(ValueError, match="expected rest or grpc"):
        client.predict(transport="kafka")


def test_the_command_hands_on_both_ports() -> None:
    command, idle = command_of(["m.C", "--http-port", "9000", "--grpc-port", "5000"])

    assert (command[-4:], idle) == (["--http-port", "9000", "--grpc-port", "5000"], [])


def test_the_command_switches_on_traces_and_lines() -> None:
    command, idle = command_of(["m.C", "--tracing", "--access-log", "--debug"])

    assert (command[-4:], idle) == (["--tracing", "true", "--access-log", "true"], ["--debug"])
