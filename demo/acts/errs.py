"""Act 4: a model that raises on a missing value, sent to users without mirroring, is rolled back after a few errors."""

from itertools import pairwise

from demo.acts.better import in_phase
from demo.evidence import measurement, percent, seconds_until
from demo.flights import missing_share
from demo.record import Record
from demo.stage import Stage
from demo.versions import WINTER


def errs(stage: Stage) -> None:
    """Deliver version 4 with the mirror left out."""
    stage.deliver(4, stage.parameters("raises", mirror=False), check=False)

    version = stage.rollouts_newest()["spec"]["model"]["version"]
    rollout = stage.claim("its rollout is RolledBack", lambda: in_phase(stage, version, "RolledBack"))
    stage.claim("because harm was proven", lambda: rollout["status"]["reason"] == "HarmProven")
    stage.claim("all traffic is back at version 2", lambda: stage.traffic() == {rollout["status"]["stable"]: 100})
    stage.claim("the alias champion is still version 2", lambda: stage.champion() == "2")
    harmed = stage.failed()
    without = _without_gate(stage.earlier)
    stage.claim("fewer requests were harmed than without the gate", lambda: 0 < harmed < without)
    evidence = stage.ground.evidence(rollout)
    errors = measurement(evidence, "errors")
    weight = max(one["weight"] for one in evidence["moments"])
    stage.say(
        f"{percent(errors['candidate'])} of its answers were errors ({percent(missing_share(*WINTER))} of flights "
        f"have no air pressure); proven at {weight} % of the traffic after {errors['samples']:,} of its requests"
    )
    stage.say(f"{harmed} requests were harmed; the full plan without the gate would have harmed about {without:,}")
    stage.record.harmed = harmed
    stage.record.verdict_seconds = seconds_until(evidence, "abort")


def _without_gate(climbed: Record) -> int:
    """Requests that would have failed had version 4 climbed as version 2 did, its bake included.

    Act 2's own shares and request rates, second by second, times the share of flights that version 4 cannot answer.
    """
    samples = climbed.samples
    candidate = next(reversed(samples[-1].traffic))
    seconds = [(later.at - sample.at, sample) for sample, later in pairwise(samples)]
    answered = sum(gap * sample.sent * sample.traffic.get(candidate, 0) / 100 for gap, sample in seconds)
    return round(answered * missing_share(*WINTER))
