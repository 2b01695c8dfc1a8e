"""The storage initialiser as a process, against a real web server that breaks off when it is told to."""

import signal
import subprocess
import sys
import tarfile
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from tests.waiting import wait_until

pytestmark = pytest.mark.embedded
BIG = b"0123456789abcdef" * 300_000


class Files(BaseHTTPRequestHandler):
    """Serves ``files``; the first answer for a name in ``broken`` stops in the middle, one in ``stalled`` for ever."""

    files: dict[str, bytes]
    broken: set[str]
    stalled: threading.Event
    ranges: list[str]

    def do_GET(self) -> None:
        """Answer with a part when asked for one."""
        content = self.files.get(self.path)
        if content is None or self.path == "/refused":
            self.send_error(403 if content is not None else 404)
            return
        asked = self.headers.get("Range", "")
        start = int(asked.removeprefix("bytes=").partition("-")[0]) if asked else 0
        self.ranges.append(asked)
        self.send_response(206 if asked else 200)
        self.send_header("Content-Length", str(len(content) - start))
        self.send_header("ETag", '"1"')
        self.end_headers()
        half = self.path in self.broken
        self.wfile.write(content[start : len(content) // 2] if half else content[start:])
        self.broken.discard(self.path)
        if half and self.path == "/stalled":
            self.wfile.flush()
            self.stalled.wait(30)

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
        """Say nothing."""


@pytest.fixture
def files() -> Iterator[tuple[str, type[Files]]]:
    """The server's address and its class, whose values tests set."""
    served = type("Served", (Files,), {"files": {}, "broken": set(), "stalled": threading.Event(), "ranges": []})
    with ThreadingHTTPServer(("127.0.0.1", 0), served) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", served
        served.stalled.set()
        server.shutdown()
        thread.join()


def start(uri: str, directory: Path) -> subprocess.Popen[str]:
    """The initialiser."""
    command = [sys.executable, "-m", "sluicegate.serving.bundle", "fetch", uri, str(directory)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def fetched(uri: str, directory: Path) -> tuple[int, str, str]:
    """Exit code and what it said."""
    process = start(uri, directory)
    said, failed = process.communicate(timeout=60)
    return process.returncode, said, failed


def test_a_file_comes_over_http(files: tuple[str, type[Files]], tmp_path: Path) -> None:
    address, served = files
    served.files["/model.joblib"] = BIG

    code, said, _ = fetched(f"{address}/model.joblib", tmp_path / "out")

    assert code == 0
    assert (tmp_path / "out" / "model.joblib").read_bytes() == BIG
    assert "1 file, 4.8 MB" in said


def test_a_broken_connection_goes_on_where_it_stopped(files: tuple[str, type[Files]], tmp_path: Path) -> None:
    address, served = files
    served.files["/model"], served.broken = BIG, {"/model"}

    code, said, _ = fetched(f"{address}/model", tmp_path / "out")

    assert code == 0
    assert (tmp_path / "out" / "model").read_bytes() == BIG
    assert [asked[:7] for asked in served.ranges] == ["", "bytes=2"]
    assert "the connection broke after 2" in said


def test_an_archive_is_unpacked(files: tuple[str, type[Files]], tmp_path: Path) -> None:
    address, served = files
    (tmp_path / "bundle").mkdir()
    (tmp_path / "bundle" / "bundle.json").write_text("{}")
    with tarfile.open(tmp_path / "packed.tar.gz", "w:gz") as archive:
        archive.add(tmp_path / "bundle", "bundle")
    served.files["/packed.tar.gz"] = (tmp_path / "packed.tar.gz").read_bytes()

    code, _, _ = fetched(f"{address}/packed.tar.gz", tmp_path / "out")

    assert code == 0
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["bundle.json"]


@pytest.mark.parametrize(
    ("name", "words"),
    [("/missing", "nothing there (status 404); check the address"), ("/refused", "RCLONE_CONFIG_HTTP_HEADERS")],
)
def test_the_last_line_says_why(files: tuple[str, type[Files]], tmp_path: Path, name: str, words: str) -> None:
    address, served = files
    served.files["/refused"] = b""

    code, _, failed = fetched(address + name, tmp_path / "out")

    assert code == 1
    assert words in failed.splitlines()[-1]
    assert list(tmp_path.iterdir()) == []


def test_killed_midway_nothing_looks_complete_and_the_next_start_does_it(
    files: tuple[str, type[Files]], tmp_path: Path
) -> None:
    address, served = files
    served.files["/stalled"], served.broken = BIG, {"/stalled"}
    process = start(f"{address}/stalled", tmp_path / "out")
    wait_until(lambda: any(path.stat().st_size for path in tmp_path.rglob("stalled")), 20.0)

    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=10)

    assert not (tmp_path / "out").exists()
    served.stalled.set()
    assert fetched(f"{address}/stalled", tmp_path / "out")[0] == 0
    assert (tmp_path / "out" / "stalled").read_bytes() == BIG
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_what_is_missing_is_named_with_its_extra(tmp_path: Path) -> None:
    """Isolated from what is installed: only the standard library, httpx and our code are to be found."""
    script = (
        "import sys; sys.modules['s3fs'] = None; from sluicegate.serving.bundle.__main__ import main;"
        f"sys.exit(main(['fetch', 's3://bucket/a', {str(tmp_path / 'out')!r}]))"
    )

    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)

    assert done.returncode == 1
    assert "pip install 'sluicegate[storage]'" in done.stderr


def test_a_storage_is_imported_only_for_its_scheme(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("1")
    script = (
        "import sys; from sluicegate.serving.bundle.__main__ import main;"
        f"main(['fetch', {str(tmp_path / 'a')!r}, {str(tmp_path / 'out')!r}]);"
        "print(sorted({'s3fs', 'gcsfs', 'oras', 'mlflow', 'numpy', 'fsspec'} & set(sys.modules)))"
    )

    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert done.stdout.splitlines()[-1] == "[]"
