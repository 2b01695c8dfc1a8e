"""Settings are one table; options win over the environment, the environment over the default."""

from dataclasses import fields

import pytest

from sluicegate.serving.server.errors import SettingsRefusedError
from sluicegate.serving.server.setting_table import SETTINGS
from sluicegate.serving.server.settings import Settings, read_settings
from sluicegate.serving.server.specification import graph_of, typed_parameters


def test_the_table_and_the_value_are_the_same_list() -> None:
    """Every setting has a line, an environment variable of its own and a sentence."""
    assert [setting.name for setting in SETTINGS] == [item.name for item in fields(Settings)]
    assert len({setting.env for setting in SETTINGS}) == len(SETTINGS)
    assert all(setting.sentence.endswith(".") for setting in SETTINGS)


def test_options_win_over_the_environment() -> None:
    """And the environment over the default."""
    environment = {"PREDICTIVE_UNIT_HTTP_SERVICE_PORT": "9001", "PREDICTIVE_UNIT_ID": "unit"}

    settings = read_settings(["--http-port", "9002"], environment)

    assert (settings.http_port, settings.name, settings.queue) == (9002, "unit", 1024)


def test_help_tells_every_setting(capsys: pytest.CaptureFixture[str]) -> None:
    """Option, environment variable and default."""
    with pytest.raises(SystemExit):
        read_settings(["--help"], {})

    text = "".join(capsys.readouterr().out.split())
    assert all(setting.option in text and setting.env in text for setting in SETTINGS)


@pytest.mark.parametrize(
    ("arguments", "environment", "told"),
    [
        (["--http-port", "x"], {}, "--http-port: found 'x'; expected a whole number"),
        (["--http-port", "70000"], {}, "from 0 to 65535"),
        ([], {"SLUICEGATE_DRAIN_SECONDS": "-1"}, "SLUICEGATE_DRAIN_SECONDS"),
        (["--drain-seconds", "nan"], {}, "expected a number"),
        (["--max-body-bytes", "0"], {}, "from 1"),
        (["--log-hash", "a"], {}, "log_hash_key"),
    ],
)
def test_a_value_that_cannot_be_is_refused(arguments: list[str], environment: dict[str, str], told: str) -> None:
    """The refusal names where it was found."""
    with pytest.raises(SettingsRefusedError, match=told):
        read_settings(arguments, environment)


def test_parameters_are_typed_as_seldon_does() -> None:
    """Text on the wire, values in the constructor."""
    text = (
        '[{"name":"i","value":"3","type":"INT"},{"name":"f","value":"0.5","type":"FLOAT"},'
        '{"name":"b","value":"true","type":"BOOL"},{"name":"s","value":"x","type":"STRING"}]'
    )

    unit = graph_of(read_settings(["--parameters", text], {}))

    assert typed_parameters(unit) == {"i": 3, "f": 0.5, "b": True, "s": "x"}


@pytest.mark.parametrize(
    "arguments",
    [["--parameters", "{"], ["--parameters", '[{"value":"1"}]'], ["--graph", "!"], ["--graph", '{"graph":1}']],
)
def test_a_graph_that_cannot_be_read_is_refused(arguments: list[str]) -> None:
    """Broken JSON in a setting."""
    with pytest.raises(SettingsRefusedError):
        graph_of(read_settings(arguments, {}))


def test_a_parameter_of_another_type_is_refused() -> None:
    """The unit and the parameter are named."""
    unit = graph_of(read_settings(["--parameters", '[{"name":"i","value":"x","type":"INT"}]'], {}))

    with pytest.raises(SettingsRefusedError, match="parameter 'i': found 'x'; expected INT"):
        typed_parameters(unit)


def test_an_unknown_form_of_output_is_refused() -> None:
    with pytest.raises(SettingsRefusedError, match="output: found 'xml'; expected plain or json"):
        read_settings((), {"SLUICEGATE_OUTPUT": "xml"})


def test_metrics_at_the_port_of_everything_are_no_port_of_their_own() -> None:
    assert read_settings(("--http-port", "8000", "--metrics-port", "8000"), {}).own_metrics_port == 0
    assert read_settings(("--http-port", "8000", "--metrics-port", "6000"), {}).own_metrics_port == 6000


@pytest.mark.parametrize("option", ["--grpc-port", "--shadow-port"])
def test_two_doors_at_one_port_are_refused(option: str) -> None:
    with pytest.raises(SettingsRefusedError, match="expected a port of its own for each"):
        read_settings(("--http-port", "8000", option, "8000"), {})
