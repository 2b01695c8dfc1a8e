"""Settings of the operator's process are read once, and refused by name."""

import pytest

from sluicegate.serving.operator.errors import SettingsRefusedError
from sluicegate.serving.operator.process import PROCESS_SETTINGS, read_process


def test_what_is_not_said_is_as_the_table_has_it() -> None:
    found = read_process({})

    assert (found.workers, found.webhook_port, found.webhook_certificate, found.log_level) == (4, 9443, "", "info")
    assert len({each.env for each in PROCESS_SETTINGS}) == len(PROCESS_SETTINGS)


def test_a_certificate_that_somebody_else_keeps_is_named() -> None:
    assert read_process({"SLUICEGATE_WEBHOOK_CERTIFICATE": "/certificate"}).webhook_certificate == "/certificate"


@pytest.mark.parametrize(("name", "value"), [("SLUICEGATE_LOG_LEVEL", "loud"), ("SLUICEGATE_HTTP_PORT", "70000")])
def test_what_cannot_be_read_is_refused_by_name(name: str, value: str) -> None:
    with pytest.raises(SettingsRefusedError, match=f"{name}: found .*{value}"):
        read_process({name: value})
