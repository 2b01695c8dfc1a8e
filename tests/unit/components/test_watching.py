"""What is asked of the collector, and what is told to people."""

from sluicegate.components.watching.drifting import worst
from sluicegate.components.watching.notifying import payload


def test_the_feature_farthest_out_is_named() -> None:
    """Scores are in units of each feature's own threshold."""
    assert worst({"delay": 0.4, "pressure": 1.7}) == (True, "pressure", 1.7)


def test_nothing_seen_is_no_drift() -> None:
    """Before a window is full there is no score."""
    assert worst({}) == (False, "", 0.0)


def test_a_message_reads_without_blocks() -> None:
    """``text`` is what every receiver of Slack's form shows."""
    assert payload("promoted", {}) == {"text": "promoted"}


def test_facts_stand_in_columns() -> None:
    """Slack takes at most ten."""
    body = payload("promoted", {f"n{i}": i for i in range(12)})

    assert len(body["blocks"][1]["fields"]) == 10
