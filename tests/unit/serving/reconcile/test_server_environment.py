"""Which servers are told to load what no bundle proves."""

import pytest

from sluicegate.serving.api.defaults import DIGEST_ANNOTATION, MODEL_ANNOTATION
from sluicegate.serving.api.seldon_deployment import PredictiveUnit, PredictorSpec
from sluicegate.serving.reconcile.server_environment import server_environment
from sluicegate.serving.reconcile.workloads import Workload

BUNDLE = {MODEL_ANNOTATION: "flights", DIGEST_ANNOTATION: "sha256:1"}


def unit(name: str, uri: str = "", *children: PredictiveUnit) -> PredictiveUnit:
    return PredictiveUnit(name=name, model_uri=uri, children=children)


@pytest.mark.parametrize(
    ("graph", "annotations", "told"),
    [
        pytest.param(unit("m", "s3://a/b"), {}, True, id="bare"),
        pytest.param(unit("m", "s3://a/b"), BUNDLE, False, id="with its digest"),
        pytest.param(unit("m", "s3://a/b"), {MODEL_ANNOTATION: "flights"}, True, id="registered, without a digest"),
        pytest.param(unit("r", "", unit("m", "s3://a/b")), BUNDLE, False, id="below a router"),
        pytest.param(unit("m", "s3://a/b", unit("n", "s3://c/d")), BUNDLE, True, id="another one beside"),
        pytest.param(unit("r"), {}, False, id="no model"),
    ],
)
def test_a_model_without_a_digest_is_loaded_as_seldons_users_have_it(
    graph: PredictiveUnit, annotations: dict[str, str], told: bool
) -> None:
    predictor = PredictorSpec(name="p", graph=graph, annotations=annotations)
    workload = Workload(namespace="n", deployment="d", predictor=predictor, name="w", revision="1", replicas=1)

    assert (server_environment(workload, graph).get("SLUICEGATE_ALLOW_UNVERIFIED") == "true") is told
