"""Pods of Seldon Core that serve what is asked for stay, and it is foretold what changes."""

import base64
import json
from typing import Any

import pytest
from tests import seldon_made
from tests.unit.serving.operator.rendered import INSTALLATION, at, owned, render
from tests.unit.serving.operator.samples import SKLEARN, component, container, deployment, graph, predictor

from sluicegate.serving.api.decoding import decode
from sluicegate.serving.api.seldon_deployment import SeldonDeployment
from sluicegate.serving.operator.adoption import Adoption, adoption_of
from sluicegate.serving.operator.making import makings_of
from sluicegate.serving.operator.objects.kept import ADOPTED_ANNOTATION
from sluicegate.serving.operator.observing import observed_replicas
from sluicegate.serving.reconcile.workloads import desired_workloads

JSON = dict[str, Any]
MODEL = "s3://models/iris"
IRIS = owned(deployment(predictor()))
"""A prepackaged server."""
OWN = owned(deployment(predictor(graph("own"), component(container("own"))), name="mine"))
"""A container of the user's."""
INITIALIZER = {"image": "seldonio/rclone-storage-initializer:1.17.1", "args": [MODEL, "/mnt/models"]}


def fields(value: Any) -> JSON:
    """FieldsV1 of everything in it, as the API server counts it where lists are told apart by name."""
    if isinstance(value, dict):
        return {f"f:{key}": fields(below) for key, below in value.items()}
    if isinstance(value, list) and value and all(isinstance(each, dict) and "name" in each for each in value):
        return {f"k:{json.dumps({'name': each['name']})}": {".": {}, **fields(each)} for each in value}
    return {}


def made(
    sdep: JSON, image: str, *, engine: bool = True, initializer: JSON | None = None
) -> dict[tuple[str, str], JSON]:
    """What Seldon Core's operator made for it, by kind and name."""
    unit = sdep["spec"]["predictors"][0]["graph"]["name"]
    objects = [
        seldon_made.deployment(
            sdep,
            {"name": unit, "image": image},
            engine={"image": "seldonio/seldon-core-executor:1.17.1"} if engine else None,
            initializer=initializer,
            replicas=2,
        ),
        *seldon_made.services(sdep, engine=engine),
    ]
    for each in objects:
        each["metadata"]["namespace"] = "default"
        owned_fields = {key: fields(each[key]) for key in ("metadata", "spec")}
        each["metadata"]["managedFields"] = [
            {
                "manager": "manager",
                "operation": "Update",
                "apiVersion": each["apiVersion"],
                "fieldsV1": {f"f:{key}": below for key, below in owned_fields.items()},
            }
        ]
    return {(each["kind"], each["metadata"]["name"]): each for each in objects}


def iris() -> dict[tuple[str, str], JSON]:
    return made(IRIS, "seldonio/sklearnserver:1.17.1", initializer=INITIALIZER)


def adopt(sdep: JSON, live: dict[tuple[str, str], JSON], *routes: JSON) -> Adoption:
    return adoption_of(sdep, live, routes, INSTALLATION)


def test_pods_that_serve_what_is_asked_for_stay() -> None:
    live = iris()
    found = render(IRIS, live=live)["Deployment/iris-default-0-classifier"]

    assert at(found, "spec.template") == live["Deployment", "iris-default-0-classifier"]["spec"]["template"]
    assert at(found, f"metadata.annotations[{ADOPTED_ANNOTATION}]") != ""
    (pods,) = adopt(IRIS, live).pods
    assert (pods.number, pods.restart, pods.reasons) == (2, False, ("kept as Seldon Core made them",))


def test_they_stay_at_the_next_looks() -> None:
    """What is applied is what was rendered; nothing of Seldon's says any more who made it."""
    first = render(IRIS, live=iris())
    live = {(each["kind"], each["metadata"]["name"]): each for each in first.values()}

    assert render(IRIS, live=live) == first


def test_another_revision_gets_pods_of_ours() -> None:
    first = render(IRIS, live=iris())
    live = {(each["kind"], each["metadata"]["name"]): each for each in first.values()}
    changed = owned(deployment(predictor({**SKLEARN, "modelUri": "s3://models/iris/2"})))

    found = render(changed, live=live)["Deployment/iris-default-0-classifier"]

    assert ADOPTED_ANNOTATION not in found["metadata"]["annotations"]
    assert "seldon-container-engine" not in json.dumps(found)


def test_who_takes_the_mark_away_gets_pods_of_ours() -> None:
    first = render(IRIS, live=iris())
    live = {(each["kind"], each["metadata"]["name"]): each for each in first.values()}
    del live["Deployment", "iris-default-0-classifier"]["metadata"]["annotations"][ADOPTED_ANNOTATION]

    found = render(IRIS, live=live)["Deployment/iris-default-0-classifier"]

    assert "seldon-container-engine" not in json.dumps(found)
    (pods,) = adopt(IRIS, live).pods
    assert pods.restart


def test_the_service_leads_to_the_engine_and_not_to_the_first_port_of_that_name() -> None:
    found = render(IRIS, live=iris())

    assert at(found["Service/iris-default"], "spec.ports[http].targetPort") == 8000
    assert at(found["Service/iris-default"], "spec.ports[grpc].targetPort") == 5001
    assert at(render(IRIS)["Service/iris-default"], "spec.ports[http].targetPort") == "http"


def test_the_gateway_asks_the_engine_and_knows_the_revision_that_is_kept() -> None:
    kept = render(IRIS, live=iris())["Deployment/iris-default-0-classifier"]
    pod = kept["spec"]["template"] | {
        "status": {"podIP": "10.0.0.1", "conditions": [{"type": "Ready", "status": "True"}]}
    }
    pod["metadata"] = pod["metadata"] | {"name": "iris-1", "namespace": "default"}

    (found,) = observed_replicas([pod], [kept])

    assert (found.address.port, found.state) == (8000, "Ready")
    assert found.revision == kept["metadata"]["annotations"][ADOPTED_ANNOTATION]


def test_containers_of_the_users_stay_as_well() -> None:
    (pods,) = adopt(OWN, made(OWN, container("own")["image"], engine=False)).pods

    assert not pods.restart


def told(live: dict[tuple[str, str], JSON], **predictor: Any) -> None:
    """Its engine was told another predictor."""
    box = live["Deployment", "iris-default-0-classifier"]["spec"]["template"]["spec"]["containers"][1]
    before = json.loads(base64.b64decode(box["env"][0]["value"]))
    box["env"][0]["value"] = base64.b64encode(json.dumps(before | predictor).encode()).decode()


def test_pods_of_another_graph_are_replaced_and_it_is_said_why() -> None:
    live = iris()
    told(live, graph={**SKLEARN, "modelUri": "s3://models/old"})

    (pods,) = adopt(IRIS, live).pods

    assert (pods.restart, pods.reasons) == (True, ("its engine leads requests through another graph",))


def test_pods_of_another_image_are_replaced_and_it_is_said_why() -> None:
    (pods,) = adopt(OWN, made(OWN, "registry.example/team/model:0", engine=False)).pods

    assert (pods.restart, pods.reasons) == (True, ("container 'own' is not as the deployment states it",))


def test_pods_of_another_model_are_replaced_and_it_is_said_why() -> None:
    live = made(IRIS, "seldonio/sklearnserver:1.17.1", initializer=INITIALIZER | {"args": ["s3://old", "/mnt/models"]})
    del live["Deployment", "iris-default-0-classifier"]["spec"]["template"]["spec"]["containers"][1]["env"]

    assert adopt(IRIS, live).pods[0].reasons == ("unit 'classifier' has another model than s3://models/iris",)


def test_every_object_has_its_fate() -> None:
    live = iris()
    live["Service", "old"] = {**live["Service", "iris-default"], "metadata": {"name": "old", "namespace": "default"}}
    live["Service", "old"]["metadata"] |= {"ownerReferences": seldon_made.owner_of(IRIS)}
    del live["Service", "iris-default-classifier"]

    found = {(each.kind, each.name): each.verdict for each in adopt(IRIS, live).objects}

    assert found == {
        ("Deployment", "iris-default-0-classifier"): "changed",
        ("Service", "iris-default"): "kept",
        ("Service", "iris-default-classifier"): "created",
        ("Service", "iris-stable"): "created",
        ("Service", "old"): "removed",
    }


def test_changes_are_said_field_by_field() -> None:
    found = {each.name: each for each in adopt(IRIS, iris()).objects}["iris-default-0-classifier"]

    said = {each.path: (each.before, each.after) for each in found.changes if each.path.startswith("spec")}
    assert said["spec.strategy.rollingUpdate.maxUnavailable"] == ("10%", "0")
    assert not [path for path in said if path.startswith("spec.template")]


def test_what_somebody_else_owns_is_refused() -> None:
    live = iris()
    live["Service", "iris-default"]["metadata"]["ownerReferences"][0]["uid"] = "another"

    assert "refused" in {each.verdict for each in adopt(IRIS, live).objects}


def test_routes_of_istio_and_ambassador_stay_and_it_is_said_who_leads_then() -> None:
    route = {"kind": "VirtualService", "metadata": {"name": "iris-http"}}
    *stays, ours = adopt(IRIS, iris(), route).traffic

    assert [each.partition(" stays")[0] for each in stays] == [
        "VirtualService iris-http",
        "the annotation getambassador.io/config of Service iris-default",
    ]
    assert ours.startswith("sluicegate's gateway answers at /seldon/default/iris/")


def test_what_breaks_a_rule_changes_nothing() -> None:
    wrong = owned(deployment(predictor(traffic=-1)))
    found = adopt(wrong, iris())

    assert "traffic" in found.refusal
    assert (found.objects, found.pods, found.disturbs) == ((), (), True)


@pytest.mark.parametrize("sdep", [IRIS, OWN])
def test_what_was_adopted_is_foretold_to_stay(sdep: JSON) -> None:
    unit = sdep["spec"]["predictors"][0]["graph"]["name"]
    live = iris() if sdep is IRIS else made(OWN, container(unit)["image"], engine=False)
    view = decode(sdep, SeldonDeployment)
    makings = makings_of(view, sdep["metadata"], desired_workloads(view, None), None, live, INSTALLATION)
    after = {(each["kind"], each["metadata"]["name"]): each for each in makings.wanted}

    found = adopt(sdep, after)

    assert found.adopted
    there = [each for each in found.objects if (each.kind, each.name) in after]
    assert {(each.verdict, each.changes) for each in there} == {("kept", ())}
    assert not any(each.restart for each in found.pods)
