"""Act 6: promoted, then bad while baking. Traffic and alias go back, though the registry is down at that moment."""

import time

from demo.acts.better import in_phase
from demo.acts.dies import FEED_VERSION
from demo.evidence import measurement, moment, series
from demo.ground import JSON
from demo.stage import Stage, ended
from demo.versions import shorter


def regret(stage: Stage) -> None:
    """Promote version 5, silence the feed that it depends on, stop MLflow, and watch both go back."""
    rolling = stage.ground.roll_out("rollout-6", FEED_VERSION, shorter(10, 100, bake=120.0))
    with ended([rolling]):
        stage.claim("version 5 is promoted, and bakes", lambda: in_phase(stage, FEED_VERSION, "Baking"), deadline=180)
        stage.claim("the alias champion is version 5", lambda: stage.champion() == FEED_VERSION)
        stage.ground.stop_registry()
        stage.moment("the feed falls silent")
        silent = time.time()
        stage.playing.silence()
        try:
            rollout = stage.claim("it is RolledBack", lambda: in_phase(stage, FEED_VERSION, "RolledBack"), deadline=120)
            stage.claim("because harm was proven", lambda: rollout["status"]["reason"] == "HarmProven")
            stable = rollout["status"]["stable"]
            stage.claim("all traffic is back at version 2", lambda: stage.traffic() == {stable: 100})
            stage.claim("the deployment's own predictor is version 2's", lambda: _predictors(stage) == [stable])
            stage.claim("MLflow is down at that moment", lambda: stage.champion() == "–")
        finally:
            stage.playing.restore()
            stage.ground.start_registry()
    stage.claim(
        "MLflow is back, and the alias champion follows: version 2", lambda: stage.champion() == "2", deadline=120
    )
    stage.claim("no request failed", lambda: stage.failed() == 0)
    _tell(stage, rollout, silent)


def _predictors(stage: Stage) -> list[str]:
    return [predictor["name"] for predictor in stage.deployment()["spec"]["predictors"]]


def _tell(stage: Stage, rollout: JSON, silent: float) -> None:
    evidence = stage.ground.evidence(rollout)
    flips = measurement(evidence, "disagreement")
    found = series(stage, rollout["status"]["stable"], rollout["status"]["candidate"], silent)
    harmed = round(sum(count or 0 for count in found["pairs"]["flips"]))
    decided = moment(evidence, "abort")
    stage.record.harmed = harmed
    stage.record.verdict_seconds = None if decided is None else decided - silent
    stage.say("promoted; then the radio feed that it depends on fell silent while it baked")
    stage.say(f"the old version was still warm and mirrored: {flips['message']}")
    stage.say(f"{harmed} answers to users differed from the old version's until traffic was back")
    stage.say("the registry was down at that moment; when it came back, its alias followed")
