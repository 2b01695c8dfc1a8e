"""No annotation of Seldon's is silently ignored."""

import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.shapes.reading import shapes

from sluicegate.serving.api.annotations import ANNOTATIONS, PREFIXES, annotation_warnings, entry_of
from sluicegate.serving.api.decoding import decode
from sluicegate.serving.api.seldon_deployment import SeldonDeployment
from sluicegate.serving.api.validation import validate_deployment

SERVER = {"name": "m", "implementation": "SKLEARN_SERVER", "modelUri": "file:///m"}


def deployment(notes: dict[str, str] | None = None, own: dict[str, str] | None = None, **predictor: Any) -> Any:
    """A deployment with annotations of its spec, and of itself, and more for its predictor."""
    return decode(
        {
            "metadata": {"name": "d", "annotations": own},
            "spec": {"annotations": notes, "predictors": [{"name": "p", "graph": SERVER, **predictor}]},
        },
        SeldonDeployment,
    )


def test_what_is_honoured_is_not_warned_of() -> None:
    """All of them, each where it belongs."""
    assert list(annotation_warnings(decode(shapes("annotations")[0], SeldonDeployment))) == []


def test_everything_else_of_seldons_is_named_in_a_warning() -> None:
    """Each by its name, one sentence each."""
    shape = shapes("annotations")[1]
    names = [*shape["metadata"]["annotations"], *shape["spec"]["annotations"]]

    found = list(annotation_warnings(decode(shape, SeldonDeployment)))
    assert len(found) == len(names)
    assert all(f"[{name}] has no effect: " in "\n".join(found) for name in names)


@pytest.mark.parametrize(
    ("chosen", "sentence"),
    [
        pytest.param(
            deployment({"seldon.io/rest-timout": "5"}),
            r"spec.annotations\[seldon.io/rest-timout\].*knows no",
            id="typing",
        ),
        pytest.param(
            deployment(own={"seldon.io/svc-name": "x"}), r"metadata.annotations.*read on the predictor", id="place"
        ),
        pytest.param(
            deployment(annotations={"seldon.io/rest-timeout": "5"}), r"predictors\[0\].*the deployment", id="too-deep"
        ),
        pytest.param(
            deployment(componentSpecs=[{"metadata": {"annotations": {"seldon.io/no-engine": "true"}}}]),
            r"componentSpecs\[0\].metadata.*not on the pods",
            id="on-pods",
        ),
        pytest.param(deployment({"seldon.io/rest-timeout": "5s"}), r"'5s' is not a number", id="unit"),
        pytest.param(deployment({"seldon.io/rest-timeout": "inf"}), r"'inf' is not a number", id="endless"),
        pytest.param(deployment({"seldon.io/engine-separate-pod": "yes"}), r"'yes' is not true or false", id="boolean"),
        pytest.param(deployment({"seldon.io/engine-": "x"}), r"knows no", id="no-variable"),
    ],
)
def test_a_slip_is_told(chosen: SeldonDeployment, sentence: str) -> None:
    """With its place, and what is wrong with it."""
    (found,) = annotation_warnings(chosen)

    assert re.search(sentence, found)


def test_validation_passes_the_warnings_on() -> None:
    """Whoever submits reads them."""
    _, warnings = validate_deployment(deployment({"seldon.io/ambassador-id": "x"}))

    assert any("seldon.io/ambassador-id" in warning for warning in warnings)


def test_one_machine_warns_of_what_only_a_cluster_does() -> None:
    """And not of what it does itself."""
    notes = {"seldon.io/istio-retries": "3", "seldon.io/rest-timeout": "500"}

    _, warnings = validate_deployment(deployment(notes), known_servers=frozenset({"SKLEARN_SERVER"}))
    (found,) = (warning for warning in warnings if "seldon.io/" in warning)
    assert found.startswith("spec.annotations[seldon.io/istio-retries] has no effect on this plane")


@settings(deadline=None)
@given(st.sampled_from(PREFIXES), st.text(min_size=1), st.text())
def test_none_passes_in_silence(prefix: str, name: str, value: str) -> None:
    """Whatever bears Seldon's prefix is honoured or warned of."""
    known = entry_of(prefix + name)
    warned = list(annotation_warnings(deployment({prefix + name: value})))

    assert warned or (known is not None and known.honoured_by)


def test_the_table_names_each_once() -> None:
    """A second line would never be reached."""
    names = [entry.name for entry in ANNOTATIONS]

    assert len(names) == len(set(names))
    assert [name for name in names if entry_of(name.replace("*", "x")) is None] == []
