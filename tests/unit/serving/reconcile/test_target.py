"""A promotion and its taking back change what is served, and not how many servers somebody asked for meanwhile."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from tests.fakes.world import deployment, predictor

from sluicegate.serving.reconcile.target import Swap, swapped

REPLICAS = st.none() | st.integers(0, 9)


def counted(version: str, replicas: int | None) -> Any:
    """A predictor with so many replicas, or with no word of them."""
    return {name: value for name, value in predictor(version, replicas=replicas).items() if value is not None}


def after(swap: Swap, stored: Any, rollout: Any) -> Any:
    """The only predictor after a swap."""
    [found] = swapped(stored, rollout, "v1", swap)["spec"]["predictors"]
    return found


@given(stable=REPLICAS, candidate=REPLICAS)
def test_who_scaled_nothing_gets_what_each_of_the_two_states(stable: int | None, candidate: int | None) -> None:
    old, new = counted("1", stable), counted("2", candidate)
    rollout = {"spec": {"candidate": new}, "status": {"stablePredictor": old}}

    promoted = after("promote", deployment(old), rollout)
    assert promoted == {**new, "traffic": 100}
    assert after("restore", deployment(promoted), rollout) == old


@given(stable=REPLICAS, candidate=REPLICAS, scaled=st.integers(1, 9))
def test_replicas_that_somebody_set_meanwhile_outlive_promotion_and_return(
    stable: int | None, candidate: int | None, scaled: int
) -> None:
    old, new = counted("1", stable), counted("2", candidate)
    rollout = {"spec": {"candidate": new}, "status": {"stablePredictor": old}}
    promoted = after("promote", deployment({**old, "replicas": scaled}), rollout)
    assert promoted.get("replicas") == scaled or scaled == stable

    returned = after("restore", deployment({**promoted, "replicas": scaled}), rollout)
    assert returned.get("replicas") == scaled or scaled == candidate
