"""Ages and selectors read as kubectl's."""

from datetime import UTC, datetime, timedelta

import pytest

from sluicegate.serving.local.api.errors import RequestError
from sluicegate.serving.local.api.selectors import label_selector
from sluicegate.serving.local.columns import age

NOW = datetime(2026, 1, 10, tzinfo=UTC)
LABELS = {"app": "iris", "stage": "live", "example.com/x": ""}


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (-5, "0s"),
        (75, "75s"),
        (120, "2m"),
        (125, "2m5s"),
        (3000, "50m"),
        (7500, "125m"),
        (12600, "3h30m"),
        (180000, "2d"),
    ],
)
def test_ages_are_short(seconds: int, shown: str) -> None:
    """Two units at most."""
    assert age((NOW - timedelta(seconds=seconds)).isoformat(), NOW) == shown


def test_no_age_is_said_so() -> None:
    """An object without the time has none."""
    assert age(None, NOW) == "<unknown>"


@pytest.mark.parametrize(
    ("text", "selected"),
    [
        ("", True),
        ("app=iris", True),
        ("app==iris,stage!=live", False),
        ("app in (rose, iris)", True),
        ("app notin (iris)", False),
        ("nothing notin (a)", True),
        ("stage,!nothing", True),
        ("!app", False),
        ("example.com/x=", True),
    ],
)
def test_label_selectors_select(text: str, selected: bool) -> None:
    """Equality, sets and existence, all at once."""
    assert label_selector(text)(LABELS) is selected


@pytest.mark.parametrize("text", ["app in iris", "=x", "a=b=c", "a>1", "(", "a,,b"])
def test_a_bad_selector_is_refused(text: str) -> None:
    """With the part that could not be read."""
    with pytest.raises(RequestError, match="label selector"):
        label_selector(text)
