"""What comes over the wire and is no good request: it is refused with a reason, and the server stays well."""

import json
import re
import socket

import pytest
from tests.embedded.model_server.rig import GOOD, PREDICT, Running, posted

pytestmark = pytest.mark.embedded

BAD_BODIES = [
    b"",
    b" ",
    b"{",
    b"nul",
    b"null",
    b"[]",
    b"1",
    b'"x"',
    b"{}",
    b"\x00",
    b"\xff\xfe{}",
    b'{"data":null}',
    b'{"data":{}}',
    b'{"data":{"ndarray":null}}',
    b'{"data":{"ndarray":[]}}',
    b'{"data":{"ndarray":[[]]}}',
    b'{"data":{"ndarray":[1,2,3]}}',
    b'{"data":{"ndarray":[[1,2]]}}',
    b'{"data":{"ndarray":[[1,2,3,4]]}}',
    b'{"data":{"ndarray":[[1,2,3],[1,2]]}}',
    b'{"data":{"ndarray":[[1,2,"x"]]}}',
    b'{"data":{"ndarray":[[1,2,{}]]}}',
    b'{"data":{"ndarray":[[[1],[2],[3]]]}}',
    b'{"data":{"ndarray":"[[1,2,3]]"}}',
    b'{"data":{"ndarray":[[1,2,NaN]]}}',
    b'{"data":{"ndarray":[[1,2,1e999]]}}',
    b'{"data":{"names":["a","b"],"ndarray":[[1,2]]}}',
    b'{"data":{"names":["a","b","b"],"ndarray":[[1,2,3]]}}',
    b'{"data":{"names":["a","b"],"ndarray":[[1,2,3]]}}',
    b'{"data":{"names":5,"ndarray":[[1,2,3]]}}',
    b'{"data":{"tensor":{}}}',
    b'{"data":{"tensor":{"shape":[1,3],"values":[1,2]}}}',
    b'{"data":{"tensor":{"shape":[9999999999,9999999999],"values":[1]}}}',
    b'{"data":{"tensor":{"shape":"a","values":[1]}}}',
    b'{"strData":"x"}',
    b'{"jsonData":{"a":1}}',
    b'{"binData":"eA=="}',
    b'{"binData":"!"}',
    b'{"meta":{"puid":{}},"data":{"ndarray":[[1,2,3]]}}',
    b'{"data":{"ndarray":' + b"[" * 200 + b"]" * 200 + b"}}",
    b'{"data":{"ndarray":' + b"[" * 40000 + b"}}",
]
BAD_REQUESTS = [
    *(pytest.param(posted(PREDICT, body), 400, id=f"body{index}") for index, body in enumerate(BAD_BODIES)),
    *(
        pytest.param(posted("/v2/models/flights/infer", body), 400, id=f"infer{index}")
        for index, body in enumerate(
            [
                b"{}",
                b'{"inputs":[]}',
                b'{"inputs":[{"name":"x"}]}',
                b'{"inputs":[{"name":"x","shape":[1,3],"datatype":"BF16","data":[1,2,3]}]}',
                b'{"inputs":[{"name":"x","shape":[1,3],"datatype":"INT8","data":[1,2,999]}]}',
                b'{"inputs":[{"name":"x","shape":[1,4],"datatype":"FP32","data":[1,2,3,4]}]}',
                b'{"inputs":[{"name":"x","shape":[3],"datatype":"FP32","data":[1,2,3]}],"outputs":[{"name":"y"}]}',
            ]
        )
    ),
    *(pytest.param(posted("/api/v1.0/feedback", body), 400, id=f"feedback-{body!r}") for body in (b"{}", b"7", b"")),
    pytest.param(posted("/v2/models/other/infer", b"{}"), 404, id="another model"),
    pytest.param(posted("/nowhere", b"{}"), 404, id="no such path"),
    pytest.param(b"GET /v2/models/m/infer HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n", 405, id="method"),
    pytest.param(b"DELETE /ready HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n", 405, id="delete"),
    pytest.param(b"POST /predict HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n", 411, id="no length"),
    pytest.param(b"POST /predict HTTP/1.1\r\nhost: a\r\ncontent-length: 9999999\r\n\r\n", 413, id="told too long"),
    pytest.param(
        b"POST /predict HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n30000\r\n" + b"x" * 0x30000,
        413,
        id="too long",
    ),
    pytest.param(posted("/v2/models/m/infer", b"{}", "content-type: multipart/form-data"), 415, id="multipart"),
    pytest.param(posted(PREDICT, b"{}", "content-type: multipart/form-data"), 400, id="multipart without a boundary"),
    pytest.param(b"GET /predict HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n", 400, id="nothing in the query"),
    pytest.param(posted(PREDICT, b"{}", "content-encoding: gzip"), 415, id="gzip"),
    pytest.param(posted(PREDICT, b"{}", "expect: a miracle"), 417, id="expect"),
    pytest.param(posted(PREDICT, b"{}", "connection: upgrade", "upgrade: h2c"), 400, id="upgrade with a body"),
    pytest.param(b"\x16\x03\x01\x02\x00\x01\x00", 400, id="TLS"),
    pytest.param(b"GARBAGE\r\n\r\n", 400, id="garbage"),
    pytest.param(b"GET /ready HTTP/1.1\r\n\r\n", 400, id="no host"),
    pytest.param(b"GET /ready HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n", 400, id="two hosts"),
    pytest.param(b"GET /ready HTTP/9.9\r\nhost: a\r\n\r\n", 400, id="version"),
    pytest.param(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400, id="HTTP/2"),
    pytest.param(b"GET /ready HTTP/1.1\r\nhost: a\r\nx y: b\r\n\r\n", 400, id="header name"),
    pytest.param(b"GET /\x00 HTTP/1.1\r\nhost: a\r\n\r\n", 400, id="NUL in the target"),
    pytest.param(b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\nhost: a\r\n\r\n", 414, id="long target"),
    pytest.param(b"GET / HTTP/1.1\r\nhost: a\r\nx: " + b"a" * 100_000, 431, id="long head"),
    pytest.param(b"POST /predict HTTP/1.1\r\nhost: a\r\ncontent-length: x\r\n\r\n", 400, id="length"),
    pytest.param(b"POST /predict HTTP/1.1\r\nhost: a\r\ncontent-length: -1\r\n\r\n", 400, id="negative length"),
    pytest.param(
        b"POST /predict HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n{}",
        400,
        id="smuggling",
    ),
    pytest.param(
        b"POST /predict HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\n{}", 400, id="two lengths"
    ),
    pytest.param(
        b"POST /predict HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n{}", 400, id="chunk size"
    ),
]


@pytest.mark.parametrize(("sent", "status"), BAD_REQUESTS)
def test_what_is_malformed_is_refused_and_the_server_stays_well(server: Running, sent: bytes, status: int) -> None:
    """The status, a JSON body that says why, and the next request is answered."""
    head, _, body = server.raw(sent).partition(b"\r\n\r\n")

    assert head.startswith(b"HTTP/1.1 %d " % status), head + body
    told = json.loads(body)
    assert told["error"] if "error" in told else told["status"]["info"]
    assert server.client.post(PREDICT, json=GOOD).status_code == 200


def test_pipelined_and_chunked_requests_are_answered_in_order(server: Running) -> None:
    """Three requests in one write, one of them in chunks, one body broken."""
    body = json.dumps(GOOD).encode()
    chunked = b"POST /predict HTTP/1.1\r\nhost: a\r\nx-request-id: two\r\ntransfer-encoding: chunked\r\n\r\n"
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in (body[:7], body[7:])) + b"0\r\n\r\n"
    first = b"POST /predict HTTP/1.1\r\nhost: a\r\nx-request-id: one\r\ncontent-length: 1\r\n\r\n{"

    answer = server.raw(first + chunked + chunks + b"GET /live HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")

    assert re.findall(rb"HTTP/1.1 (\d+)", answer) == [b"400", b"200", b"200"]
    assert answer.index(b"seldon-puid: one") < answer.index(b"seldon-puid: two") < answer.index(b'{"live":true}')


def test_a_client_that_expects_is_told_to_continue(server: Running) -> None:
    """100 comes before the body is sent."""
    body = json.dumps(GOOD).encode()
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as wire:
        wire.sendall(posted(PREDICT, body, "expect: 100-continue")[: -len(body)])
        assert wire.recv(100).startswith(b"HTTP/1.1 100 Continue\r\n\r\n")
        wire.sendall(body)
        assert wire.recv(1000).startswith(b"HTTP/1.1 200 OK")


def test_clients_that_go_away_hurt_nobody(server: Running) -> None:
    """Half requests, and requests whose answer nobody reads."""
    for cut in (1, 20, 60, 90, None):
        with socket.create_connection(("127.0.0.1", server.port), timeout=10) as wire:
            wire.sendall(posted(PREDICT, json.dumps(GOOD).encode())[:cut])

    assert server.client.post(PREDICT, json=GOOD).status_code == 200
