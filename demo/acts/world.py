"""Act 7: the replay jumps to June. Drift is seen against the profile packaged with the model; retraining follows."""

import json
import time

from demo.acts.better import in_phase
from demo.evidence import measurement, percent, seconds_until
from demo.ground import JSON
from demo.stage import Stage
from demo.versions import DEPLOYMENT, RECENT, SUMMER, shorter

RETRAINED = "6"


def world(stage: Stage) -> None:
    """Arm the drift trigger, go on to June, and wait for version 6."""
    before = len(stage.alarms())
    _arm(stage)
    stage.playing.switch(*SUMMER)
    stage.moment("June begins")
    began = time.time()
    alarm = stage.claim("drift is detected", lambda: stage.alarms()[before:], deadline=120)[0]
    stage.moment("drift alarm")
    noticed = time.time() - began
    stage.claim("the alarm starts retraining", lambda: stage.rollouts(RETRAINED), deadline=180)
    rollout = stage.claim("version 6 is Promoted", lambda: in_phase(stage, RETRAINED, "Promoted"), deadline=240)
    evidence = stage.ground.evidence(rollout)
    quality = measurement(evidence, "quality")
    stage.claim("it is proven no worse on paired labels", lambda: quality["provenNoWorse"])
    stage.claim("the alias champion is version 6", lambda: stage.champion() == RETRAINED)
    stage.claim("no request failed", lambda: stage.failed() == 0)
    stage.say(f"June against a profile of winter: alarm after {noticed:.0f} s ({_worst(alarm)})")
    stage.say(
        f"retrained on April and May; of {quality['samples']:,} labelled pairs version 6 alone was wrong in "
        f"{percent(quality['candidate'])}, version 2 alone in {percent(quality['stable'])}"
    )
    stage.record.verdict_seconds = seconds_until(evidence, "promote")


def _arm(stage: Stage) -> None:
    """A ConfigMap says which pipeline an alarm of this deployment starts, and with what parameters."""
    given = stage.parameters(
        "better", loader_parameters=RECENT, plan=shorter(10, 50, 100), worse_by_at_most={"roc_auc": 0.05}
    )
    data = {"deployment": DEPLOYMENT, "pipeline": "retraining", "parameters": json.dumps(given)}
    labels = {"sluicegate.dev/trigger": "drift"}
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "on-drift", "labels": labels}, "data": data}
    url = f"{stage.addresses['api']}/api/v1/namespaces/{stage.ground.namespace}/configmaps"
    stage.http.post(url, json=body).raise_for_status()


def _worst(alarm: JSON) -> str:
    return str(alarm.get("message", ""))[:120]
