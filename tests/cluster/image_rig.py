"""Pods of our images as a careful cluster runs them: level `restricted`, read-only, no capabilities, no token."""

import os
from importlib.metadata import version
from pathlib import Path
from typing import Any

from sklearn.datasets import make_classification
from sklearn.linear_model import LogisticRegression
from tests.cluster import storages

from sluicegate.serving.bundle.manifest import Column, Signature
from sluicegate.serving.bundle.writing import Contents, write_bundle

PREFIX = os.environ.get("SLUICEGATE_TEST_IMAGES", "sluicegate")
TAG = os.environ.get("SLUICEGATE_TEST_TAG", version("sluicegate"))
"""As `make images REGISTRY=… TAG=…` named them, as the node pulls them."""
MODELS = "/mnt/models"
RESTRICTED = {
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "runAsNonRoot": True,
    "capabilities": {"drop": ["ALL"]},
    "seccompProfile": {"type": "RuntimeDefault"},
}
MOUNTS = [{"name": "models", "mountPath": MODELS}, {"name": "scratch", "mountPath": "/tmp"}]
JSON = dict[str, Any]


def bundle_of(directory: Path) -> Path:
    """A real bundle of a really fitted model."""
    rows, labels = make_classification(n_samples=200, n_features=4, random_state=3)
    model = LogisticRegression().fit(rows, labels)
    contents = Contents(
        name="flights",
        version="1",
        model=model,
        signature=Signature(inputs=tuple(Column(name=name) for name in "abcd"), outputs=("on-time", "late")),
        input_example=rows[:3].tolist(),
        expected_answers=model.predict_proba(rows[:3]).tolist(),
    )
    write_bundle(directory, contents)
    return directory


def container(name: str, image: str, **more: Any) -> JSON:
    """A container of one of our images."""
    return {
        "name": name, "image": f"{PREFIX}/{image}:{TAG}", "imagePullPolicy": "IfNotPresent",
        "securityContext": RESTRICTED, "volumeMounts": MOUNTS,
        "terminationMessagePolicy": "FallbackToLogsOnError", **more,
    }  # fmt: skip


def variables(values: dict[str, str]) -> list[JSON]:
    """As a container has them."""
    return [{"name": name, "value": value} for name, value in values.items()]


def pod_spec(uri: str) -> JSON:
    """The initialiser fetches ``uri``, then the server serves it; both are told by their environment alone."""
    fetching = container(
        "fetch", "storage-initializer", args=[uri, MODELS],
        env=variables(storages.S3_ENVIRONMENT | {"SLUICEGATE_OCI_PLAIN_HTTP": storages.REGISTRY}),
    )  # fmt: skip
    serving = container(
        "model", "server-sklearn", ports=[{"containerPort": 9000}],
        env=variables({"SLUICEGATE_MODEL_URI": MODELS, "PREDICTIVE_UNIT_ID": "flights", "SLUICEGATE_OUTPUT": "json"}),
        readinessProbe={"httpGet": {"path": "/ready", "port": 9000}, "periodSeconds": 1},
        livenessProbe={"httpGet": {"path": "/live", "port": 9000}, "initialDelaySeconds": 10},
        lifecycle={"preStop": {"sleep": {"seconds": 3}}},
    )  # fmt: skip
    return {
        "automountServiceAccountToken": False, "terminationGracePeriodSeconds": 30,
        "initContainers": [fetching], "containers": [serving],
        "volumes": [{"name": "models", "emptyDir": {}}, {"name": "scratch", "emptyDir": {}}],
    }  # fmt: skip


def deployment(name: str, uri: str, replicas: int) -> JSON:
    """A Deployment that never has fewer ready pods than it should."""
    labels = {"app": name}
    strategy = {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}}
    template = {"metadata": {"labels": labels}, "spec": pod_spec(uri)}
    spec = {"replicas": replicas, "strategy": strategy, "selector": {"matchLabels": labels}, "template": template}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": spec}


def service(name: str) -> JSON:
    """Its Service."""
    spec = {"selector": {"app": name}, "ports": [{"port": 9000}]}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": spec}


def pod(name: str, spec: JSON) -> JSON:
    """A pod that is not started again."""
    whole = {**spec, "restartPolicy": "Never"}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": whole}
