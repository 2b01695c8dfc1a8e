"""An object of the manifests as the text of a Helm template: values in place of what they decide. Pure.

A place is set to a mark; the object is written as YAML; then each mark becomes what the chart says there, a word within
its line or whole lines at its line's depth. What no place names stays as the manifests have it.
"""

import re
from collections.abc import Iterable
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import yaml

from sluicegate.serving.api.metadata import JSON

NAMESPACE = "{{ .Release.Namespace }}"
_MARK = "value-{}-of-helm"
"""Sorts behind every namespace that our own objects name, and needs no quotes in YAML."""
_LINE = re.compile(r"^(?P<depth> *)(?P<lead>- )?(?:(?P<key>[\w./-]+): )?value-(?P<number>\d+)-of-helm$")
_WORD = re.compile(r"value-(\d+)-of-helm")
Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Word:
    """An expression in place of a value, within its line."""

    text: str


@dataclass(frozen=True, slots=True)
class Yaml:
    """A value of many lines. ``always``: the field stays when the value is empty."""

    value: str
    always: bool = False

    def lines(self, key: str, depth: int) -> list[str]:
        """As they stand in the template."""
        place = " " * depth
        if self.always:
            return [f"{place}{key}:", f"{place}  {{{{- toYaml {self.value} | nindent {depth + 2} }}}}"]
        return [
            f"{place}{{{{- with {self.value} }}}}",
            f"{place}{key}:",
            f"{place}  {{{{- toYaml . | nindent {depth + 2} }}}}",
            f"{place}{{{{- end }}}}",
        ]


@dataclass(frozen=True, slots=True)
class Lines:
    """Lines of a template, at the depth of the place; its key, or the dash of its item, is theirs to write."""

    text: str

    def lines(self, _key: str, depth: int) -> list[str]:
        """As they stand in the template."""
        return [" " * depth + each for each in self.text.strip("\n").split("\n")]


Piece = Word | Yaml | Lines


@dataclass(frozen=True, slots=True)
class Place:
    """Where a piece goes. The last part of ``path`` may be a field that is new, or -1: behind the list's last item."""

    path: Path
    piece: Piece


def template(made: JSON, places: Iterable[Place], condition: str = "") -> str:
    """The object as a template. Raises KeyError where a place is not in the object."""
    marked, pieces = deepcopy(made), list[Piece]()
    for place in places:
        _set(marked, place.path, _MARK.format(len(pieces)))
        pieces.append(place.piece)
    text = yaml.safe_dump(marked, sort_keys=False, width=100_000)
    lines = [line for each in text.splitlines() for line in _filled(each, pieces)]
    body = "\n".join(["---", *lines, ""])
    return f"{{{{- if {condition} }}}}\n{body}{{{{- end }}}}\n" if condition else body


def _set(within: Any, path: Path, mark: str) -> None:
    *above, last = path
    for part in above:
        within = within[part]
    if last == -1:
        within.append(mark)
    else:
        within[last] = mark


def _filled(line: str, pieces: list[Piece]) -> list[str]:
    found = _LINE.match(line)
    piece = pieces[int(found["number"])] if found else None
    if found and piece is not None and not isinstance(piece, Word):
        return piece.lines(found["key"] or "", len(found["depth"]))
    return [_WORD.sub(lambda mark: _word(pieces[int(mark[1])]), line)]


def _word(piece: Piece) -> str:
    if not isinstance(piece, Word):
        raise TypeError(f"{piece} is whole lines, and stands within one")
    return piece.text
