"""Patches do what their standards say."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluicegate.serving.local.api.errors import RequestError
from sluicegate.serving.local.api.patching import json_patch, merge_patch, strategic_patch

leaves = st.booleans() | st.integers() | st.text(max_size=4)
documents = st.recursive(leaves, lambda inner: st.dictionaries(st.text(max_size=3), inner, max_size=4), max_leaves=12)


@pytest.mark.parametrize(
    ("document", "patch", "merged"),
    [
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        (["a", "b"], ["c", "d"], ["c", "d"]),
        ({"a": "b"}, ["c"], ["c"]),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ],
)
def test_merge_patch_follows_the_examples_of_its_rfc(document: Any, patch: Any, merged: Any) -> None:
    """RFC 7396, appendix A."""
    assert merge_patch(document, patch) == merged


@given(document=documents, patch=documents)
def test_a_merge_without_nulls_is_idempotent(document: Any, patch: Any) -> None:
    """Twice is once; and where no null removes, strategic patch of free fields agrees."""
    once = merge_patch(document, patch)

    assert merge_patch(once, patch) == once


@pytest.mark.parametrize(
    ("operations", "reason"),
    [
        ({}, "BadRequest"),
        ([{"op": "fly", "path": "/a"}], "BadRequest"),
        ([{"path": "/a"}], "BadRequest"),
        ([{"op": "remove", "path": "/nothing"}], "Invalid"),
        ([{"op": "test", "path": "/a", "value": 2}], "Invalid"),
        ([{"op": "test", "path": "/a", "value": 1}] * 10_001, "RequestEntityTooLarge"),
    ],
    ids=["no list", "unknown", "no op", "nothing there", "failing test", "too many"],
)
def test_a_bad_json_patch_says_why(operations: Any, reason: str) -> None:
    """Malformed, inapplicable and too large are told apart."""
    with pytest.raises(RequestError) as raised:
        json_patch({"a": 1}, operations)

    assert raised.value.reason == reason


def test_json_patch_leaves_its_document_alone() -> None:
    """The document given stays as it was."""
    document = {"a": {"b": 1}}

    assert json_patch(document, [{"op": "add", "path": "/a/c", "value": 2}]) == {"a": {"b": 1, "c": 2}}
    assert document == {"a": {"b": 1}}


@pytest.mark.parametrize(
    ("patch", "finalizers", "owners"),
    [
        ({"finalizers": ["c"]}, ["a", "b", "c"], ["1", "2"]),
        ({"$deleteFromPrimitiveList/finalizers": ["a"]}, ["b"], ["1", "2"]),
        ({"ownerReferences": [{"uid": "3"}]}, ["a", "b"], ["1", "2", "3"]),
        ({"ownerReferences": [{"uid": "1", "$patch": "delete"}]}, ["a", "b"], ["2"]),
        ({"ownerReferences": [{"uid": "9"}, {"$patch": "replace"}]}, ["a", "b"], ["9"]),
    ],
)
def test_strategic_patch_merges_its_lists(patch: Any, finalizers: list[str], owners: list[str]) -> None:
    """By value or by key, with Kubernetes' directives."""
    document = {"metadata": {"finalizers": ["a", "b"], "ownerReferences": [{"uid": "1"}, {"uid": "2"}]}}

    metadata = strategic_patch(document, {"metadata": patch})["metadata"]

    assert metadata["finalizers"] == finalizers
    assert [owner["uid"] for owner in metadata["ownerReferences"]] == owners


def test_strategic_patch_replaces_where_told() -> None:
    """``$patch: replace`` puts a map in the place of another."""
    document = {"data": {"a": "1", "b": "2"}}

    assert strategic_patch(document, {"data": {"$patch": "replace", "c": "3"}}) == {"data": {"c": "3"}}
