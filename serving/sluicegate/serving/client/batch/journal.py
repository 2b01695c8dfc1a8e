"""The answers as they come, on disk: what a killed run has written, the next one goes on from; each item once.

A line holds an item's number and its answer. The first line says what the run is about, so that another input, another
deployment or other options do not go on in its place. ``finish`` makes the output of it in one step.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from time import monotonic
from typing import Any, BinaryIO

import msgspec

from sluicegate.serving.client.errors import BatchRefusedError

SYNC_SECONDS = 1.0
"""A machine that loses power loses no more than the answers of so long; a killed process loses none."""


class _Line(msgspec.Struct):
    index: int
    ok: bool
    answer: msgspec.Raw = msgspec.Raw(b"null")


class Journal:
    """Beside ``output``, until that is whole. ``subject`` is what the run is about."""

    def __init__(self, output: Path, subject: dict[str, Any]) -> None:
        self.path = output.with_name(output.name + ".part")
        self.done: set[int] = set()
        self.failed = 0
        self._subject = msgspec.json.encode({"batch": subject}, order="sorted") + b"\n"
        self._synced = monotonic()
        self._file: BinaryIO = self._opened()

    def _opened(self) -> BinaryIO:
        if not self.path.exists() or not self.path.stat().st_size:
            self.path.write_bytes(self._subject)
            return self.path.open("ab", buffering=0)
        with self.path.open("rb") as file:
            if file.readline() != self._subject:
                raise BatchRefusedError(
                    f"{self.path} is of a run with other input, deployment or options; finish that, or give --overwrite"
                )
            whole = file.tell()
            for text in file:
                if not text.endswith(b"\n"):
                    break
                line = msgspec.json.decode(text, type=_Line)
                self.done.add(line.index)
                self.failed += not line.ok
                whole += len(text)
        os.truncate(self.path, whole)
        return self.path.open("ab", buffering=0)

    def write(self, index: int, answer: dict[str, Any], *, ok: bool) -> None:
        """One item's answer; from now on it is not asked again."""
        if index in self.done:
            return
        line = _Line(index=index, ok=ok, answer=msgspec.Raw(msgspec.json.encode(answer)))
        self._file.write(msgspec.json.encode(line) + b"\n")
        self.done.add(index)
        self.failed += not ok
        if monotonic() - self._synced > SYNC_SECONDS:
            os.fsync(self._file.fileno())
            self._synced = monotonic()

    def forget_failures(self) -> None:
        """Ask those again that failed: the journal is written anew without them, in one step."""
        kept = self.path.with_name(self.path.name + ".kept")
        with kept.open("wb") as file:
            file.write(self._subject)
            for line in self._lines():
                if line.ok:
                    file.write(msgspec.json.encode(line) + b"\n")
            os.fsync(file.fileno())
        self._file.close()
        kept.replace(self.path)
        self.done, self.failed = set(), 0
        self._file = self._opened()

    def answers(self, *, in_order: bool) -> Iterator[tuple[int, bytes]]:
        """All of them as JSON, in the order of their items, or in that in which they came."""
        with self.path.open("rb") as file:
            file.readline()
            places: list[tuple[int, int]] = []
            start = file.tell()
            for text in file:
                places.append((msgspec.json.decode(text, type=_Line).index, start))
                start += len(text)
            for index, place in sorted(places) if in_order else places:
                file.seek(place)
                yield index, bytes(msgspec.json.decode(file.readline(), type=_Line).answer)

    def _lines(self) -> Iterator[_Line]:
        with self.path.open("rb") as file:
            file.readline()
            for text in file:
                yield msgspec.json.decode(text, type=_Line)

    def close(self) -> None:
        """What was written stays."""
        os.fsync(self._file.fileno())
        self._file.close()

    def remove(self) -> None:
        """The output is whole: nobody needs it any more."""
        self.path.unlink()


def discard(output: Path) -> None:
    """Begin anew, whatever is there."""
    for path in (output, output.with_name(output.name + ".part")):
        path.unlink(missing_ok=True)
