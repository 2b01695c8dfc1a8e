"""The API speaks of objects as Kubernetes does."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.fakes.api import SDEP, ApiClient, api

from sluicegate.serving.api.errors import FieldError
from sluicegate.serving.api.metadata import JSON
from sluicegate.serving.local.kinds import Admitted, Operation

TABLE = {"Accept": "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"}
MERGE = {"Content-Type": "application/merge-patch+json"}


def deployment(name: str = "iris", **spec: Any) -> JSON:
    metadata = {"name": name, "labels": {"app": name}, "creationTimestamp": None}
    return {
        "apiVersion": "machinelearning.seldon.io/v1",
        "kind": "SeldonDeployment",
        "metadata": metadata,
        "spec": {"predictors": [], **spec},
    }


def rule(operation: Operation, old: JSON | None, new: JSON | None) -> Admitted:
    """Refuses protocol x, warns of protocol y, keeps ``kept`` from deletion."""
    if operation == "DELETE":
        held = old is not None and old["metadata"]["name"] == "kept"
        return Admitted(errors=(FieldError("metadata.name", "kept", "another one"),) if held else ())
    protocol = (new or {}).get("spec", {}).get("protocol")
    if protocol == "x":
        return Admitted(errors=(FieldError("spec.protocol", "x", "seldon or v2"),))
    return Admitted(warnings=('protocol "y" is old',) if protocol == "y" else ())


@pytest.fixture
def client(tmp_path: Path) -> Iterator[ApiClient]:
    with api(tmp_path, rule) as opened:
        yield opened


def test_an_object_lives_a_whole_life(client: ApiClient) -> None:
    """Create, get, list, replace, delete, gone."""
    created = client.post(SDEP, json=deployment())
    assert (created.status_code, created.json()["metadata"]["generation"]) == (201, 1)

    replaced = client.put(f"{SDEP}/iris", json=created.json() | {"spec": {"predictors": [], "replicas": 2}})
    assert (replaced.status_code, replaced.json()["metadata"]["generation"]) == (200, 2)
    assert client.get(f"{SDEP}/iris").json() == replaced.json()
    assert client.get("/apis/machinelearning.seldon.io/v1/seldondeployments").json()["items"] == [replaced.json()]

    deleted = client.delete(f"{SDEP}/iris").json()
    assert (deleted["status"], deleted["details"]["uid"]) == ("Success", created.json()["metadata"]["uid"])
    assert client.get(f"{SDEP}/iris").json()["reason"] == "NotFound"


def test_older_versions_are_served(client: ApiClient) -> None:
    """What is written as v1alpha2 reads as v1."""
    old = SDEP.replace("/v1/", "/v1alpha2/")
    body = deployment() | {"apiVersion": "machinelearning.seldon.io/v1alpha2"}

    assert client.post(old, json=body).json()["apiVersion"] == "machinelearning.seldon.io/v1alpha2"
    assert client.get(f"{SDEP}/iris").json()["apiVersion"] == "machinelearning.seldon.io/v1"


def test_rules_refuse_with_causes_and_warn_in_headers(client: ApiClient) -> None:
    """An error is a 422 that names the field; a warning travels with the answer."""
    refused = client.post(SDEP, json=deployment(protocol="x"))
    warned = client.post(SDEP, json=deployment(protocol="y"))

    status = refused.json()
    assert (refused.status_code, status["kind"], status["reason"]) == (422, "Status", "Invalid")
    assert status["details"]["causes"][0]["field"] == "spec.protocol"
    assert warned.headers["Warning"] == '299 - "protocol \\"y\\" is old"'


def test_rules_may_keep_an_object(client: ApiClient) -> None:
    """A deletion is admitted, too."""
    client.post(SDEP, json=deployment("kept"))

    assert client.delete(f"{SDEP}/kept").status_code == 422


def test_a_wrong_type_names_its_field(client: ApiClient) -> None:
    """A string where a number belongs is told with its path."""
    body = deployment(predictors=[{"name": "a", "traffic": "all"}])

    status = client.post(SDEP, json=body).json()

    assert (status["code"], status["details"]["causes"][0]["field"]) == (422, "spec.predictors[0].traffic")


@pytest.mark.parametrize(
    ("validation", "code", "warned"), [("Strict", 400, False), ("Warn", 201, True), ("Ignore", 201, False)]
)
def test_unknown_fields_are_treated_as_asked(client: ApiClient, validation: str, code: int, warned: bool) -> None:
    """Strict refuses, Warn keeps and tells, Ignore keeps."""
    body = deployment(predictors=[{"name": "a", "trafic": 3}])

    answer = client.post(SDEP, json=body, params={"fieldValidation": validation})

    assert (answer.status_code, "Warning" in answer.headers) == (code, warned)
    if code == 201:
        assert answer.json()["spec"]["predictors"][0]["trafic"] == 3
    else:
        assert 'unknown field "spec.predictors[0].trafic"' in answer.json()["message"]


def test_status_and_spec_keep_apart(client: ApiClient) -> None:
    """The main resource ignores status; the subresource ignores all else, metadata too."""
    client.post(SDEP, json=deployment() | {"status": {"state": "Available"}})
    assert "status" not in client.get(f"{SDEP}/iris").json()
    both = {"spec": {"replicas": 9}, "status": {"state": "Failed"}, "metadata": {"labels": {"app": "other"}}}

    reported = client.patch(f"{SDEP}/iris/status", json=both, headers=MERGE).json()
    assert (reported["status"], reported["spec"]) == ({"state": "Failed"}, {"predictors": []})
    assert (reported["metadata"]["labels"], reported["metadata"]["generation"]) == ({"app": "iris"}, 1)

    specified = client.patch(f"{SDEP}/iris", json=both | {"status": None}, headers=MERGE).json()
    assert (specified["status"], specified["spec"]["replicas"]) == ({"state": "Failed"}, 9)


def test_a_stale_replace_conflicts(client: ApiClient) -> None:
    """Two writers of one version: the second reads again; without any version a custom resource is refused."""
    first = client.post(SDEP, json=deployment()).json()
    client.put(f"{SDEP}/iris", json=first | {"spec": {"predictors": [], "replicas": 2}})

    stale = client.put(f"{SDEP}/iris", json=first)
    stale_status = client.put(f"{SDEP}/iris/status", json=first | {"status": {"state": "Failed"}})
    versionless = client.put(f"{SDEP}/iris", json=deployment())

    assert [answer.status_code for answer in (stale, stale_status, versionless)] == [409, 409, 422]
    assert stale.json()["reason"] == "Conflict"


def test_a_patch_may_insist_on_its_version(client: ApiClient) -> None:
    """A merge patch that carries a stale resourceVersion conflicts; one without it applies to what is there."""
    client.post(SDEP, json=deployment())
    stale = {"metadata": {"resourceVersion": "1"}, "spec": {"replicas": 2}}

    assert client.patch(f"{SDEP}/iris", json=stale, headers=MERGE).status_code == 409
    assert client.patch(f"{SDEP}/iris", json={"spec": {"replicas": 2}}, headers=MERGE).status_code == 200


@pytest.mark.parametrize(
    ("media", "code"),
    [
        ("application/json-patch+json", 200),
        ("application/strategic-merge-patch+json", 415),
        ("application/apply-patch+yaml", 415),
        ("application/json", 415),
    ],
)
def test_custom_resources_take_two_kinds_of_patch(client: ApiClient, media: str, code: int) -> None:
    """As on real servers; the refusal lists what would do."""
    client.post(SDEP, json=deployment())
    operations = [{"op": "add", "path": "/spec/replicas", "value": 2}]

    answer = client.patch(f"{SDEP}/iris", json=operations, headers={"Content-Type": media})

    assert answer.status_code == code


def test_a_failing_test_operation_changes_nothing(client: ApiClient) -> None:
    """JSON patch is all or nothing."""
    before = client.post(SDEP, json=deployment()).json()
    operations = [
        {"op": "add", "path": "/spec/replicas", "value": 2},
        {"op": "test", "path": "/spec/replicas", "value": 3},
    ]

    answer = client.patch(f"{SDEP}/iris", json=operations, headers={"Content-Type": "application/json-patch+json"})

    assert answer.status_code == 422
    assert client.get(f"{SDEP}/iris").json() == before


def test_core_kinds_take_strategic_patches(client: ApiClient) -> None:
    """Finalizers are merged, data are merged, and directives are obeyed."""
    path = "/api/v1/namespaces/default/configmaps"
    client.post(path, json={"metadata": {"name": "a", "finalizers": ["x.y/z"]}, "data": {"a": "1", "b": "2"}})
    patch = {"metadata": {"finalizers": ["u.v/w"], "$setElementOrder/finalizers": []}, "data": {"a": None}}

    headers = {"Content-Type": "application/strategic-merge-patch+json"}
    merged = client.patch(f"{path}/a", json=patch, headers=headers).json()

    assert merged["metadata"]["finalizers"] == ["x.y/z", "u.v/w"]
    assert merged["data"] == {"b": "2"}


def test_a_secret_is_stored_encoded(client: ApiClient) -> None:
    """``stringData`` becomes base64 in ``data``; what is not base64 is refused."""
    path = "/api/v1/namespaces/default/secrets"

    secret = client.post(path, json={"metadata": {"name": "a"}, "stringData": {"user": "me"}}).json()
    refused = client.post(path, json={"metadata": {"name": "b"}, "data": {"user": "!"}})

    assert (secret["data"], secret["type"], "stringData" in secret) == ({"user": "bWU="}, "Opaque", False)
    assert refused.json()["details"]["causes"][0]["field"] == "data[user]"


def test_names_can_be_generated(client: ApiClient) -> None:
    """``generateName`` gets a suffix, another each time."""
    path = "/apis/argoproj.io/v1alpha1/namespaces/default/workflows"
    body = {"apiVersion": "argoproj.io/v1alpha1", "kind": "Workflow", "metadata": {"generateName": "run-"}, "spec": {}}

    names = {client.post(path, json=body).json()["metadata"]["name"] for _ in range(3)}

    assert len(names) == 3
    assert all(name.startswith("run-") and len(name) == 9 for name in names)


def test_a_dry_run_answers_and_does_nothing(client: ApiClient) -> None:
    """Create, patch and delete, all checked and none done."""
    asked = client.post(SDEP, json=deployment(), params={"dryRun": "All"})
    assert (asked.status_code, client.get(f"{SDEP}/iris").status_code) == (201, 404)
    before = client.post(SDEP, json=deployment()).json()

    client.patch(f"{SDEP}/iris", json={"spec": {"replicas": 3}}, headers=MERGE, params={"dryRun": "All"})
    client.request("DELETE", f"{SDEP}/iris", json={"dryRun": ["All"]})

    assert client.get(f"{SDEP}/iris").json() == before
    assert client.post(SDEP, json=deployment(protocol="x"), params={"dryRun": "All"}).status_code == 422


def test_finalizers_and_preconditions_hold_a_deletion(client: ApiClient) -> None:
    """The wrong uid conflicts; a finalizer leaves the object with its deletionTimestamp."""
    body = deployment()
    body["metadata"]["finalizers"] = ["sluicegate.dev/x"]
    client.post(SDEP, json=body)

    wrong = client.request("DELETE", f"{SDEP}/iris", json={"preconditions": {"uid": "another"}})
    held = client.delete(f"{SDEP}/iris").json()
    client.patch(f"{SDEP}/iris", json={"metadata": {"finalizers": None}}, headers=MERGE)

    assert (wrong.status_code, bool(held["metadata"]["deletionTimestamp"])) == (409, True)
    assert client.get(f"{SDEP}/iris").status_code == 404


def test_lists_are_selected_and_paged(client: ApiClient) -> None:
    """Labels, fields, limit and continue."""
    for name in "abcde":
        client.post(SDEP, json=deployment(name))

    chosen = client.get(SDEP, params={"labelSelector": "app in (a,b),app!=b"}).json()["items"]
    named = client.get(SDEP, params={"fieldSelector": "metadata.name=c"}).json()["items"]
    first = client.get(SDEP, params={"limit": 3}).json()
    second = client.get(SDEP, params={"limit": 3, "continue": first["metadata"]["continue"]}).json()

    assert [obj["metadata"]["name"] for obj in (*chosen, *named)] == ["a", "c"]
    assert [len(page["items"]) for page in (first, second)] == [3, 2]
    assert (first["metadata"]["remainingItemCount"], "continue" in second["metadata"]) == (2, False)


def test_a_collection_is_deleted_by_selector(client: ApiClient) -> None:
    """Only what is selected goes."""
    for name in "abc":
        client.post(SDEP, json=deployment(name))

    client.delete(SDEP, params={"labelSelector": "app!=b"})

    assert [obj["metadata"]["name"] for obj in client.get(SDEP).json()["items"]] == ["b"]


def test_a_table_has_our_columns(client: ApiClient) -> None:
    """What kubectl prints: state, traffic, rollout and age."""
    client.post(SDEP, json=deployment())
    status = {"status": {"state": "Available", "traffic": {"v2": 5, "v1": 95}, "phase": "Progressing"}}
    client.patch(f"{SDEP}/iris/status", json=status, headers=MERGE)

    table = client.get(SDEP, headers=TABLE).json()

    names = [column["name"] for column in table["columnDefinitions"] if not column["priority"]]
    assert names == ["Name", "State", "Traffic", "Rollout", "Age"]
    assert table["rows"][0]["cells"][:4] == ["iris", "Available", "v1=95 v2=5", "Progressing"]
    assert table["rows"][0]["object"]["kind"] == "PartialObjectMetadata"


def test_yaml_is_read_as_json_would_be(client: ApiClient) -> None:
    """A date stays text; an alias, which could grow without bound, is refused."""
    yaml = b"{apiVersion: v1, kind: ConfigMap, metadata: {name: a}, data: {day: 2026-01-01}}"
    aliased = b"{apiVersion: v1, kind: ConfigMap, metadata: {name: &n b}, data: {x: *n}}"
    path, headers = "/api/v1/namespaces/default/configmaps", {"Content-Type": "application/yaml"}

    assert client.post(path, content=yaml, headers=headers).json()["data"] == {"day": "2026-01-01"}
    assert "aliases" in client.post(path, content=aliased, headers=headers).json()["message"]


def test_the_default_namespace_stays(client: ApiClient) -> None:
    """Others come with their first object, and may go."""
    other = SDEP.replace("/default/", "/team/")
    client.post(other, json=deployment())

    assert client.delete("/api/v1/namespaces/default").status_code == 422
    assert client.delete("/api/v1/namespaces/team").status_code == 200
    assert client.get(f"{other}/iris").status_code == 404


def test_a_failing_rule_costs_its_request_only(tmp_path: Path) -> None:
    """A bug in a rule is a 500 with a Status, and the next request is served."""

    def broken(operation: Operation, _old: JSON | None, _new: JSON | None) -> Admitted:
        raise ZeroDivisionError(operation)

    with api(tmp_path, broken) as client:
        answer = client.post(SDEP, json=deployment())

        assert (answer.status_code, answer.json()["kind"]) == (500, "Status")
        assert client.get(SDEP).json()["items"] == []


def test_discovery_names_every_kind(client: ApiClient) -> None:
    """Groups, versions, resources and schemas fit together."""
    groups = client.get("/apis").json()["groups"]
    resources = client.get("/apis/sluicegate.dev/v1alpha1").json()["resources"]
    documents = client.get("/openapi/v3").json()["paths"]

    assert [group["name"] for group in groups] == ["machinelearning.seldon.io", "sluicegate.dev", "argoproj.io"]
    assert [entry["name"] for entry in resources] == ["modelrollouts", "modelrollouts/status"]
    for path in documents.values():
        schemas = client.get(path["serverRelativeURL"]).json()["components"]["schemas"]
        assert all("anyOf" not in schema for schema in schemas.values())
