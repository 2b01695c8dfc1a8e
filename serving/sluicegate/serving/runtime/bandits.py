"""Routers that learn by feedback which child is best: EPSILON_GREEDY and THOMPSON_SAMPLING.

``bandit_loading`` makes them. What is decided is a function of what is known and of a draw; what is known lies in a
``Tally``. As for Seldon's components of these names, a reward is the mean of numbers from 0 to 1, one a row.
"""

import logging
import random
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field

from sluicegate.serving.protocol.errors import BadPayloadError
from sluicegate.serving.protocol.messages import Feedback, Message
from sluicegate.serving.protocol.router_counts import Count
from sluicegate.serving.runtime.built_in import BuiltIn
from sluicegate.serving.runtime.tally import Tally

_LOG = logging.getLogger(__name__)


def mean(count: Count) -> float:
    """What an arm is worth by its feedback, beginning from one success and one failure: unknown is one half."""
    return (count.reward + 1) / (count.trials + 2)


def epsilon_greedy(known: Sequence[Count], epsilon: float, preferred: int | None, draw: random.Random) -> int:
    """The best arm, but with probability ``epsilon`` any of the others. Of equals ``preferred``, else any."""
    best = max(map(mean, known))
    equals = [arm for arm, count in enumerate(known) if mean(count) == best]
    chosen = preferred if preferred in equals else draw.choice(equals)
    if len(known) > 1 and draw.random() < epsilon:
        return draw.choice([arm for arm in range(len(known)) if arm != chosen])
    return chosen


def thompson(known: Sequence[Count], draw: random.Random) -> int:
    """The arm of the largest draw, one from what is believed of each: Beta(1 + rewards, 1 + what was missed)."""
    draws = [draw.betavariate(1 + each.reward, 1 + max(0.0, each.trials - each.reward)) for each in known]
    return draws.index(max(draws))


@dataclass(frozen=True, slots=True, kw_only=True)
class Bandit(BuiltIn, ABC):
    """A router with a tally. ``verbose``: each decision and each lesson is a line of the log."""

    tally: Tally
    draw: random.Random = field(default_factory=random.SystemRandom)
    verbose: bool = False

    def route(self, message: Message) -> int:  # noqa: ARG002  (the port's signature)
        """One decision, by what is known now."""
        known = self.tally.known()
        arm = self.decide(known)
        self.tally.chosen(arm)
        if self.verbose:
            _LOG.warning("router %r chose %r; it knows %s", self.name, self.tally.arms[arm], known)
        return arm

    @abstractmethod
    def decide(self, known: Sequence[Count]) -> int:
        """Which arm."""

    def send_feedback(self, feedback: Feedback) -> None:
        """Learn, if this router sent the request to one child: each row of it counts. Raises BadPayloadError."""
        arm = feedback.routing.get(self.name)
        if arm is None or not 0 <= arm < len(self.tally.arms):
            return
        if not 0 <= feedback.reward <= 1:
            found = f"{feedback.reward:g}"
            raise BadPayloadError("reward", found, f"a number from 0 to 1, as router {self.name!r} learns by it")
        rows = feedback.request.rows if feedback.request is not None else 1
        self.tally.learn(arm, rows, feedback.reward)
        if self.verbose:
            _LOG.warning("router %r learnt %g of %r", self.name, feedback.reward, self.tally.arms[arm])


@dataclass(frozen=True, slots=True, kw_only=True)
class EpsilonGreedy(Bandit):
    """The best arm, but now and then another."""

    epsilon: float = 0.1
    preferred: int | None = None

    def decide(self, known: Sequence[Count]) -> int:
        """As ``epsilon_greedy``."""
        return epsilon_greedy(known, self.epsilon, self.preferred, self.draw)


@dataclass(frozen=True, slots=True, kw_only=True)
class ThompsonSampling(Bandit):
    """Each arm as often as it is believed to be the best."""

    def decide(self, known: Sequence[Count]) -> int:
        """As ``thompson``."""
        return thompson(known, self.draw)
