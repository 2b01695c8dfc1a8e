"""What of ours is on a cluster: every object of every kind that says so in its name, its labels, or anywhere in it."""

import json
from collections.abc import Iterator
from typing import Any

from tests.cluster.kubectl import Kubectl
from tests.waiting import wait_until

WORDS = ("sluicegate", "seldon")
ELSEWHERE = {"Event", "Node", "PodMetrics", "NodeMetrics"}
"""Events fade by themselves; nodes name the images that they pulled."""


def remains(kubectl: Kubectl) -> set[str]:
    """``Kind namespace/name`` of every object that bears one of our words."""
    kinds = kubectl("api-resources", "--verbs=list", "--output=name").split()
    listed = kubectl.run("get", ",".join(kinds), "--all-namespaces", "-o", "json", "--ignore-not-found")
    # A kind that has just gone is listed by the API server a moment longer.
    text = listed.stdout.strip()
    return set(_ours(json.loads(text)["items"])) if text else set()


def nothing_remains(kubectl: Kubectl, before: set[str]) -> None:
    """See that there is no more than before; pods and namespaces take a moment to end."""
    wait_until(lambda: remains(kubectl) <= before, 90, "nothing of ours is left")


def _ours(objects: list[dict[str, Any]]) -> Iterator[str]:
    for each in objects:
        if each["kind"] not in ELSEWHERE and any(word in json.dumps(each) for word in WORDS):
            meta = each["metadata"]
            yield f"{each['kind']} {meta.get('namespace', '')}/{meta['name']}"
