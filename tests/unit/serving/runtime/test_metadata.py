"""What the owner of a model states of it: beside the model, or in the environment."""

from pathlib import Path

import pytest

from sluicegate.serving.runtime.metadata import stated_metadata


@pytest.fixture
def stated(tmp_path: Path) -> Path:
    """A directory with a model's metadata."""
    (tmp_path / "metadata.yaml").write_text("name: flights\nversions: [v2]\ncustom: {team: air}\n")
    return tmp_path


def test_a_file_beside_the_model_is_read(stated: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MODEL_METADATA", raising=False)

    assert stated_metadata(stated) == {"name": "flights", "versions": ["v2"], "custom": {"team": "air"}}
    assert stated_metadata(stated / "nowhere") == stated_metadata(None) == {}


def test_the_environment_wins(stated: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODEL_METADATA", '{"name": "other"}')

    assert stated_metadata(stated) == {"name": "other"}


@pytest.mark.parametrize("text", ["- a list", "{", "\x00", "just words"])
def test_what_is_no_mapping_is_said_and_left_out(
    stated: Path, text: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.delenv("MODEL_METADATA", raising=False)
    (stated / "metadata.yaml").write_text(text)

    assert stated_metadata(stated) == {}
    assert "the model is served without it" in caplog.text
