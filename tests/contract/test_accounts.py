"""Who has a token for the API server: what speaks to it, and nobody else."""

from pathlib import Path
from typing import Any

import yaml

MANIFESTS = Path(__file__).parents[2] / "manifests"
SPEAK = {"sluicegate-operator", "sluicegate-registry"}


def deployments() -> dict[str, dict[str, Any]]:
    """Pods' specs of all Deployments that are installed, by name."""
    files = [*(MANIFESTS / "install").glob("*.yaml"), *(MANIFESTS / "registry").glob("*.yaml")]
    objects = [each for file in files for each in yaml.safe_load_all(file.read_text()) if each]
    return {
        each["metadata"]["name"]: each["spec"]["template"]["spec"]
        for each in objects
        if each.get("kind") == "Deployment"
    }


def test_gateway_and_collector_have_no_token() -> None:
    silent = {name for name, pod in deployments().items() if pod.get("automountServiceAccountToken") is False}

    assert silent == deployments().keys() - SPEAK == {"sluicegate-gateway", "sluicegate-collector"}


def test_who_speaks_to_the_api_server_has_an_account_of_its_own() -> None:
    accounts = {name: deployments()[name].get("serviceAccountName") for name in SPEAK}

    assert accounts == {name: name for name in SPEAK}
