"""A user's method gets the arguments that it names, in whichever way it names them."""

import asyncio
import threading
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluicegate.serving.runtime.calling import Coroutines, binding_of

VALUES = {"content": "X", "names": "N", "meta": "M"}
SIGNATURES = [
    ("self, X", "(X,)"),
    ("self, X, features_names", "(X, features_names)"),
    ("self, X, names=None, meta=None", "(X, names, meta)"),
    ("self, X, meta", "(X, meta)"),
    ("self, X, meta=None, feature_names=None", "(X, meta, feature_names)"),
    ("self, X, columns, extra", "(X, columns, extra)"),
    ("self, X, *, names", "(X, names)"),
    ("self, X, names, threshold=0.5, meta=None", "(X, names, threshold, meta)"),
    ("self, X, names, **kwargs", "(X, names, kwargs)"),
    ("self, X, **kwargs", "(X, kwargs)"),
    ("self, *args", "args"),
    ("self, *args, **kwargs", "(args, kwargs)"),
]
GOT = [
    ("X",), ("X", "N"), ("X", "N", "M"), ("X", "M"), ("X", "M", "N"), ("X", "N", "M"), ("X", "N"), ("X", "N", 0.5, "M"),
    ("X", "N", {"meta": "M"}), ("X", {"names": "N", "meta": "M"}), ("X", "N"), (("X", "N"), {"meta": "M"}),
]  # fmt: skip


@pytest.mark.parametrize(
    ("signature", "returned", "expected"), [(*pair, got) for pair, got in zip(SIGNATURES, GOT, strict=True)]
)
def test_a_method_gets_what_it_names(signature: str, returned: str, expected: Any) -> None:
    """By position as Seldon does, by keyword where that is the only way; a default of the author's own stays."""
    made: dict[str, Any] = {}
    exec(f"class Made:\n    def predict({signature}):\n        return {returned}\n", made)  # noqa: S102  (a table of signatures)
    method = made["Made"]().predict

    assert binding_of(method).call(method, VALUES) == expected


@given(st.lists(st.sampled_from(["X", "names", "meta", "feature_names", "other"]), unique=True, max_size=5))
def test_no_method_gets_anything_twice(names: list[str]) -> None:
    """Whatever parameters there are, each of X, names and meta is given once at most."""
    binding = binding_of(eval(f"lambda {', '.join(names)}: 0"))  # noqa: S307  (made of five words)

    given_values = [*binding.positional, *(value for _, value in binding.keyword)]
    assert len(given_values) == len(set(given_values))


def test_coroutines_share_a_loop_of_their_own_thread() -> None:
    """What one opened is on the loop of the next; the caller's thread has none."""
    coroutines = Coroutines()

    async def where() -> tuple[int, int]:
        return id(asyncio.get_running_loop()), threading.get_ident()

    first, second = coroutines.settled(where()), coroutines.settled(where())

    assert first == second
    assert first[1] != threading.get_ident()
    assert coroutines.settled("a value") == "a value"


def test_a_coroutine_that_would_end_the_process_costs_its_own_call() -> None:
    """Its loop serves the next one."""
    coroutines = Coroutines()

    async def ending() -> None:
        raise SystemExit(3)

    async def well() -> str:
        return "well"

    with pytest.raises(RuntimeError, match="SystemExit: 3"):
        coroutines.settled(ending())
    assert coroutines.settled(well()) == "well"
