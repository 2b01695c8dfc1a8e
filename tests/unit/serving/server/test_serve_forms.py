"""The three forms of ``sluicegate serve``: a model, a class, a predictor's graph."""

import base64
import json
from pathlib import Path

import pytest

from sluicegate.serving.server.errors import SettingsRefusedError
from sluicegate.serving.server.setting_table import SERVICE_TYPES
from sluicegate.serving.server.settings import read_settings
from sluicegate.serving.server.specification import graph_of, metadata_of, protocol_of, typed_parameters

GRAPH = {"name": "router", "type": "ROUTER", "implementation": "m.Router", "children": [{"name": "a", "type": "MODEL"}]}
PREDICTOR = {"name": "p", "graph": GRAPH}
DEPLOYMENT = {"kind": "SeldonDeployment", "spec": {"predictors": [PREDICTOR]}}


def test_a_model_is_named_by_its_server_and_its_place() -> None:
    unit = graph_of(read_settings(["--implementation", "SKLEARN_SERVER", "--model-uri", "/m"], {}))

    assert (unit.type, unit.implementation, unit.model_uri) == ("MODEL", "SKLEARN_SERVER", "/m")


@pytest.mark.parametrize("word", list(SERVICE_TYPES))
def test_a_class_is_the_first_word_and_its_kind_an_option(word: str) -> None:
    """As Seldon's microservice has it; the environment tells what it told there."""
    environment = {"PREDICTIVE_UNIT_ID": "u", "PREDICTIVE_UNIT_PARAMETERS": '[{"name":"n","value":"1","type":"INT"}]'}

    unit = graph_of(read_settings(["pack.module.Class", "--service-type", word], environment))

    assert (unit.name, unit.type, unit.implementation) == ("u", SERVICE_TYPES[word], "pack.module.Class")
    assert typed_parameters(unit) == {"n": 1}


@pytest.mark.parametrize(
    ("options", "stated", "expected"),
    [((), "v2", "v2"), (("--protocol", "tensorflow"), "v2", "tensorflow"), ((), "", "seldon")],
)
def test_a_deployment_in_a_file_says_how_units_are_called(
    tmp_path: Path, options: tuple[str, ...], stated: str, expected: str
) -> None:
    """Unless an option does."""
    document = {**DEPLOYMENT, "spec": {"predictors": [PREDICTOR], "protocol": stated}}
    (tmp_path / "p").write_text(json.dumps(document))

    assert protocol_of(read_settings(["--predictor", str(tmp_path / "p"), *options], {})) == expected


def test_a_protocol_that_is_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / "p").write_text(json.dumps({**DEPLOYMENT, "spec": {"predictors": [PREDICTOR], "protocol": "v3"}}))

    with pytest.raises(SettingsRefusedError, match="found protocol 'v3'"):
        protocol_of(read_settings(["--predictor", str(tmp_path / "p")], {}))
    with pytest.raises(SettingsRefusedError, match="protocol: found 'v3'"):
        read_settings(["--protocol", "v3"], {})


def test_a_class_wins_over_a_graph_of_the_environment() -> None:
    """An option always does."""
    environment = {"ENGINE_PREDICTOR": json.dumps(PREDICTOR), "SLUICEGATE_PREDICTOR_FILE": "/nowhere"}

    assert graph_of(read_settings(["m.C"], environment)).implementation == "m.C"


@pytest.mark.parametrize("other", ["--implementation", "--graph", "--predictor"])
def test_two_things_to_serve_are_refused(other: str) -> None:
    with pytest.raises(SettingsRefusedError, match=r"found both 'm\.C' and .* expected one of them"):
        read_settings(["m.C", other, "x"], {})


@pytest.mark.parametrize("document", [PREDICTOR, DEPLOYMENT], ids=["predictor", "deployment"])
def test_a_graph_is_read_from_a_file_or_from_the_environment(tmp_path: Path, document: object) -> None:
    """JSON or YAML in a file; base64 of JSON as Seldon's operator gives it."""
    (tmp_path / "p").write_text(json.dumps(document))
    encoded = base64.b64encode(json.dumps(PREDICTOR).encode()).decode()

    of_file = graph_of(read_settings(["--predictor", str(tmp_path / "p")], {}))
    of_environment = graph_of(read_settings([], {"ENGINE_PREDICTOR": encoded}))

    assert of_file == of_environment
    assert (of_file.type, of_file.children[0].name) == ("ROUTER", "a")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (None, "a predictor's name is --predictor-name"),
        ("[1]", "expected a predictor"),
        ("{", "expected a predictor"),
        ("graph: 1", "expected a predictor"),
        ("{kind: SeldonDeployment, spec: {predictors: [{name: a}, {name: b}]}}", "predictors a, b; expected a file"),
        ("{kind: SeldonDeployment}", "expected a predictor"),
    ],
)
def test_a_file_without_a_predictor_is_refused(tmp_path: Path, text: str | None, told: str) -> None:
    """The refusal names the file."""
    path = tmp_path / "p.yaml"
    if text is not None:
        path.write_text(text)

    with pytest.raises(SettingsRefusedError, match=rf"--predictor .*p\.yaml: .*{told}"):
        graph_of(read_settings(["--predictor", str(path)], {}))


def test_values_written_as_numbers_by_hand_are_read() -> None:
    """Kubernetes has text only; people's JSON has not."""
    text = '[{"name":"f","value":0.5,"type":"FLOAT"},{"name":"b","value":true,"type":"BOOL"},{"name":"s","value":[1]}]'

    assert typed_parameters(graph_of(read_settings(["m.C", "--parameters", text], {}))) == {
        "f": 0.5,
        "b": True,
        "s": "[1]",
    }


@pytest.mark.parametrize(("name", "value"), [("--service-type", "MODELS"), ("--metrics-in-answers", "yes")])
def test_a_word_of_no_meaning_is_refused(name: str, value: str) -> None:
    with pytest.raises(SettingsRefusedError, match=f"found '{value}'; expected"):
        read_settings([name, value], {})


def test_metadata_is_an_object() -> None:
    """JSON or YAML, or nothing."""
    assert metadata_of(read_settings([], {"MODEL_METADATA": "name: m"})) == {"name": "m"}
    assert metadata_of(read_settings([], {})) == {}
    with pytest.raises(SettingsRefusedError, match=r"metadata: .*expected an object"):
        metadata_of(read_settings(["--metadata", "[1]"], {}))
