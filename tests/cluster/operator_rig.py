"""The whole installation on a real cluster, two versions of a model in S3, and somebody who asks without a pause."""

import json
import re
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import httpx
import yaml
from sklearn.datasets import make_classification
from sklearn.linear_model import LogisticRegression
from tests.cluster import image_rig, storages
from tests.cluster.kubectl import Kubectl

from sluicegate.serving.bundle.manifest import Column, Signature
from sluicegate.serving.bundle.reading import read_bundle
from sluicegate.serving.bundle.writing import Contents, write_bundle

ROOT = Path(__file__).parents[2]
HOME = "sluicegate"
"""The installation's namespace."""
ROW = {"data": {"names": ["a", "b", "c", "d"], "ndarray": [[0.5, -1, 2, 0]]}}
JSON = dict[str, Any]


def installation(kubectl: Kubectl) -> list[JSON]:
    """Every object of ``manifests/install``, with the images that are tested, and told to start such."""
    objects = _built(kubectl, "install")
    told = {"SLUICEGATE_IMAGE_REGISTRY": image_rig.PREFIX, "SLUICEGATE_IMAGE_VERSION": image_rig.TAG}
    for each in objects:
        if each["kind"] == "Deployment" and each["metadata"]["name"] == "sluicegate-operator":
            each["spec"]["template"]["spec"]["containers"][0]["env"] += image_rig.variables(told)
    return objects


def templates(kubectl: Kubectl) -> list[JSON]:
    """Every object of ``manifests/argo``, likewise."""
    return _built(kubectl, "argo")


def _built(kubectl: Kubectl, folder: str) -> list[JSON]:
    text = kubectl("kustomize", str(ROOT / "manifests" / folder))
    tested = re.sub(
        r"(image|value|default): sluicegate/([\w-]+):[\d.]+", rf"\1: {image_rig.PREFIX}/\2:{image_rig.TAG}", text
    )
    return [document for document in yaml.safe_load_all(tested) if document]


def as_list(objects: list[JSON]) -> JSON:
    """One document of many objects."""
    return {"apiVersion": "v1", "kind": "List", "items": objects}


class Model:
    """One version of a model, as a bundle in S3."""

    def __init__(self, version: str, directory: Path, prefix: str) -> None:
        rows, labels = make_classification(n_samples=400, n_features=4, random_state=3)
        model = LogisticRegression(C=float(version)).fit(rows, labels)
        contents = Contents(
            name="flights",
            version=version,
            model=model,
            signature=Signature(inputs=tuple(Column(name=name) for name in "abcd"), outputs=("on-time", "late")),
            input_example=rows[:3].tolist(),
            expected_answers=model.predict_proba(rows[:3]).tolist(),
        )
        write_bundle(directory, contents)
        self.version, self.digest = version, read_bundle(directory).digest
        self.uri = storages.upload(directory, f"{prefix}/{version}")


def secret() -> JSON:
    """Credentials for S3."""
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "s3"},
        "stringData": storages.S3_ENVIRONMENT,
    }


def deployment(name: str, model: Model, **predictor: Any) -> JSON:
    """A SeldonDeployment that serves one version."""
    graph = {
        "name": "model", "implementation": "SKLEARN_SERVER", "modelUri": model.uri, "envSecretRefName": "s3",
    }  # fmt: skip
    notes = {
        "sluicegate.dev/model": "flights",
        "sluicegate.dev/version": model.version,
        "sluicegate.dev/bundle-digest": model.digest,
    }
    stated = {"name": f"v{model.version}", "replicas": 2, "annotations": notes, "graph": graph, **predictor}
    return {
        "apiVersion": "machinelearning.seldon.io/v1",
        "kind": "SeldonDeployment",
        "metadata": {"name": name},
        "spec": {"predictors": [stated]},
    }


def workflow(rollout: str, target: str, namespace: str, model: Model, plan: JSON) -> JSON:
    """The rollout's Workflow, as ``argo submit --from workflowtemplate/sluicegate-rollout`` makes it."""
    values = {
        "rollout": rollout, "deployment": target, "namespace": namespace, "model": "flights",
        "version": model.version, "bundle_uri": model.uri, "bundle_digest": model.digest,
        "expected_disagreement": "0.05", "plan": json.dumps(plan),
    }  # fmt: skip
    parameters = [{"name": name, "value": value} for name, value in values.items()]
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Workflow",
        "metadata": {"name": rollout},
        "spec": {
            "workflowTemplateRef": {"name": "sluicegate-rollout"},
            "arguments": {"parameters": parameters},
        },
    }


class Load:
    """Asks through the gateway until the block ends; a connection that was cut is tried once more."""

    def __init__(self, url: str, threads: int = 3) -> None:
        self.answers: Counter[str] = Counter()
        self.failures: list[str] = []
        self._url, self._done = url, threading.Event()
        self._threads = [threading.Thread(target=self._ask, daemon=True) for _ in range(threads)]

    def __enter__(self) -> "Load":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        for thread in self._threads:
            thread.join(30)

    def _ask(self) -> None:
        with httpx.Client(timeout=10) as client:
            while not self._done.wait(0.03):
                self._once(client)

    def _once(self, client: httpx.Client) -> None:
        for tries_left in (1, 0):
            try:
                answer = client.post(self._url, json=ROW)
            except httpx.TransportError as error:
                if not tries_left:
                    self.failures.append(f"{time.strftime('%X')} {error!r}")
                time.sleep(0.2)
                continue
            self.answers[str(answer.status_code)] += 1
            if answer.status_code != 200:
                self.failures.append(f"{time.strftime('%X')} {answer.status_code} {answer.text[:200]}")
            return
