"""The CRDs take what the code reads, keep what it reads, and are small; the shapes of Seldon Core go in."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, assume, given, reject, settings
from tests import structural
from tests.shapes.reading import ACCEPTED, shapes

from sluicegate.serving.api.annotations import ANNOTATIONS
from sluicegate.serving.api.crds.definitions import LARGEST, definition
from sluicegate.serving.api.crds.kinds import CUSTOM_KINDS, SELDON_DEPLOYMENT, CustomKind
from sluicegate.serving.api.crds.schema import object_schema
from sluicegate.serving.api.decoding import decode
from sluicegate.serving.api.defaults import with_candidate_defaults
from sluicegate.serving.api.errors import InvalidObjectError
from sluicegate.serving.api.metadata import JSON
from sluicegate.serving.api.model_rollout import ModelRollout
from sluicegate.serving.api.rollout_validation import validate_rollout
from sluicegate.serving.api.seldon_deployment import SeldonDeployment
from sluicegate.serving.api.validation import validate_deployment

FOLDER = Path(__file__).parents[4] / "manifests" / "install" / "crds"
SCHEMAS = {kind.kind: object_schema(kind.view, kind.description) for kind in CUSTOM_KINDS}
ELSEWHERE = (
    ".apiVersion",
    ".kind",
    ".status.state=",
    ".status.conditions[].status=",
    ".spec.candidate.",
    ".spec.desired.h",
)
"""Not the users' to choose, or in the table at another place."""
each_kind = pytest.mark.parametrize("kind", CUSTOM_KINDS, ids=lambda kind: kind.kind)
thorough = settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much]
)


def all_shapes() -> list[Any]:
    """Every accepted object, named by its file and itself."""
    return [
        pytest.param(shape, id=f"{file}-{shape['metadata']['name']}") for file in ACCEPTED for shape in shapes(file)
    ]


def fields(schema: JSON, path: str = "") -> Iterator[str]:
    """Every field of a schema, enumerated values as fields of theirs; of a graph the first unit's."""
    for name, inner in (schema.get("properties") or {}).items():
        yield f"{path}.{name}"
        yield from (f"{path}.{name}={value}" for value in inner.get("enum", ()))
        yield from fields(inner, f"{path}.{name}") if name not in ("children", "metadata") else ()
    items = schema.get("items") or {}
    yield from (f"{path}[]={value}" for value in items.get("enum", ()))
    yield from fields(items, f"{path}[]") if items else ()
    yield from fields(schema["additionalProperties"], f"{path}{{}}") if "additionalProperties" in schema else ()


def mentioned(schema: JSON, value: Any, path: str = "") -> Iterator[str]:
    """What a document uses of a schema, in the words of ``fields``."""
    if isinstance(value, list):
        for item in value:
            yield f"{path}[]={item}"
            yield from mentioned(schema.get("items", {}), item, f"{path}[]")
    if isinstance(value, dict):
        for name, item in value.items():
            known = name in schema.get("properties", {})
            # A child is a unit like its parent.
            here = path if name == "children" else f"{path}.{name}" if known else f"{path}{{}}"
            yield from (f"{path}.{name}", f"{path}.{name}={item}")
            inner = schema["properties"][name] if known else schema.get("additionalProperties", {})
            if name == "children":
                for child in item or ():
                    yield from mentioned(schema, child, path)
            else:
                yield from mentioned(inner, item, here)


@each_kind
def test_a_crd_is_small_enough_for_kubectl_apply(kind: CustomKind) -> None:
    """As the file that is applied, and as the annotation that a client-side apply keeps of it."""
    text = (FOLDER / f"{kind.plural}.yaml").read_text()

    assert len(text.encode()) < LARGEST
    assert len(json.dumps(yaml.safe_load(text))) < LARGEST


@each_kind
def test_the_file_is_what_the_views_say(kind: CustomKind) -> None:
    """Nobody edits a generated file."""
    assert yaml.safe_load((FOLDER / f"{kind.plural}.yaml").read_text()) == definition(kind)


def test_one_version_is_stored_and_all_are_served() -> None:
    """As Seldon Core had them."""
    versions = definition(SELDON_DEPLOYMENT)["spec"]["versions"]

    assert [(one["name"], one["storage"]) for one in versions] == [
        ("v1", True),
        ("v1alpha3", False),
        ("v1alpha2", False),
    ]
    assert all(one["served"] for one in versions)
    assert versions[0]["schema"] == versions[1]["schema"] == versions[2]["schema"]


@pytest.mark.parametrize("shape", all_shapes())
def test_a_shape_passes_the_schema_and_the_rules(shape: JSON) -> None:
    """What Seldon Core 1.17.1 took is taken."""
    assert list(structural.faults(SCHEMAS[shape["kind"]], shape)) == []

    if shape["kind"] == "SeldonDeployment":
        assert validate_deployment(decode(shape, SeldonDeployment))[0] == ()
    else:
        errors, _ = validate_rollout(decode(with_candidate_defaults(shape), ModelRollout))
        assert {error.path for error in errors} <= {"spec.desired"}


@pytest.mark.parametrize("shape", shapes("refused"), ids=lambda shape: shape["metadata"]["name"])
def test_what_does_not_fit_is_refused_by_both_with_its_field(shape: JSON) -> None:
    """Schema and decoding name the same place."""
    where = shape["metadata"]["annotations"]["refused-at"]
    view = SeldonDeployment if shape["kind"] == "SeldonDeployment" else ModelRollout

    assert any(path.lstrip(".").startswith(where) for path in structural.faults(SCHEMAS[shape["kind"]], shape))
    assert [path for path in refusals(shape, view) if path.startswith(where)]


UNREAD = re.compile(r"\.(componentSpecs\[\d+\]\.(metadata|spec|\w+Spec)|explainer|ssl|svcOrchSpec\.env\[\d+\])\b")
"""Blocks that a view passes on without looking into them."""


def refusals(document: JSON, view: type[SeldonDeployment] | type[ModelRollout]) -> list[str]:
    """Paths that decoding, or else validation, refuses."""
    try:
        read = decode(document, view)
    except InvalidObjectError as error:
        return [found.path for found in error.errors]
    found, _ = validate_deployment(read) if isinstance(read, SeldonDeployment) else validate_rollout(read)
    return [error.path for error in found]


@each_kind
def test_the_shapes_name_every_field_and_every_choice(kind: CustomKind) -> None:
    """The table is complete: a new field needs a shape."""
    schema = SCHEMAS[kind.kind]
    used = {one for file in ACCEPTED for shape in shapes(file) for one in mentioned(schema, shape)}

    wanted = {field for field in fields(schema) if not field.startswith(ELSEWHERE)}
    assert {field for field in wanted - used if "=" not in field or kind is SELDON_DEPLOYMENT} == set()


def test_the_shapes_name_every_annotation() -> None:
    """Each where it was read."""
    named = "\n".join(json.dumps(shape) for shape in shapes("annotations"))

    assert [entry.name for entry in ANNOTATIONS if f'"{entry.name.rstrip("*")}' not in named] == []


@thorough
@given(structural.documents(SCHEMAS["SeldonDeployment"]["properties"]["spec"]))
def test_what_passes_the_schema_is_read_or_refused_at_a_field(spec: Any) -> None:
    """No document that the API server takes can trip the operator."""
    document = {"kind": "SeldonDeployment", "metadata": {"name": "d"}, "spec": spec}
    fits = not list(structural.faults(SCHEMAS["SeldonDeployment"], document))

    found = refusals(document, SeldonDeployment)
    assert all(found)
    if fits:
        decode(document, SeldonDeployment)


@thorough
@given(structural.documents(SCHEMAS["SeldonDeployment"]["properties"]["spec"]))
def test_what_is_read_passes_the_schema(spec: Any) -> None:
    """But for what no view looks into, and numbers that are too wide for a cluster."""
    document = {"kind": "SeldonDeployment", "metadata": {"name": "d"}, "spec": spec}
    assume(str(2**40) not in json.dumps(spec))
    try:
        decode(document, SeldonDeployment)
    except InvalidObjectError:
        reject()

    found = structural.faults(SCHEMAS["SeldonDeployment"], document)
    assert [path for path in found if not UNREAD.search(path)] == []


@thorough
@given(structural.documents(SCHEMAS["ModelRollout"]["properties"]["spec"]))
def test_a_rollout_that_passes_the_schema_is_read(spec: Any) -> None:
    """The same for the other kind."""
    document = {"kind": "ModelRollout", "metadata": {"name": "r"}, "spec": spec}
    fits = not list(structural.faults(SCHEMAS["ModelRollout"], document))

    assert all(refusals(document, ModelRollout))
    if fits:
        decode(document, ModelRollout)


@thorough
@given(structural.documents(SCHEMAS["SeldonDeployment"]["properties"]["spec"]))
def test_pruning_loses_nothing_that_is_read(spec: Any) -> None:
    """The operator sees what the user's own file says."""
    schema = SCHEMAS["SeldonDeployment"]["properties"]["spec"]
    assume(not list(structural.faults(schema, spec)))

    stored = structural.pruned(schema, spec)

    # An explainer travels unread, so that what nobody knows in it would differ.
    before, after = ({"spec": structural.without_strangers(each)} for each in (spec, stored))
    assert decode(after, SeldonDeployment) == decode(before, SeldonDeployment)
