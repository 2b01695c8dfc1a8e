"""An analysis on its way: looks every second at everything seen since the rollout began, until the evidence is clear.

Each look is a pure function of the whole series, so a step that is killed and started again says the same. Whatever is
decided is written to the rollout first and to the evidence at once; the lease is renewed while we look, and only
then: an analysis that hangs lets go of the traffic.
"""

import sys
import time
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, cast, get_args

from sluicegate.components.rollout.errors import HarmProvenError, RolloutError, UndecidedError
from sluicegate.components.rollout.evidence_record import EvidenceRecord
from sluicegate.components.rollout.holding import is_by_hand, ladder_is_over
from sluicegate.components.rollout.rollouts import HANDOVER_SECONDS, Rollouts, ended
from sluicegate.monitoring.analysis.judge import judge
from sluicegate.monitoring.analysis.series import Series
from sluicegate.monitoring.analysis.verdict import Verdict
from sluicegate.monitoring.sources.collector import fetch_series
from sluicegate.monitoring.sources.errors import SourceError
from sluicegate.serving.api.model_rollout import TERMINAL_PHASES, ModelRollout
from sluicegate.serving.api.rollout_plan import Analysis
from sluicegate.serving.client.errors import UnreachableError

LOOK_SECONDS = 1.0
_BY_HAND = "promoted by hand: the rest of the ladder is left out"
Goal = Literal["advance", "promote", "bake"]
_MOMENTS: dict[Goal, str] = {"advance": "advance", "promote": "promote", "bake": "complete"}


@dataclass(slots=True, kw_only=True)
class Looking:
    """One analysis on its way."""

    access: Rollouts
    epoch: str
    index: int
    goal: Goal
    collector: str
    begun: float
    evidence: EvidenceRecord
    renewed: float = 0.0
    told: str = ""
    patient_since: float = field(default_factory=time.time)
    """From when ``maxDuration`` counts: a pause, or a plan that extends, begins it anew."""
    paused: bool = False
    harmed: bool = False
    accepted: bool = False
    """Whether a person saw the harm that stopped this analysis, and resumed all the same."""

    def until_clear(self) -> Verdict:
        """Look until the goal is reached, and return the verdict that reached it. Raises as ``analyse`` does."""
        while True:
            try:
                rollout = self._renewed()
            except UnreachableError as error:
                # A control plane may be restarted; were it gone for good, the lease would run out.
                self._say(f"the API does not answer: {error}")
                time.sleep(LOOK_SECONDS)
                continue
            self._follow(rollout)
            if self.goal != "bake" and ladder_is_over(rollout):
                self._renew(HANDOVER_SECONDS)
                return Verdict(result="Successful", advance=True, promote=True, message=_BY_HAND, at=time.time())
            verdict = self._look(rollout)
            if verdict is not None:
                self.evidence.add(verdict)
                self._tell(verdict)
                if verdict.result == "Failed" and not self.accepted:
                    self._harm(rollout, verdict)
                elif not rollout.spec.paused and self._reached(rollout, verdict):
                    self._renew(HANDOVER_SECONDS)
                    self.evidence.moment(_MOMENTS[self.goal], self.index, rollout, verdict.message)
                    return verdict
            if not rollout.spec.paused and self._late(rollout):
                self._undecided(rollout, verdict)
            time.sleep(LOOK_SECONDS)

    def _follow(self, rollout: ModelRollout) -> None:
        """Notice that somebody resumed: that person saw what was known, and the clock begins anew."""
        if self.paused and not rollout.spec.paused:
            self.patient_since = time.time()
            self.accepted = self.harmed and self.goal != "promote"
        self.paused = rollout.spec.paused

    def _renewed(self) -> ModelRollout:
        """The rollout as it is, its lease renewed when a third of it is over."""
        rollout = self.access.read_now()
        if rollout.status.phase in TERMINAL_PHASES | {"Aborting"}:
            ended(rollout)
        lease = rollout.spec.plan.lease
        return self._renew(lease) if time.monotonic() - self.renewed > lease / 3 else rollout

    def _renew(self, seconds: float) -> ModelRollout:
        # Beyond the ladder there is no step to speak of, and the one that was reached is not taken back.
        step = {"step": self.index} if self.goal == "advance" else {}
        self.renewed = time.monotonic()
        return self.access.desire(self.epoch, **step, leaseSeconds=seconds, evidence=self.evidence.reference)

    def _look(self, rollout: ModelRollout) -> Verdict | None:
        try:
            series = self._series(rollout)
        except SourceError as error:
            self._say(f"no figures: {error}")
            return None
        plan = rollout.spec.plan
        expected = rollout.spec.expected_disagreement
        return judge(series, plan, analysis=self._analysis(rollout), expected_disagreement=expected, at=time.time())

    def _series(self, rollout: ModelRollout) -> Series:
        latency = [objective.threshold_ms for objective in rollout.spec.plan.objectives if objective.kind == "latency"]
        status = rollout.status
        return fetch_series(
            self.collector, namespace=self.access.namespace, deployment=rollout.spec.target, stable=status.stable,
            candidate=status.candidate, start=_unix(status.started_at), step_start=self.begun,
            threshold_ms=latency[0] if latency else 250.0,
        )  # fmt: skip

    def _analysis(self, rollout: ModelRollout) -> Analysis:
        steps = rollout.spec.plan.steps
        planned = steps[self.index].analysis if self.goal == "advance" and self.index < len(steps) else None
        return planned or Analysis()

    def _reached(self, rollout: ModelRollout, verdict: Verdict) -> bool:
        advance = verdict.advance or (self.accepted and verdict.result == "Failed")
        if self.goal == "bake":
            # Who promotes by hand does not wait for data; only harm takes that back.
            advance = advance or (is_by_hand(rollout) and verdict.result != "Failed")
            return time.time() - self.begun >= rollout.spec.plan.bake and advance
        return verdict.promote if self.goal == "promote" else advance

    def _late(self, rollout: ModelRollout) -> bool:
        limit = self._analysis(rollout).max_duration
        return time.time() - self.patient_since > (rollout.spec.plan.bake + limit if self.goal == "bake" else limit)

    def _harm(self, rollout: ModelRollout, verdict: Verdict) -> None:
        """Harm is proven: traffic goes back at once, before anything else is said or done; or a person decides."""
        if rollout.spec.plan.on_failure == "pause":
            self.harmed = True
            if not rollout.spec.paused:
                self.evidence.moment("pause", self.index, rollout, verdict.message)
                self._pause(rollout, f"harm is proven, and the plan says to wait: {verdict.message}")
            return
        self.evidence.moment("abort", self.index, rollout, verdict.message)
        self._abort("HarmProven", verdict.message)
        raise HarmProvenError(verdict.message)

    def _undecided(self, rollout: ModelRollout, verdict: Verdict | None) -> None:
        words = verdict.message if verdict else "no figures"
        message = f"undecided after {self._analysis(rollout).max_duration:g} s: {words}"
        self.evidence.moment("undecided", self.index, rollout, message)
        if rollout.spec.plan.on_inconclusive == "extend":
            self.patient_since = time.time()
        elif rollout.spec.plan.on_inconclusive == "pause":
            self._pause(rollout, message)
        else:
            self._abort("Inconclusive", message)
            raise UndecidedError(message)

    def _abort(self, reason: str, message: str) -> None:
        words = {"reason": reason, "message": message, "evidence": self.evidence.reference}
        self.access.desire(self.epoch, intent="Abort", **words)

    def _pause(self, rollout: ModelRollout, message: str) -> None:
        if not rollout.spec.paused:
            self.access.pause(message)
            # Somebody may resume before the next look, which would then have seen no pause.
            self.paused = True
            self._say(f"paused: {message}")

    def _tell(self, verdict: Verdict) -> None:
        self._say(f"{verdict.result}: {verdict.message}")

    def _say(self, words: str) -> None:
        if words != self.told:
            self.told = words
            sys.stderr.write(f"{time.strftime('%H:%M:%S')} {words}\n")
            sys.stderr.flush()


def goal_of(text: str) -> Goal:
    """The goal of this name; raises RolloutError when there is none."""
    for goal in get_args(Goal):
        if text == goal:
            return cast("Goal", goal)
    raise RolloutError(f"goal: found {text!r}; expected one of {', '.join(get_args(Goal))}")


def _unix(stamp: str) -> float:
    return datetime.fromisoformat(stamp).timestamp()
