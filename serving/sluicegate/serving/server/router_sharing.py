"""Takes what this process's routers learnt to their home, and brings what all others learnt.

A task of the event loop: at once when a feedback came, and every second. A feedback is answered once the home has it;
where the home does not answer in time the client is answered nevertheless, and the counts wait here. Until the home is
back, routers decide by what they knew last. ``kill -9`` loses what the home did not have yet.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from uuid import uuid4

from sluicegate.serving.graph.execution import NO_HEADERS
from sluicegate.serving.graph.units import Headers
from sluicegate.serving.protocol.messages import Feedback
from sluicegate.serving.protocol.router_counts import Count, Report
from sluicegate.serving.runtime.tally import Tally
from sluicegate.serving.server.dispatching import Around, Dispatching
from sluicegate.serving.server.metrics import Labels
from sluicegate.serving.server.router_homes import Home, HomeError, home_of
from sluicegate.serving.server.settings import Settings

EVERY_SECONDS = 1.0
PATIENCE_SECONDS = 2.0
"""How long the answer to a feedback waits for the home."""
_PAUSE_SECONDS = 0.2
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Whose counts these are: servers of one predictor share them."""

    namespace: str
    deployment: str
    predictor: str


@dataclass(slots=True)
class _Waiting:
    """A feedback whose answer waits until the home has the first ``feedbacks`` of them all."""

    feedbacks: int
    answer: Callable[[], None]
    timer: asyncio.TimerHandle | None = None


@dataclass(slots=True)
class Sharing:
    """The tallies of one process, by unit, and their home; None: there is none, and nothing outlives the process."""

    tallies: Mapping[str, Tally]
    home: Home | None
    place: Place
    patience: float = PATIENCE_SECONDS
    late: int = field(default=0, init=False)
    """Feedbacks that were answered before the home had them."""
    _incarnation: str = field(default_factory=lambda: uuid4().hex, init=False)
    _at_home: int = field(default=0, init=False)
    _away: bool = field(default=False, init=False)
    _waiting: list[_Waiting] = field(default_factory=list, init=False)
    _wake: asyncio.Event = field(default_factory=asyncio.Event, init=False)
    _running: "asyncio.Task[None] | None" = field(default=None, init=False)

    @property
    def feedbacks(self) -> int:
        """How many were learnt from here."""
        return sum(tally.told().feedbacks for tally in self.tallies.values())

    @property
    def kept_back(self) -> int:
        """Feedbacks that the home does not have yet."""
        return self.feedbacks - self._at_home

    async def begin(self) -> None:
        """Learn what the home knows, and go on exchanging."""
        if self.home is None:
            names = ", ".join(map(repr, self.tallies))
            _LOG.warning("routers %s keep what they learn in this process alone: --router-home gives a home", names)
        else:
            await self.exchange()
            self._running = asyncio.create_task(self._run())

    async def end(self) -> None:
        """Tell the home once more what it may not have."""
        if self._running is not None:
            self._running.cancel()
            if self.kept_back:
                await self.exchange()

    async def _run(self) -> None:
        while True:
            try:
                async with asyncio.timeout(EVERY_SECONDS):
                    await self._wake.wait()
            except TimeoutError:
                pass
            await self.exchange()
            if self._away:
                await asyncio.sleep(_PAUSE_SECONDS)

    async def exchange(self) -> None:
        """Tell the home what was learnt here, take over what was learnt elsewhere, answer who waited for it."""
        if self.home is None:
            return
        self._wake.clear()
        told = {unit: tally.told() for unit, tally in self.tallies.items()}
        units = {unit: each.counts for unit, each in told.items()}
        place = self.place
        report = Report(
            namespace=place.namespace,
            deployment=place.deployment,
            predictor=place.predictor,
            incarnation=self._incarnation,
            units=units,
        )
        try:
            others = await asyncio.to_thread(self.home.exchange, report)
        except HomeError as error:
            self._lost(error)
            return
        self._away = False
        for unit, tally in self.tallies.items():
            tally.take(others.get(unit, {}))
        self._arrived(sum(each.feedbacks for each in told.values()))

    def settle(self, answer: Callable[[], None]) -> None:
        """Call ``answer`` once the home has all that was learnt until now, or when it was waited for long enough."""
        feedbacks = self.feedbacks
        if self.home is None or feedbacks <= self._at_home:
            answer()
            return
        waiting = _Waiting(feedbacks, answer)
        waiting.timer = asyncio.get_running_loop().call_later(self.patience, self._give_up, waiting)
        self._waiting.append(waiting)
        self._wake.set()

    def _arrived(self, feedbacks: int) -> None:
        self._at_home = feedbacks
        due = [each for each in self._waiting if each.feedbacks <= feedbacks]
        self._waiting = [each for each in self._waiting if each.feedbacks > feedbacks]
        for each in due:
            if each.timer is not None:
                each.timer.cancel()
            each.answer()

    def _give_up(self, waiting: _Waiting) -> None:
        self._waiting.remove(waiting)
        self.late += 1
        waiting.answer()

    def _lost(self, error: HomeError) -> None:
        if self._waiting:
            self._wake.set()
        if not self._away:
            self._away = True
            _LOG.warning("the routers' home is away, they go on by what they know: %s", error)


def sharing_of(units: Mapping[str, object], settings: Settings) -> Sharing | None:
    """For the routers among ``units`` that learn, if there are any. Raises SettingsRefusedError."""
    # By what they have and not by what they are: a traced unit is another thing around the same router.
    found = {name: getattr(unit, "tally", None) for name, unit in units.items()}
    tallies = {name: tally for name, tally in found.items() if isinstance(tally, Tally)}
    if not tallies:
        return None
    place = Place(namespace=settings.namespace, deployment=settings.deployment, predictor=settings.predictor)
    return Sharing(tallies=tallies, home=home_of(settings.router_home, settings.deployment), place=place)


def figures_of(sharing: Sharing) -> dict[str, tuple[str, Callable[[], Mapping[Labels, float]]]]:
    """Metrics: what was chosen and learnt here, and what is known of all."""

    def each(read: Callable[[Tally], Mapping[str, float]]) -> Callable[[], dict[Labels, float]]:
        return lambda: {
            (("unit", unit), ("arm", arm)): value
            for unit, tally in sharing.tallies.items()
            for arm, value in read(tally).items()
        }

    def own(tally: Tally) -> Mapping[str, Count]:
        return {arm: tally.told().counts.get(arm, Count()) for arm in tally.arms}

    def known(tally: Tally) -> Mapping[str, Count]:
        return dict(zip(tally.arms, tally.known(), strict=True))

    return {
        "sluicegate_router_pulls_total": (
            "Requests that a learning router led to the arm, of this process",
            each(lambda tally: {arm: tally.pulls[arm] for arm in tally.arms}),
        ),
        "sluicegate_router_trials_total": (
            "Rows whose reward became known, in this process",
            each(lambda tally: {arm: count.trials for arm, count in own(tally).items()}),
        ),
        "sluicegate_router_reward_total": (
            "Sum of their rewards",
            each(lambda tally: {arm: count.reward for arm, count in own(tally).items()}),
        ),
        "sluicegate_router_known_trials": (
            "Rows that the router decides by: of all processes and lives that the home knows, and of this one",
            each(lambda tally: {arm: count.trials for arm, count in known(tally).items()}),
        ),
        "sluicegate_router_known_reward": (
            "Sum of their rewards",
            each(lambda tally: {arm: count.reward for arm, count in known(tally).items()}),
        ),
        "sluicegate_router_feedback_kept_back": (
            "Feedbacks that the routers' home does not have yet",
            lambda: {(): float(sharing.kept_back)},
        ),
        "sluicegate_router_feedback_late_total": (
            "Feedbacks that were answered before the routers' home had them",
            lambda: {(): float(sharing.late)},
        ),
    }


class SettledFeedback(Around):
    """``Dispatching`` that answers a feedback when what was learnt by it is at home."""

    def __init__(self, inner: Dispatching, sharing: Sharing) -> None:
        super().__init__(inner)
        self._sharing = sharing

    def tell(
        self, feedback: Feedback, done: Callable[[BaseException | None], None], headers: Headers = NO_HEADERS
    ) -> None:
        """As the port says."""

        def learnt(error: BaseException | None) -> None:
            if error is None:
                self._sharing.settle(lambda: done(None))
            else:
                done(error)

        super().tell(feedback, learnt, headers)
