"""SeldonDeployments that break one rule each, and ones that are only unwise: for validation and for the webhook."""

from typing import Any

import pytest

from sluicegate.serving.api.metadata import JSON

SKLEARN = {"name": "model", "implementation": "SKLEARN_SERVER", "modelUri": "file:///m"}
CONTAINER = {"spec": {"containers": [{"name": "mine", "image": "me/mine:1"}]}}
OWN = {"name": "p", "graph": {"name": "mine"}, "componentSpecs": [CONTAINER]}


def predictor(name: str = "p", graph: JSON | None = None, **fields: Any) -> JSON:
    """A predictor that is well."""
    return {"name": name, "graph": graph or SKLEARN, **fields}


P0 = "spec.predictors[0]"
KAFKA = [{"name": name, "value": "x"} for name in ("KAFKA_BROKER", "KAFKA_INPUT_TOPIC", "KAFKA_OUTPUT_TOPIC")]
SERVICE = {"annotations": {"seldon.io/svc-name": "mine"}}
TWO_CONTAINERS = [{"spec": {"containers": [{"name": "mine", "image": "i"}, {"image": "j"}]}}]
INSTALLED = frozenset({"SKLEARN_SERVER", "HUGGINGFACE_SERVER"})
"""Prepackaged servers that the tables' installation has images for."""

BROKEN = [
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
    pytest.param(
        f"{P0}.graph.implementation",
        [predictor(graph={**SKLEARN, "implementation": "ODD_SERVER"})],
        {},
        id="14-no-image-for-the-server",
    ),
    pytest.param(
        f"{P0}.componentSpecs[0].spec.containers[1].name", [{**OWN, "componentSpecs": TWO_CONTAINERS}], {}, id="no-name"
    ),
    pytest.param(
        f"{P0}.componentSpecs[1].spec.containers",
        [{**OWN, "componentSpecs": [CONTAINER, {"spec": {"containers": "one"}}]}],
        {},
        id="no-list-of-containers",
    ),
    pytest.param(
        f"{P0}.componentSpecs[0].metadata.labels",
        [{**OWN, "componentSpecs": [{**CONTAINER, "metadata": {"labels": {"a": 1}}}]}],
        {},
        id="label-that-is-no-text",
    ),
]
"""Path of the error, predictors, other fields of the spec."""

UNWISE = [
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
    pytest.param("spec.name 'other' has no effect", [predictor()], {"name": "other"}, id="spec-name"),
    pytest.param("engineResources", [predictor(engineResources={"limits": {}})], {}, id="engine-resources"),
    pytest.param(
        "metricsv2",
        [{**OWN, "componentSpecs": [{**CONTAINER, "hpaSpec": {"maxReplicas": 2, "metrics": [{}]}}]}],
        {},
        id="hpa-of-v2beta1",
    ),
    pytest.param(
        "spec.transport takes its place",
        [predictor(graph={**SKLEARN, "endpoint": {"type": "REST"}})],
        {},
        id="endpoint-type",
    ),
]
"""Part of the warning, predictors, other fields of the spec."""
