"""Act 5: the workflow that carries a canary is killed, and traffic goes back by itself.

A plane waits until the lease runs out; on a cluster the operator sees that the workflow is gone.
"""

import json
import time

import httpx

from demo.acts.better import in_phase
from demo.ground import JSON
from demo.stage import Stage, ended
from demo.versions import DEPLOYMENT, MODEL

NAME = "by-hand"
FEED_VERSION = "5"
_NOBODY = {"LeaseExpired", "WorkflowDied"}


def dies(stage: Stage) -> None:
    """Publish version 5, roll it out in the foreground, and kill the workflow in the middle of it."""
    stage.deliver(5, stage.parameters("feed", deployment=""))
    workflow = stage.ground.submit("workflow-5", _parameters(stage))
    with ended([workflow]):
        stage.claim("a canary is on its way, and analysed", lambda: _analysed(stage), deadline=120)
        workflow.kill()
        killed = time.time()
        stage.moment("the workflow is killed", killed)
    rollout = stage.claim("its rollout is RolledBack", lambda: in_phase(stage, FEED_VERSION, "RolledBack"))
    back = time.time()
    stage.moment("traffic is back", back)
    stage.claim("because nobody drove it any more", lambda: rollout["status"]["reason"] in _NOBODY)
    stage.claim("all traffic is back at version 2", lambda: stage.traffic() == {rollout["status"]["stable"]: 100})
    stage.claim("the alias champion is still version 2", lambda: stage.champion() == "2")
    stage.claim("no request failed", lambda: stage.failed() == 0)
    code = stage.ground.submit("workflow-5-again", _parameters(stage)).wait()
    stage.claim("resuming the dead workflow is refused", lambda: code != 0 and _weight(stage) == 0)
    stage.claim(
        "and so is a write under its epoch", lambda: _stale_write(stage, rollout["status"]["epoch"]) in {409, 422}
    )
    stage.say(
        f"killed in the middle of a canary; {back - killed:.0f} s later all traffic was back, and no request failed"
    )
    stage.say("the dead workflow was submitted again and refused: its epoch is over")


def _parameters(stage: Stage) -> dict[str, str]:
    tags = stage.version(FEED_VERSION)["tags"]
    return {
        "rollout": NAME, "deployment": DEPLOYMENT, "namespace": stage.ground.namespace,
        "model": MODEL, "version": FEED_VERSION,
        "bundle_uri": tags["sluicegate.bundle"], "bundle_digest": tags["sluicegate.bundle-digest"],
        "plan": json.dumps(stage.ground.plan),
        "expected_disagreement": tags.get("sluicegate.expected-disagreement", "0"),
    }  # fmt: skip


def _rollout(stage: Stage) -> JSON:
    return next((found for found in stage.rollouts(FEED_VERSION) if found["metadata"]["name"] == NAME), {})


def _analysed(stage: Stage) -> bool:
    """At 5 percent or more, in an analysis: between two steps the lease is longer, as a process has to start."""
    lease = _rollout(stage)["spec"]["desired"].get("leaseSeconds")
    return _weight(stage) >= 5 and lease == stage.ground.plan["lease"]


def _weight(stage: Stage) -> int:
    status = _rollout(stage).get("status", {})
    return int(status.get("traffic", {}).get(status.get("candidate", ""), 0))


def _stale_write(stage: Stage, epoch: str) -> int:
    group = f"{stage.addresses['api']}/apis/sluicegate.dev/v1alpha1"
    url = f"{group}/namespaces/{stage.ground.namespace}/modelrollouts/{NAME}"
    patch = {"spec": {"desired": {"epoch": epoch, "weight": 50, "renewal": 100_000}}}
    answer = httpx.patch(url, json=patch, headers={"Content-Type": "application/merge-patch+json"})
    return answer.status_code
