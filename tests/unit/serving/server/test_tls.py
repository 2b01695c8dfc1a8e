"""What is served by TLS changes as a whole or not at all."""

from pathlib import Path

import pytest
from tests.certificates import Authority

from sluicegate.serving.server.errors import SettingsRefusedError
from sluicegate.serving.server.tls import Certificates


def test_files_that_do_not_fit_together_change_nothing_and_are_told_of_once(tmp_path: Path) -> None:
    authority = Authority("ours")
    certificate, key = authority.pair(tmp_path, "server")
    served = Certificates(str(certificate), str(key))
    assert served.look() == ""
    before = served.material
    other = authority.pair(tmp_path, "other")
    key.write_bytes(other[1].read_bytes())
    assert "the key is not the certificate's" in served.look()
    assert served.look() == ""
    assert served.material is before
    certificate.write_bytes(other[0].read_bytes())
    assert served.look() == "taken"
    assert served.material.certificate == other[0].read_bytes()


def test_a_file_that_is_gone_changes_nothing(tmp_path: Path) -> None:
    certificate, key = Authority("ours").pair(tmp_path, "server")
    served = Certificates(str(certificate), str(key))
    key.unlink()
    assert "No such file" in served.look()


def test_no_server_begins_without_a_good_pair(tmp_path: Path) -> None:
    certificate, _ = Authority("ours").pair(tmp_path, "server")
    with pytest.raises(SettingsRefusedError, match="expected PEM files that fit"):
        Certificates(str(certificate), str(certificate))
