"""A bundle is written once and never changed."""

from collections.abc import Callable
from pathlib import Path

import pytest

from sluicegate.components.errors import InputRefusedError, NotTheSameError
from sluicegate.components.packaging.bundling import contents, write_once
from sluicegate.serving.bundle.manifest import Disagreement
from sluicegate.serving.bundle.reading import read_bundle
from sluicegate.serving.bundle.verification import verify_bundle

Train = Callable[..., Path]


def test_packaging_again_changes_nothing(trained_by: Train, tmp_path: Path) -> None:
    """A retried step finds the bundle of its first attempt."""
    wanted = contents(trained_by(), model="m", version="3", disagreement=Disagreement(against="2", share=0.01))

    first, second = (write_once(tmp_path / "b", wanted) for _ in range(2))

    bundle = read_bundle(tmp_path / "b")
    verify_bundle(bundle)
    assert first == second == bundle.digest
    assert bundle.manifest.expected_disagreement == Disagreement(against="2", share=0.01)
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_another_model_of_the_same_version_is_refused(trained_by: Train, tmp_path: Path) -> None:
    """A bundle that was served must stay what it was."""
    write_once(tmp_path / "b", contents(trained_by(), model="m", version="1", disagreement=None))
    other = contents(trained_by("other", features=["delay"]), model="m", version="1", disagreement=None)

    with pytest.raises(NotTheSameError, match="register a new version"):
        write_once(tmp_path / "b", other)


def test_a_name_that_leads_out_of_the_home_is_refused(trained_by: Train) -> None:
    """Names become directories."""
    with pytest.raises(InputRefusedError, match="model: found"):
        contents(trained_by(), model="../m", version="1", disagreement=None)


def test_other_versions_than_trainings_are_refused(trained_by: Train) -> None:
    """What is recorded must be what the model was fitted with."""
    directory = trained_by()
    description = directory / "trained.json"
    description.write_text(description.read_text().replace('"numpy": "', '"numpy": "0.'))

    with pytest.raises(InputRefusedError, match=r"fitted with numpy 0\."):
        contents(directory, model="m", version="1", disagreement=None)
