"""Argo's small languages."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluicegate.pipelines.workflows.conditions import matches
from sluicegate.pipelines.workflows.errors import ConditionError, ExpressionError
from sluicegate.pipelines.workflows.expressions import (
    duration_seconds,
    evaluate_depends,
    evaluate_when,
)
from sluicegate.pipelines.workflows.templating import references, substitute


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("heads == heads", True),
        ("heads == 'heads'", True),
        ("3 < 10", True),
        ('"3" == 3', False),
        ("5 >= 5 && !(2 > 3)", True),
        ("a == b || 1 == 1.0", True),
        ("true", True),
        ("false == false", True),
        ("'run-2024' =~ '^run-'", True),
        ("'set-weight' != analysis", True),
    ],
)
def test_when_compares_numbers_as_numbers_and_words_as_text(expression: str, expected: bool) -> None:
    assert evaluate_when(expression) is expected


@pytest.mark.parametrize(
    "expression",
    [
        "",
        "3 <",
        "(1 == 1",
        "heads",
        "a < 3",
        "1 == 1 2",
        "== 3",
        "& 3",
        "set-weight == set-weight",
        "a.b == 'a.b'",
        "'a' =~ '('",
        "1 + 'a' == 2",
    ],
)
def test_when_that_cannot_be_read_is_an_error_and_never_false(expression: str) -> None:
    with pytest.raises(ExpressionError):
        evaluate_when(expression)


@given(st.text(max_size=40))
def test_when_of_any_text_is_a_truth_value_or_an_expression_error(text: str) -> None:
    with contextlib.suppress(ExpressionError):
        assert evaluate_when(text) in {True, False}


def test_references_are_replaced_and_unknown_ones_stay() -> None:
    text = "{{inputs.parameters.a}} and {{ steps.b.outputs.result }}"

    assert references(text) == ["inputs.parameters.a", "steps.b.outputs.result"]
    assert substitute(text, {"inputs.parameters.a": "1"}) == "1 and {{ steps.b.outputs.result }}"


def test_depends_reads_outcomes_of_tasks() -> None:
    ended = {"a.Succeeded": True, "b.Failed": False, "c": True}

    assert evaluate_depends("a.Succeeded && (b.Failed || c)", lambda name: ended[name])


@pytest.mark.parametrize(("text", "seconds"), [("90", 90), ("1m30s", 90), ("2h", 7200), (5, 5), ("250ms", 0.25)])
def test_durations(text: object, seconds: float) -> None:
    assert duration_seconds(text) == seconds


@pytest.mark.parametrize("text", ["", "soon", "5 apples", "1m30"])
def test_a_duration_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ExpressionError, match="duration"):
        duration_seconds(text)


ROLLOUT = {"status": {"phase": "Baking", "step": 3, "conditions": [{"type": "Ready", "status": True}]}}


@pytest.mark.parametrize(
    ("condition", "every", "expected"),
    [
        ("status.phase == Baking, status.step > 2", True, True),
        ("status.phase in (Promoted, Baking)", True, True),
        ("status.phase notin (Promoted, Baking)", True, False),
        ("status.phase = Promoted, status.step = 3", False, True),
        ("status.missing", True, False),
        ("!status.missing", True, True),
        ("status.conditions.0.status = true", True, True),
        ("status.step < 3", True, False),
    ],
)
def test_resource_conditions_are_label_selectors_over_paths(condition: str, every: bool, expected: bool) -> None:
    assert matches(condition, ROLLOUT, every=every) is expected


def test_a_condition_that_cannot_be_read_is_refused() -> None:
    with pytest.raises(ConditionError, match="KEY OPERATOR VALUE"):
        matches("status.phase is Baking", ROLLOUT, every=True)
