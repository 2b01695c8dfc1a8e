"""Rounds that go on whatever happens, and certificates that somebody else keeps."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sluicegate.serving.operator.admission.authority import Pair, issue, make_authority
from sluicegate.serving.operator.admission.errors import UnusableFilesError
from sluicegate.serving.operator.admission.keeping import CertificateFiles, keep
from sluicegate.serving.operator.errors import OperatorError, UnreachableError

NOW, DAY = datetime.now(UTC), timedelta(days=1)


def pair() -> Pair:
    """A certificate with its key."""
    return issue(make_authority(NOW, DAY), ["hook.system.svc"], NOW, DAY)


class Scripted:
    """A source that fails and gives as told, and then ends the test."""

    def __init__(self, *rounds: Pair | OperatorError) -> None:
        self._rounds = list(rounds)

    async def current(self) -> Pair:
        """The next one."""
        if not self._rounds:
            raise asyncio.CancelledError
        found = self._rounds.pop(0)
        if isinstance(found, OperatorError):
            raise found
        return found


def test_a_round_that_fails_is_tried_again_and_said(caplog: pytest.LogCaptureFixture) -> None:
    """What is served goes on being served meanwhile."""
    first, second = pair(), pair()
    used: list[Pair] = []

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(keep(Scripted(first, UnreachableError("no route"), second), used.append, 0))

    assert used == [first, second]
    assert "no route" in caplog.text


def write(directory: Path, certificate: bytes, key: bytes) -> None:
    """As a mounted Secret."""
    (directory / "tls.crt").write_bytes(certificate)
    (directory / "tls.key").write_bytes(key)


def test_files_of_cert_manager_are_read_as_they_change(tmp_path: Path) -> None:
    files = CertificateFiles(tmp_path)
    for each in (pair(), pair()):
        write(tmp_path, each.certificate, each.key)

        assert asyncio.run(files.current()) == each


def test_files_that_are_missing_or_half_changed_are_not_served(tmp_path: Path) -> None:
    files = CertificateFiles(tmp_path)
    with pytest.raises(UnusableFilesError, match="cannot read"):
        asyncio.run(files.current())
    write(tmp_path, pair().certificate, pair().key)

    with pytest.raises(UnusableFilesError, match=r"expected tls\.crt"):
        asyncio.run(files.current())
