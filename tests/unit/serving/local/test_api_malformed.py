"""Whatever is sent, the answer is a Status below 500, and the server goes on."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.fakes.api import SDEP, ApiClient, api

FORMS = (
    "application/json",
    "application/yaml",
    "application/merge-patch+json",
    "application/json-patch+json",
    "application/strategic-merge-patch+json",
    "application/apply-patch+yaml",
    "application/vnd.kubernetes.protobuf",
    "text/plain",
)
CONFIGMAPS = "/api/v1/namespaces/default/configmaps"
PATHS = (SDEP, f"{SDEP}/iris", f"{SDEP}/iris/status", CONFIGMAPS, f"{CONFIGMAPS}/iris", "/api/v1/namespaces/x/secrets")
ODD_PATHS = (
    "/apis/nobody",
    "/api/v2/x",
    f"{SDEP}/a/b/c",
    "/apis/sluicegate.dev/v9/modelrollouts",
    "/api/v1/%00",
    "/openapi/x",
)
QUERIES = (
    {"limit": "-1"},
    {"limit": "9" * 30},
    {"continue": "§"},
    {"continue": "WzEsMl0="},
    {"labelSelector": "a in (b"},
    {"fieldSelector": "spec.x=1"},
    {"fieldSelector": "=,="},
    {"resourceVersion": "abc"},
    {"watch": "perhaps"},
    {"dryRun": "Some"},
    {"fieldValidation": "Loose"},
    {"timeoutSeconds": "1.5"},
    {"resourceVersion": "5", "resourceVersionMatch": "Exact"},
)
leaves = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8)
values = st.recursive(leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner))
keys = st.sampled_from(
    [
        "name",
        "namespace",
        "labels",
        "annotations",
        "finalizers",
        "ownerReferences",
        "resourceVersion",
        "uid",
        "predictors",
        "graph",
        "children",
        "traffic",
        "data",
        "stringData",
        "generateName",
        "status",
        "state",
    ]
)
pieces = st.dictionaries(keys, values | st.dictionaries(keys, values), max_size=4)
objects = st.fixed_dictionaries(
    {},
    optional={
        "apiVersion": st.sampled_from(["machinelearning.seldon.io/v1", "v1", ""]) | values,
        "kind": st.sampled_from(["SeldonDeployment", "ConfigMap"]) | values,
        "metadata": pieces | st.just({"name": "iris"}) | values,
        "spec": pieces | values,
        "status": pieces | values,
        "data": pieces | values,
        "preconditions": values,
        "propagationPolicy": values,
        "dryRun": values,
    },
)
operations = st.lists(
    st.fixed_dictionaries(
        {},
        optional={
            "op": st.sampled_from(["add", "remove", "replace", "move", "copy", "test"]) | values,
            "path": st.sampled_from(["", "/spec", "/metadata/name", "/metadata", "/a/b", "/spec/predictors/-"])
            | values,
            "from": st.sampled_from(["", "/spec", "/metadata"]) | values,
            "value": values,
        },
    ),
    max_size=3,
)


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiClient]:
    with api(Path(tmp_path_factory.mktemp("home"))) as opened:
        yield opened


def replenish(client: ApiClient) -> None:
    """There is always something to be harmed."""
    client.post(SDEP, json=deployment())
    client.post(CONFIGMAPS, json={"metadata": {"name": "iris"}, "data": {"a": "b"}})


def deployment() -> dict[str, Any]:
    head = {"apiVersion": "machinelearning.seldon.io/v1", "kind": "SeldonDeployment", "metadata": {"name": "iris"}}
    return head | {"spec": {"predictors": []}}


def assert_sound(client: ApiClient, method: str, path: str, **request: Any) -> None:
    answer = client.request(method, path, **request)

    assert answer.status_code < 500, (method, path, request, answer.text)
    if answer.status_code >= 400:
        assert answer.json()["kind"] == "Status"
        assert answer.json()["code"] == answer.status_code
        assert answer.json()["message"]


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    method=st.sampled_from(["POST", "PUT", "PATCH", "DELETE"]),
    path=st.sampled_from(PATHS),
    form=st.sampled_from(FORMS),
    value=objects | operations | values,
)
def test_malformed_objects_are_refused(client: ApiClient, method: str, path: str, form: str, value: Any) -> None:
    """Values of any shape, where objects, patches and options belong."""
    replenish(client)

    assert_sound(client, method, path, content=json.dumps(value).encode(), headers={"Content-Type": form})


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    form=st.sampled_from(FORMS), prefix=st.sampled_from([b"", b"k8s\x00", b"{", b"a: "]), body=st.binary(max_size=60)
)
def test_malformed_bytes_are_refused(client: ApiClient, form: str, prefix: bytes, body: bytes) -> None:
    """Bytes that are no document at all."""
    method = "PATCH" if "patch" in form else "POST"
    path = f"{CONFIGMAPS}/iris" if method == "PATCH" else CONFIGMAPS

    assert_sound(client, method, path, content=prefix + body, headers={"Content-Type": form})


@pytest.mark.parametrize("query", QUERIES, ids=str)
def test_malformed_queries_are_refused(client: ApiClient, query: dict[str, str]) -> None:
    """Options that make no sense."""
    assert 400 <= client.get(SDEP, params=query).status_code < 500
    assert_sound(client, "GET", SDEP, params=query)


@pytest.mark.parametrize("path", ODD_PATHS)
@pytest.mark.parametrize("method", ["GET", "POST", "TRACE", "OPTIONS", "PUT"])
def test_odd_paths_and_methods_are_refused(client: ApiClient, method: str, path: str) -> None:
    """Nobody is there, and the answer says so as a Status."""
    answer = client.request(method, path)

    assert answer.status_code in (404, 405)
    assert answer.json()["kind"] == "Status"


@pytest.mark.parametrize("method", ["TRACE", "BREW", "POST"])
def test_methods_that_an_object_has_not_are_refused(client: ApiClient, method: str) -> None:
    """405 with a Status that lists what would do."""
    assert client.request(method, f"{SDEP}/iris", json={}).json()["reason"] == "MethodNotAllowed"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        pytest.param(b"[" * 5000, 400, id="unclosed and deep"),
        pytest.param(b"[" * 500 + b"]" * 500, 400, id="deep"),
        pytest.param(b'{"a":1e999}', 400, id="infinite"),
        pytest.param(b'{"a":"\\ud800"}', 400, id="half a character"),
        pytest.param(b" " * (3 * 1024 * 1024 + 1), 413, id="large"),
        pytest.param(b"", 400, id="empty"),
    ],
)
def test_hostile_documents_are_refused(client: ApiClient, body: bytes, code: int) -> None:
    """Depth, size and numbers without bound."""
    answer = client.post(SDEP, content=body, headers={"Content-Type": "application/json"})

    assert (answer.status_code, answer.json()["kind"]) == (code, "Status")


def test_copies_of_copies_are_bounded(client: ApiClient) -> None:
    """A JSON patch cannot double an object for ever."""
    replenish(client)
    copies = [{"op": "copy", "from": "/spec", "path": f"/spec/c{number}"} for number in range(40)]

    answer = client.patch(f"{SDEP}/iris", json=copies, headers={"Content-Type": "application/json-patch+json"})

    assert answer.status_code == 413


def test_an_answer_must_be_wanted_as_json(client: ApiClient) -> None:
    """Who reads only protobuf is told so."""
    answer = client.get(SDEP, headers={"Accept": "application/vnd.kubernetes.protobuf"})

    assert (answer.status_code, answer.json()["reason"]) == (406, "NotAcceptable")


def test_a_body_without_a_type_is_refused(client: ApiClient) -> None:
    """A web page can make a browser send such a body here; what it asks for must not be done."""
    answer = client.post(SDEP, content=json.dumps(deployment()))

    assert answer.status_code == 415
