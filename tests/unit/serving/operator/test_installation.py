"""What an installation's settings change in every predictor, and what it says that it does not carry out."""

from typing import Any

import pytest
from tests.unit.serving.operator.rendered import INSTALLATION, MISSING, at, only, render
from tests.unit.serving.operator.samples import (
    KEDA,
    SAMPLES,
    SKLEARN,
    component,
    container,
    deployment,
    graph,
    predictor,
)

from sluicegate.serving.api.decoding import decode
from sluicegate.serving.api.metadata import JSON
from sluicegate.serving.api.seldon_deployment import SeldonDeployment
from sluicegate.serving.operator.errors import SettingsRefusedError
from sluicegate.serving.operator.objects.left_out import left_out
from sluicegate.serving.operator.settings import read_installation

POD = "spec.template.spec."
SERVER = POD + "containers[classifier]."
FETCH = POD + "initContainers[classifier-model-initializer]."
OWN = deployment(predictor(graph("own"), component(container("own"))))
EXPLAINED = deployment(predictor(explainer={"type": "AnchorTabular"}))


@pytest.mark.parametrize(
    ("name", "text", "field", "value"),
    [
        ("SLUICEGATE_IMAGE_REGISTRY", "registry.example/ml", SERVER + "image", "registry.example/ml/server-sklearn:1"),
        ("SLUICEGATE_DEFAULT_ENV_SECRET", "s3", FETCH + "envFrom", [{"secretRef": {"name": "s3", "optional": True}}]),
        ("REQUEST_LOGGER_DEFAULT_ENDPOINT", "http://l", SERVER + "env[REQUEST_LOGGER_DEFAULT_ENDPOINT].value", "http://l"),
        ("SLUICEGATE_SERVER_RESOURCES", '{"limits": {"cpu": 1}}', SERVER + "resources", {"limits": {"cpu": 1}}),
        ("SLUICEGATE_DEFAULT_USER_ID", "8888", POD + "securityContext", {"runAsUser": 8888}),
        ("SLUICEGATE_STORAGE_INITIALIZER_IMAGE", "rclone:1", FETCH + "image", "rclone:1"),
        ("SLUICEGATE_STORAGE_INITIALIZER_IMAGE", "rclone:1", FETCH + "command", MISSING),
        (
            "SLUICEGATE_NATIVE_SLEEP",
            "false",
            SERVER + "lifecycle.preStop.exec.command",
            ["python", "-c", "import time; time.sleep(5)"],
        ),
    ],
)  # fmt: skip
def test_a_setting_is_heeded(name: str, text: str, field: str, value: Any) -> None:
    installation = read_installation({"SLUICEGATE_IMAGE_VERSION": "1", name: text})

    assert at(only(render(SAMPLES["prepackaged server"], installation=installation), "Deployment"), field) == value


def test_an_older_kubelet_ends_a_users_container_by_its_shell() -> None:
    installation = read_installation({"SLUICEGATE_NATIVE_SLEEP": "false"})

    found = only(render(OWN, installation=installation), "Deployment")

    assert at(found, POD + "containers[own].lifecycle.preStop.exec.command") == ["/bin/sh", "-c", "sleep 10"]


def test_a_container_that_speaks_grpc_is_probed_there() -> None:
    found = only(render({**OWN, "spec": {**OWN["spec"], "transport": "grpc"}}), "Deployment")

    assert at(found, POD + "containers[own].readinessProbe.tcpSocket.port") == "grpc"
    assert at(found, POD + "containers[own].env[PREDICTIVE_UNIT_SERVICE_PORT].value") == "9500"


def test_an_explainer_takes_the_installations_image() -> None:
    installation = read_installation({"SLUICEGATE_EXPLAINERS": '{"seldon": "explainer:1"}'})

    found = render(EXPLAINED, installation=installation)

    assert at(found["Deployment/iris-default-explainer"], POD + "containers[0].image") == "explainer:1"
    assert "Deployment/iris-default-explainer" not in render(EXPLAINED)


@pytest.mark.parametrize("name", ["SLUICEGATE_SERVERS", "SLUICEGATE_EXPLAINERS", "SLUICEGATE_KEDA"])
def test_a_setting_that_cannot_be_read_is_refused_by_name(name: str) -> None:
    with pytest.raises(SettingsRefusedError, match=name):
        read_installation({name: "[perhaps]"})


def logged(unit: JSON) -> JSON:
    """The unit with a request log."""
    return {**unit, "logger": {"mode": "all"}}


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (EXPLAINED, "explainer.containerSpec.image"),
        (deployment(predictor(None, component(kedaSpec=KEDA))), "no KEDA"),
        (deployment(predictor(ssl={"certSecretName": "c"})), "plain HTTP"),
        (deployment(predictor(), serverType="kafka"), "HTTP only"),
        (deployment(predictor(logged(graph("own")), component(container("own")))), "logger of unit 'own'"),
    ],
    ids=["explainer", "keda", "certificate", "kafka", "logger"],
)
def test_what_is_not_carried_out_is_said(raw: JSON, words: str) -> None:
    installation = read_installation({"SLUICEGATE_KEDA": "false"})

    (sentence,) = left_out(decode(raw, SeldonDeployment), installation)

    assert words in sentence


@pytest.mark.parametrize(
    "raw", [OWN, deployment(predictor(logged(SKLEARN))), SAMPLES["hpa and budget"], SAMPLES["explainer"]]
)
def test_of_what_is_carried_out_nothing_is_said(raw: JSON) -> None:
    assert list(left_out(decode(raw, SeldonDeployment), INSTALLATION)) == []
