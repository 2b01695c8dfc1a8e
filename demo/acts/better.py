"""Act 2: boosted trees with more columns climb the whole ladder, are promoted and baked."""

from demo.evidence import evidence_of, measurement, percent, seconds_until
from demo.stage import JSON, Stage
from demo.versions import parameters, written


def better(stage: Stage) -> None:
    """Deliver version 2: mirror, 1, 5, 25, 50, 100 percent, promoted."""
    given = written(stage.home.parent, "delivery-2", parameters("better"))
    stage.run("pipeline", "run", "delivery", "--parameters", given, log="delivery-2")

    rollout = stage.claim("its rollout is Promoted", lambda: in_phase(stage, "2", "Promoted"))
    candidate = rollout["status"]["candidate"]
    stage.claim("all traffic goes to version 2", lambda: stage.traffic() == {candidate: 100})
    stage.claim("the alias champion is version 2", lambda: stage.champion() == "2")
    evidence = evidence_of(rollout)
    weights = sorted({moment["weight"] for moment in evidence["moments"] if moment["what"] == "advance"})
    stage.claim("it advanced at 0 (mirrored), 1, 5, 25, 50 and 100 percent", lambda: weights == [0, 1, 5, 25, 50, 100])
    stage.claim("no request failed", lambda: stage.failed() == 0)
    flips = measurement(evidence, "disagreement")
    stage.say(
        f"{flips['samples']:,} pairs of answers: {percent(flips['candidate'])} flipped, where held-out data had said "
        f"{percent(rollout['spec'].get('expectedDisagreement', 0))}"
    )
    stage.say(
        f"the judge looked {evidence['looks']} times and found no harm; then all traffic moved, and no request failed"
    )
    stage.record.verdict_seconds = seconds_until(evidence, "promote")


def in_phase(stage: Stage, version: str, phase: str) -> JSON | None:
    """The newest rollout of a version when it is in this phase."""
    found = stage.rollouts(version)[-1]
    return found if found["status"]["phase"] == phase else None
