"""Envoys of ours that are there go on following while another gateway is chosen, and nobody waits for absent ones."""

import asyncio

from tests.unit.serving.operator.test_bundled import ONE, route

from sluicegate.serving.gateway.routes import Acknowledged, Route
from sluicegate.serving.operator.gateways.beside import BesideEnvoy
from sluicegate.serving.operator.ports import InForce


class Chosen:
    """A gateway that has everything in force at once."""

    async def publish(self, route: Route, services: object, owner: object) -> None:
        """Whatever it is."""

    async def withdraw(self, namespace: str, name: str) -> None:
        """It was never there."""

    def in_force(self, namespace: str, name: str) -> InForce:  # noqa: ARG002
        """All that was asked."""
        return InForce(settled=True, traffic={"v1": 100})


class Door:
    """A door at which Envoys ask, or none."""

    def __init__(self) -> None:
        self.asked, self.published, self.followed = False, 0, 0

    def has_anybody(self) -> bool:
        """Whether one asks."""
        return self.asked

    def publish(self, routes: tuple[Route, ...]) -> str:  # noqa: ARG002
        """A new table."""
        self.published += 1
        return str(self.published)

    def acknowledged(self) -> Acknowledged:
        """What they have."""
        return Acknowledged(version=str(self.followed) if self.followed else "", traffic={})


def beside() -> tuple[BesideEnvoy, Door, list[tuple[str, str]]]:
    """The gateway, its door, and who was named for another look."""
    door, told = Door(), []
    return BesideEnvoy(Chosen(), door, known=lambda: [ONE], changed=told.append), door, told  # type: ignore[arg-type]


def published(gateway: BesideEnvoy) -> None:
    """As the controller does it."""
    asyncio.run(gateway.publish(route("one", v1=100), {}, {}))


def test_where_no_envoy_asks_nothing_is_drawn_for_one() -> None:
    gateway, door, _ = beside()
    gateway.look()
    published(gateway)

    assert door.published == 0
    assert gateway.in_force(*ONE).settled


def test_the_first_that_asks_gets_every_route_and_is_waited_for() -> None:
    gateway, door, told = beside()
    door.asked = True
    gateway.look()
    assert told == [ONE]
    published(gateway)
    assert (door.published, gateway.in_force(*ONE).settled) == (1, False)

    door.followed = 1
    gateway.look()
    assert gateway.in_force(*ONE).settled


def test_envoys_that_went_away_are_not_waited_for() -> None:
    gateway, door, _ = beside()
    door.asked = True
    gateway.look()
    published(gateway)

    door.asked = False
    assert gateway.in_force(*ONE).settled
