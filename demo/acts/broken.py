"""Act 3: a model whose column comes in hours at serving and in minutes in training is caught before a user sees it."""

from demo.acts.better import in_phase
from demo.evidence import measurement, percent, seconds_until
from demo.stage import Stage


def broken(stage: Stage) -> None:
    """Deliver version 3; its training, its held-out data and its own example know nothing of the bug."""
    stage.deliver(3, stage.parameters("hours"), check=False)

    rollout = stage.claim("its rollout is RolledBack", lambda: in_phase(stage, "3", "RolledBack"))
    stage.claim("because harm was proven", lambda: rollout["status"]["reason"] == "HarmProven")
    evidence = stage.ground.evidence(rollout)
    stage.claim("by mirrored requests alone", lambda: {one["weight"] for one in evidence["moments"]} == {0})
    stage.claim("no request failed", lambda: stage.failed() == 0)
    stage.claim("the alias champion is still version 2", lambda: stage.champion() == "2")
    tags = stage.claim("version 3 is tagged as refused", lambda: _refused(stage))
    code = stage.ground.roll_out("again-3", "3", {}).wait()
    stage.claim("submitting it again is refused at once", lambda: code != 0 and len(stage.rollouts("3")) == 1)
    flips = measurement(evidence, "disagreement")
    stage.say(
        f"{percent(flips['candidate'])} of {flips['samples']:,} mirrored answers flipped; held-out data had said "
        f"{percent(rollout['spec'].get('expectedDisagreement', 0))}: at serving its delay comes in hours, not minutes"
    )
    stage.say(f"refused, and remembered: {tags['sluicegate.refused'].split(';')[0]}")
    stage.record.verdict_seconds = seconds_until(evidence, "abort")


def _refused(stage: Stage) -> dict[str, str] | None:
    tags: dict[str, str] = stage.version("3")["tags"]
    return tags if tags.get("sluicegate.refused", "").startswith("HarmProven") else None
