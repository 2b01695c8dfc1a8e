"""What a request costs in steps that can be counted, beside the record in ``instructions.json``: no clock, no noise.

``make bench-instructions`` prints the differences, ``RECORD=1`` writes the record anew; a test fails when a count grew
by more than ``ALLOWED`` and the record did not. Counted are Python's instructions (byte code, one by one) and calls of
functions, written in Python or C, in our code and in libraries: they are the same in every run of one Python with the
libraries of ``constraints.txt``. They say nothing of the work inside a C function; for that there is ``--machine``, the
machine's instructions by valgrind's callgrind, which differ a little from run to run.
"""

import argparse
import asyncio
import json
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import FrameType
from typing import Any

from benchmarks.hot_path import Ask, paths

RECORD = Path(__file__).with_suffix(".json")
ALLOWED = 0.02
"""Share by which a count may grow before the record has to be renewed."""
_WARM = 50
Counts = dict[str, dict[str, int]]


def python_name() -> str:
    """As the record calls this Python."""
    return f"{sys.implementation.name} {sys.version_info.major}.{sys.version_info.minor}"


def byte_code(ask: Ask) -> int:
    """Python's instructions of one request."""
    count = 0

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal count
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        count += event == "opcode"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        ask()
    finally:
        sys.settrace(before)
    return count


def calls(ask: Ask) -> int:
    """Calls of one request, of functions written in Python and in C."""
    count = 0

    def profile(_: FrameType, event: str, __: Any) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(profile)
    try:
        ask()
    finally:
        sys.setprofile(before)
    return count


def counted() -> Counts:
    """Both, of each path."""

    async def count() -> Counts:
        with tempfile.TemporaryDirectory() as directory:
            return {name: _of(ask) for name, ask in paths(Path(directory)).items()}

    return asyncio.run(count())


def _of(ask: Ask) -> dict[str, int]:
    for _ in range(_WARM):
        answer = ask()
    if answer.startswith(b"HTTP/") and not answer.startswith(b"HTTP/1.1 200 "):
        raise RuntimeError(f"the request is refused: {answer!r}")
    return {"byte code": byte_code(ask), "calls": calls(ask)}


def recorded() -> Counts:
    """Of this Python; empty if it has no record."""
    found: Mapping[str, Counts] = json.loads(RECORD.read_text()) if RECORD.exists() else {}
    return found.get(python_name(), {})


def grown(now: Counts, before: Counts) -> list[str]:
    """Sentences about each count that grew by more than is allowed, or that has no record."""
    told = []
    for path, counts in now.items():
        for kind, count in counts.items():
            known = before.get(path, {}).get(kind, 0)
            if count > known * (1 + ALLOWED):
                told.append(f"{path}: {count} {kind}, recorded are {known}; make it cheaper, or record it: RECORD=1")
    return told


def record(now: Counts) -> None:
    """Write this Python's counts, beside those of others."""
    every = json.loads(RECORD.read_text()) if RECORD.exists() else {}
    RECORD.write_text(json.dumps(every | {python_name(): now}, indent=2, sort_keys=True) + "\n")


def main() -> int:
    """Print, compare, record if asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--record", action="store_true", help="write the record anew")
    now, before = counted(), recorded()
    for path, counts in now.items():
        known = before.get(path, {})
        told = [f"{count} {kind} ({_change(count, known.get(kind))})" for kind, count in counts.items()]
        print(f"{path:32} {', '.join(told)}")
    if parser.parse_args().record:
        record(now)
        return 0
    found = grown(now, before)
    print("\n".join(found) or f"none grew by more than {ALLOWED:.0%}")
    return bool(found)


def _change(count: int, known: int | None) -> str:
    return f"{count / known - 1:+.1%}" if known else "no record"


if __name__ == "__main__":
    sys.exit(main())
