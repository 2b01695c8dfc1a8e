"""The whole installation on a real cluster, two versions of a model in S3, and somebody who asks without a pause."""

import json
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import yaml
from sklearn.datasets import make_classification
from sklearn.linear_model import LogisticRegression
from tests.cluster import image_rig, storages
from tests.cluster.kubectl import Kubectl
from tests.overlays import overlay

from sluicegate.serving.bundle.manifest import Column, Signature
from sluicegate.serving.bundle.reading import read_bundle
from sluicegate.serving.bundle.writing import Contents, write_bundle

ROOT = Path(__file__).parents[2]
HOME = "sluicegate"
"""The installation's namespace."""
NAME = "flights"
"""The SeldonDeployment of most tests."""
ROW = {"data": {"names": ["a", "b", "c", "d"], "ndarray": [[0.5, -1, 2, 0]]}}
JSON = dict[str, Any]


def installation(
    kubectl: Kubectl, *components: str, manifests: Path = ROOT / "manifests", tag: str = image_rig.TAG, **told: str
) -> list[JSON]:
    """Every object of ``install`` below ``manifests`` with these of its components, and the images that are tested.

    The operator is told to start such images, and what else is ``told``.
    """
    objects = _built(kubectl, manifests / "install", [manifests / "install" / each for each in components], tag)
    told = {"SLUICEGATE_IMAGE_REGISTRY": image_rig.PREFIX, "SLUICEGATE_IMAGE_VERSION": tag, **told}
    for each in objects:
        if each["kind"] == "Deployment" and each["metadata"]["name"] == "sluicegate-operator":
            each["spec"]["template"]["spec"]["containers"][0]["env"] += image_rig.variables(told)
    return objects


def install(kubectl: Kubectl, objects: list[JSON]) -> Kubectl:
    """Apply all of it and wait until it runs; kubectl in its namespace."""
    definitions = [each for each in objects if each["kind"] == "CustomResourceDefinition"]
    kubectl("apply", "-f", "-", stdin=as_list(definitions))
    kubectl("wait", "--for=condition=Established", "--timeout=30s", "-f", "-", stdin=as_list(definitions))
    home = kubectl.within(HOME)
    home("apply", "-f", "-", stdin=as_list([each for each in objects if each not in definitions]))
    for each in objects:
        if each["kind"] == "Deployment":
            home("rollout", "status", f"deployment/{each['metadata']['name']}", "--timeout=110s")
    return home


def uninstall(kubectl: Kubectl, objects: list[JSON]) -> None:
    """Remove all of it but the definitions, and wait until it is gone."""
    others = [each for each in objects if each["kind"] != "CustomResourceDefinition"]
    home = kubectl.within(HOME)
    home("delete", "--ignore-not-found", "--timeout=110s", "-f", "-", stdin=as_list(others))


@contextmanager
def installed(kubectl: Kubectl, objects: list[JSON]) -> Iterator[Kubectl]:
    """All of it runs while this is open; kubectl in its namespace."""
    yield install(kubectl, objects)
    uninstall(kubectl, objects)


def templates(kubectl: Kubectl) -> list[JSON]:
    """Every object of ``manifests/argo``, likewise."""
    return _built(kubectl, ROOT / "manifests" / "argo", [], image_rig.TAG)


def registry(kubectl: Kubectl, settings: dict[str, str], *components: str) -> list[JSON]:
    """Every object of ``manifests/registry`` with these of its components, in kubectl's namespace and called by it, so
    as to meet no other one.
    """
    folder = ROOT / "manifests" / "registry"
    built = _built(kubectl, folder, [folder / each for each in components], image_rig.TAG)
    text = json.dumps(built).replace("sluicegate-registry", f"{kubectl.namespace}-registry")
    objects = json.loads(text.replace('"namespace": "sluicegate"', f'"namespace": "{kubectl.namespace}"'))
    for each in objects:
        if each["kind"] == "ConfigMap":
            each["data"] |= settings
    return list(objects)


def _built(kubectl: Kubectl, folder: Path, components: list[Path], tag: str) -> list[JSON]:
    with overlay(folder, *components) as directory:
        text = kubectl("kustomize", directory)
    tested = re.sub(r"(image|value|default): sluicegate/([\w-]+):[\d.]+", rf"\1: {image_rig.PREFIX}/\2:{tag}", text)
    return [document for document in yaml.safe_load_all(tested) if document]


def status(kubectl: Kubectl, name: str = NAME) -> Any:
    """Of a SeldonDeployment."""
    return kubectl.json("get", "sdep", name).get("status", {})


def served_by(kubectl: Kubectl) -> int:
    """How many servers answer for it."""
    found = status(kubectl)
    return int(found.get("replicas", 0)) if found.get("state") == "Available" else 0


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


@contextmanager
def two_models(directory: Path, prefix: str) -> Iterator[dict[str, Model]]:
    """Two versions in S3, alike in what they answer."""
    yield {version: Model(version, directory / version, prefix) for version in ("1", "2")}
    storages.bucket().rm(f"{storages.BUCKET}/{prefix}", recursive=True)


def phase(kubectl: Kubectl, rollout: str) -> str:
    """Of a rollout; empty before it is there."""
    done = kubectl.run("get", "modelrollout", rollout, "-o", "jsonpath={.status.phase}")
    return done.stdout if done.returncode == 0 else ""


def ends(kubectl: Kubectl, rollout: str) -> Callable[[], bool]:
    """Whether it is over."""
    return lambda: phase(kubectl, rollout) in {"Promoted", "RolledBack", "Refused"}


def names(kubectl: Kubectl, kinds: str) -> list[str]:
    """Of all objects of these kinds."""
    return sorted(each["metadata"]["name"] for each in kubectl.json("get", kinds)["items"])


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


def rollout(name: str, target: str, model: Model) -> JSON:
    """A ModelRollout that no workflow drives."""
    predictor = deployment(target, model)["spec"]["predictors"][0]
    return {
        "apiVersion": "sluicegate.dev/v1alpha1",
        "kind": "ModelRollout",
        "metadata": {"name": name},
        "spec": {
            "target": target,
            "candidate": {**predictor, "name": name},
            "model": {"name": "flights", "version": model.version, "bundleDigest": model.digest},
        },
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
    """Asks through the gateway until the block ends; ``tries`` times in all when a connection is cut."""

    def __init__(self, url: str, threads: int = 3, tries: int = 2) -> None:
        self.answers: Counter[str] = Counter()
        self.failures: list[str] = []
        self.again, self.longest = 0, 0.0
        """How often a connection was cut, and how many seconds the slowest answer took, attempts included."""
        self._url, self._tries, self._done = url, tries, threading.Event()
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
        begun = time.monotonic()
        for tries_left in reversed(range(self._tries)):
            try:
                answer = client.post(self._url, json=ROW)
            except httpx.TransportError as error:
                if not tries_left:
                    self.failures.append(f"{time.strftime('%X')} {error!r}")
                self.again += 1
                time.sleep(0.2)
                continue
            self.longest = max(self.longest, time.monotonic() - begun)
            self.answers[str(answer.status_code)] += 1
            if answer.status_code != 200:
                self.failures.append(f"{time.strftime('%X')} {answer.status_code} {answer.text[:200]}")
            return
