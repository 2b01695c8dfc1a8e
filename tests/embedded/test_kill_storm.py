"""``kill -9`` of every kind of process of a plane in a random order, under load, with rollouts under way.

``STORM_SEED`` and ``STORM_SECONDS`` choose another order and a longer storm (``make storm``); what failed is told with
its seed and the order of kills.
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.embedded.plane_rig import ANY_PORTS, Plane, command, deployment, processes_of
from tests.embedded.storm_clients import Clients, Writer
from tests.embedded.storm_rig import Storm
from tests.embedded.storm_rollouts import Rollouts
from tests.waiting import wait_until

from sluicegate.serving.local.running import kill_all

SEED = int(os.environ.get("STORM_SEED", "1"))
SECONDS = float(os.environ.get("STORM_SECONDS", "30"))
pytestmark = [pytest.mark.embedded, pytest.mark.timeout(SECONDS + 240)]


@pytest.fixture
def storm(tmp_path: Path) -> Iterator[Storm]:
    """Over a plane with a deployment of two replicas and two registered versions."""
    plane = Plane(tmp_path.resolve())
    try:
        up = command(plane.home, "up", *ANY_PORTS)
        assert up.returncode == 0, up.stderr
        rollouts = Rollouts(plane)
        rollouts.register()
        plane.kubectl("apply", "-f", "-", stdin=json.dumps(deployment(*rollouts.first, replicas=2)))
        plane.kubectl("wait", "sdep/flights", "--for=jsonpath={.status.state}=Available", "--timeout=60s")
        yield Storm(plane, SEED, rollouts)
    finally:
        command(plane.home, "down")
        kill_all(f"{plane.home}|")


def test_a_storm_of_kills_costs_no_request_and_leaves_nothing_half(storm: Storm) -> None:
    """Every answer is a 200, acknowledged objects are there, rollouts are over, and all tell the same."""
    wait_until(lambda: not storm.wounds(), message="two servers")
    storm.rollouts.keep_going()

    with Clients(storm.plane) as clients, Writer(storm.plane) as writer:
        storm.rage(SECONDS)
        wait_until(lambda: not storm.rollouts.under_way(), 60, "every rollout over")
    wait_until(lambda: not (storm.rollouts.halves() or storm.is_behind()), 30, "registry and traffic follow")

    print(storm.story(clients), storm.rollouts.ends())
    assert storm.aftermath(clients, writer) == [], storm.story(clients)
    storm.plane.run("down")
    assert processes_of(storm.plane.home) == []
