"""One table for all deployments: complete before it is offered, and known as in force only when Envoy said so."""

import asyncio

import pytest
from tests.fakes.clock import FakeClock
from tests.fakes.gateway import FakeGateway

from sluicegate.serving.gateway.errors import InvalidRouteError
from sluicegate.serving.gateway.routes import Address, Backend, Route
from sluicegate.serving.operator.gateways.bundled import BundledEnvoy

ONE, TWO = ("default", "one"), ("default", "two")


def route(name: str, **weights: int) -> Route:
    """A route by predictor."""
    address = Address(host="10.0.0.1", port=9000)
    backends = tuple(Backend(predictor=key, weight=share, addresses=(address,)) for key, share in weights.items())
    return Route(namespace="default", name=name, backends=backends)


def bundled(*expected: tuple[str, str]) -> tuple[BundledEnvoy, FakeGateway, list[tuple[str, str]]]:
    """A gateway over a door on paper, and whom it told of."""
    door, told = FakeGateway(), []
    return BundledEnvoy(door, expected=expected, changed=told.append), door, told  # type: ignore[arg-type]  # a fake


def published(gateway: BundledEnvoy, *routes: Route) -> None:
    """As the controller does it."""
    for each in routes:
        asyncio.run(gateway.publish(each, {}, {}))


def test_nothing_is_offered_before_every_deployment_has_its_route() -> None:
    gateway, door, _ = bundled(ONE, TWO)

    published(gateway, route("one", v1=100))
    assert door.published == ()

    published(gateway, route("two", v1=100))
    assert [each.name for each in door.published] == ["one", "two"]


def test_one_that_is_gone_is_not_waited_for() -> None:
    gateway, door, _ = bundled(ONE, TWO)
    published(gateway, route("one", v1=100))

    asyncio.run(gateway.withdraw(*TWO))

    assert [each.name for each in door.published] == ["one"]


def test_where_nothing_is_deployed_the_empty_table_is_offered_at_once() -> None:
    _, door, _ = bundled()
    door.follow()

    assert door.acknowledged().version


def test_what_is_in_force_is_what_envoy_said() -> None:
    gateway, door, told = bundled(ONE)
    published(gateway, route("one", v1=100))
    assert (gateway.in_force(*ONE).settled, gateway.in_force(*ONE).traffic) == (False, None)

    door.follow()
    gateway.look()
    assert (gateway.in_force(*ONE).settled, gateway.in_force(*ONE).traffic) == (True, {"v1": 100})
    assert told == [ONE]

    published(gateway, route("one", v1=50, v2=50))
    assert (gateway.in_force(*ONE).settled, gateway.in_force(*ONE).traffic) == (False, {"v1": 100})


def test_a_change_of_one_unsettles_no_other() -> None:
    gateway, door, told = bundled(ONE, TWO)
    published(gateway, route("one", v1=100), route("two", v1=100))
    door.follow()
    gateway.look()
    told.clear()

    published(gateway, route("one", v1=50, v2=50))
    assert gateway.in_force(*TWO).settled

    door.follow()
    gateway.look()
    assert told == [ONE]


def test_a_route_that_contradicts_itself_is_refused_and_the_table_stays() -> None:
    gateway, door, _ = bundled(ONE)
    published(gateway, route("one", v1=100))

    with pytest.raises(InvalidRouteError):
        published(gateway, route("one", v1=50))

    assert door.published == (route("one", v1=100),)


def test_one_that_went_and_came_back_is_told_too() -> None:
    """The table that is in force then was in force before: nothing changed in it since the last look."""
    gateway, door, told = bundled(ONE)
    published(gateway, route("one", v1=100))
    door.follow()
    gateway.look()
    published(gateway, route("one", v2=100))
    assert not gateway.in_force(*ONE).settled
    published(gateway, route("one", v1=100))
    told.clear()

    gateway.look()

    assert (told, gateway.in_force(*ONE).settled) == ([ONE], True)


def test_a_refusal_is_told_to_those_who_wait() -> None:
    gateway, door, told = bundled(ONE, TWO)
    published(gateway, route("one", v1=100), route("two", v1=100))
    door.follow()
    gateway.look()
    published(gateway, route("one", v2=100))
    gateway.in_force(*ONE)
    told.clear()

    door.rejected = "no such thing"
    gateway.look()

    assert told == [ONE]
    assert gateway.in_force(*ONE).rejected == "no such thing"


def test_tables_are_kept_apart_and_the_last_is_offered_in_the_end() -> None:
    """A thousand deployments that come at once are no thousand tables."""
    door, clock = FakeGateway(), FakeClock()
    gateway = BundledEnvoy(
        door,  # type: ignore[arg-type]  # a fake
        expected=(),
        changed=lambda _key: None,
        seconds_per_route=1.0,
        monotonic=clock.monotonic,
    )
    published(gateway, route("one", v1=100), route("two", v1=100))
    assert door.published == ()
    assert not gateway.in_force(*TWO).settled

    clock.advance(2)
    gateway.look()

    assert [each.name for each in door.published] == ["one", "two"]
