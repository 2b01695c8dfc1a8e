"""Fetching from Google Cloud Storage with the real library; its JSON interface is answered by a server of this test."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from sluicegate.serving.bundle.errors import BundleNotFetchedError
from sluicegate.serving.bundle.fetching import fetch

pytestmark = pytest.mark.embedded
OBJECTS = {"model/bundle.json": b"{}", "model/code/a.py": b"x = 1\n", "model2/other": b"no"}


class Storage(BaseHTTPRequestHandler):
    """One bucket, ``models``: lists objects, describes one, hands it out."""

    def do_GET(self) -> None:
        """As Google's JSON interface answers."""
        parts = urlsplit(self.path)
        asked, words = parse_qs(parts.query), parts.path.split("/")
        name = unquote(words[-1])
        if "models" not in words:
            self._answer(404, json.dumps({"error": {"code": 404, "message": "The specified bucket does not exist."}}))
        elif words[-1] == "o":
            prefix = asked.get("prefix", [""])[0]
            found = [self._described(key) for key in OBJECTS if key.startswith(prefix)]
            self._answer(200, json.dumps({"kind": "storage#objects", "items": found}))
        elif name not in OBJECTS:
            self._answer(404, json.dumps({"error": {"code": 404, "message": f"No such object: models/{name}"}}))
        elif "download" in words or asked.get("alt") == ["media"]:
            self._answer(200, OBJECTS[name].decode())
        else:
            self._answer(200, json.dumps(self._described(name)))

    def _described(self, name: str) -> dict[str, object]:
        link = f"http://{self.headers['Host']}/download/storage/v1/b/models/o/{name.replace('/', '%2F')}?alt=media"
        size = str(len(OBJECTS[name]))
        return {"name": name, "bucket": "models", "size": size, "mediaLink": link, "generation": "1"}

    def _answer(self, status: int, body: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
        """Say nothing."""


@pytest.fixture
def environment() -> Iterator[dict[str, str]]:
    """What a user would set for a storage of that interface."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Storage) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        endpoint = f"http://127.0.0.1:{server.server_port}"
        yield {
            "RCLONE_CONFIG_GS_TYPE": "gcs", "RCLONE_CONFIG_GS_ANONYMOUS": "true", "RCLONE_CONFIG_GS_ENDPOINT": endpoint,
        }  # fmt: skip
        server.shutdown()
        thread.join()


def test_a_directory_comes_from_a_bucket(environment: dict[str, str], tmp_path: Path) -> None:
    fetch("gs://models/model", tmp_path / "out", environment, lambda _: None)

    assert (tmp_path / "out" / "bundle.json").read_bytes() == b"{}"
    assert (tmp_path / "out" / "code" / "a.py").read_bytes() == b"x = 1\n"
    assert len(list((tmp_path / "out").iterdir())) == 2


@pytest.mark.parametrize(
    ("uri", "words"), [("gs://models/not/there", "nothing there"), ("gs://nobody/a", "no such bucket|nothing there")]
)
def test_what_is_not_there_is_said(environment: dict[str, str], tmp_path: Path, uri: str, words: str) -> None:
    with pytest.raises(BundleNotFetchedError, match=words):
        fetch(uri, tmp_path / "out", environment, lambda _: None)
