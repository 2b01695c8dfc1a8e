"""The gRPC door: what each service answers, what is refused with which status, and what is seen of it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase
from tests.embedded.model_server.grpc_rig import Grpc, message, refusal, serving_grpc
from tests.embedded.model_server.rig import GOOD, MODEL

from sluicegate.serving.protocol import protobuf
from sluicegate.serving.protocol.seldon_protobuf import message_from

pytestmark = pytest.mark.embedded
PREDICT = "seldon.protos.Seldon/Predict"
INFER = "inference.GRPCInferenceService/ModelInfer"
ROW = [0.5, -1.0, 2.0]
EXPECTED = MODEL.predict_proba([ROW]).tolist()
GOOD_MESSAGE = message("seldon.protos.SeldonMessage", **GOOD)


@pytest.fixture(scope="module")
def served(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Grpc]:
    """One server for all tests that only ask."""
    options = ("--model-uri", bundle.as_uri(), "--max-message-bytes", "100000")
    with serving_grpc(tmp_path_factory.mktemp("grpc"), *options, SELDON_DEPLOYMENT_ID="dep") as running:
        yield running


@pytest.mark.parametrize("method", [PREDICT, "seldon.protos.Model/Predict"])
@pytest.mark.parametrize(
    "data",
    [
        {"ndarray": [ROW]},
        {"tensor": {"shape": [1, 3], "values": ROW}},
        {"tftensor": {"dtype": "DT_DOUBLE", "tensorShape": {"dim": [{"size": 1}, {"size": 3}]}, "doubleVal": ROW}},
    ],
    ids=lambda data: next(iter(data)),
)
def test_seldon_predicts_and_answers_in_the_form_of_the_request(served: Grpc, method: str, data: Any) -> None:
    """With the classes' names."""
    answer = served.call(method, message("seldon.protos.SeldonMessage", data=data))

    found = message_from(answer)
    assert answer.data.WhichOneof("data_oneof") == next(iter(data))
    assert np.allclose(found.content, EXPECTED)
    assert found.names == ("on-time", "late")


def test_the_id_of_a_call_comes_back(served: Grpc) -> None:
    """From the metadata, or from the message, in the message and in the metadata; without either a new one."""
    own = message("seldon.protos.SeldonMessage", meta={"puid": "own"}, **GOOD)

    given = served.call_with_metadata(PREDICT, GOOD_MESSAGE, metadata=(("seldon-puid", "p1"),))
    brought = served.call_with_metadata(PREDICT, own, metadata=(("seldon-puid", "p1"),))
    made = served.call_with_metadata(PREDICT, GOOD_MESSAGE)

    assert (given[0].meta.puid, given[1]["seldon-puid"]) == ("p1", "p1")
    assert (brought[0].meta.puid, brought[1]["seldon-puid"]) == ("own", "own")
    assert len(made[0].meta.puid) == 32


def test_seldon_tells_what_it_serves(served: Grpc) -> None:
    """Model by name, and graph."""
    request = message("seldon.protos.SeldonModelMetadataRequest", name="unit")

    model = served.call("seldon.protos.Seldon/ModelMetadata", request)
    graph = served.call("seldon.protos.Seldon/GraphMetadata", b"")

    assert (model.name, list(model.versions), model.custom["verified"]) == ("flights", ["1"], "true")
    assert (graph.name, list(graph.models)) == ("unit", ["unit"])
    assert served.call("seldon.protos.Model/Metadata", b"") == model


def test_feedback_is_counted(served: Grpc) -> None:
    """By its reward."""
    before = served.server.client.get("/prometheus").text
    feedback = message("seldon.protos.Feedback", response={"meta": {"puid": "p7"}}, reward=1.0)

    answer = served.call("seldon.protos.Seldon/SendFeedback", feedback)

    assert answer.meta.puid == "p7"
    total = "seldon_api_model_feedback_total"
    assert _figure(served.server.client.get("/prometheus").text, total) == _figure(before, total) + 1


def _figure(text: str, *parts: str) -> float:
    lines = [line for line in text.splitlines() if all(part in line for part in parts) and not line.startswith("#")]
    return float(lines[0].rsplit(" ", 1)[1]) if lines else 0.0


def test_calls_are_counted_by_their_full_name(served: Grpc) -> None:
    """And told apart by status and by whether a gateway mirrored them."""
    served.call(PREDICT, GOOD_MESSAGE)
    served.call(PREDICT, GOOD_MESSAGE, metadata=(("x-sluicegate-shadow", "true"),))
    refusal(lambda: served.call(PREDICT, message("seldon.protos.SeldonMessage")))

    text = served.server.client.get("/prometheus").text
    name = 'seconds_count{deployment_name="dep"'
    labels = (name, 'service="/seldon.protos.Seldon/Predict"', 'method="unary"')
    assert _figure(text, *labels, 'code="200"}') >= 1
    assert _figure(text, *labels, 'code="200",copy="true"}') == 1
    assert _figure(text, *labels, 'code="400"}') >= 1


SELDON = "seldon.protos.SeldonMessage"
TENSOR = {"name": "x", "datatype": "FP64", "shape": [1, 3], "contents": {"fp64_contents": ROW}}


@pytest.mark.parametrize(
    ("method", "request_", "status", "told"),
    [
        (PREDICT, b"\xff\xff", "INVALID_ARGUMENT", "SeldonMessage"),
        (PREDICT, message(SELDON), "INVALID_ARGUMENT", "no content"),
        (PREDICT, message(SELDON, data={}), "INVALID_ARGUMENT", "exactly one of ndarray"),
        (PREDICT, message(SELDON, data={"ndarray": [[1.0]]}), "INVALID_ARGUMENT", "1 columns"),
        (
            PREDICT,
            message(SELDON, data={"tensor": {"shape": [9, 9], "values": ROW}}),
            "INVALID_ARGUMENT",
            "data.tensor.shape",
        ),
        (PREDICT, message(SELDON, strData="x" * 200_000), "RESOURCE_EXHAUSTED", "larger than max"),
        (INFER, message("inference.ModelInferRequest", model_name="x"), "NOT_FOUND", "'flights'"),
        (
            INFER,
            message("inference.ModelInferRequest", model_name="flights", inputs=[TENSOR | {"shape": [2**30, 2**10]}]),
            "INVALID_ARGUMENT",
            "inputs[0].contents",
        ),
        (
            INFER,
            message("inference.ModelInferRequest", model_name="flights", inputs=[TENSOR], outputs=[{"name": "y"}]),
            "INVALID_ARGUMENT",
            "outputs[0].name",
        ),
        (
            "seldon.protos.Combiner/Aggregate",
            message("seldon.protos.SeldonMessageList"),
            "INVALID_ARGUMENT",
            "at least one",
        ),
        ("seldon.protos.Seldon/SendFeedback", message("seldon.protos.Feedback"), "INVALID_ARGUMENT", "truth or reward"),
    ],
)
def test_what_cannot_be_answered_is_refused_with_a_status_and_a_reason(
    served: Grpc, method: str, request_: Any, status: str, told: str
) -> None:
    """Which says what was found and what is expected."""
    code, details = refusal(lambda: served.call(method, request_))

    assert (code.name, told in details) == (status, True), details


def test_a_method_that_nobody_has_is_unimplemented(served: Grpc) -> None:
    """As gRPC says it."""
    called = served.channel.unary_unary("/seldon.protos.Seldon/Nothing")

    assert refusal(lambda: called(b"", timeout=10))[0] is grpc.StatusCode.UNIMPLEMENTED


def test_health_is_that_of_the_server(served: Grpc) -> None:
    """Of all, of one service, of none that is known; asked by grpc's own client."""
    stub = health_pb2_grpc.HealthStub(served.channel)

    def asked(name: str) -> Any:
        return stub.Check(health_pb2.HealthCheckRequest(service=name), timeout=10).status

    assert (asked(""), asked("seldon.protos.Seldon")) == (1, 1)
    assert refusal(lambda: asked("x.Y"))[0] is grpc.StatusCode.NOT_FOUND


def test_reflection_tells_services_and_messages(served: Grpc) -> None:
    """To grpc's own client, which asks by the older name."""
    database = ProtoReflectionDescriptorDatabase(served.channel)

    file = database.FindFileContainingSymbol("inference.GRPCInferenceService")

    assert set(protobuf.SERVICES) == set(database.get_services())
    assert file.package == "inference"
    with pytest.raises(KeyError):
        database.FindFileByName("nothing.proto")


def test_every_method_of_every_service_is_answered(served: Grpc) -> None:
    """None that the description has is left out."""
    streams = {"ServerReflectionInfo", "Watch"}
    methods = [
        f"{name}/{each.name}"
        for name in protobuf.SERVICES
        for each in protobuf.service(name).methods
        if each.name not in streams
    ]

    codes = {method: _status(served, method) for method in methods}

    assert [method for method, code in codes.items() if code is grpc.StatusCode.UNIMPLEMENTED] == []


def _status(served: Grpc, method: str) -> grpc.StatusCode:
    try:
        served.call(method, b"")
    except grpc.RpcError as error:
        return error.code()
    return grpc.StatusCode.OK


def test_tensorflows_predict(served: Grpc) -> None:
    """By its own messages; the model's status and signature, too."""
    tensor = {"dtype": "DT_FLOAT", "tensorShape": {"dim": [{"size": 1}, {"size": 3}]}, "floatVal": ROW}
    spec = {"name": "flights"}
    request = message("tensorflow.serving.PredictRequest", modelSpec=spec, inputs={"x": tensor})

    answer = served.call("tensorflow.serving.PredictionService/Predict", request)
    status = served.call(
        "tensorflow.serving.ModelService/GetModelStatus",
        message("tensorflow.serving.GetModelStatusRequest", modelSpec=spec),
    )

    (output,) = answer.outputs.values()
    assert np.allclose(np.frombuffer(output.tensor_content), EXPECTED[0])
    assert (answer.model_spec.version.value, status.model_version_status[0].state) == (1, 30)
