"""What is applied for the demonstration: sluicegate itself where it is not yet there, and a namespace with the rest."""

import json
import re
from dataclasses import dataclass
from pathlib import Path

import yaml

from demo.cluster.kubectl import Kubectl
from demo.cluster.storage import Storage
from demo.commands import ROOT
from demo.ground import JSON

HOME = "sluicegate"
"""Where ``manifests/install`` puts operator, gateway and collector."""
ENVIRONMENT, CREDENTIALS = "sluicegate-environment", "sluicegate-credentials"
_MANIFESTS = ROOT / "manifests"
_OBJECTS = Path(__file__).parent / "objects"


@dataclass(frozen=True, slots=True)
class Images:
    """How `make images` named them."""

    registry: str
    tag: str

    def in_text(self, text: str) -> str:
        """A manifest with these names; Argo's templates hold theirs where kustomize does not look."""
        return re.sub(r"\bsluicegate/([\w-]+):\d[\d.]*\d", rf"{self.registry}/\1:{self.tag}", text)

    def in_objects(self, objects: list[JSON]) -> list[JSON]:
        """Objects with these names."""
        return [dict(json.loads(self.in_text(json.dumps(each)))) for each in objects]


def installation(kubectl: Kubectl, images: Images) -> list[JSON]:
    """``manifests/install``, told to start servers from the same registry."""
    objects = images.in_objects(kubectl.kustomize(_MANIFESTS / "install"))
    told = {"SLUICEGATE_IMAGE_REGISTRY": images.registry, "SLUICEGATE_IMAGE_VERSION": images.tag}
    for each in objects:
        if each["kind"] == "Deployment" and each["metadata"]["name"] == "sluicegate-operator":
            container = each["spec"]["template"]["spec"]["containers"][0]
            container["env"] += [{"name": name, "value": value} for name, value in told.items()]
    return objects


def follower(kubectl: Kubectl, images: Images) -> list[JSON]:
    """``manifests/registry`` for the demonstration's MLflow, called otherwise: the cluster may have one of its own."""
    text = json.dumps(images.in_objects(kubectl.kustomize(_MANIFESTS / "registry")))
    text = text.replace("sluicegate-registry", f"{kubectl.namespace}-registry")
    objects: list[JSON] = json.loads(text.replace(f'"namespace": "{HOME}"', f'"namespace": "{kubectl.namespace}"'))
    for each in objects:
        if each["kind"] == "ConfigMap":
            each["data"] |= {
                "MLFLOW_TRACKING_URI": "http://mlflow:5000",
                "SLUICEGATE_WATCH_NAMESPACE": kubectl.namespace,
            }
    return objects


def templates(kubectl: Kubectl, images: Images) -> list[JSON]:
    """``manifests/argo`` without its ConfigMap, of which ``surroundings`` makes one for here."""
    objects = images.in_objects(kubectl.kustomize(_MANIFESTS / "argo"))
    return [each for each in objects if each["kind"] != "ConfigMap"]


def surroundings(namespace: str, storage: Storage, images: Images) -> list[JSON]:
    """What steps are told, MLflow, and the load's pod."""
    settings = {
        "SLUICEGATE_GATEWAY": f"http://sluicegate-gateway.{HOME}",
        "SLUICEGATE_COLLECTOR": f"http://sluicegate-collector.{HOME}:7081",
        "MLFLOW_TRACKING_URI": f"http://mlflow.{namespace}:5000",
        "SLUICEGATE_BUNDLES": f"s3://{storage.bucket}/{namespace}/bundles",
        "SLUICEGATE_BUNDLES_SECRET": CREDENTIALS,
        "DEMO_NAMESPACE": namespace,
    }
    files = [images.in_text((_OBJECTS / name).read_text()) for name in ("mlflow.yaml", "load.yaml")]
    return [
        _object("ConfigMap", ENVIRONMENT, data=settings),
        _object("Secret", CREDENTIALS, stringData=storage.environment),
        _object("Secret", storage.secret["metadata"]["name"], data=storage.secret["data"]),
        *(each for text in files for each in yaml.safe_load_all(text)),
    ]


def _object(kind: str, name: str, **content: JSON) -> JSON:
    return {"apiVersion": "v1", "kind": kind, "metadata": {"name": name}, **content}
