"""The words of an expression."""

import re
from dataclasses import dataclass
from typing import Literal

from sluicegate.pipelines.workflows.errors import ExpressionError

Kind = Literal["number", "text", "name", "operator", "end"]
WORD_OPERATORS = frozenset({"and", "or", "not", "in", "contains", "startsWith", "endsWith", "matches", "let"})
_TOKEN = re.compile(
    r"\s*(?:"
    r"(?P<number>0x[0-9a-fA-F_]+|(?:\d[\d_]*)?\.\d[\d_]*(?:[eE][-+]?\d+)?|\d[\d_]*(?:[eE][-+]?\d+|\.(?!\.)\d*)?)"
    r"|(?P<text>'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"|`[^`]*`)"
    r"|(?P<name>[A-Za-z_$][\w$]*)"
    r"|(?P<operator>\?\?|\?\.|\.\.|\*\*|==|!=|<=|>=|&&|\|\||[-+*/%^<>!|?:.,;=#(){}\[\]])"
    r")",
    re.DOTALL,
)
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|.)", re.DOTALL)
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "v": "\v", "a": "\a"}


@dataclass(frozen=True, slots=True)
class Token:
    """One word."""

    kind: Kind
    value: str
    position: int


def tokens(source: str) -> list[Token]:
    """All words, and an end.

    Raises ExpressionError where none can be read.
    """
    found: list[Token] = []
    position = 0
    while source[position:].strip():
        match = _TOKEN.match(source, position)
        if match is None or match.lastgroup is None:
            raise ExpressionError(f"{source!r}: cannot read from {source[position:].strip()!r}")
        found.append(_token(match, match.lastgroup))
        position = match.end()
    return [*found, Token("end", "", len(source))]


def _token(match: "re.Match[str]", group: str) -> Token:
    value = match[group]
    if group == "text":
        return Token("text", value[1:-1] if value[0] == "`" else _unescaped(value[1:-1]), match.start(group))
    if group == "name" and value in WORD_OPERATORS:
        return Token("operator", value, match.start(group))
    kind: Kind = "number" if group == "number" else "name" if group == "name" else "operator"
    return Token(kind, value, match.start(group))


def _unescaped(text: str) -> str:
    def one(match: "re.Match[str]") -> str:
        word = match[1]
        return chr(int(word[1:], 16)) if len(word) > 1 else _ESCAPED.get(word, word)

    return _ESCAPE.sub(one, text)


def number(text: str) -> int | float:
    """The value of a number's word: whole when it is written so."""
    plain = text.replace("_", "")
    if plain.startswith("0x"):
        return int(plain, 16)
    return int(plain) if plain.isdigit() else float(plain)
