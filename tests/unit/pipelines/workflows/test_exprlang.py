"""The expression language of ``{{=…}}`` tags, beyond what the corpus shows."""

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluicegate.pipelines.workflows.errors import ExpressionError
from sluicegate.pipelines.workflows.exprlang.evaluating import evaluate, evaluate_truth
from sluicegate.pipelines.workflows.exprlang.parsing import parse
from sluicegate.pipelines.workflows.exprlang.syntax import called, mentioned
from sluicegate.pipelines.workflows.exprlang.tokens import tokens

JSONS = st.recursive(
    st.none() | st.booleans() | st.integers(-1000, 1000) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("1 + 2 * 3 ** 2", 19.0),
        ("-2 ** 2", -4.0),
        ("10 - 3 - 2", 5),
        ("7 % 4", 3),
        ("-7 % 4", -3),
        ("not true or true", True),
        ("!(1 == 1.0)", False),
        ("2 not in [1, 3]", True),
        ("'a' not matches '^b'", True),
        ("true ? 1 : false ? 2 : 3", 1),
        ("nil?.a ?? 'none'", "none"),
        ("missing.a.b ?? 'none'", "none"),
        ("{'a': {'b': [5]}}.a.b[-1]", 5),
        ("[1, 2, 3, 4][1:3]", [2, 3]),
        ("map([{'n': 1}], .n)", [1]),
        ("map([1, 2], {# * #index})", [0, 2]),
        ("reduce([1, 2, 3], #acc + #)", 6),
        ("[3, 1] | sort() | first()", 1),
        ("len('ab') + len([1])", 3),
        ("let a = 2; let b = a * 2; a + b", 6),
        (r"'it\'s' + `raw\n`", "it's" + "raw\\n"),
        ("0x1F + 1_000", 1031),
        ("groupBy([1, 2, 3], # > 1)", {False: [1], True: [2, 3]}),
        ("string(fromJSON('[1500000, 99999, 0.25]'))", "[1.5e+06 99999 0.25]"),
        ("type(1.5) + type([]) + type(nil)", "floatarraynil"),
    ],
)
def test_an_expression_has_the_value_that_expr_lang_gives_it(expression: str, expected: Any) -> None:
    assert evaluate(expression, {"missing": {}}) == expected


@pytest.mark.parametrize(
    "expression",
    [
        "",
        "1 +",
        "(1",
        "'a' + 1",
        "1 < 'a'",
        "'1' == 1",
        "nope",
        "nope()",
        "1 && true",
        "#",
        "[1][5]",
        "1 / 0",
        "a b",
        "'a' in 'abc'",
        "'a' matches '('",
    ],
)
def test_what_has_no_value_is_an_error_that_quotes_it(expression: str) -> None:
    with pytest.raises(ExpressionError, match="failed to evaluate expression"):
        evaluate(expression, {})


def test_a_condition_that_is_no_truth_is_an_error() -> None:
    with pytest.raises(ExpressionError, match="expected true or false"):
        evaluate_truth("1", {})


def test_an_expression_tells_its_names_and_its_functions() -> None:
    part = parse("let x = item; sprig.upper(steps['a-b'].outputs.result) + x + workflow.name")

    assert set(mentioned(part)) >= {"steps.a-b.outputs.result", "item", "workflow.name"}
    assert set(called(part)) == {"sprig.upper"}


@given(st.text(max_size=30))
def test_any_text_is_an_expression_or_an_expression_error(text: str) -> None:
    with contextlib.suppress(ExpressionError):
        evaluate(text, {})


@given(st.integers(-1000, 1000), st.integers(-1000, 1000))
def test_whole_numbers_are_calculated_as_python_does(left: int, right: int) -> None:
    assert evaluate("a + b * a - b", {"a": left, "b": right}) == left + right * left - right


@given(JSONS)
def test_what_goes_into_json_comes_out_the_same(value: Any) -> None:
    assert evaluate("fromJSON(toJson(v))", {"v": value}) == value


@given(st.text(alphabet="ab '\"+-*/()[]{}.,|?:#=<>!&0123", max_size=20))
def test_tokens_give_the_text_back_without_its_spaces(text: str) -> None:
    with contextlib.suppress(ExpressionError):
        ends = [token.position for token in tokens(text)]
        assert ends == sorted(ends)
