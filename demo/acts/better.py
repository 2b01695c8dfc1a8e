"""Act 2: boosted trees with more columns climb the whole ladder, are promoted and baked."""

from demo.evidence import measurement, percent, seconds_until
from demo.ground import JSON
from demo.stage import Stage
from demo.versions import weights


def better(stage: Stage) -> None:
    """Deliver version 2: mirrored, then weight by weight, promoted."""
    stage.deliver(2, stage.parameters("better"))

    rollout = stage.claim("its rollout is Promoted", lambda: in_phase(stage, "2", "Promoted"))
    candidate = rollout["status"]["candidate"]
    stage.claim("all traffic goes to version 2", lambda: stage.traffic() == {candidate: 100})
    stage.claim("the alias champion is version 2", lambda: stage.champion() == "2")
    evidence = stage.ground.evidence(rollout)
    climbed = sorted({moment["weight"] for moment in evidence["moments"] if moment["what"] == "advance"})
    planned = weights(stage.ground.plan)
    ladder = f"{', '.join(map(str, planned[1:-1]))} and {planned[-1]}"
    stage.claim(f"it advanced at 0 (mirrored), {ladder} percent", lambda: climbed == planned)
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
