"""What the local runner makes of every workflow of the corpus is what Argo's controller made of it.

The controller's answers are recorded beside the workflows; ``tests/cluster/test_argo_corpus.py`` holds them true.
"""

import asyncio
from collections.abc import Mapping

import pytest
from tests.corpus.comparison import DEPARTURES, RULES, departure_of, differences, rule_of
from tests.corpus.files import Case, corpus
from tests.corpus.local import Outcome, run_all
from tests.corpus.recording import ARGO

pytestmark = [pytest.mark.embedded, pytest.mark.timeout(400)]
CASES = corpus()
INVALID = "invalid spec"


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Outcome]:
    """All of the corpus, run once, several at a time."""
    return asyncio.run(run_all(CASES, tmp_path_factory.mktemp("corpus")))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_workflow_ends_here_as_it_does_on_the_controller(case: Case, outcomes: Mapping[str, Outcome]) -> None:
    outcome, recorded, departure = outcomes[case.name], case.recording, departure_of(case.name)
    if departure is not None:
        assert departure.refusal in outcome.refusal
        assert departure.message in outcome.recording.get("message", "")
    elif outcome.refusal:
        assert INVALID in recorded["message"], outcome.refusal
    else:
        found = differences(recorded, outcome.recording)
        assert [str(each) for each in found if rule_of(each) is None] == []


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_an_accepted_difference_is_one_that_occurs(rule: object, outcomes: Mapping[str, Outcome]) -> None:
    ran = [(case.recording, outcomes[case.name]) for case in CASES if not outcomes[case.name].refusal]

    used = {rule_of(each) for recorded, outcome in ran for each in differences(recorded, outcome.recording)}

    assert rule in used


def test_the_corpus_is_whole() -> None:
    assert len(CASES) >= 80
    assert {case.recording["argo"] for case in CASES} == {ARGO}
    assert {each.case for each in DEPARTURES} <= {case.name for case in CASES}
    assert all(case.shows and case.workflow["metadata"]["name"] == case.name for case in CASES)
