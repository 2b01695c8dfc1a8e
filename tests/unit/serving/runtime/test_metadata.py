"""What the owner of a model states of it, beside the model."""

from pathlib import Path

import pytest

from sluicegate.serving.runtime.metadata import stated_metadata


def test_a_file_beside_the_model_is_read(tmp_path: Path) -> None:
    (tmp_path / "metadata.yaml").write_text("name: flights\nversions: [v2]\ncustom: {team: air}\n")

    assert stated_metadata(tmp_path) == {"name": "flights", "versions": ["v2"], "custom": {"team": "air"}}
    assert stated_metadata(tmp_path / "nowhere") == stated_metadata(None) == {}


@pytest.mark.parametrize("text", ["- a list", "{", "\x00", "just words"])
def test_what_is_no_mapping_is_said_and_left_out(tmp_path: Path, text: str, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "metadata.yaml").write_text(text)

    assert stated_metadata(tmp_path) == {}
    assert "the model is served without it" in caplog.text
