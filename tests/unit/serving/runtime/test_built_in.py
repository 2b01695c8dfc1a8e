"""Units that need no code: what they answer, and what they refuse."""

import random
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from sluicegate.serving.bundle.errors import BundleRefused
from sluicegate.serving.protocol.errors import BadAnswerError
from sluicegate.serving.protocol.messages import Message, Meta
from sluicegate.serving.runtime.built_in import RandomAbTest
from sluicegate.serving.runtime.loading import load
from sluicegate.serving.runtime.sources import Source


def unit(implementation: str, **parameters: Any) -> Any:
    """A built-in unit."""
    return load(Source(name="u", implementation=implementation, parameters=parameters)).unit


def table(*rows: list[float], names: tuple[str, ...] = (), **tags: Any) -> Message:
    """An answer."""
    return Message(content=np.array(rows), names=names, meta=Meta(tags=tags))


def test_a_simple_model_answers_each_row_alike() -> None:
    answer = unit("SIMPLE_MODEL").predict(table([1.0], [2.0]))

    assert np.array_equal(answer.content, [[0.1, 0.9, 0.5]] * 2)
    assert answer.names == ("class0", "class1", "class2")


def test_a_simple_router_takes_the_first_child() -> None:
    assert unit("SIMPLE_ROUTER").route(table([1.0])) == 0


@pytest.mark.parametrize(("ratio", "child"), [(0, 1), ("0.0", 1), (1.0, 0)])
def test_a_ratio_of_nothing_or_all_leaves_nothing_to_chance(ratio: Any, child: int) -> None:
    routes = {unit("RANDOM_ABTEST", ratioA=ratio).route(table([1.0])) for _ in range(200)}

    assert routes == {child}


def test_a_draw_has_its_ratio() -> None:
    """20,000 draws of 0.3: a share further than five standard deviations away comes once in 1.7 million runs."""
    router = RandomAbTest(name="u", ratio=0.3, draw=random.Random(7).random)

    share = sum(router.route(table([1.0])) == 0 for _ in range(20_000)) / 20_000

    assert abs(share - 0.3) < 5 * (0.3 * 0.7 / 20_000) ** 0.5


@pytest.mark.parametrize("ratio", [-0.1, 1.5, "half", float("nan")])
def test_what_is_no_ratio_is_refused(ratio: Any) -> None:
    with pytest.raises(BundleRefused, match="parameter 'ratioA'"):
        unit("RANDOM_ABTEST", ratioA=ratio)


def test_a_combiner_averages_and_keeps_what_all_said() -> None:
    answers = [table([1.0, 2.0], names=("a", "b"), x=1, y=1), table([3.0, 6.0], names=("c", "d"), y=2)]

    answer = unit("AVERAGE_COMBINER").aggregate(answers)

    assert np.array_equal(answer.content, [[2.0, 4.0]])
    assert (answer.names, answer.meta.tags) == (("a", "b"), {"x": 1, "y": 2})


@pytest.mark.parametrize("other", [table([1.0]), replace(table([1.0]), content="text"), table([1.0, 2.0], [3.0, 4.0])])
def test_answers_that_have_no_mean_are_refused_by_their_place(other: Message) -> None:
    with pytest.raises(BadAnswerError, match=r"children\[1\]"):
        unit("AVERAGE_COMBINER").aggregate([table([1.0, 2.0]), other])
