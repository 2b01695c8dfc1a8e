"""What the local runner cannot honour is refused when the file is read, with the place, the reason and what to do."""

from typing import Any

import pytest
import yaml
from tests.unit.pipelines.workflows.test_execution import shell, workflow

from sluicegate.pipelines.workflows.errors import ManifestError
from sluicegate.pipelines.workflows.reading import read
from sluicegate.pipelines.workflows.refusals import REFUSALS, Refusal

PLACES: dict[str, str] = {
    "spec": "{FIELD: {a: 1}}",
    "template": "{templates: [{name: t, FIELD: {a: 1}}]}",
    "artifact": "{templates: [{name: t, inputs: {artifacts: [{name: a, path: /a, FIELD: {a: 1}}]}}]}",
    "valueFrom": "{templates: [{name: t, outputs: {parameters: [{name: p, valueFrom: {FIELD: x}}]}}]}",
    "resource": "{templates: [{name: t, resource: {action: get, FIELD: [x]}}]}",
    "volume": "{volumes: [{name: v, FIELD: {a: 1}}]}",
    "variable": "{templates: [{name: t, script: {source: x, env: [{name: E, valueFrom: {FIELD: {a: 1}}}]}}]}",
    "semaphore": "{templates: [{name: t, synchronization: {semaphores: [{FIELD: {a: 1}}]}}]}",
    "mutex": "{synchronization: {mutexes: [{name: m, FIELD: true}]}}",
}
"""A spec for each part that a refused field can stand in."""


def holding(refusal: Refusal) -> dict[str, Any]:
    """A workflow in which the field stands."""
    document = workflow(shell("main", "true"))
    document["spec"] |= yaml.safe_load(PLACES[refusal.part].replace("FIELD", refusal.field))
    return document


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda each: f"{each.part}.{each.field}")
def test_a_field_that_one_machine_cannot_honour_is_refused_with_what_to_do(refusal: Refusal) -> None:
    with pytest.raises(ManifestError) as caught:
        read(holding(refusal), "some.yaml")

    said = str(caught.value)
    assert said.startswith("some.yaml: spec.")
    assert f".{refusal.field}: " in said
    assert refusal.why in said
    assert refusal.instead in said


def test_every_refused_field_of_a_file_is_said_at_once() -> None:
    document = workflow({"name": "main", "http": {"url": "x"}}, {"name": "other", "daemon": True})

    with pytest.raises(ManifestError) as caught:
        read(document)

    assert len(str(caught.value).splitlines()) == 2


def test_a_refused_field_in_an_inline_template_is_found() -> None:
    inline = {"name": "a", "inline": {"http": {"url": "x"}}}

    with pytest.raises(ManifestError, match=r"steps\[0\]\[a\]\.inline\.http|inline\.http"):
        read(workflow({"name": "main", "steps": [[inline]]}))
