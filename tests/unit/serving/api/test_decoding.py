"""What does not fit is told by the field, what was found, and what is expected."""

import pytest

from sluicegate.serving.api.decoding import decode
from sluicegate.serving.api.errors import InvalidObjectError
from sluicegate.serving.api.metadata import JSON
from sluicegate.serving.api.model_rollout import ModelRollout
from sluicegate.serving.api.seldon_deployment import SeldonDeployment


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        pytest.param({"replicas": "2"}, "spec.replicas: found str; expected int", id="type"),
        pytest.param({"predictors": [{}, {"traffic": 1.5}]}, "spec.predictors[1].traffic: found float", id="in-a-list"),
        pytest.param(
            {"annotations": {"a": "x", "b": None, "c": 5}},
            "spec.annotations[c]: found int; expected str",
            id="in-a-map",
        ),
        pytest.param(
            {"predictors": [{"graph": {"type": "MODELL"}}]},
            "spec.predictors[0].graph.type: found 'MODELL'",
            id="choice",
        ),
        pytest.param(
            {"predictors": [{"graph": {"parameters": [{"name": "n"}]}}]},
            "spec.predictors[0].graph.parameters[0].value: found nothing; expected a value",
            id="missing",
        ),
        pytest.param([], "spec: found array; expected object", id="no-object"),
    ],
)
def test_an_error_names_field_finding_and_expectation(spec: JSON, told: str) -> None:
    """In the words of the file."""
    with pytest.raises(InvalidObjectError) as refused:
        decode({"metadata": {"name": "d"}, "spec": spec}, SeldonDeployment)

    assert str(refused.value).startswith(f"SeldonDeployment 'd' is invalid: {told}")


@pytest.mark.parametrize("document", [5, None, [], "x"])
def test_what_is_no_object_at_all_is_an_invalid_object(document: JSON) -> None:
    """Also from a file that holds something else."""
    with pytest.raises(InvalidObjectError, match=r"\(object\): found \w+; expected object"):
        decode(document, ModelRollout)


def test_a_map_within_a_map_is_named_as_far_as_it_is_known() -> None:
    """The inner key, at least."""
    with pytest.raises(InvalidObjectError, match=r"status\.deploymentStatus\[\.\.\.\]\.replicas: found str"):
        decode({"status": {"deploymentStatus": {"a": {"replicas": "2"}}}}, SeldonDeployment)
