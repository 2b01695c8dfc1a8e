"""A server that cannot serve what it should says so in one line, and ends."""

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.embedded.model_server.rig import Running, serving
from tests.waiting import wait_until

pytestmark = pytest.mark.embedded


def _bare(bundle: Path, copy: Path) -> tuple[str, ...]:
    """A pickle without what proves it."""
    copy.mkdir()
    (copy / "model.joblib").write_bytes((bundle / "model.joblib").read_bytes())
    return ("--model-uri", str(copy))


def _tampered(bundle: Path, copy: Path) -> tuple[str, ...]:
    for path in bundle.iterdir():
        copy.mkdir(exist_ok=True)
        (copy / path.name).write_bytes(path.read_bytes() + (b" " if path.name == "model.joblib" else b""))
    return ("--model-uri", str(copy))


REFUSALS: list[tuple[Callable[[Path, Path], tuple[str, ...]], str]] = [
    (_tampered, "refused: model.joblib: found sha256:"),
    (
        lambda bundle, _: ("--model-uri", str(bundle), "--bundle-digest", "sha256:1"),
        "refused: bundle.json: found sha256:",
    ),
    (
        _bare,
        "refused: modelUri: found model.joblib, a pickle that no bundle proves: it can run any code; expected a bundle",
    ),
    (lambda *_: ("--model-uri", "s3://bucket/model"), "refused: modelUri: found the scheme s3://"),
    (lambda *_: ("--implementation", "TRITON_SERVER"), "refused: implementation: found 'TRITON_SERVER'"),
    (lambda *_: ("--queue", "many"), "refused: --queue: found 'many'; expected a whole number"),
    (
        lambda *_: ("--graph", '{"graph":{"name":"r","type":"COMBINER"}}'),
        "refused: graph unit 'r': found no unit that does anything",
    ),
]


@pytest.mark.parametrize(("options", "line"), REFUSALS)
def test_a_refusal_is_one_last_line_and_exit_78(
    bundle: Path, tmp_path: Path, options: Callable[[Path, Path], tuple[str, ...]], line: str
) -> None:
    """A sentence that names what was found and what is expected."""
    with serving(tmp_path, *options(bundle, tmp_path / "copy")) as server:
        assert server.process.wait(60) == 78
        assert server.errors.read_text().splitlines()[-1].startswith(line)


def test_a_pickle_that_is_trusted_is_served_and_logged(bundle: Path, tmp_path: Path) -> None:
    """The option needs no value; a bundle needs no option."""
    with serving(tmp_path, *_bare(bundle, tmp_path / "copy"), "--allow-unverified") as server:
        wait_until(server.ready, deadline=60)
        assert server.client.get("/ready").json()["verified"] is None
        assert "a pickle that no bundle proves: it can run any code" in server.errors.read_text()


def test_a_port_in_use_is_told(bundle: Path, tmp_path: Path, server: Running) -> None:
    """One sentence with the remedy; not a refusal, as it may pass."""
    with serving(tmp_path, "--model-uri", str(bundle), "--http-port", str(server.port)) as second:
        assert second.process.wait(30) == 1
        assert "cannot listen on 127.0.0.1 port" in second.errors.read_text()
