"""Rollouts that wait for a person, with real processes: approvals, pauses, promotions and aborts by command."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.embedded.hand_rig import Hand

from sluicegate.serving.local.running import kill_all

pytestmark = pytest.mark.embedded

ERRORS = {"name": "errors", "kind": "error-rate", "margin": 0.5}
FLIPS = {"name": "flips", "kind": "disagreement", "margin": 0.1}
LABELS = {"name": "labels", "kind": "quality", "margin": 0.1, "mustHaveData": True}
SHORT = {"minSampleSize": 10, "maxDuration": 1}
LONG = {"minSampleSize": 10, "maxDuration": 300}


def plan(*steps: dict[str, Any], **more: Any) -> dict[str, Any]:
    """These steps, a short bake, and errors as the only objective."""
    return {"steps": list(steps), "objectives": [ERRORS], "alpha": 0.1, "bake": 0.5} | more


APPROVAL = plan({"setWeight": 20}, {"approval": {"deadline": 300}})
PLANS = {
    "approved": plan({"setWeight": 20}, {"approval": {"deadline": 300}}, {"setWeight": 50}, {"analysis": SHORT},
                     onInconclusive="pause"),
    "forgotten": plan({"setWeight": 20}, {"approval": {"deadline": 1}}),
    "undecided": plan({"setWeight": 20}, {"analysis": SHORT}, {"setWeight": 50}, onInconclusive="pause"),
    "unlabelled": plan({"setWeight": 50}, {"analysis": SHORT | {"maxDuration": 5}}, objectives=[ERRORS, LABELS]),
    "harmful": plan({"setMirrorRoute": {}}, {"analysis": LONG}, {"setWeight": 50}, {"analysis": LONG},
                    objectives=[ERRORS, FLIPS], onFailure="pause"),
}  # fmt: skip


@pytest.fixture(scope="module")
def hand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hand]:
    """A plane on which all these rollouts have begun."""
    home = tmp_path_factory.mktemp("hand").resolve()
    try:
        made = Hand(home)
        for name, steps in PLANS.items():
            made.begin(name, steps, version="opposite" if name == "harmful" else "2")
        yield made
        made.run("down")
    finally:
        kill_all(f"{home}|")


def test_without_the_data_that_it_must_have_nothing_is_promoted(hand: Hand) -> None:
    """Requests come, labels do not."""
    with hand.asking("unlabelled"):
        assert hand.end("unlabelled") == ("RolledBack", "Inconclusive")

    assert "no data for labels" in hand.status("unlabelled")["message"]
    assert hand.traffic("unlabelled") == {"v1": 100}


def test_who_does_not_come_before_the_deadline_gives_the_traffic_back(hand: Hand) -> None:
    """An approval that nobody gave."""
    assert hand.end("forgotten") == ("RolledBack", "NotApproved")
    assert hand.traffic("forgotten") == {"v1": 100}


def test_an_approved_rollout_goes_on_once_nobody_holds_it(hand: Hand) -> None:
    """Approved while it is paused, it gets no more traffic; undecided, it waits, and resumed has its time again."""
    hand.at("approved", 1)
    hand.rollout("pause", "approved", "--reason", "lunch")
    assert "paused it: lunch" in hand.rollout("status", "approved")
    hand.rollout("approve", "approved", "--by", "jane")
    hand.at("approved", 2)
    assert hand.traffic("approved") == {"v1": 80, "v2": 20}

    hand.rollout("resume", "approved")
    hand.at("approved", 3)
    hand.paused("approved")
    assert "paused (undecided after" in hand.rollout("status", "approved")
    assert hand.traffic("approved") == {"v1": 50, "v2": 50}

    with hand.asking("approved"):
        # A busy machine may be undecided more than once.
        assert hand.end("approved", resuming=True) == ("Promoted", "Completed")
    assert hand.traffic("approved") == {"v2": 100}
    assert hand.found("approved")["metadata"]["annotations"]["sluicegate.dev/approved-by"] == "jane"


def test_an_undecided_rollout_can_be_promoted_by_hand(hand: Hand) -> None:
    """Nobody asked it anything: it leaves out the rest of the plan, once it is resumed."""
    hand.paused("undecided")
    hand.rollout("promote", "undecided", "--reason", "checked by hand")
    assert hand.status("undecided")["phase"] == "Progressing"

    hand.rollout("resume", "undecided")

    assert hand.end("undecided") == ("Promoted", "PromotedByHand")
    assert hand.traffic("undecided") == {"v2": 100}


def test_proven_harm_waits_for_a_person_when_the_plan_says_so(hand: Hand) -> None:
    """Its mirrored answers are the opposite. Resumed, it takes the step and is stopped again, and again in the bake."""
    with hand.asking("harmful"):
        hand.paused("harmful")
    assert hand.traffic("harmful") == {"v1": 100}

    hand.rollout("resume", "harmful")
    hand.at("harmful", 3)
    hand.paused("harmful")
    assert hand.traffic("harmful") == {"v1": 50, "vopposite": 50}

    hand.rollout("promote", "harmful", "--reason", "the labels were wrong")
    hand.rollout("resume", "harmful")
    hand.wait("harmful", lambda r: r["status"]["phase"] == "Baking" and r["spec"]["paused"], "paused in the bake")
    hand.rollout("resume", "harmful")
    assert hand.end("harmful") == ("Promoted", "PromotedByHand")
    assert hand.traffic("harmful") == {"vopposite": 100}


def test_a_repeated_start_joins_and_a_denied_approval_gives_the_traffic_back(hand: Hand, tmp_path: Path) -> None:
    """The same run finds its rollout under way, and ended. To deny is to abort, with a reason."""
    hand.end("unlabelled")
    (tmp_path / "plan.json").write_text(json.dumps(APPROVAL))
    words = ("start", "unlabelled", "--model", "late", "--version", hand.register("2"))
    words += ("--plan", str(tmp_path / "plan.json"), "--run", "nightly", "--retry-refused")
    name = hand.rollout(*words).split()[1]
    hand.at(name, 1)
    assert sorted(hand.status(name)["traffic"].values()) == [20, 80]

    hand.rollout("pause", name)
    hand.rollout("abort", name, "--reason", "too early")
    with pytest.raises(AssertionError, match=r"RolledBack.*AbortedByHand: too early"):
        hand.rollout(*words, "--wait")

    assert hand.traffic(name) == {"v1": 100}
    assert hand.found(name)["spec"]["retryRefused"] is True
    assert len(hand.rollout("history", "unlabelled").splitlines()) == 3


def test_a_refusal_that_is_remembered_names_the_option_that_overrules_it(hand: Hand) -> None:
    """A bundle whose file was changed is refused; the second time before its servers start."""
    hand.end("forgotten")
    directory, _ = hand.bundles["tampered"]
    (directory / "bundle.json").write_text((directory / "bundle.json").read_text() + " ")
    words = ("start", "forgotten", "--model", "late", "--version", hand.register("tampered"), "--wait")

    with pytest.raises(AssertionError, match="BundleRefused"):
        hand.rollout(*words)
    with pytest.raises(AssertionError, match="start it with --retry-refused"):
        hand.rollout(*words)
