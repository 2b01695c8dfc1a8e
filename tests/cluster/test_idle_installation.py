"""A whole installation while nothing changes: what it asks of the API server, by the API server's own account.

Two operators with their webhook, two Envoys and a collector have a model that is served, one whose image is missing,
one with an autoscaler that has no figures, and a rollout that waits. ``IDLE_SECONDS`` says how long they are watched.
"""

import json
import os
import time
from collections.abc import Iterator
from typing import Any

import pytest
from tests.cluster import audit
from tests.cluster import operator_rig as rig
from tests.cluster.kubectl import Kubectl
from tests.cluster.test_idle import PREDICTORS, ROLLOUT, deployment, states, status
from tests.waiting import wait_until

SECONDS = float(os.environ.get("IDLE_SECONDS", "480"))
pytestmark = [pytest.mark.full, pytest.mark.timeout(SECONDS + 420)]
OPERATORS, WATCH_SECONDS, MINUTES = 2, 240, SECONDS / 60 + 0.2
LEASE = "leases.coordination.k8s.io"
CONFIGURATION = "validatingwebhookconfigurations.admissionregistration.k8s.io"
SETTLED = {"flights": "Available", "resting": "Creating", "stuck": "Failed", "scaled": "Failed"}


@pytest.fixture(scope="module")
def installed(kubectl: Kubectl) -> Iterator[Kubectl]:
    """Its operators ask the API server that keeps the log."""
    with rig.installed(kubectl, rig.installation(kubectl, **audit.variables())) as home:
        yield home


@pytest.fixture(scope="module")
def resting(serving: Kubectl) -> Kubectl:
    """Everything is as far as it goes; kubectl in the namespace."""
    others = [deployment(name, "") for name in PREDICTORS if name != "invalid"]
    for each in others:
        del each["metadata"]["labels"]
    serving("apply", "-f", "-", stdin=rig.as_list([*others, ROLLOUT]))
    wait_until(lambda: status(serving, "modelrollout", "paused").get("epoch"), 60, "the rollout waits for a workflow")
    claimed = {"epoch": status(serving, "modelrollout", "paused")["epoch"], "leaseSeconds": 36000, "weight": 50}
    serving("patch", "modelrollout", "paused", "--type=merge", "-p", json.dumps({"spec": {"desired": claimed}}))
    wait_until(lambda: states(serving) == SETTLED, 90, "every state is as it has to be")
    return serving


def ours(kubectl: Kubectl) -> dict[str, Any]:
    """Every object here, in the installation's namespace and in none that an operator wrote any of: when, and which
    fields. Its lease is left out.
    """
    kinds = {
        place: kubectl("api-resources", "--verbs=list", f"--namespaced={place}", "--output=name").split()
        for place in ("true", "false")
    }
    looks = [(kinds["true"], kubectl), (kinds["true"], kubectl.within(rig.HOME)), (kinds["false"], kubectl)]
    listed = (one.json("get", ",".join(names), "--show-managed-fields", "--ignore-not-found") for names, one in looks)
    return {
        f"{each['kind']} {each['metadata'].get('namespace')}/{each['metadata']['name']}": fields
        for found in listed
        for each in found["items"]
        if each["kind"] != "Lease" and (fields := _by_us(each))
    }


def _by_us(obj: dict[str, Any]) -> list[Any]:
    return [each for each in obj["metadata"].get("managedFields", ()) if each["manager"] == "sluicegate-operator"]


def rest(seconds: float) -> None:
    """Let time go by."""
    end = time.monotonic() + seconds
    wait_until(lambda: time.monotonic() > end, seconds + 5)


@pytest.fixture(scope="module")
def watched(resting: Kubectl) -> tuple[dict[str, Any], dict[str, Any], audit.Audit]:
    """What was written before and after, and what was asked meanwhile."""
    rest(20)
    before = ours(resting)
    operator = audit.Audit(rig.HOME, "sluicegate-operator", {rig.HOME, resting.namespace})
    rest(SECONDS)
    return before, ours(resting), operator


@pytest.fixture
def asked(watched: tuple[dict[str, Any], dict[str, Any], audit.Audit]) -> audit.Asked:
    """What the operators asked, told by the API server."""
    found = watched[2].asked()
    print(f"in {SECONDS:g} s: {dict(found)}")
    return found


def test_no_object_gets_a_field_of_the_operator(watched: tuple[dict[str, Any], dict[str, Any], object]) -> None:
    before, after, _ = watched

    assert {name: fields for name, fields in after.items() if before.get(name) != fields} == {}
    assert len(before) > 20


def test_the_lease_is_all_that_is_written(asked: audit.Asked) -> None:
    assert {key for key in asked if key[0] not in audit.READS} == {("update", LEASE)}
    assert asked["update", LEASE] <= MINUTES * 30


def test_reads_are_few_and_never_of_everything(asked: audit.Asked) -> None:
    """Each replica looks at the lease every two seconds, and every thirty at the webhook's certificate."""
    gets = {kind: asked[verb, kind] for verb, kind in asked if verb == "get"}

    assert gets.keys() == {LEASE, "secrets", CONFIGURATION}
    assert gets[LEASE] <= MINUTES * 30 * OPERATORS
    assert max(gets["secrets"], gets[CONFIGURATION]) <= MINUTES * 2 * OPERATORS
    assert [kind for verb, kind in asked if verb == "list"] == []


def test_a_watch_is_begun_anew_when_its_time_is_over_and_not_before(asked: audit.Asked) -> None:
    watches = {kind: asked[verb, kind] for verb, kind in asked if verb == "watch"}

    assert max(watches.values(), default=0) <= OPERATORS * (SECONDS / WATCH_SECONDS + 1)
