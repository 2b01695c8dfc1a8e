"""Joining answers and late labels: whatever the order, the same totals."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from sluicegate.monitoring.quality.joining import (
    Answer,
    Facts,
    PairCounts,
    pair_increments,
    pairs,
    quality,
    quality_increments,
    with_answer,
    with_truth,
)

CLASSES = st.sampled_from(["0", "1", None])
ANSWERS = st.builds(Answer, st.lists(CLASSES, max_size=3).map(tuple), st.booleans())
KNOWN = st.fixed_dictionaries({}, optional=dict.fromkeys(("main", "new", "old"), ANSWERS))
TRUTH = st.lists(st.sampled_from(["0", "1"]), max_size=3).map(tuple)


def learn(facts: Facts, event: tuple[str, Answer] | tuple[None, tuple[str, ...]]) -> Facts:
    name, what = event
    return with_answer(facts, name, what) if isinstance(what, Answer) and name else with_truth(facts, what)


@given(known=KNOWN, truth=TRUTH, data=st.data())
def test_any_order_and_any_duplicates_give_the_same_totals(known, truth, data):
    """The sum of increments is the count of the final facts; none of them is negative."""
    events = [*known.items(), (None, truth)]
    arrivals = data.draw(st.permutations(events * 2))
    facts, counted, judged = Facts(), Counter(), Counter()

    for event in arrivals:
        before, facts = facts, learn(facts, event)
        for key, counts in pair_increments(before, facts):
            assert min(counts) >= 0
            counted.update({(key, part): value for part, value in counts._asdict().items()})
        for key, counts in quality_increments(before, facts):
            assert min(counts) >= 0
            judged.update({(key, part): value for part, value in counts._asdict().items()})

    complete = Facts(known, truth)
    assert +counted == +Counter({(k, p): v for k, c in pairs(complete).items() for p, v in c._asdict().items()})
    assert +judged == +Counter({(k, p): v for k, c in quality(complete).items() for p, v in c._asdict().items()})


def test_a_pair_is_one_answer_to_the_user_and_one_to_the_copy():
    """Two answers to users, or two copies, are no pair."""
    facts = Facts({"a": Answer(("1",)), "b": Answer(("1",)), "c": Answer(("0",), True), "d": Answer(("0",), True)})

    assert set(pairs(facts)) == {("a", "c"), ("a", "d"), ("b", "c"), ("b", "d")}


def test_labelled_pairs_say_which_one_was_wrong():
    """Only rows in which exactly one is wrong count for one of them."""
    facts = Facts({"new": Answer(("1", "0", "1"), True), "old": Answer(("0", "0", "0"))}, ("1", "1", "0"))

    assert pairs(facts) == {("new", "old"): PairCounts(3, 2, 3, 1, 1)}


def test_a_row_without_an_answer_is_a_flip_and_wrong():
    """An answer with too few rows does not hide behind the other's."""
    facts = Facts({"new": Answer((), True), "old": Answer(("1",))}, ("1",))

    assert pairs(facts) == {("new", "old"): PairCounts(1, 1, 1, 1, 0)}


def test_the_first_answer_and_the_first_truth_stay():
    """What was counted is never taken back."""
    facts = with_truth(with_answer(Facts(), "a", Answer(("1",))), ("1", None))

    assert with_answer(facts, "a", Answer(("0",))) is facts
    assert with_truth(facts, ("0", "0")).truth == ("1", "0")
    assert with_truth(facts, ("0",)) is facts
