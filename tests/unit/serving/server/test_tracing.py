"""Whether requests are traced, and what Jaeger's variables become."""

import subprocess
import sys

import pytest

from sluicegate.serving.protocol.trace_context import SINGLE, TRACE
from sluicegate.serving.server.tracing import switched_on, translated, written_too

ENDPOINT = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318"}


@pytest.mark.parametrize(
    ("setting", "environment", "on"),
    [
        ("", {}, False),
        ("", ENDPOINT, True),
        ("", {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://collector/v1/traces"}, True),
        ("1", {}, True),
        ("0", ENDPOINT, False),
        ("1", {"OTEL_SDK_DISABLED": "true"}, False),
        ("", {**ENDPOINT, "OTEL_TRACES_EXPORTER": "none"}, False),
        ("true", {"JAEGER_DISABLED": "true"}, False),
    ],
)
def test_the_switch_decides_and_else_an_address(setting: str, environment: dict[str, str], on: bool) -> None:
    assert switched_on(setting, environment) is on


def test_jaegers_variables_become_opentelemetrys() -> None:
    found = translated(
        {
            "JAEGER_SERVICE_NAME": "mine",
            "JAEGER_AGENT_HOST": "agent",
            "JAEGER_SAMPLER_TYPE": "probabilistic",
            "JAEGER_SAMPLER_PARAM": "0.25",
            "JAEGER_TAGS": "a=1,b=2",
            "JAEGER_TRACE_PROPAGATION_TYPE": "b3",
        }
    )

    assert found.variables == {
        "OTEL_SERVICE_NAME": "mine",
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://agent:4318",
        "OTEL_TRACES_SAMPLER": "parentbased_traceidratio",
        "OTEL_TRACES_SAMPLER_ARG": "0.25",
        "OTEL_RESOURCE_ATTRIBUTES": "a=1,b=2",
        "OTEL_PROPAGATORS": "tracecontext,b3multi",
    }
    assert found.warnings == (
        "spans go to http://agent:4318 by OTLP; set OTEL_EXPORTER_OTLP_ENDPOINT if Jaeger takes it elsewhere",
    )


def test_what_has_no_meaning_any_more_is_said() -> None:
    found = translated(
        {
            "JAEGER_AGENT_PORT": "6831",
            "JAEGER_SAMPLER_TYPE": "remote",
            "JAEGER_SAMPLER_PARAM": "many",
            "JAEGER_PROPAGATION": "jaeger",
        }
    )

    assert found.variables == {}
    assert found.warnings == (
        "JAEGER_AGENT_PORT has no effect",
        "JAEGER_SAMPLER_PARAM: found 'many'; expected a number; 1 is taken",
        "JAEGER_SAMPLER_TYPE: found 'remote'; expected const or probabilistic; all requests are traced",
        "propagation 'jaeger' is not spoken here; traceparent and B3 are",
    )


def test_opentelemetrys_own_win() -> None:
    told = {"JAEGER_ENDPOINT": "http://jaeger:14268/api/traces", "JAEGER_SERVICE_NAME": "old"}

    assert translated({**told, **ENDPOINT, "OTEL_SERVICE_NAME": "new"}).variables == {}
    assert translated(told).variables["OTEL_EXPORTER_OTLP_ENDPOINT"] == "http://jaeger:4318"


def test_propagators_say_which_headers_go_on_in_any_case() -> None:
    assert written_too({}) == frozenset()
    assert written_too({"OTEL_PROPAGATORS": "tracecontext, b3,b3multi,baggage"}) == {SINGLE, TRACE}


def test_a_server_without_traces_loads_nothing_of_them() -> None:
    code = """
import os, sys
from sluicegate.serving.server.app import Server
from sluicegate.serving.server.settings import read_settings
from sluicegate.serving.server.workers.place import Alone
server = Server(read_settings([], {}), Alone())
assert server._seen.following is None
heavy = ("opentelemetry", "requests", "sluicegate.serving.server.spans")
print([name for name in sys.modules if name.startswith(heavy)])
"""
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env={}, check=True)

    assert ended.stdout == "[]\n"
