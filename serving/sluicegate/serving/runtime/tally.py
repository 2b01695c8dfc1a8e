"""What a router that learns has counted: by itself in this process, and what it was told that all others did.

Its unit counts here, on whatever thread it is called; ``server.router_sharing`` takes the counts to their home and
brings the others'. Arms are known by name, so that counts of an arm that is no more are nobody's.
"""

import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from sluicegate.serving.protocol.router_counts import Count, Counts


@dataclass(frozen=True, slots=True)
class Told:
    """One router's own counts, and how many feedbacks made them."""

    counts: dict[str, Count]
    feedbacks: int


class Tally:
    """The counts of one router with these ``arms``, in the order of its children."""

    def __init__(self, arms: Sequence[str]) -> None:
        self.arms = tuple(arms)
        self.pulls: Counter[str] = Counter()
        """How often each arm was chosen in this process."""
        self._own: dict[str, Count] = {}
        self._others: Counts = {}
        self._feedbacks = 0
        self._lock = threading.Lock()

    def chosen(self, arm: int) -> None:
        """Count a choice."""
        self.pulls[self.arms[arm]] += 1

    def learn(self, arm: int, trials: int, reward: float) -> None:
        """Count what became known of an arm: ``reward`` is the mean of these ``trials``."""
        name = self.arms[arm]
        with self._lock:
            before = self._own.get(name, Count())
            self._own[name] = Count(before.trials + trials, before.reward + reward * trials)
            self._feedbacks += 1

    def told(self) -> Told:
        """What there is to tell the home."""
        with self._lock:
            return Told(dict(self._own), self._feedbacks)

    def take(self, others: Counts) -> None:
        """Take over what the home knows of all other lives."""
        self._others = others

    def known(self) -> tuple[Count, ...]:
        """What is known of each arm, in their order."""
        own, others = self._own, self._others
        return tuple(_sum(own.get(arm, Count()), others.get(arm, Count())) for arm in self.arms)


def _sum(one: Count, other: Count) -> Count:
    return Count(one.trials + other.trials, one.reward + other.reward)
