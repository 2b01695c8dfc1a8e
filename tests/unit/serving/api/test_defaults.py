"""What is meant when it is not said."""

import pytest

from sluicegate.serving.api.defaults import digest_bearer
from sluicegate.serving.api.seldon_deployment import PredictiveUnit


def unit(name: str, *children: PredictiveUnit, uri: str = "") -> PredictiveUnit:
    """A unit of a graph."""
    return PredictiveUnit(name=name, model_uri=uri, children=children)


@pytest.mark.parametrize(
    ("graph", "bearer"),
    [
        (unit("a", uri="s3://a"), "a"),
        (unit("a"), "a"),
        (unit("r", unit("a", uri="s3://a"), unit("b", uri="s3://b")), "a"),
        (unit("r", unit("t", unit("a", uri="s3://a")), unit("b", uri="s3://b")), "a"),
        (unit("r", unit("a"), unit("b")), "r"),
    ],
)
def test_a_digest_speaks_of_the_first_model_of_a_graph(graph: PredictiveUnit, bearer: str) -> None:
    assert digest_bearer(graph) == bearer
