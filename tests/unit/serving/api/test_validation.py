"""Every rule that keeps a SeldonDeployment out, and what comes in with a warning."""

from typing import Any

import pytest
from tests.rule_tables import BROKEN, INSTALLED, KAFKA, OWN, P0, SKLEARN, UNWISE, predictor

from sluicegate.serving.api.decoding import decode
from sluicegate.serving.api.errors import InvalidObjectError
from sluicegate.serving.api.metadata import JSON
from sluicegate.serving.api.seldon_deployment import SeldonDeployment
from sluicegate.serving.api.validation import validate_deployment

CLASS = "sluicegate.dev/python-class"


def errors_of(*predictors: JSON, known: frozenset[str] | None = None, name: str = "d", **spec: Any) -> dict[str, str]:
    """What is wrong, sentence by path."""
    raw = {"metadata": {"name": name}, "spec": {"predictors": list(predictors), **spec}}
    installed = None if known else INSTALLED
    errors, _ = validate_deployment(decode(raw, SeldonDeployment), known_servers=known, installed=installed)
    return {error.path: str(error) for error in errors}


def warnings_of(*predictors: JSON, known: frozenset[str] | None = None, **spec: Any) -> str:
    """What is unwise."""
    raw = {"metadata": {"name": "d"}, "spec": {"predictors": list(predictors), **spec}}
    errors, warnings = validate_deployment(decode(raw, SeldonDeployment), known_servers=known)
    assert errors == ()
    return "\n".join(warnings)


@pytest.mark.parametrize(("path", "predictors", "spec"), BROKEN)
def test_a_broken_rule_names_its_field(path: str, predictors: list[JSON], spec: JSON) -> None:
    """Each rule alone is found, at its path, and nothing else is."""
    found = errors_of(*predictors, **spec)

    assert list(found) == [path], found
    assert "expected" in found[path]


@pytest.mark.parametrize(
    ("predictors", "spec"),
    [
        pytest.param([predictor()], {}, id="prepackaged"),
        pytest.param([OWN], {}, id="own-container"),
        pytest.param([predictor(traffic=100)], {}, id="single-with-100"),
        pytest.param([predictor(traffic=30), predictor("b", traffic=70)], {}, id="split"),
        pytest.param([predictor(traffic=100), predictor("b")], {}, id="100-to-0"),
        pytest.param([predictor(traffic=50), predictor("b", shadow=True)], {}, id="shadow-beside-50"),
        pytest.param([predictor(graph={"name": "m", "implementation": "RANDOM_ABTEST"})], {}, id="built-in"),
        pytest.param([predictor(graph={"name": "m", "implementation": "HUGGINGFACE_SERVER"})], {}, id="huggingface"),
        pytest.param([predictor(svcOrchSpec={"env": KAFKA})], {"serverType": "kafka"}, id="kafka"),
        pytest.param([predictor(graph={**SKLEARN, "endpoint": {"type": "REST"}})], {"transport": "rest"}, id="rest"),
        pytest.param([predictor(replicas=None, labels=None)], {"annotations": None}, id="nulls-are-left-out-fields"),
    ],
)
def test_what_seldon_core_took_is_taken(predictors: list[JSON], spec: JSON) -> None:
    """Compatible objects come in."""
    assert errors_of(*predictors, **spec) == {}


@pytest.mark.parametrize(("value", "wrong"), [("250", False), ("0.5", True), ("soon", True)])
def test_a_units_time_limit_is_a_number_of_milliseconds(value: str, wrong: bool) -> None:
    """What the server would refuse is refused before."""
    limit = {"name": "sluicegate.dev/timeout-ms", "value": value}

    found = errors_of(predictor(graph={**SKLEARN, "parameters": [limit]}))

    assert set(found) == ({f"{P0}.graph.parameters[0].value"} if wrong else set())


def test_all_errors_come_at_once() -> None:
    """One submission tells everything that is wrong."""
    found = errors_of(predictor("A_B", traffic=3), name="d.e", protocol="odd")

    assert set(found) == {"metadata.name", "spec.protocol", f"{P0}.name", f"{P0}.traffic"}


def test_an_unknown_spelling_is_an_invalid_object() -> None:
    """Enumerations are checked where JSON becomes a value."""
    raw = {"spec": {"predictors": [predictor(graph={**SKLEARN, "type": "MODELL"})]}}

    with pytest.raises(InvalidObjectError, match=r"spec\.predictors\[0\]\.graph\.type|MODELL"):
        decode(raw, SeldonDeployment)


@pytest.mark.parametrize(("part", "predictors", "spec"), UNWISE)
def test_unwise_is_let_in_with_a_sentence(part: str, predictors: list[JSON], spec: JSON) -> None:
    """What was accepted is accepted, and spoken of."""
    assert part in warnings_of(*predictors, **spec)


@pytest.mark.parametrize(
    ("path", "predictors", "spec"),
    [
        pytest.param(f"{P0}.graph", [OWN], {}, id="container"),
        pytest.param(
            f"{P0}.graph.implementation",
            [predictor(graph={**SKLEARN, "implementation": "TRITON_SERVER"})],
            {},
            id="unknown-server",
        ),
        pytest.param(f"{P0}.graph.implementation", [predictor(graph={"name": "m"})], {}, id="nothing-to-run"),
        pytest.param(
            f"{P0}.graph.children[0].implementation",
            [predictor(graph={**SKLEARN, "children": [{**SKLEARN, "name": "b", "implementation": "TRITON_SERVER"}]})],
            {},
            id="graph",
        ),
        pytest.param(f"{P0}.ssl", [predictor(ssl={"certSecretName": "s"})], {}, id="tls"),
        pytest.param("spec.serverType", [predictor(svcOrchSpec={"env": KAFKA})], {"serverType": "kafka"}, id="kafka"),
        pytest.param(
            f"{P0}.graph", [predictor(graph={"name": "m"}, annotations={CLASS: "no class"})], {}, id="no-class-name"
        ),
    ],
)
def test_a_plane_of_processes_names_what_it_cannot_run(path: str, predictors: list[JSON], spec: JSON) -> None:
    """Nothing is accepted and then silently left out."""
    assert list(errors_of(*predictors, known=frozenset({"SKLEARN_SERVER"}), **spec)) == [path]


@pytest.mark.parametrize(
    "chosen",
    [
        predictor(),
        predictor(graph={"name": "m"}, annotations={CLASS: "shop.models.Delay"}),
        predictor(graph={"name": "m", "parameters": [{"name": CLASS, "value": "models.Delay"}]}),
        predictor(
            graph={
                "name": "r",
                "implementation": "RANDOM_ABTEST",
                "children": [
                    {**SKLEARN, "name": "a"},
                    {"name": "b", "parameters": [{"name": CLASS, "value": "models.Delay"}]},
                ],
            }
        ),
    ],
    ids=["prepackaged", "class-by-annotation", "class-by-parameter", "graph"],
)
def test_a_plane_of_processes_runs_servers_it_knows_and_python_classes(chosen: JSON) -> None:
    """Both ways of saying what to run are taken, for each unit of a graph."""
    assert errors_of(chosen, known=frozenset({"SKLEARN_SERVER"})) == {}


def test_a_server_with_an_image_of_its_own_needs_none_of_the_installation() -> None:
    """A container of the unit's name brings it."""
    own = [{"spec": {"containers": [{"name": "model", "image": "me/odd:1"}]}}]

    assert errors_of(predictor(graph={**SKLEARN, "implementation": "ODD_SERVER"}, componentSpecs=own)) == {}
