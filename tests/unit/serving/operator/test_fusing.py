"""Units without wishes of their own run in the engine's process; whatever asks for a container gets one."""

import base64
import json

import pytest
from tests.unit.serving.operator.rendered import INSTALLATION, at, only, render
from tests.unit.serving.operator.samples import IMAGE, component, container, deployment, graph, predictor

from sluicegate.serving.api.metadata import DIGEST_ANNOTATION, JSON, MODEL_ANNOTATION

ENGINE = "seldon-container-engine"
POD = "spec.template.spec."
FUSE = "sluicegate.dev/fuse"


def server(name: str, implementation: str = "SKLEARN_SERVER", **more: object) -> JSON:
    return {"name": name, "implementation": implementation, "modelUri": f"s3://models/{name}", **more}


def mean(*children: JSON) -> JSON:
    return {"name": "mean", "implementation": "AVERAGE_COMBINER", "children": list(children)}


def containers(raw: JSON) -> list[str]:
    return [each["name"] for each in at(only(render(raw), "Deployment"), POD + "containers")]


def told(raw: JSON) -> JSON:
    """The graph that the engine is told."""
    value = at(only(render(raw), "Deployment"), POD + f"containers[{ENGINE}].env[ENGINE_PREDICTOR].value")
    found: JSON = json.loads(base64.b64decode(value))["graph"]
    return found


def test_units_of_one_image_run_in_the_engine() -> None:
    raw = deployment(predictor(mean(server("one"), server("two"))))
    objects = render(raw)
    found = only(objects, "Deployment")
    assert containers(raw) == [ENGINE]
    assert at(found, POD + f"containers[{ENGINE}].image") == INSTALLATION.server_image("SKLEARN_SERVER", "seldon")
    assert [each["args"][0] for each in at(found, POD + "initContainers")] == ["s3://models/one", "s3://models/two"]
    assert at(found, POD + f"containers[{ENGINE}].volumeMounts[/mnt/models/two].readOnly") is True
    one = told(raw)["children"][0]
    assert (one["modelUri"], one.get("endpoint")) == ("/mnt/models/one", None)
    assert [name for name in objects if name.startswith("Service/")] == ["Service/iris-default"]
    labels = at(found, "spec.template.metadata.labels")
    assert labels["seldon.io/model"] == "true"


@pytest.mark.parametrize("where", ["predictor", "deployment"])
def test_the_deployment_is_called_the_same_and_who_wants_containers_has_them(where: str) -> None:
    asked: JSON = {"annotations": {FUSE: "false"}}
    units = mean(server("one"), server("two"))
    apart = deployment(
        predictor(units, **(asked if where == "predictor" else {})), **(asked if where != "predictor" else {})
    )
    assert containers(apart) == [ENGINE, "one", "two"]
    names = [only(render(raw), "Deployment")["metadata"]["name"] for raw in (apart, deployment(predictor(units)))]
    assert names[0] == names[1] == "iris-default-0-one-two"


def test_units_of_another_image_are_led_to() -> None:
    raw = deployment(predictor(mean(server("one"), server("other", "XGBOOST_SERVER"), server("two"))))
    assert containers(raw) == [ENGINE, "other"]
    endpoints = [child.get("endpoint") for child in told(raw)["children"]]
    assert [each and each["service_host"] for each in endpoints] == [None, "localhost", None]


def test_a_container_of_the_users_is_made() -> None:
    box: JSON = {"name": "two", "resources": {"limits": {"memory": "1Gi"}}}
    raw = deployment(predictor(mean(server("one"), server("two")), component(box)))
    assert set(containers(raw)) == {ENGINE, "two"}
    own = deployment(predictor(mean(server("one"), graph("two")), component(container("two"))))
    assert set(containers(own)) == {ENGINE, "two"}


def test_a_container_that_only_names_our_image_is_none_of_its_own() -> None:
    image = INSTALLATION.server_image("SKLEARN_SERVER", "seldon")
    raw = deployment(predictor(mean(server("one"), server("two")), component({"name": "two", "image": image})))
    assert containers(raw) == [ENGINE]
    raw = deployment(predictor(mean(server("one"), server("two")), component({"name": "two", "image": IMAGE})))
    assert set(containers(raw)) == {ENGINE, "two"}


@pytest.mark.parametrize(
    ("fields", "annotations"),
    [
        ({"logger": {"mode": "all", "url": "http://sink"}}, {}),
        ({"endpoint": {"service_host": "elsewhere", "service_port": 1}}, {}),
    ],
)
def test_a_unit_with_a_log_or_an_address_of_its_own_has_a_container(fields: JSON, annotations: JSON) -> None:
    raw = deployment(predictor(mean(server("one"), server("two", **fields)), annotations=annotations))
    assert set(containers(raw)) == {ENGINE, "two"}


def test_the_engine_proves_the_digest_of_a_model_that_it_loads() -> None:
    notes = {MODEL_ANNOTATION: "flights", DIGEST_ANNOTATION: "sha256:" + "a" * 64}
    raw = deployment(predictor(mean(server("one"), server("two")), annotations=notes))
    field = POD + f"containers[{ENGINE}].env[SLUICEGATE_BUNDLE_DIGEST].value"
    assert at(only(render(raw), "Deployment"), field) == notes[DIGEST_ANNOTATION]


def test_an_engine_in_pods_of_its_own_runs_no_units() -> None:
    raw = deployment(
        predictor(mean(server("one"), server("two"))), annotations={"seldon.io/engine-separate-pod": "true"}
    )
    boxes = [
        [box["name"] for box in at(each, POD + "containers")]
        for name, each in render(raw).items()
        if name.startswith("Deployment/")
    ]
    assert sorted(boxes) == [["one", "two"], [ENGINE]]
