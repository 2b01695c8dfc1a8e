"""``up`` gives up on a part that dies while it looks, and not on one that died in former days."""

import pytest

from sluicegate.pipelines.plane.errors import StartError
from sluicegate.pipelines.plane.starting import check_hope


def status(restarts: int, message: str = "") -> dict[str, object]:
    """The plane's status with one part that died so often."""
    return {"components": [{"name": "envoy", "restarts": restarts, "message": message}]}


def test_deaths_of_former_days_are_no_reason_to_give_up() -> None:
    """Seven deaths in a month, and another one now: it is just being started again."""
    before: dict[str, int] = {}
    check_hope(status(7), before)

    check_hope(status(8), before)


def test_three_deaths_while_we_look_are_hopeless() -> None:
    """The sentence has its last words."""
    before: dict[str, int] = {}
    check_hope(status(0), before)

    with pytest.raises(StartError, match="envoy does not start: exit code 1: no such file"):
        check_hope(status(3, "exit code 1: no such file"), before)


def test_a_refusal_is_hopeless_at_once() -> None:
    """It would be repeated."""
    with pytest.raises(StartError, match="envoy does not start: too old"):
        check_hope(status(1, "refused: too old"), {})
