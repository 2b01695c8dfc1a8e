"""Fetching: whole or not at all, from file systems and archives."""

import errno
import io
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import fsspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fakes.clock import FakeClock

from sluicegate.serving.bundle.archives import inside, unpack
from sluicegate.serving.bundle.errors import BundleNotFetchedError
from sluicegate.serving.bundle.failures import explain
from sluicegate.serving.bundle.fetching import fetch
from sluicegate.serving.bundle.landing import landing
from sluicegate.serving.bundle.progress import Progress
from sluicegate.serving.bundle.transfers import copy_tree, expect


def quiet(line: str) -> None:
    """Nobody listens."""


def source(tmp_path: Path, **files: str) -> Path:
    """A directory with these files; ``__`` stands for a slash."""
    directory = tmp_path / "source"
    for name, text in files.items():
        path = directory / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return directory


def contents(directory: Path) -> dict[str, str]:
    """Relative path to text."""
    files = [path for path in directory.rglob("*") if path.is_file()]
    return {path.relative_to(directory).as_posix(): path.read_text() for path in files}


def test_a_directory_comes_with_all_below_it(tmp_path: Path) -> None:
    said = fetch(f"file://{source(tmp_path, a='1', sub__b='2')}", tmp_path / "out", {}, quiet)

    assert contents(tmp_path / "out") == {"a": "1", "sub/b": "2"}
    assert said.startswith("2 files, 2 bytes")


def test_what_was_there_before_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "old").write_text("old")

    fetch(str(source(tmp_path, a="1")), tmp_path / "out", {}, quiet)

    assert contents(tmp_path / "out") == {"a": "1"}
    assert {path.name for path in tmp_path.iterdir()} == {"out", "source"}


def test_a_fetch_that_fails_leaves_what_was_there(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "old").write_text("old")

    with pytest.raises(BundleNotFetchedError, match="nothing at"):
        fetch("/is/not/there", tmp_path / "out", {}, quiet)

    assert contents(tmp_path) == {"out/old": "old"}


def test_the_leavings_of_a_killed_fetch_are_swept_away(tmp_path: Path) -> None:
    (tmp_path / ".out.fetching" / "content").mkdir(parents=True)
    (tmp_path / ".out.fetching" / "content" / "half").write_text("ha")

    fetch(str(source(tmp_path, a="1")), tmp_path / "out", {}, quiet)

    assert contents(tmp_path / "out") == {"a": "1"}
    assert not (tmp_path / ".out.fetching").exists()


def test_until_the_end_nothing_is_to_be_seen(tmp_path: Path) -> None:
    with landing(tmp_path / "out") as content:
        (content / "a").write_text("1")
        assert not (tmp_path / "out").exists()

    assert contents(tmp_path / "out") == {"a": "1"}


def test_a_tree_of_a_bucket_is_copied(tmp_path: Path) -> None:
    files = fsspec.filesystem("memory", skip_instance_cache=True)
    files.pipe({"/bucket/model/bundle.json": b"{}", "/bucket/model/sub/x": b"abc", "/bucket/model2/y": b"no"})

    copy_tree(files, "/bucket/model", tmp_path, "memory://", Progress(say=quiet))

    assert contents(tmp_path) == {"bundle.json": "{}", "sub/x": "abc"}


def test_one_object_of_a_bucket_is_copied(tmp_path: Path) -> None:
    files = fsspec.filesystem("memory", skip_instance_cache=True)
    files.pipe({"/single/model.joblib": b"abc"})

    copy_tree(files, "/single/model.joblib", tmp_path, "memory://", Progress(say=quiet))

    assert contents(tmp_path) == {"model.joblib": "abc"}


def test_an_empty_place_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BundleNotFetchedError, match="nothing there; check bucket and path"):
        copy_tree(fsspec.filesystem("memory"), "/empty/place", tmp_path, "memory://", Progress(say=quiet))


def test_what_does_not_fit_is_refused_before_it_comes(tmp_path: Path) -> None:
    with pytest.raises(BundleNotFetchedError, match="give the volume more space"):
        expect(10**18, tmp_path, Progress(say=quiet))


def test_a_long_download_tells_how_far_it_is() -> None:
    clock, lines = FakeClock(), list[str]()
    progress = Progress(say=lines.append, clock=clock.monotonic, expected=4_000_000)

    for _ in range(4):
        clock.advance(3.0)
        progress.came(1_000_000)

    assert lines == ["2.0 MB of 4.0 MB after 6 s", "4.0 MB of 4.0 MB after 12 s"]


def zipped(path: Path, name: str) -> Path:
    """An archive with one member."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(name, "x")
    return path


def tarred(path: Path, name: str, kind: bytes = tarfile.REGTYPE) -> Path:
    """An archive with one member of a kind."""
    with tarfile.open(path, "w:gz") as archive:
        member = tarfile.TarInfo(name)
        member.type, member.size, member.linkname = kind, 1 if kind == tarfile.REGTYPE else 0, "/etc/passwd"
        archive.addfile(member, io.BytesIO(b"x"))
    return path


@pytest.mark.parametrize("name", ["../out", "/etc/cron.d/x", "a/../../b"])
@pytest.mark.parametrize("made", [zipped, tarred])
def test_nothing_of_an_archive_lands_outside(tmp_path: Path, made: Callable[[Path, str], Path], name: str) -> None:
    with pytest.raises(BundleNotFetchedError, match="expected paths inside"):
        unpack(made(tmp_path / "archive", name), tmp_path / "into", "archive")

    assert contents(tmp_path / "into") == {}


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE])
def test_no_link_and_no_device_is_made(tmp_path: Path, kind: bytes) -> None:
    with pytest.raises(BundleNotFetchedError, match="no plain file"):
        unpack(tarred(tmp_path / "archive", "a", kind), tmp_path / "into", "archive")


def test_a_directory_around_everything_is_taken_off(tmp_path: Path) -> None:
    unpack(zipped(tmp_path / "archive", "model/model/a"), tmp_path / "into", "archive")

    assert contents(tmp_path / "into") == {"model/a": "x"}


@given(st.text())
def test_a_path_stays_inside_or_is_refused(name: str) -> None:
    try:
        path = inside(name, "archive")
    except BundleNotFetchedError:
        return
    assert Path("/base").joinpath(path).resolve().is_relative_to("/base")


class EndpointConnectionError(Exception):
    """Named as boto's."""


@pytest.mark.parametrize(
    ("error", "words"),
    [
        pytest.param(OSError(errno.ENOSPC, "No space left on device"), "the disk is full", id="disk"),
        pytest.param(OSError(errno.EROFS, "Read-only file system", "/x"), "this user may write", id="read-only"),
        pytest.param(FileNotFoundError("The specified bucket does not exist"), "no such bucket", id="bucket"),
        pytest.param(PermissionError("Access Denied"), "AWS_ACCESS_KEY_ID", id="credentials"),
        pytest.param(EndpointConnectionError("http://x"), "cannot be reached", id="network"),
        pytest.param(Exception("[SSL: CERTIFICATE_VERIFY_FAILED]"), "AWS_CA_BUNDLE", id="certificate"),
        pytest.param(Exception("odd"), "Exception: odd", id="unknown"),
    ],
)
def test_errors_say_what_happened_and_what_to_do(error: Exception, words: str) -> None:
    assert words in str(explain(error, "s3://bucket/a", "s3", Path("/mnt/models")))
