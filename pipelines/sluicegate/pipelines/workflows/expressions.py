"""Argo's small languages, pure: ``when``, ``depends``, durations.

``when`` follows govaluate as Argo uses it: bare words (letters, digits and ``_``) are text, two numbers are compared as
numbers.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from sluicegate.pipelines.workflows.errors import ExpressionError

_TOKEN = re.compile(
    r"\s*(?:(?P<text>'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\")|(?P<operator>&&|\|\||==|!=|>=|<=|=~|!~|[><!()])"
    r"|(?P<word>[^\s'\",()&|=!<>~]+|,))"
)
_DURATION = re.compile(r"(?P<number>\d+(?:\.\d+)?)(?P<unit>ms|s|m|h|d)")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def duration_seconds(value: object) -> float:
    """Seconds of ``90``, ``"90"``, ``"1m30s"``.

    Raises ExpressionError for anything else.
    """
    text = str(value).strip()
    if re.fullmatch(r"\d+(\.\d+)?", text):
        return float(text)
    parts = list(_DURATION.finditer(text))
    if not parts or "".join(part[0] for part in parts) != text:
        raise ExpressionError(f"duration: found {text!r}; expected seconds or a form like 1m30s")
    return sum(float(part["number"]) * _SECONDS[part["unit"]] for part in parts)


Operand = str | float | bool
Comparable = TypeVar("Comparable", str, float)
_SIGNS = {"+", "-", "*", "/", "%", ","}


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    value: str


def _tokens(expression: str) -> list[_Token]:
    found: list[_Token] = []
    position = 0
    while expression[position:].strip():
        match = _TOKEN.match(expression, position)
        if match is None:
            raise ExpressionError(f"{expression!r}: cannot read from {expression[position:].strip()!r}")
        kind, value = match.lastgroup or "", match[match.lastgroup or 0]
        if kind == "word" and value in _SIGNS:
            kind = "operator"
        found.append(_Token(kind, re.sub(r"\\(.)", r"\1", value[1:-1]) if kind == "text" else value))
        position = match.end()
    return found


def evaluate_when(expression: str) -> bool:
    """The truth of a ``when`` expression whose references are already replaced.

    Raises ExpressionError when it cannot be read or is not a truth value.
    """
    try:
        return _Evaluation(expression, _literal).result()
    except ExpressionError as error:
        raise ExpressionError(f"Invalid 'when' expression '{expression}': {error}") from error


def evaluate_depends(expression: str, ended: Callable[[str], bool]) -> bool:
    """The truth of a ``depends`` expression; ``ended("A.Succeeded")`` answers for one task and outcome."""
    return _Evaluation(expression, lambda token: ended(token.value)).result()


def task_names(depends: str) -> set[str]:
    """Names of the tasks that a ``depends`` expression mentions."""
    return {token.value.split(".", 1)[0] for token in _tokens(depends) if token.kind == "word"}


def _literal(token: _Token) -> Operand:
    if token.kind == "word" and token.value in {"true", "false"}:
        return token.value == "true"
    if token.kind == "word" and re.fullmatch(r"-?\d+(\.\d+)?([eE][-+]?\d+)?", token.value):
        return float(token.value)
    if token.kind == "word" and not re.fullmatch(r"[A-Za-z_]\w*", token.value):
        raise ExpressionError(
            f"{token.value!r}: put it in quotes, '{token.value}'; Argo's controller reads its signs as a sum"
        )
    return token.value


class _Evaluation:
    """A recursive descent over ``||``, ``&&``, comparison, ``!`` and brackets."""

    def __init__(self, expression: str, operand: Callable[[_Token], Operand]) -> None:
        self.expression, self.operand = expression, operand
        self.tokens = _tokens(expression)
        self.position = 0

    def result(self) -> bool:
        value = self._either()
        if self.position != len(self.tokens):
            raise ExpressionError(f"{self.expression!r}: unexpected {self.tokens[self.position].value!r}")
        return self._truth(value)

    def _truth(self, value: Operand) -> bool:
        if isinstance(value, bool):
            return value
        raise ExpressionError(f"{self.expression!r}: found {value!r}; expected something true or false")

    def _accept(self, *operators: str) -> str:
        if self.position < len(self.tokens):
            token = self.tokens[self.position]
            if token.kind == "operator" and token.value in operators:
                self.position += 1
                return token.value
        return ""

    def _either(self) -> Operand:
        value = self._both()
        while self._accept("||"):
            other = self._both()
            value = self._truth(value) or self._truth(other)
        return value

    def _both(self) -> Operand:
        value = self._comparison()
        while self._accept("&&"):
            other = self._comparison()
            value = self._truth(value) and self._truth(other)
        return value

    def _comparison(self) -> Operand:
        left = self._sum()
        if self._is_in():
            return any(left == each for each in self._listed())
        operator = self._accept("==", "!=", ">=", "<=", ">", "<", "=~", "!~")
        return _compare(operator, left, self._sum(), self.expression) if operator else left

    def _is_in(self) -> bool:
        following = self.tokens[self.position + 1 : self.position + 2]
        here = self.tokens[self.position : self.position + 1]
        found = here == [_Token("word", "in")] and following == [_Token("operator", "(")]
        self.position += found
        return found

    def _listed(self) -> list[Operand]:
        self._accept("(")
        found = [self._either()]
        while self._accept(","):
            found.append(self._either())
        if not self._accept(")"):
            raise ExpressionError(f"{self.expression!r}: a bracket is not closed")
        return found

    def _sum(self) -> Operand:
        value = self._product()
        while sign := self._accept("+", "-"):
            value = _calculated(sign, value, self._product(), self.expression)
        return value

    def _product(self) -> Operand:
        value = self._unary()
        while sign := self._accept("*", "/", "%"):
            value = _calculated(sign, value, self._unary(), self.expression)
        return value

    def _unary(self) -> Operand:
        if self._accept("!"):
            return not self._truth(self._unary())
        if self._accept("("):
            value = self._either()
            if not self._accept(")"):
                raise ExpressionError(f"{self.expression!r}: a bracket is not closed")
            return value
        if self.position >= len(self.tokens) or self.tokens[self.position].kind == "operator":
            raise ExpressionError(f"{self.expression!r}: a value is missing")
        self.position += 1
        return self.operand(self.tokens[self.position - 1])


def _calculated(sign: str, left: Operand, right: Operand, expression: str) -> Operand:
    if sign == "+" and isinstance(left, str) and isinstance(right, str):
        return left + right
    if not (type(left) is float and type(right) is float):
        raise ExpressionError(f"{expression!r}: {sign} calculates with numbers; found {left!r} and {right!r}")
    if sign in {"/", "%"} and not right:
        raise ExpressionError(f"{expression!r}: it divides by 0")
    done = {"+": left + right, "-": left - right, "*": left * right}
    return done[sign] if sign in done else left / right if sign == "/" else left % right


def _compare(operator: str, left: Operand, right: Operand, expression: str) -> bool:
    if operator in {"==", "!="}:
        return (left == right) is (operator == "==")
    if operator in {"=~", "!~"}:
        try:
            return bool(re.search(str(right), str(left))) is (operator == "=~")
        except re.error as error:
            raise ExpressionError(f"{expression!r}: {right!r} is no regular expression: {error}") from error
    if isinstance(left, float) and isinstance(right, float):
        return _ordered(operator, left, right)
    if isinstance(left, str) and isinstance(right, str):
        return _ordered(operator, left, right)
    raise ExpressionError(f"{expression!r}: {operator} compares two numbers or two texts; found {left!r} and {right!r}")


def _ordered(operator: str, left: Comparable, right: Comparable) -> bool:
    low, high = (left, right) if operator.startswith("<") else (right, left)
    return low <= high if operator.endswith("=") else low < high
