"""A random walk of kills, edits and rollouts under load: no request fails, and nothing is ever half.

``WALK_SEED`` and ``WALK_SECONDS`` choose another walk; what failed is told with its seed and its moves.
"""

import os
import random
import threading
import time

import pytest
from tests.cluster import operator_rig as rig
from tests.cluster.kubectl import Kubectl
from tests.cluster.walk_moves import ENDED, Walk
from tests.cluster.walk_rules import Watcher
from tests.waiting import wait_until

SEED = int(os.environ.get("WALK_SEED", "1"))
SECONDS = float(os.environ.get("WALK_SECONDS", "240"))
pytestmark = [pytest.mark.full, pytest.mark.timeout(SECONDS + 600)]


def test_a_walk_costs_no_request_and_leaves_nothing_half(
    serving: Kubectl, installed: Kubectl, models: dict[str, rig.Model], url: str
) -> None:
    walk = Walk(installed, serving, models, random.Random(SEED))
    over = threading.Event()
    timer = threading.Timer(SECONDS, over.set)
    timer.start()

    with rig.Load(url, tries=8) as load, Watcher(serving) as watcher:
        while not over.wait(walk.chance.uniform(1, 8)):
            walk.move()
        wait_until(lambda: not walk.under_way(), 400, "the last workflow is over")
        left = _until_whole(serving, walk.replicas, 120)

    asked = f"{dict(load.answers)}, {load.again} cut, longest {load.longest:.1f} s"
    told = f"{walk.begun} rollouts {_ends(serving)}, {asked}, {watcher.looks} looks"
    story = f"seed {SEED}: {told}; {walk.told}"
    print(story)
    assert left == [], story
    assert load.failures == [], story
    assert watcher.broken == [], story
    assert load.answers["200"] > 100


def _until_whole(serving: Kubectl, replicas: int, deadline: float) -> list[str]:
    """What is still half when the time is over."""
    end, pause = time.monotonic() + deadline, threading.Event()
    while (left := _halves(serving, replicas)) and time.monotonic() < end:
        pause.wait(0.5)
    return left


def _ends(serving: Kubectl) -> list[str]:
    found = serving.json("get", "modelrollout")["items"]
    told = [(each["metadata"]["name"], each.get("status") or {}) for each in found]
    return [f"{name} {status.get('phase')} {status.get('reason', '')}".strip() for name, status in told]


def _halves(serving: Kubectl, replicas: int) -> list[str]:
    """What is not as it must be when nothing is under way."""
    served = serving.json("get", "sdep", rig.NAME)
    predictor = served["spec"]["predictors"][0]
    status = served["status"]
    deployments = serving.json("get", "deployments")["items"]
    open_rollouts = [each for each in _ends(serving) if each.split()[1] not in ENDED]
    wrong = {
        f"traffic {status['traffic']}": status["traffic"] != {predictor["name"]: 100},
        f"phase {status['phase']}": status["phase"] != "Stable",
        f"state {status['state']}": status["state"] != "Available",
        f"open rollouts {open_rollouts}": bool(open_rollouts),
        f"{len(deployments)} Deployments": len(deployments) != 1,
        f"{predictor['replicas']} replicas are asked for": predictor["replicas"] != replicas,
        "pods missing": any(each["status"].get("readyReplicas") != replicas for each in deployments),
    }
    return [words for words, is_wrong in wrong.items() if is_wrong]
