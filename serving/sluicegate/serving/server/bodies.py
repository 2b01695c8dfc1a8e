"""Where Seldon's clients put their JSON: the body, a field ``json`` of a form or of the query, parts of a multipart.

The doors of Seldon's protocol read requests through it. Of a multipart, a file called ``binData`` is bytes, any other
file is text, a field ``strData`` is text, any other field is JSON.
"""

import base64
from email.message import Message as Headers
from typing import Any
from urllib.parse import parse_qs

from sluicegate.serving.protocol import seldon
from sluicegate.serving.protocol.errors import BadPayloadError
from sluicegate.serving.protocol.messages import JSONValue
from sluicegate.serving.server.exchanges import JSON_TYPE, Request

_FORM = b"application/x-www-form-urlencoded"
_MULTIPART = b"multipart/"
_PARTS = 100


def value_of(request: Request) -> JSONValue:
    """The request's JSON, from wherever it lies. Raises BadPayloadError."""
    kind = request.headers.get(b"content-type", JSON_TYPE)
    if kind != JSON_TYPE:  # the one test that the hot path pays
        if kind[:10].lower() == _MULTIPART:
            return _of_multipart(request.body, kind)
        # curl -d calls anything a form.
        if kind[:33].lower() == _FORM and request.body[:1] not in (b"{", b"["):
            return _of_fields(request.body, "the form")
    if not request.body and request.query:
        return _of_fields(request.query, "the query")
    return seldon.parse_large(request.body)


def _of_fields(text: bytes, where: str) -> JSONValue:
    try:
        found = parse_qs(text.decode(), max_num_fields=_PARTS, errors="strict")
    except ValueError as error:
        raise BadPayloadError("(body)", f"{where} that cannot be read: {error}", "a field json=…") from error
    if "json" not in found:
        raise BadPayloadError("(body)", f"{where} without a field json", "json={…}")
    return seldon.parse(found["json"][0].encode())


def _of_multipart(body: bytes, kind: bytes) -> JSONValue:
    boundary = _parameter(kind.decode("latin-1"), "boundary")
    if not boundary:
        raise BadPayloadError("Content-Type", "a multipart without a boundary", "multipart/form-data; boundary=…")
    value: dict[str, Any] = {}
    parts = (b"\r\n" + body).split(b"\r\n--" + boundary.encode("latin-1"), _PARTS + 1)
    for part in parts[1:]:
        if part.startswith(b"--"):
            return value
        _take(part, value)
    raise BadPayloadError("(body)", f"a multipart of more than {_PARTS} parts or without an end", "--boundary--")


def _take(part: bytes, value: dict[str, Any]) -> None:
    head, blank, content = part.partition(b"\r\n\r\n")
    disposition = ""
    for line in head.decode("utf-8", "replace").split("\r\n"):
        title, _, text = line.partition(":")
        if title.strip().lower() == "content-disposition":
            disposition = text.strip()
    name = _parameter(disposition, "name")
    if not blank or name is None:
        raise BadPayloadError("(body)", "a part without a name", 'Content-Disposition: form-data; name="…"')
    value[name] = _content(name, content, is_file=_parameter(disposition, "filename") is not None)


def _parameter(header: str, name: str) -> str | None:
    """A header's parameter; None where there is none."""
    parsed = Headers()
    parsed["h"] = header
    try:
        found = parsed.get_param(name, header="h")
    except (TypeError, ValueError, LookupError):  # the parser's own, for continuations (RFC 2231) that contradict
        return None
    return str(found[2]) if isinstance(found, tuple) else found


def _content(name: str, content: bytes, *, is_file: bool) -> JSONValue:
    if is_file and name == "binData":
        return base64.b64encode(content).decode()
    if not is_file and name != "strData":
        return seldon.parse(content)
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise BadPayloadError(name, "bytes that are no UTF-8", "text, or a file called binData") from error
