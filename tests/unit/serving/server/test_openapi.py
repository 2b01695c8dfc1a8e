"""The server's OpenAPI document has exactly its routes, and shapes that can be read."""

import json
import re
from typing import Any

from jsonschema import Draft202012Validator

from sluicegate.serving.server.doors import Doors
from sluicegate.serving.server.exchanges import Request, Response
from sluicegate.serving.server.openapi import OPERATIONS, document
from sluicegate.serving.server.routing import Call
from sluicegate.serving.server.schemas import SCHEMAS

ROUTER = Doors(behind=None, worker=None, loop=None, figures=None).router()  # type: ignore[arg-type]  # no handler is called
ROUTES = ROUTER.routes


def _refs(value: Any) -> set[str]:
    return set(re.findall(r'"#/components/schemas/(\w+)"', json.dumps(value)))


def test_every_route_is_described_and_nothing_else_is() -> None:
    assert {path for _, path in ROUTES} == set(OPERATIONS)


def test_the_document_has_every_method_of_every_path() -> None:
    told = document(ROUTES)

    methods = {
        (method.upper(), path) for path, item in told["paths"].items() for method in item if method != "parameters"
    }
    assert methods == set(ROUTES)
    names = [
        item[method]["operationId"] for item in told["paths"].values() for method in item if method != "parameters"
    ]
    assert len(names) == len(set(names))


def test_every_shape_is_one_and_is_there() -> None:
    """References lead somewhere, each schema is a schema, none is left unused."""
    assert _refs(document(ROUTES)) == set(SCHEMAS)
    for schema in SCHEMAS.values():
        Draft202012Validator.check_schema(schema)


def test_a_path_with_a_name_in_it_says_what_the_name_is() -> None:
    item = document(ROUTES)["paths"]["/v2/models/{model}/versions/{version}"]

    assert [parameter["name"] for parameter in item["parameters"]] == ["model", "version"]


def test_what_the_document_calls_a_method_is_one() -> None:
    """A strange one is refused with those that the document has."""
    for path, item in document(ROUTES)["paths"].items():
        answers: list[Response] = []
        asked = Request(method="PUT", path=re.sub(r"\{\w+\}", "x", path), headers={}, body=b"", received=0.0)
        ROUTER.route(Call(request=asked, reply=answers.append, wanted=lambda: True))
        allowed = answers[0].headers.decode().strip().removeprefix("allow: ").split(", ")
        assert {method.upper() for method in item} - {"PARAMETERS"} == set(allowed) - {"HEAD", "OPTIONS"}
