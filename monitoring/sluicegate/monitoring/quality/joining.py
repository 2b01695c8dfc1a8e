"""Joins by request id and row: answers of different predictors with each other, and all of them with the late truth.

``Facts`` is all that is known of one request; the collector keeps it and asks what one more event changes. What counts
is the difference ``pairs(after) - pairs(before)``: the sum over any order of arrival telescopes to the same totals,
duplicates add nothing, and increments are never negative, so that evidence once given is never taken back. Increments
belong to the second in which they became known, not to the request's: a label that comes late must not change a second
on which a verdict has been given already. For the same reason the first answer and the first truth of a row stay.
"""

from collections.abc import Iterator
from itertools import combinations, zip_longest
from typing import NamedTuple

import msgspec

from sluicegate.monitoring.quality.decisions import Decision


class Answer(msgspec.Struct, frozen=True, array_like=True):
    """A predictor's decisions for one request, a row each. ``shadow``: it answered a copy that no user saw."""

    decisions: tuple[Decision, ...]
    shadow: bool = False


class Facts(msgspec.Struct, frozen=True, array_like=True):
    """All that is known of one request: answers by predictor, and the truth of each row as far as it is known."""

    answers: dict[str, Answer] = {}
    truth: tuple[Decision, ...] = ()


class PairCounts(NamedTuple):
    """Rows that two predictors answered; the first is the one whose name sorts first."""

    rows: int = 0
    flips: int = 0
    labelled: int = 0
    only_first_wrong: int = 0
    only_second_wrong: int = 0


class Quality(NamedTuple):
    """One predictor's rows whose truth is known, and how many of them it got wrong."""

    labelled: int = 0
    wrong: int = 0


def with_answer(facts: Facts, predictor: str, answer: Answer) -> Facts:
    """Facts with one more answer; the first of a predictor stays."""
    return facts if predictor in facts.answers else Facts({**facts.answers, predictor: answer}, facts.truth)


def with_truth(facts: Facts, truth: tuple[Decision, ...]) -> Facts:
    """Facts with more rows' truth; what is known of a row stays."""
    merged = tuple(new if old is None else old for old, new in zip_longest(facts.truth, truth))
    return facts if merged == facts.truth else Facts(facts.answers, merged)


def pairs(facts: Facts) -> dict[tuple[str, str], PairCounts]:
    """Counts for each two predictors of which exactly one answered the user and the other a copy of the request."""
    return {
        (first, second): _compare(facts.answers[first], facts.answers[second], facts.truth)
        for first, second in combinations(sorted(facts.answers), 2)
        if facts.answers[first].shadow != facts.answers[second].shadow
    }


def quality(facts: Facts) -> dict[str, Quality]:
    """Labelled and wrong rows of each predictor that answered."""
    return {predictor: _quality(answer, facts.truth) for predictor, answer in facts.answers.items()}


def pair_increments(before: Facts, after: Facts) -> Iterator[tuple[tuple[str, str], PairCounts]]:
    """What became known between two states of one request's facts; nothing where nothing changed."""
    known = pairs(before)
    for key, counts in pairs(after).items():
        increment = PairCounts(*(new - old for new, old in zip(counts, known.get(key, PairCounts()), strict=True)))
        if any(increment):
            yield key, increment


def quality_increments(before: Facts, after: Facts) -> Iterator[tuple[str, Quality]]:
    """As ``pair_increments``, for each predictor alone."""
    known = quality(before)
    for predictor, counts in quality(after).items():
        increment = Quality(*(new - old for new, old in zip(counts, known.get(predictor, Quality()), strict=True)))
        if any(increment):
            yield predictor, increment


def _compare(first: Answer, second: Answer, truth: tuple[Decision, ...]) -> PairCounts:
    # A row that only one of them answered is a flip: an answer with too few rows is a wrong answer.
    rows = max(len(first.decisions), len(second.decisions))
    flips = labelled = only_first = only_second = 0
    for row in range(rows):
        one, other, true = _at(first.decisions, row), _at(second.decisions, row), _at(truth, row)
        flips += one != other
        if true is not None:
            labelled += 1
            only_first += one != true and other == true
            only_second += one == true and other != true
    return PairCounts(rows, flips, labelled, only_first, only_second)


def _quality(answer: Answer, truth: tuple[Decision, ...]) -> Quality:
    known = [(made, true) for made, true in zip(answer.decisions, truth, strict=False) if true is not None]
    return Quality(len(known), sum(made != true for made, true in known))


def _at(values: tuple[Decision, ...], row: int) -> Decision:
    return values[row] if row < len(values) else None
