"""Seldon's JSON is found wherever its clients put it."""

import base64
import contextlib
import json
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluicegate.serving.protocol.errors import BadPayloadError
from sluicegate.serving.server.bodies import value_of
from sluicegate.serving.server.exchanges import Request, html_safe

VALUE = {"data": {"ndarray": [[1, "ü&=<+ "]]}}
FORM = b"application/x-www-form-urlencoded"


def _request(body: bytes, kind: bytes | None, query: bytes = b"") -> Request:
    headers = {} if kind is None else {b"content-type": kind}
    return Request(method="POST", path="/predict", headers=headers, body=body, received=0.0, query=query)


def _multipart(data: dict[str, Any], files: dict[str, Any]) -> Request:
    """As a client really writes it."""
    made = httpx.Request("POST", "http://a/", data=data, files=files)
    return _request(made.read(), made.headers["content-type"].encode())


@pytest.mark.parametrize(
    "request_",
    [
        _request(json.dumps(VALUE).encode(), b"application/json"),
        _request(json.dumps(VALUE).encode(), None),
        _request(json.dumps(VALUE).encode(), FORM),
        _request(urlencode({"json": json.dumps(VALUE)}).encode(), FORM + b"; charset=utf-8"),
        _request(b"", None, urlencode({"json": json.dumps(VALUE)}).encode()),
    ],
    ids=["json", "no type", "curl -d", "form", "query"],
)
def test_json_is_found(request_: Request) -> None:
    assert value_of(request_) == VALUE


@given(st.binary(max_size=200), st.text(max_size=50))
def test_a_file_of_a_multipart_comes_whole(content: bytes, text: str) -> None:
    """Bytes as base64, whatever is in them; text as text; other fields as JSON."""
    files = {"binData": ("f", content), "strData": ("t", text.encode())}

    value = value_of(_multipart({"meta": json.dumps({"puid": "p"})}, files))

    assert base64.b64decode(value["binData"]) == content
    assert value["strData"] == text
    assert value["meta"] == {"puid": "p"}


def test_a_text_field_is_text() -> None:
    assert value_of(_multipart({"strData": "no { json"}, {"jsonData": ("f", b"text")})) == {
        "strData": "no { json",
        "jsonData": "text",
    }


@pytest.mark.parametrize(
    ("body", "kind", "told"),
    [
        (b"data=1", FORM, "without a field json"),
        (b"json=%7B", FORM, "expected a JSON object"),
        (b"json=%FF", FORM, "cannot be read"),
        (b"--a\r\n", b"multipart/form-data", "without a boundary"),
        (b"--a\r\n\r\nx", b"multipart/form-data; boundary=a", "without a name"),
        (
            b'--a\r\ncontent-disposition: form-data; name="b"\r\n\r\nx',
            b"multipart/form-data; boundary=a",
            "b.*JSON|JSON",
        ),
        (b"--a\r\n" * 200 + b"--a--", b"multipart/form-data; boundary=a", "without a name"),
        (b"x", b"multipart/form-data; boundary=a", "without an end"),
    ],
)
def test_what_is_none_of_these_is_refused(body: bytes, kind: bytes, told: str) -> None:
    with pytest.raises(BadPayloadError, match=told):
        value_of(_request(body, kind))


@given(
    st.binary(max_size=300), st.sampled_from([FORM, b"multipart/form-data; boundary=a", b"multipart/x;boundary*=b''"])
)
def test_no_body_breaks_the_reader(body: bytes, kind: bytes) -> None:
    """It is read or refused."""
    with contextlib.suppress(BadPayloadError):
        value_of(_request(body, kind))


@given(st.recursive(st.text() | st.integers(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))
def test_json_that_is_safe_in_a_page_is_the_same_json(value: Any) -> None:
    """No angle bracket and no ampersand is left."""
    safe = html_safe(json.dumps(value).encode())

    assert json.loads(safe) == value
    assert not set(b"<>&") & set(safe)
