"""Which pods of the bundled gateway count when somebody asks what is in force."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from sluicegate.serving.operator.gateways.envoys import LABELS, is_sent_requests

ROOT = Path(__file__).parents[4]


def pod(*conditions: tuple[str, str], **metadata: str) -> dict[str, Any]:
    """A gateway's pod with these conditions."""
    found = [{"type": kind, "status": status} for kind, status in conditions]
    return {"metadata": {"name": "g", **metadata}, "status": {"conditions": found}}


@pytest.mark.parametrize(
    ("found", "answer"),
    [
        (pod(("PodScheduled", "True"), ("Ready", "True")), True),
        (pod(("PodScheduled", "True"), ("Ready", "False")), False),
        (pod(("Ready", "Unknown")), False),
        (pod(), False),
        ({"metadata": {"name": "g"}}, False),
        (pod(("Ready", "True"), deletionTimestamp="2026-01-01T00:00:00Z"), False),
    ],
)
def test_ready_pods_that_stay_are_sent_requests(found: dict[str, Any], answer: bool) -> None:
    assert is_sent_requests(found) is answer


def test_the_gateways_pods_are_found_by_their_labels_and_named_by_their_nodes() -> None:
    objects = yaml.safe_load_all((ROOT / "manifests/install/gateway.yaml").read_text())
    [template] = [each["spec"]["template"] for each in objects if each["kind"] == "Deployment"]
    [container] = template["spec"]["containers"]

    assert {"POD_NAME": "metadata.name"}.items() <= {
        each["name"]: each["valueFrom"]["fieldRef"]["fieldPath"] for each in container["env"] if "valueFrom" in each
    }.items()
    name, value = LABELS.split("=")
    assert template["metadata"]["labels"][name] == value
