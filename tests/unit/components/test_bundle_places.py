"""Where bundles are kept, as the environment says."""

from pathlib import Path

import pytest

from sluicegate.components.artefacts.bundles import address_of, bundle_at, local_directory, place_of, secret_of


@pytest.mark.parametrize(
    ("said", "place"),
    [
        pytest.param("", "{home}/bundles/m/1", id="below the home"),
        pytest.param("/kept/", "/kept/m/1", id="a path"),
        pytest.param("file:///kept", "file:///kept/m/1", id="a file URI"),
        pytest.param("s3://bucket/a/b/", "s3://bucket/a/b/m/1", id="a bucket"),
        pytest.param("pvc://models/kept", "pvc://models/kept/m/1", id="a claim"),
    ],
)
def test_a_bundles_place(said: str, place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLUICEGATE_HOME", str(tmp_path))
    monkeypatch.setenv("SLUICEGATE_BUNDLES", said)

    assert place_of("m", "1") == place.format(home=tmp_path)


@pytest.mark.parametrize("bundle", ["/kept/a b/1", "file:///kept/a%20b/1"])
def test_a_path_is_read_where_it_is(bundle: str) -> None:
    assert bundle_at(bundle) == local_directory(bundle) == Path("/kept/a b/1")
    assert address_of(bundle) == "file:///kept/a%20b/1"


def test_a_claim_is_a_directory_here_and_a_claim_to_servers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLUICEGATE_PVC_ROOT", "/volumes")

    assert bundle_at("pvc://models/m/1") == Path("/volumes/models/m/1")
    assert address_of("pvc://models/m/1") == "pvc://models/m/1"


def test_servers_get_the_secret_for_a_storage_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLUICEGATE_BUNDLES_SECRET", "s3")

    assert (secret_of("s3://models/m/1"), secret_of("/kept/m/1")) == ("s3", "")
