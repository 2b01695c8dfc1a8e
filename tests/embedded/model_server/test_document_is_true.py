"""The server does what its own OpenAPI document says, whatever comes: schemathesis makes requests of it and judges.

``EXAMPLES=200`` asks more than the few of each operation that every run of the tests does; those are always the same.
"""

import os
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)
from tests.embedded.model_server.rig import Running, serving
from tests.waiting import wait_until

pytestmark = pytest.mark.embedded
EXAMPLES = int(os.environ.get("EXAMPLES", "3"))
ECHO = """
import numpy

class Echo:
    def predict(self, X, names):
        if isinstance(X, numpy.ndarray) and X.dtype.kind == "f":
            return numpy.nan_to_num(X)
        return {"nothing": None} if X is None or isinstance(X, (bool, int, float)) else X

    def explain(self, X, names):
        return {"names": list(names or [])}
"""
JUDGED: list[Any] = [
    not_a_server_error,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
]


@pytest.fixture(scope="module")
def echo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A class that answers whatever came."""
    directory = tmp_path_factory.mktemp("echo")
    (directory / "echo_of_all.py").write_text(ECHO)
    options = ("--implementation", "echo_of_all.Echo", "--model-uri", directory.as_uri())
    with serving(directory, *options) as running:
        wait_until(running.ready, deadline=60, message="the server is ready")
        yield running


def _operations(running: Running) -> Iterator[schemathesis.APIOperation]:
    document = schemathesis.openapi.from_url(f"http://127.0.0.1:{running.port}/seldon.json")
    for result in document.get_all_operations():
        yield result.ok()


def _judge(operation: schemathesis.APIOperation, mode: GenerationMode) -> None:
    @given(operation.as_strategy(generation_mode=mode))
    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def judged(case: schemathesis.Case) -> None:
        case.call_and_validate(checks=JUDGED)

    judged()


@pytest.mark.parametrize(
    ("served", "mode"),
    [
        pytest.param("server", GenerationMode.POSITIVE, id="model, as told"),
        pytest.param("echo", GenerationMode.POSITIVE, id="class, as told"),
        pytest.param("echo", GenerationMode.NEGATIVE, id="class, otherwise"),
    ],
)
def test_every_operation_answers_as_the_document_says(
    request: pytest.FixtureRequest, served: str, mode: GenerationMode
) -> None:
    """No failure of the server's, no status, type or shape that the document does not have."""
    failed: list[str] = []
    for operation in _operations(request.getfixturevalue(served)):
        try:
            _judge(operation, mode)
        except (FailureGroup, Unsatisfiable) as error:
            if mode is GenerationMode.POSITIVE or isinstance(error, FailureGroup):
                failed.append(f"{operation.label}: {error}: {[str(each) for each in getattr(error, 'exceptions', ())]}")

    assert failed == []
