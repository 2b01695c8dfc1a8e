"""The command line without a plane: help is fast, errors are sentences, rows become requests."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from sluicegate.pipelines.cli.client import RequestFailedError, resource_of
from sluicegate.pipelines.cli.main import COMMANDS, cli
from sluicegate.pipelines.cli.predict import as_request

MAPPED = Path(__file__).parents[3] / "corpus" / "argo" / "env-from-configmap.yaml"
OTHERS = {"step", "pipeline", "submit"}


def run(*arguments: str, home: Path) -> Any:
    """The command's result, in a home of its own and without the user's environment."""
    environment = {"SLUICEGATE_HOME": str(home), "KUBECONFIG": ""}
    return CliRunner().invoke(cli, list(arguments), env=environment)


def test_help_loads_nothing_heavy() -> None:
    """Neither httpx, rich, yaml nor a room of the house."""
    code = (
        "import sys; from sluicegate.pipelines.cli.main import cli\n"
        "cli(['--help'], standalone_mode=False)\n"
        "print(sorted(m for m in sys.modules if m.partition('.')[0] in {'httpx', 'rich', 'yaml', 'numpy', 'mlflow'}))"
    )

    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout

    assert shown.endswith("[]\n")


@pytest.mark.parametrize("name", [entry.name for entry in COMMANDS if entry.name not in OTHERS | {"serve"}])
def test_every_command_has_help(name: str, tmp_path: Path) -> None:
    """The table names what there is."""
    result = run(name, "--help", home=tmp_path)

    assert result.exit_code == 0
    assert "Usage" in result.output


@pytest.mark.parametrize(
    "arguments", [["status"], ["get", "sdep"], ["kubeconfig"], ["stop", "envoy"], ["predict", "x", "-d", "{}"]]
)
def test_without_a_plane_one_sentence(arguments: list[str], tmp_path: Path) -> None:
    """Exit code 1, the home, and the remedy."""
    result = run(*arguments, home=tmp_path)

    assert result.exit_code == 1
    assert "sluicegate up" in result.output
    assert result.output.count("\n") == 1


def test_down_of_nothing_is_fine(tmp_path: Path) -> None:
    """Idempotent."""
    assert "no plane ran" in run("down", home=tmp_path / "none").output


@pytest.mark.parametrize("word", ["sdep", "SeldonDeployment", "seldondeployments", "seldondeployments.machinelearning"])
def test_kinds_have_many_names(word: str) -> None:
    """As kubectl takes them."""
    assert resource_of(word)[0] == "SeldonDeployment"


def test_an_unknown_kind_lists_the_known(tmp_path: Path) -> None:
    """No traceback."""
    with pytest.raises(RequestFailedError, match="modelrollouts"):
        resource_of("pods")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"a": 1, "b": 2}, {"data": {"names": ["a", "b"], "ndarray": [[1, 2]]}}),
        ([{"a": 1}, {"a": 2}], {"data": {"names": ["a"], "ndarray": [[1], [2]]}}),
        ([[1, 2]], {"data": {"ndarray": [[1, 2]]}}),
        ([1, 2], {"data": {"ndarray": [[1, 2]]}}),
        ({"data": {"ndarray": [[1]]}}, {"data": {"ndarray": [[1]]}}),
    ],
)
def test_rows_become_a_request(given: Any, expected: Any) -> None:
    """Rows by name, rows, one row, a whole request."""
    assert as_request(given) == expected


@pytest.mark.parametrize("given", [3, "x", [], None])
def test_what_is_no_row_is_refused(given: Any) -> None:
    """With what is expected."""
    with pytest.raises(RequestFailedError, match="expected"):
        as_request(given)


def test_a_workflow_that_touches_no_object_runs_without_an_api(tmp_path: Path) -> None:
    """With what it refers to in the same file."""
    result = run("submit", "--local", str(MAPPED), home=tmp_path)

    assert result.exit_code == 0
    assert "Succeeded: env-from-configmap" in result.output
