"""Routers that learn find the better arm, count what they should, and refuse what makes no sense."""

import math
import random
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from sluicegate.serving.bundle.errors import BundleRefused
from sluicegate.serving.protocol.errors import BadPayloadError
from sluicegate.serving.protocol.messages import Feedback, Message
from sluicegate.serving.protocol.router_counts import Count
from sluicegate.serving.runtime.bandits import epsilon_greedy, thompson
from sluicegate.serving.runtime.loading import load
from sluicegate.serving.runtime.sources import Source

LEARNING = ["EPSILON_GREEDY", "THOMPSON_SAMPLING"]
REQUEST = Message(content=np.zeros((4, 2)))
WORTH = (0.3, 0.8)
"""Chance of a reward, by arm."""


def router(implementation: str = "EPSILON_GREEDY", children: tuple[str, ...] = ("a", "b"), **parameters: Any) -> Any:
    """A router with these children."""
    return load(Source(name="r", implementation=implementation, parameters=parameters, children=children)).unit


def feedback(branch: int | None, reward: float = 1.0, request: Message | None = None) -> Feedback:
    """For an answer that took this branch."""
    return Feedback(puid="p", reward=reward, request=request, routing={} if branch is None else {"r": branch})


def played(decide: Callable[[Sequence[Count]], int], decisions: int, draw: random.Random) -> list[int]:
    """The arms that were chosen, one after the other, each with its reward known before the next."""
    known, chosen = [Count(), Count()], []
    for _ in range(decisions):
        arm = decide(known)
        known[arm] = Count(known[arm].trials + 1, known[arm].reward + (draw.random() < WORTH[arm]))
        chosen.append(arm)
    return chosen


def test_epsilon_greedy_takes_the_better_arm_but_for_its_epsilon() -> None:
    """After 1,000 of 2,000 decisions the worse arm has 50 trials or more (of 100 to be expected, binomial: all but
    1e-8), so that either mean is wrong by half their distance with at most 2·exp(-2·50·0.25²) = 0.4 % (Hoeffding).
    The better arm's share of the rest is then 0.9·0.996; 20 runs of 1,000 draws have a deviation of 0.0021.
    """
    chosen = []
    for seed in range(20):
        draw = random.Random(seed)
        chosen += played(lambda known, draw=draw: epsilon_greedy(known, 0.1, None, draw), 2000, draw)[1000:]

    share = np.mean(chosen)
    assert 0.9 * 0.996 - 5 * 0.0021 < share < 0.9 + 5 * 0.0021


def test_thompson_sampling_wastes_no_more_than_its_bound() -> None:
    """Of T decisions between two arms 40·ln T / d² + 48 / d⁴ + 18 at most are expected to go wrong (Agrawal and Goyal,
    2012), where d is their distance; here that is 12 % of them.
    """
    decisions, distance = 20_000, WORTH[1] - WORTH[0]
    draw = random.Random(1)

    wrong = played(lambda known: thompson(known, draw), decisions, draw).count(0)

    assert wrong < 40 * math.log(decisions) / distance**2 + 48 / distance**4 + 18 < 0.12 * decisions


def test_thompson_sampling_chooses_as_often_as_it_believes() -> None:
    """One success against nothing known: Beta(2, 1) is above Beta(1, 1) with two thirds. 20,000 draws."""
    draw = random.Random(5)

    share = np.mean([thompson([Count(1, 1.0), Count()], draw) == 0 for _ in range(20_000)])

    assert abs(share - 2 / 3) < 5 * (2 / 9 / 20_000) ** 0.5


@pytest.mark.parametrize(
    ("known", "preferred", "expected"),
    [
        ([Count(), Count(), Count()], 2, {2}),
        ([Count(), Count(), Count()], None, {0, 1, 2}),
        ([Count(10, 9.0), Count(), Count()], 2, {0}),
        ([Count(10, 1.0), Count(), Count(10, 1.0)], 0, {1}),
    ],
)
def test_what_is_best(known: list[Count], preferred: int | None, expected: set[int]) -> None:
    draw = random.Random(3)

    assert {epsilon_greedy(known, 0.0, preferred, draw) for _ in range(200)} == expected


@pytest.mark.parametrize("implementation", LEARNING)
def test_equal_seeds_decide_alike_and_decisions_are_counted(implementation: str) -> None:
    one, other = (router(implementation, seed=3) for _ in range(2))

    chosen = [one.route(REQUEST) for _ in range(50)]

    assert [other.route(REQUEST) for _ in range(50)] == chosen
    assert one.tally.pulls == {"a": chosen.count(0), "b": chosen.count(1)}


def test_each_row_of_the_request_is_a_trial() -> None:
    unit = router()

    unit.send_feedback(feedback(1, 0.75, REQUEST))
    unit.send_feedback(feedback(1, 0.0))

    assert unit.tally.known() == (Count(), Count(5, 3.0))


@pytest.mark.parametrize("branch", [None, -1, -2, 2, 99])
def test_feedback_of_no_arm_teaches_nothing(branch: int | None) -> None:
    unit = router()

    unit.send_feedback(feedback(branch, 7.0))

    assert unit.tally.told().feedbacks == 0


@pytest.mark.parametrize("reward", [-0.1, 1.1, math.nan, math.inf])
def test_a_reward_that_is_no_share_is_refused(reward: float) -> None:
    with pytest.raises(BadPayloadError, match="a number from 0 to 1"):
        router().send_feedback(feedback(0, reward))


def test_counts_belong_to_an_arms_name_not_to_its_number() -> None:
    """A graph that has another first child now does not give it the counts of the former one."""
    unit = router(children=("new", "b"))

    unit.tally.take({"a": Count(10, 9.0), "b": Count(5, 1.0)})

    assert unit.tally.known() == (Count(), Count(5, 1.0))


@pytest.mark.parametrize("names", ["rf:xgb", "rf, xgb"])
def test_arms_may_have_names_of_their_own(names: str) -> None:
    assert router(branch_names=names).tally.arms == ("rf", "xgb")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("epsilon", 1.5),
        ("epsilon", "much"),
        ("n_branches", 3),
        ("best_branch", 2),
        ("branch_names", "one"),
        ("branch_names", "same:same"),
        ("seed", "x"),
        ("verbose", "perhaps"),
    ],
)
def test_what_is_no_parameter_is_refused_by_its_name(name: str, value: Any) -> None:
    with pytest.raises(BundleRefused, match=f"unit 'r' parameter '{name}'"):
        router(**{name: value})


@pytest.mark.parametrize("name", ["EpsilonGreedy", "ThompsonSampling"])
def test_the_classes_of_seldons_images_are_here_under_their_names(name: str) -> None:
    unit = router(name, children=(), n_branches=2)

    assert type(unit).__name__ == name
    assert unit.routed(REQUEST).content.shape == (1, 1)


def test_a_router_without_children_must_know_their_number() -> None:
    with pytest.raises(BundleRefused, match="n_branches"):
        router(children=())
