"""Every rule that keeps a SeldonDeployment out, and what comes in with a warning."""

from typing import Any

import pytest

from sluicegate.serving.api.decoding import decode
from sluicegate.serving.api.errors import InvalidObjectError
from sluicegate.serving.api.metadata import JSON
from sluicegate.serving.api.seldon_deployment import SeldonDeployment
from sluicegate.serving.api.validation import validate_deployment

SKLEARN = {"name": "model", "implementation": "SKLEARN_SERVER", "modelUri": "file:///m"}
CONTAINER = {"spec": {"containers": [{"name": "mine", "image": "me/mine:1"}]}}
OWN = {"name": "p", "graph": {"name": "mine"}, "componentSpecs": [CONTAINER]}
CLASS = "sluicegate.dev/python-class"


def predictor(name: str = "p", graph: JSON | None = None, **fields: Any) -> JSON:
    """A predictor that is well."""
    return {"name": name, "graph": graph or SKLEARN, **fields}


def errors_of(*predictors: JSON, known: frozenset[str] | None = None, name: str = "d", **spec: Any) -> dict[str, str]:
    """What is wrong, sentence by path."""
    raw = {"metadata": {"name": name}, "spec": {"predictors": list(predictors), **spec}}
    errors, _ = validate_deployment(decode(raw, SeldonDeployment), known_servers=known)
    return {error.path: str(error) for error in errors}


def warnings_of(*predictors: JSON, known: frozenset[str] | None = None, **spec: Any) -> str:
    """What is unwise."""
    raw = {"metadata": {"name": "d"}, "spec": {"predictors": list(predictors), **spec}}
    errors, warnings = validate_deployment(decode(raw, SeldonDeployment), known_servers=known)
    assert errors == ()
    return "\n".join(warnings)


P0 = "spec.predictors[0]"
KAFKA = [{"name": name, "value": "x"} for name in ("KAFKA_BROKER", "KAFKA_INPUT_TOPIC", "KAFKA_OUTPUT_TOPIC")]
SERVICE = {"annotations": {"seldon.io/svc-name": "mine"}}


@pytest.mark.parametrize(
    ("path", "predictors", "spec"),
    [
        pytest.param("spec.protocol", [predictor()], {"protocol": "odd"}, id="1-protocol"),
        pytest.param("spec.transport", [predictor()], {"transport": "odd"}, id="2-transport"),
        pytest.param("spec.serverType", [predictor()], {"serverType": "odd"}, id="3-server-type"),
        pytest.param(f"{P0}.svcOrchSpec.env", [predictor()], {"serverType": "kafka"}, id="4-kafka-without-topics"),
        pytest.param(f"{P0}.shadow", [predictor(shadow=True)], {}, id="5-only-a-shadow"),
        pytest.param(
            "spec.predictors[1].annotations[seldon.io/svc-name]",
            [predictor(traffic=50, **SERVICE), predictor("q", traffic=50, **SERVICE)],
            {},
            id="6-service-name-twice",
        ),
        pytest.param("spec.predictors", [], {}, id="7-no-predictors"),
        pytest.param(
            f"{P0}.graph",
            [
                predictor(
                    graph={**SKLEARN, "children": [{**SKLEARN, "name": "b"}]},
                    annotations={"seldon.io/no-engine": "false"},
                )
            ],
            {},
            id="8-graph-without-engine",
        ),
        pytest.param(
            "spec.predictors[1].name",
            [predictor(traffic=50), predictor(traffic=50)],
            {},
            id="9-name-twice",
        ),
        pytest.param(f"{P0}.graph", [predictor(graph={"name": "mine"})], {}, id="10-no-container"),
        pytest.param(
            f"{P0}.graph.type",
            [{**OWN, "graph": {"name": "mine", "type": "UNKNOWN_TYPE"}}],
            {},
            id="11-unknown-type-without-methods",
        ),
        pytest.param(
            f"{P0}.graph.modelUri",
            [predictor(graph={"name": "m", "implementation": "SKLEARN_SERVER"})],
            {},
            id="12-no-model-uri",
        ),
        pytest.param(f"{P0}.graph.implementation", [predictor()], {"protocol": "tensorflow"}, id="13-tensorflow"),
        pytest.param(f"{P0}.graph.logger.mode", [predictor(graph={**SKLEARN, "logger": {}})], {}, id="15-logger"),
        pytest.param(
            f"{P0}.graph.children[0].endpoint.type",
            [
                predictor(
                    graph={
                        **SKLEARN,
                        "endpoint": {"type": "REST"},
                        "children": [{**SKLEARN, "name": "b", "endpoint": {"type": "GRPC"}}],
                    }
                )
            ],
            {},
            id="16-two-endpoint-types",
        ),
        pytest.param(
            f"{P0}.graph.endpoint.type",
            [predictor(graph={**SKLEARN, "endpoint": {"type": "GRPC"}})],
            {"transport": "rest"},
            id="17-mixed-transport",
        ),
        pytest.param(
            "spec.predictors",
            [predictor(), predictor("a", shadow=True), predictor("b", shadow=True)],
            {},
            id="18-two-shadows",
        ),
        pytest.param(
            "spec.predictors[1].traffic", [predictor(), predictor("a", shadow=True, traffic=101)], {}, id="19-shadow"
        ),
        pytest.param("spec.predictors", [predictor(traffic=50), predictor("b", traffic=49)], {}, id="20-sum"),
        pytest.param(f"{P0}.traffic", [predictor(traffic=99)], {}, id="21-single"),
        pytest.param(
            f"{P0}.traffic", [predictor(traffic=-1), predictor("b", traffic=101)], {}, id="negative-that-sums-to-100"
        ),
        pytest.param(f"{P0}.name", [predictor("")], {}, id="no-name"),
        pytest.param(f"{P0}.name", [predictor("Not_A_Label")], {}, id="no-dns-label"),
        pytest.param(f"{P0}.graph.name", [predictor(graph={**SKLEARN, "name": ""})], {}, id="no-unit-name"),
        pytest.param(
            f"{P0}.graph.children[0].name", [predictor(graph={**SKLEARN, "children": [SKLEARN]})], {}, id="unit-twice"
        ),
        pytest.param(
            f"{P0}.graph.parameters[0].value",
            [predictor(graph={**SKLEARN, "parameters": [{"name": "n", "value": "x", "type": "INT"}]})],
            {},
            id="parameter-value",
        ),
        pytest.param(
            f"{P0}.graph.parameters[1].name",
            [predictor(graph={**SKLEARN, "parameters": [{"name": "n", "value": "x"}] * 2})],
            {},
            id="parameter-twice",
        ),
    ],
)
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


def test_all_errors_come_at_once() -> None:
    """One submission tells everything that is wrong."""
    found = errors_of(predictor("A_B", traffic=3), name="d.e", protocol="odd")

    assert set(found) == {"metadata.name", "spec.protocol", f"{P0}.name", f"{P0}.traffic"}


def test_an_unknown_spelling_is_an_invalid_object() -> None:
    """Enumerations are checked where JSON becomes a value."""
    raw = {"spec": {"predictors": [predictor(graph={**SKLEARN, "type": "MODELL"})]}}

    with pytest.raises(InvalidObjectError, match=r"spec\.predictors\[0\]\.graph\.type|MODELL"):
        decode(raw, SeldonDeployment)


@pytest.mark.parametrize(
    ("part", "predictors", "spec"),
    [
        pytest.param("bare modelUri", [predictor()], {}, id="bare-uri"),
        pytest.param("gets all traffic", [predictor(traffic=101)], {}, id="more-than-all"),
        pytest.param("protect nothing", [predictor()], {"oauth_key": "k"}, id="oauth"),
        pytest.param(
            "kedaSpec wins",
            [{**OWN, "componentSpecs": [{**CONTAINER, "hpaSpec": {"a": 1}, "kedaSpec": {"a": 1}}]}],
            {},
            id="hpa-and-keda",
        ),
        pytest.param("nothing to combine", [{**OWN, "graph": {"name": "mine", "type": "COMBINER"}}], {}, id="combiner"),
        pytest.param("nowhere", [{**OWN, "graph": {"name": "mine", "type": "ROUTER"}}], {}, id="router"),
        pytest.param("logs nothing", [predictor(graph={**SKLEARN, "logger": {"mode": "some"}})], {}, id="logger"),
    ],
)
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
            f"{P0}.graph.children",
            [predictor(graph={**SKLEARN, "children": [{**SKLEARN, "name": "b"}]})],
            {},
            id="graph",
        ),
        pytest.param(f"{P0}.graph.type", [predictor(graph={**SKLEARN, "type": "ROUTER"})], {}, id="router"),
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
    ],
    ids=["prepackaged", "class-by-annotation", "class-by-parameter"],
)
def test_a_plane_of_processes_runs_servers_it_knows_and_python_classes(chosen: JSON) -> None:
    """Both ways of saying what to run are taken."""
    assert errors_of(chosen, known=frozenset({"SKLEARN_SERVER"})) == {}
