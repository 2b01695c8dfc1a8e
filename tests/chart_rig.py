"""The chart as Helm renders it, and the installation as kustomize builds it, object by object."""

import subprocess
import sysconfig
from pathlib import Path
from typing import Any

import helm_python as helm
import yaml
from tests.overlays import INSTALL, ROOT, overlay

CHART = ROOT / "manifests" / "helm" / "sluicegate"
JSON = dict[str, Any]
Objects = dict[tuple[str, str, str], JSON]
"""By kind, namespace and name."""


def rendered(values: JSON | None = None, namespace: str = "sluicegate") -> Objects:
    """Every object of the chart with these values. Raises HelmError for values that its schema refuses."""
    with helm.Chart.load(CHART) as chart:
        chart.validate_schema(values or {})
        texts = chart.render(values or {}, name="sluicegate", namespace=namespace)
    documents = [text for name, text in texts.items() if not name.endswith("NOTES.txt")]
    return by_key([each for text in documents for each in yaml.load_all(text, yaml.CSafeLoader) if each])


def built(*components: str) -> Objects:
    """Every object of the installation, with these of its components, as ``kubectl apply -k`` sends it."""
    kubectl = Path(sysconfig.get_path("scripts")) / "kubectl"
    with overlay(INSTALL, *(INSTALL / each for each in components)) as folder:
        done = subprocess.run([kubectl, "kustomize", folder], check=True, capture_output=True, text=True)
    return by_key([each for each in yaml.load_all(done.stdout, yaml.CSafeLoader) if each])


def by_key(objects: list[JSON]) -> Objects:
    """The same, to be found; none is there twice."""
    found = {(each["kind"], each["metadata"].get("namespace", ""), each["metadata"]["name"]): each for each in objects}
    assert len(found) == len(objects)
    return found


def container(objects: Objects, part: str) -> JSON:
    """The container of one of our Deployments."""
    found: JSON = pod(objects, part)["containers"][0]
    return found


def pod(objects: Objects, part: str) -> JSON:
    """Its pods' spec."""
    (made,) = (each for key, each in objects.items() if key[0] == "Deployment" and key[2] == f"sluicegate-{part}")
    found: JSON = made["spec"]["template"]["spec"]
    return found


def environment(objects: Objects, part: str = "operator") -> dict[str, str]:
    """Its variables that have a value."""
    return {each["name"]: each["value"] for each in container(objects, part)["env"] if "value" in each}
