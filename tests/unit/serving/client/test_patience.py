"""Steps ask an API again that is being restarted, and none of its answers is lost on them."""

import pytest
from tests.fakes.dying_api import DyingApi

from sluicegate.serving.client.errors import ConflictError, NotFoundError, UnreachableError
from sluicegate.serving.client.patience import created, patiently

NOTE = {"kind": "ConfigMap", "metadata": {"name": "note"}}


def test_an_api_that_comes_back_has_been_asked_again() -> None:
    """Two silences, then the answer."""
    api = DyingApi(silent=2, there={"note": NOTE})

    assert patiently(lambda: api.get("ConfigMap", "note")) == NOTE


def test_an_api_that_stays_away_is_given_up() -> None:
    """After the time that was given."""
    api = DyingApi(silent=1000)

    with pytest.raises(UnreachableError):
        patiently(lambda: api.get("ConfigMap", "note"), seconds=0)


def test_an_answer_is_an_answer() -> None:
    """What is not there is said at once."""
    with pytest.raises(NotFoundError):
        patiently(lambda: DyingApi().get("ConfigMap", "note"))


@pytest.mark.parametrize("written", [True, False], ids=["after it wrote", "before it wrote"])
def test_creating_over_a_death_makes_one_object(written: bool) -> None:
    """Killed before or after the write, without a word: the object is there, and that is success."""
    api = DyingApi(silent=1, writes_before_it_dies=written)

    assert created(api, NOTE) == NOTE
    assert api.there == {"note": NOTE}


def test_a_name_that_was_taken_before_is_a_conflict() -> None:
    """Nobody died: somebody else's object is not taken for ours."""
    with pytest.raises(ConflictError):
        created(DyingApi(there={"note": NOTE}), NOTE)
