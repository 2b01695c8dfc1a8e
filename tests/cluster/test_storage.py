"""Fetching from a real S3 and a real registry."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.cluster import image_rig, storages

from sluicegate.serving.bundle.errors import BundleNotFetchedError, BundleTakenError
from sluicegate.serving.bundle.fetching import fetch
from sluicegate.serving.bundle.storing import store

PLAIN = {"SLUICEGATE_OCI_PLAIN_HTTP": storages.REGISTRY}


def quiet(line: str) -> None:
    """Nobody listens."""


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with a directory in it."""
    directory = tmp_path_factory.mktemp("model")
    (directory / "bundle.json").write_text("{}")
    (directory / "code").mkdir()
    (directory / "code" / "big.bin").write_bytes(bytes(range(256)) * 50_000)
    return directory


@pytest.fixture
def s3() -> Iterator[str]:
    """A prefix in the bucket that nobody else uses."""
    storages.need(storages.S3)
    prefix = f"test-storage-{uuid.uuid4().hex[:8]}"
    yield prefix
    store = storages.bucket()
    if store.exists(f"{storages.BUCKET}/{prefix}"):
        store.rm(f"{storages.BUCKET}/{prefix}", recursive=True)


def same(left: Path, right: Path) -> bool:
    """Whether both hold the same files."""
    found = [{p.relative_to(d).as_posix(): p.read_bytes() for p in d.rglob("*") if p.is_file()} for d in (left, right)]
    return found[0] == found[1]


def test_a_bundle_is_kept_whole_and_is_never_changed(s3: str, tmp_path: Path) -> None:
    """An attempt that broke off is completed; what is there already is neither written again nor replaced."""
    bundle, uri = image_rig.bundle_of(tmp_path / "bundle"), f"s3://{storages.BUCKET}/{s3}"
    storages.bucket().pipe_file(f"{storages.BUCKET}/{s3}/left.bin", b"by another attempt")
    first = store(bundle, uri, storages.S3_ENVIRONMENT)
    listing = storages.bucket().find(f"{storages.BUCKET}/{s3}", detail=True)

    assert store(bundle, uri, storages.S3_ENVIRONMENT) == first
    assert storages.bucket().find(f"{storages.BUCKET}/{s3}", detail=True) == listing
    fetch(uri, tmp_path / "out", storages.S3_ENVIRONMENT, quiet)
    assert same(tmp_path / "out", bundle)
    (bundle / "bundle.json").write_text((bundle / "bundle.json").read_text() + " ")
    with pytest.raises(BundleTakenError, match="holds another bundle"):
        store(bundle, uri, storages.S3_ENVIRONMENT)


def test_a_directory_comes_from_s3(s3: str, model: Path, tmp_path: Path) -> None:
    uri = storages.upload(model, s3)
    (tmp_path / "out").mkdir()

    fetch(uri, tmp_path / "out", storages.S3_ENVIRONMENT | {"AWS_REGION": "us-east-1"}, quiet)

    assert same(tmp_path / "out", model)


@pytest.fixture(autouse=True)
def only_what_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    """Boto reads keys from the process's own environment; each test gives its own there."""
    for name, value in storages.S3_ENVIRONMENT.items():
        monkeypatch.setenv(name, value)


def test_seldons_own_variables_open_it(s3: str, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    uri = storages.upload(model, s3)
    for name in storages.S3_ENVIRONMENT:
        monkeypatch.delenv(name)
    keys = {"TYPE": "s3", "PROVIDER": "Other", "ENDPOINT": storages.S3}
    keys |= {"ACCESS_KEY_ID": storages.S3_KEY, "SECRET_ACCESS_KEY": storages.S3_SECRET}

    fetch(uri, tmp_path / "out", {f"RCLONE_CONFIG_S3_{key}": value for key, value in keys.items()}, quiet)

    assert same(tmp_path / "out", model)


@pytest.mark.parametrize(
    ("path", "secret", "words"),
    [
        pytest.param(f"{storages.BUCKET}/not/there", storages.S3_SECRET, "nothing there", id="key"),
        pytest.param("no-such-bucket-here/a", storages.S3_SECRET, "no such bucket", id="bucket"),
        pytest.param(f"{storages.BUCKET}/a", "wrong", "AWS_SECRET_ACCESS_KEY", id="secret"),
    ],
)
def test_what_s3_refuses_is_said(
    s3: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str, secret: str, words: str
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", secret)

    with pytest.raises(BundleNotFetchedError, match=words):
        fetch(f"s3://{path}", tmp_path / "out", storages.S3_ENVIRONMENT, quiet)

    assert list(tmp_path.iterdir()) == []


def test_an_artefact_comes_from_a_registry(model: Path, tmp_path: Path) -> None:
    storages.need(storages.REGISTRY)
    uri = storages.push(model, "test/model:1")

    fetch(uri, tmp_path / "out", PLAIN, quiet)

    assert same(tmp_path / "out", model)


def test_a_tag_that_is_not_there_is_said(tmp_path: Path) -> None:
    storages.need(storages.REGISTRY)

    with pytest.raises(BundleNotFetchedError, match="no such repository, tag or digest"):
        fetch(f"oci://{storages.REGISTRY}/test/model:none", tmp_path / "out", PLAIN, quiet)


def test_a_registry_without_tls_is_spoken_to_only_when_it_is_named(model: Path, tmp_path: Path) -> None:
    storages.need(storages.REGISTRY)

    with pytest.raises(BundleNotFetchedError, match="SLUICEGATE_OCI_PLAIN_HTTP"):
        fetch(f"oci://{storages.REGISTRY}/test/model:1", tmp_path / "out", {}, quiet)
