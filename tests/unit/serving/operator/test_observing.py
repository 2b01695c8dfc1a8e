"""Pods as replicas: whether they answer, and words for a person who did not look at the pod."""

from typing import Any

import pytest

from sluicegate.serving.operator.observing import answers, is_made_by, observed_replicas

UNPULLED = "its image cannot be pulled (not found); check the image's name and the pull secret"
LABELS = {"seldon-deployment-id": "flights", "sluicegate.dev/predictor": "v1", "app": "flights-v1-0-model"}


def pod(**status: Any) -> dict[str, Any]:
    """A pod of version 1, whose container says ``status``."""
    container = {"name": "model", "ports": [{"name": "http", "containerPort": 9001}]}
    meta = {"name": "a", "namespace": "default", "labels": LABELS, "annotations": {"sluicegate.dev/revision": "r1"}}
    return {"metadata": meta, "spec": {"containers": [container]}, "status": {"podIP": "10.0.0.7", **status}}


def ready(value: str) -> list[dict[str, str]]:
    """The condition that Services go by."""
    return [{"type": "Ready", "status": value}]


def container(**state: Any) -> list[dict[str, Any]]:
    """Statuses of the only container."""
    return [{"name": "model", "restartCount": 2, **state}]


def test_a_ready_pod_is_a_server_at_its_http_port() -> None:
    [found] = observed_replicas([pod(conditions=ready("True"))], [])

    assert (found.key, found.state) == (("default", "flights.v1", "r1"), "Ready")
    assert (found.address.host, found.address.port) == ("10.0.0.7", 9001)


def test_a_pod_of_others_is_called_at_the_port_that_it_names_for_grpc() -> None:
    """And is asked at /ready only if its own probe is; else its readiness is Kubernetes' word."""
    others = pod(conditions=ready("True"))
    [box] = others["spec"]["containers"]
    box["ports"].append({"name": "grpc", "containerPort": 9501})
    asking = {"readinessProbe": {"httpGet": {"path": "/ready", "port": "http"}}}
    probed = {**others, "spec": {"containers": [box | asking]}}

    found = [each.address for each in observed_replicas([others, probed], [])]

    assert [(each.port, each.grpc_port, each.checked) for each in found] == [(9001, 9501, False), (9001, 9501, True)]


def test_our_server_is_called_at_the_port_that_it_names_for_grpc() -> None:
    ours = pod(conditions=ready("True"))
    [box] = ours["spec"]["containers"]
    box["ports"].append({"name": "grpc", "containerPort": 9501})
    box["env"] = [{"name": "SLUICEGATE_DRAIN_SECONDS", "value": "23"}]

    assert observed_replicas([ours], [])[0].address.grpc_port == 9501


def test_a_server_is_verified_only_if_it_was_told_a_digest() -> None:
    told = pod(conditions=ready("True"))
    told["spec"]["containers"][0]["env"] = [{"name": "SLUICEGATE_BUNDLE_DIGEST", "value": "sha256:1"}]

    assert [each.verified for each in observed_replicas([told, pod(conditions=ready("True"))], [])] == [True, None]


def test_a_pod_under_deletion_gets_nothing_more() -> None:
    leaving = pod(conditions=ready("True"))
    leaving["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"

    assert observed_replicas([leaving], [])[0].state == "Draining"


@pytest.mark.parametrize(
    ("status", "state", "words"),
    [
        pytest.param({}, "Starting", "", id="just made"),
        pytest.param(
            {"conditions": [{"type": "PodScheduled", "status": "False", "message": "0/3 nodes: no memory"}]},
            "Starting", "no node takes the pod: 0/3 nodes: no memory", id="no node",
        ),
        pytest.param(
            {"containerStatuses": container(state={"waiting": {"reason": "ErrImagePull", "message": "not found"}})},
            "Failed", UNPULLED, id="no image",
        ),
        pytest.param(
            {"containerStatuses": container(state={"waiting": {
                "reason": "ImagePullBackOff", "message": 'Back-off pulling image "x": ErrImagePull: not found'}})},
            "Failed", UNPULLED, id="no image, later",
        ),
        pytest.param(
            {"containerStatuses": container(state={"terminated": {"exitCode": 1, "message": "one\ntwo\nthree\nfour"}})},
            "Failed", "container 'model' ended (exit code 1): two | three | four", id="crashed",
        ),
        pytest.param(
            {"containerStatuses": container(state={"terminated": {"exitCode": 137, "reason": "OOMKilled"}})},
            "Failed", "container 'model' ended (out of memory); see `kubectl logs --previous`", id="out of memory",
        ),
        pytest.param(
            {"containerStatuses": container(
                state={"waiting": {"reason": "CrashLoopBackOff"}},
                lastState={"terminated": {"exitCode": 78, "message": "x\nrefused: model.joblib: another digest"}})},
            "Failed", "refused: model.joblib: another digest", id="refused its bundle",
        ),
        pytest.param(
            {"containerStatuses": container(
                state={"running": {}}, lastState={"terminated": {"exitCode": 1, "message": "boom"}})},
            "Starting", "container 'model' ended (exit code 1): boom", id="begins anew",
        ),
    ],
)  # fmt: skip
def test_a_pod_that_does_not_answer_says_why(status: dict[str, Any], state: str, words: str) -> None:
    [found] = observed_replicas([pod(**status)], [])

    assert found.state == state
    assert found.message.endswith(words)


@pytest.mark.parametrize(
    ("ceased", "begun", "state"),
    [
        pytest.param("2026-01-01T00:00:09Z", "2026-01-01T00:00:01Z", "Silent", id="its kubelet began anew"),
        pytest.param("2026-01-01T00:00:00Z", "2026-01-01T00:00:01Z", "Starting", id="it never was ready"),
        pytest.param("2026-01-01T00:00:09Z", "2026-01-01T00:00:11Z", "Starting", id="it ended, and began again"),
        pytest.param("2026-01-01T00:00:09Z", "", "Starting", id="it does not run"),
    ],
)
def test_a_pod_that_was_ready_and_runs_on_is_silent(ceased: str, begun: str, state: str) -> None:
    unready = [{"type": "Ready", "status": "False", "lastTransitionTime": ceased}]
    running = {"running": {"startedAt": begun}} if begun else {"waiting": {}}

    [found] = observed_replicas([pod(conditions=unready, containerStatuses=container(state=running))], [])

    assert found.state == state


def test_a_deployment_that_may_not_make_pods_is_a_failed_server_with_the_reason() -> None:
    meta = {"labels": LABELS, "annotations": {"sluicegate.dev/revision": "r1"}}
    refused = {"type": "ReplicaFailure", "status": "True", "message": "exceeded quota"}
    deployment = {
        "metadata": {"name": "flights-v1-0-model", "namespace": "default"},
        "spec": {"template": {"metadata": meta}},
        "status": {"conditions": [refused]},
    }

    [found] = observed_replicas([], [deployment])

    assert (found.key, found.state) == (("default", "flights.v1", "r1"), "Failed")
    assert found.message == "no pod could be made: exceeded quota"


def test_who_answers_and_who_made_a_pod_is_said_by_its_labels() -> None:
    entry = pod()
    entry["metadata"]["labels"] = {**LABELS, "seldon-app": "flights-v1"}

    assert (answers(entry), answers(pod())) == (True, False)
    assert is_made_by(entry, {"flights-v1-0-model"})
    assert not is_made_by(entry, {"flights-v2-0-model"})
