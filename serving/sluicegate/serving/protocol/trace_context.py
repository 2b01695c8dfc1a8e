"""Which trace a request belongs to, as its headers say it: W3C's ``traceparent``, or Zipkin's B3, in one or several.

The server reads it where requests come in, and writes it where they go on. What cannot be read is no trace.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

Headers = Mapping[bytes, bytes]
"""By lower-case name."""
PARENT, STATE = b"traceparent", b"tracestate"
SINGLE = b"b3"
TRACE, SPAN, ABOVE = b"x-b3-traceid", b"x-b3-spanid", b"x-b3-parentspanid"
SAMPLED, FLAGS = b"x-b3-sampled", b"x-b3-flags"
_W3C = re.compile(rb"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
_B3 = re.compile(rb"([0-9a-fA-F]{16}|[0-9a-fA-F]{32})-([0-9a-fA-F]{16})(?:-([01d])(?:-[0-9a-fA-F]{16})?)?")
_TRACE_ID = re.compile(rb"[0-9a-fA-F]{16}|[0-9a-fA-F]{32}")
_SPAN_ID = re.compile(rb"[0-9a-fA-F]{16}")
_YES, _NO = frozenset({b"1", b"d", b"true"}), frozenset({b"0", b"false"})
_NO_IDS = (b"0" * 16, b"0" * 32)


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceContext:
    """The caller's span. ``sampled`` None: the caller left it to us, which B3 can say."""

    trace_id: str
    span_id: str
    sampled: bool | None
    state: str = ""

    @property
    def traceparent(self) -> str:
        """W3C's form."""
        return f"00-{self.trace_id}-{self.span_id}-{'01' if self.sampled else '00'}"


def read(headers: Headers) -> TraceContext | None:
    """The trace that these headers belong to; W3C's word comes before B3's."""
    if PARENT in headers:
        found = _W3C.fullmatch(headers[PARENT].strip())
        if found and _usable(found):
            state = headers.get(STATE, b"").decode("latin-1")
            return _context(found[2], found[3], int(found[4], 16) & 1 == 1, state)
    if SINGLE in headers:
        found = _B3.fullmatch(headers[SINGLE].strip())
        return _context(found[1], found[2], _decision(found[3] or b"")) if found else None
    if TRACE in headers:
        trace, span = headers[TRACE].strip(), headers.get(SPAN, b"").strip()
        if _TRACE_ID.fullmatch(trace) and _SPAN_ID.fullmatch(span):
            debug = headers.get(FLAGS) == b"1"
            return _context(trace, span, True if debug else _decision(headers.get(SAMPLED, b"")))
    return None


def refused(headers: Headers) -> bool:
    """Whether B3 says without any id that nothing is to be traced."""
    return headers.get(SINGLE) == b"0" or (TRACE not in headers and headers.get(SAMPLED, b"").lower() in _NO)


def carrying(headers: Headers, context: TraceContext, *, also: frozenset[bytes] = frozenset()) -> dict[bytes, bytes]:
    """The headers, speaking of ``context`` in W3C's form, in those of B3 that they had, and in ``also``, by name."""
    told = {name: value for name, value in headers.items() if name not in (STATE, ABOVE, FLAGS)}
    told[PARENT] = context.traceparent.encode()
    if context.state:
        told[STATE] = context.state.encode("latin-1")
    trace, span, sampled = context.trace_id.encode(), context.span_id.encode(), b"1" if context.sampled else b"0"
    if SINGLE in told or SINGLE in also:
        told[SINGLE] = b"%b-%b-%b" % (trace, span, sampled)
    if TRACE in told or TRACE in also:
        told |= {TRACE: trace, SPAN: span, SAMPLED: sampled}
    return told


def _usable(found: "re.Match[bytes]") -> bool:
    """Version ff is none; version 00 ends with its flags, later ones may go on."""
    return found[1] != b"ff" and (found[1] != b"00" or found[5] is None)


def _context(trace: bytes, span: bytes, sampled: bool | None, state: str = "") -> TraceContext | None:
    if trace in _NO_IDS or span in _NO_IDS:
        return None
    trace_id = trace.lower().decode().rjust(32, "0")
    return TraceContext(trace_id=trace_id, span_id=span.lower().decode(), sampled=sampled, state=state)


def _decision(word: bytes) -> bool | None:
    word = word.lower()
    return True if word in _YES else False if word in _NO else None
