"""One line on stdout for each request, where that is asked for; never a request that waits for whoever reads them.

The event loop only appends to a bounded queue; a thread of its own makes the lines and writes them. What finds it full
is dropped and counted. The journal's lines go the same way then, so that these do not wait either.
"""

import os
import select
import threading
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from time import perf_counter
from typing import Any

import msgspec

from sluicegate.serving.protocol import trace_context
from sluicegate.serving.server.following import Followed

QUEUE = 10_000
_TOGETHER = 4096
"""Bytes in one write: a pipe takes so many without mixing them with another process's."""
_PATH = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line:
    request: Followed
    status: int
    code: str
    seconds: float


class RequestLines:
    """``known`` is the same on every line: the deployment, the predictor, the unit."""

    def __init__(self, form: str, known: Mapping[str, str | int], *, queue: int = QUEUE, file: int = 1) -> None:
        self._form, self._size, self._file = form, queue, file
        self._known = {name: text for name, text in known.items() if text != ""}
        self._lines: deque[_Line | str] = deque()
        self._due = threading.Event()
        self._ending = False
        self._thread = threading.Thread(target=self._work, name="request-lines", daemon=True)
        self._thread.start()
        self.dropped = 0

    def begin(self, request: Followed) -> None:
        """Nothing to do."""

    def end(self, request: Followed, status: int, code: str) -> None:
        """A line, later."""
        self._offer(
            _Line(request=request, status=status, code=code, seconds=perf_counter() - request.beginning.received)
        )

    def write(self, line: str) -> None:
        """A line that is made already."""
        self._offer(line)

    def stop(self, seconds: float) -> None:
        """Write what waits, for so long at most."""
        self._ending = True
        self._due.set()
        self._thread.join(seconds)

    def _offer(self, line: _Line | str) -> None:
        if len(self._lines) >= self._size:
            self.dropped += 1
            return
        self._lines.append(line)
        if not self._due.is_set():
            self._due.set()

    def _work(self) -> None:
        while not (self._ending and not self._lines):
            self._due.wait()
            self._due.clear()
            try:
                for together in self._taken():
                    _write(self._file, together)
            except OSError:
                # Nobody reads any more; what comes is dropped as if the queue were full.
                self._size = 0
                self._lines.clear()

    def _taken(self) -> Iterator[bytes]:
        """What waits, in parts that a pipe takes whole."""
        part = bytearray()
        while self._lines:
            line = self._lines.popleft()
            made = (line if isinstance(line, str) else self._made(line)).encode("utf-8", "replace") + b"\n"
            if part and len(part) + len(made) > _TOGETHER:
                yield bytes(part)
                part.clear()
            part += made
        if part:
            yield bytes(part)

    def _made(self, line: _Line) -> str:
        told = self._told(line)
        if self._form == "json":
            return msgspec.json.encode(told).decode()
        time, message = told.pop("time"), told.pop("message")
        del told["level"]
        return " ".join([time, message, *(f"{name}={value}" for name, value in told.items())])

    def _told(self, line: _Line) -> dict[str, Any]:
        request, beginning = line.request, line.request.beginning
        context = trace_context.read(request)
        at = datetime.fromtimestamp(beginning.at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        told: dict[str, Any] = {
            "time": at,
            "level": "info",
            "message": "request",
            "id": request.puid,
            "method": beginning.method if beginning.door == "http" else "unary",
            "path": beginning.path[:_PATH],
            "status": line.status,
            "code": line.code,
            "ms": round(line.seconds * 1000, 3),
            "rows": request.rows,
            **self._known,
            "trace": context.trace_id if context else "",
        }
        return {name: value for name, value in told.items() if value not in ("", None)}


def _write(file: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        try:
            view = view[os.write(file, view) :]
        except BlockingIOError:  # whoever gave us this stdout made it so
            select.select([], [file], [], 1.0)
