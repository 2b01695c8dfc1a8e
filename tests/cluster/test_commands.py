"""``sluicegate`` speaks to a cluster as to a plane: whatever its kubeconfig asks for, certificates and tokens."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from tests.cluster.kubectl import Kubectl

from sluicegate.pipelines.cli.main import cli

SETTINGS = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"}, "data": {"colour": "red"}}


def say(tmp_path: Path, *words: str, stdin: str = "") -> Result:
    """A command, where no plane was ever up."""
    return CliRunner().invoke(cli, [*words, "--home", str(tmp_path)], input=stdin)


@pytest.fixture
def stored(kubectl: Kubectl, namespace: str, tmp_path: Path) -> Kubectl:
    """A ConfigMap that the command itself wrote; kubectl in its namespace."""
    said = say(tmp_path, "apply", "-n", namespace, "-f", "-", stdin=json.dumps(SETTINGS))
    assert "settings" in said.output, said.output
    return kubectl.within(namespace)


def test_it_applies_lists_and_deletes(stored: Kubectl, tmp_path: Path) -> None:
    assert "settings" in say(tmp_path, "get", "cm", "-n", stored.namespace).output

    again = say(tmp_path, "apply", "-n", stored.namespace, "-f", "-", stdin=json.dumps(SETTINGS))
    gone = say(tmp_path, "delete", "cm", "settings", "-n", stored.namespace)

    assert again.output == "configmaps/settings unchanged\n"
    assert gone.exit_code == 0
    assert stored.run("get", "configmap", "settings").returncode != 0


def test_a_refusal_is_the_servers_own_sentence(namespace: str, tmp_path: Path, kubectl: Kubectl) -> None:
    said = say(tmp_path, "get", "sdep", "nobody", "-n", namespace)

    assert said.exit_code == 1
    assert said.output == 'Error: seldondeployments.machinelearning.seldon.io "nobody" not found\n'
