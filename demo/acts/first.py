"""Act 1: a pipeline trains a logistic regression, evaluates, registers, packages and deploys it."""

from demo.ground import JSON
from demo.stage import Stage
from demo.versions import DEPLOYMENT


def first(stage: Stage) -> None:
    """Release version 1; from then on flights are asked about without a pause."""
    stage.deliver(1, stage.parameters("first"))

    status = stage.claim("the deployment is Available", lambda: _available(stage))
    stage.claim("the registry's alias champion is version 1", lambda: stage.champion() == "1")
    stage.claim("its bundle is recorded with the version", lambda: "sluicegate.bundle" in stage.version("1")["tags"])
    verified = {c["type"]: c["status"] for c in status["conditions"]}.get("Verified")
    stage.claim("the server proved the bundle before it was ready", lambda: verified == "True")
    _play(stage)
    stage.say(f"logistic regression on 3 columns; {DEPLOYMENT} answers at {status['address']['url']}")


def _available(stage: Stage) -> JSON | None:
    status: JSON = stage.deployment()["status"]
    return status if status["state"] == "Available" else None


def _play(stage: Stage) -> None:
    load = stage.playing
    load.start()
    stage.claim("requests are answered", lambda: sum(load.tally.sent.values()) > 300)
    stage.claim("labels come back as feedback", lambda: load.tally.labels > 100)
    stage.claim("no request failed", lambda: sum(load.tally.failed.values()) == 0)
