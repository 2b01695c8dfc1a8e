"""How the gateway says no: answers that it makes itself.

Over HTTP they have Seldon's status form, so that a client meets one form of error only. By gRPC they are a sentence and
a status, which Envoy derives from that of HTTP (503 is UNAVAILABLE, 404 is UNIMPLEMENTED) unless one is named here.
"""

from collections.abc import Iterator

from sluicegate.serving.api.metadata import JSON

_REPLIES = (
    (
        "NR",
        404,
        "DEPLOYMENT_NOT_FOUND",
        "no deployment is served at %REQ(:path)%; paths are /seldon/<namespace>/<name>/",
    ),
    ("UH", 503, "NO_READY_SERVER", "no server of this deployment is ready; try again shortly"),
    ("NC", 503, "NO_READY_SERVER", "no server of this deployment is ready; try again shortly"),
    ("UF", 503, "SERVER_UNREACHABLE", "the server did not take the connection"),
    ("UC", 503, "SERVER_LOST", "the server ended the connection before it answered"),
    ("UT", 504, "TIMEOUT", "the server did not answer in time"),
)
"""Envoy's response flag, status, and what a client reads."""
_UNNAMED = (
    "no deployment with a server that speaks gRPC is named by this call; send its name and its namespace as metadata "
    "seldon and namespace"
)
_DEADLINE_EXCEEDED = "4"
_REFUSED = 599
"""Status of refusals in the table of routes, by which they are known here; nobody is answered it."""


def status_body(code: int | str, reason: str, info: str) -> JSON:
    """Seldon's status form of a failure."""
    return {"status": {"code": code, "info": info, "reason": reason, "status": "FAILURE"}}


def refusal(info: str) -> JSON:
    """A route's own answer, without any server: 503."""
    return {"status": _REFUSED, "body": {"inline_string": info}}


def local_replies() -> JSON:
    """What Envoy makes of its own answers. The first that fits decides."""
    return {
        "mappers": [_as_it_is(), *_by_grpc(), *_over_http()],
        "body_format": {"json_format": status_body("%RESPONSE_CODE%", "%RESPONSE_CODE_DETAILS%", "%LOCAL_REPLY_BODY%")},
    }


def _as_it_is() -> JSON:
    """A success of the gateway's own (see ``route_table.VERSION_PATH``) is no failure to be told in Seldon's form."""
    own = {"text_format_source": {"inline_string": "%LOCAL_REPLY_BODY%"}, "content_type": "application/json"}
    return {"filter": _has_status(200), "body_format_override": own}


def _over_http() -> Iterator[JSON]:
    refused = status_body(503, "NO_READY_SERVER", "%LOCAL_REPLY_BODY%")
    yield {"filter": _has_status(_REFUSED), "status_code": 503, "body_format_override": {"json_format": refused}}
    for flag, status, reason, info in _REPLIES:
        body = {"json_format": status_body(status, reason, info)}
        yield {"filter": _has_flag(flag), "status_code": status, "body_format_override": body}


def _by_grpc() -> Iterator[JSON]:
    yield _sentence(_has_status(_REFUSED), 503, "NO_READY_SERVER: %LOCAL_REPLY_BODY%")
    for flag, status, reason, info in _REPLIES:
        drawn = _sentence(_has_flag(flag), status, f"{reason}: {_UNNAMED if flag == 'NR' else info}")
        yield drawn | ({"headers_to_add": [_status_header(_DEADLINE_EXCEEDED)]} if flag == "UT" else {})
    yield {"filter": _is_grpc(), "body_format_override": _text("%RESPONSE_CODE_DETAILS%: %LOCAL_REPLY_BODY%")}


def _sentence(known_by: JSON, status: int, text: str) -> JSON:
    return {
        "filter": {"and_filter": {"filters": [known_by, _is_grpc()]}},
        "status_code": status,
        "body_format_override": _text(text),
    }


def _text(sentence: str) -> JSON:
    return {"text_format_source": {"inline_string": sentence}}


def _status_header(status: str) -> JSON:
    return {"header": {"key": "grpc-status", "value": status}, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}


def _is_grpc() -> JSON:
    return {"header_filter": {"header": {"name": "content-type", "string_match": {"prefix": "application/grpc"}}}}


def _has_flag(flag: str) -> JSON:
    return {"response_flag_filter": {"flags": [flag]}}


def _has_status(status: int) -> JSON:
    comparison = {"op": "EQ", "value": {"default_value": status, "runtime_key": "sluicegate.never_set"}}
    return {"status_code_filter": {"comparison": comparison}}
