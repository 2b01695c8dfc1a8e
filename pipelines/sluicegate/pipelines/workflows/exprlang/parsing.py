"""Reads an expression: a precedence climber over its words."""

from functools import lru_cache

from sluicegate.pipelines.workflows.errors import ExpressionError
from sluicegate.pipelines.workflows.exprlang import syntax
from sluicegate.pipelines.workflows.exprlang.syntax import Part
from sluicegate.pipelines.workflows.exprlang.tokens import Token, number, tokens

_BINDING = {
    "|": 0, "||": 10, "or": 10, "&&": 15, "and": 15,
    "==": 20, "!=": 20, "<": 20, ">": 20, "<=": 20, ">=": 20,
    "in": 20, "matches": 20, "contains": 20, "startsWith": 20, "endsWith": 20,
    "..": 25, "+": 30, "-": 30, "*": 60, "/": 60, "%": 60, "**": 100, "^": 100, "??": 500,
}  # fmt: skip
_NEGATABLE = frozenset({"in", "matches", "contains", "startsWith", "endsWith"})
_UNARY = {"not": 50, "!": 50, "-": 90, "+": 90}
PREDICATES = frozenset(
    {
        "all", "none", "any", "one", "filter", "map", "count", "sum", "find", "findIndex", "findLast", "findLastIndex",
        "groupBy", "sortBy", "reduce",
    }
)  # fmt: skip
_CONSTANTS = {"true": True, "false": False, "nil": None}


@lru_cache(maxsize=1024)
def parse(source: str) -> Part:
    """The expression as a tree.

    Raises ExpressionError when it cannot be read.
    """
    reader = _Reader(source)
    part = reader.sequence()
    if reader.here.kind != "end":
        raise reader.unexpected()
    return part


class _Reader:
    def __init__(self, source: str) -> None:
        self.source, self.tokens, self.position = source, tokens(source), 0

    @property
    def here(self) -> Token:
        return self.tokens[self.position]

    def unexpected(self) -> ExpressionError:
        found = self.here.value or "its end"
        return ExpressionError(f"{self.source!r}: unexpected {found!r} at character {self.here.position + 1}")

    def accept(self, *operators: str) -> str:
        if self.here.kind == "operator" and self.here.value in operators:
            self.position += 1
            return self.tokens[self.position - 1].value
        return ""

    def expect(self, operator: str) -> None:
        if not self.accept(operator):
            raise self.unexpected()

    def word(self) -> str:
        if self.here.kind != "name":
            raise self.unexpected()
        self.position += 1
        return self.tokens[self.position - 1].value

    def sequence(self) -> Part:
        if self.accept("let"):
            name = self.word()
            self.expect("=")
            value = self.expression()
            self.expect(";")
            return syntax.Let(name, value, self.sequence())
        return self.expression()

    def expression(self, least: int = 0) -> Part:
        left = self.unary()
        while (found := self._operator(least)) is not None:
            operator, negated = found
            if operator == "|":
                left = self._piped(left)
                continue
            right = self.expression(_BINDING[operator] + (operator not in {"**", "^"}))
            left = syntax.Binary(operator, left, right)
            left = syntax.Unary("not", left) if negated else left
        if least == 0 and self.accept("?"):
            yes = self.expression()
            self.expect(":")
            return syntax.Conditional(left, yes, self.expression())
        return left

    def _operator(self, least: int) -> tuple[str, bool] | None:
        if self.here.kind != "operator":
            return None
        following = self.tokens[self.position + 1] if self.here.value == "not" else self.here
        operator = following.value
        if following.kind != "operator" or operator not in _BINDING or _BINDING[operator] < least:
            return None
        negated = following is not self.here
        if negated and operator not in _NEGATABLE:
            return None
        self.position += 1 + negated
        return operator, negated

    def _piped(self, left: Part) -> Part:
        part = self.postfix(syntax.Name(self.word()), given=(left,))
        if not isinstance(part, syntax.Call):
            raise self.unexpected()
        return part

    def unary(self) -> Part:
        operator = self.accept(*_UNARY)
        if operator:
            operand = self.expression(_UNARY[operator])
            return syntax.Unary("not" if operator == "!" else operator, operand)
        return self.postfix(self.primary())

    def primary(self) -> Part:
        token = self.here
        if token.kind == "number":
            self.position += 1
            return syntax.Literal(number(token.value))
        if token.kind == "text":
            self.position += 1
            return syntax.Literal(token.value)
        if token.kind == "name":
            self.position += 1
            return syntax.Literal(_CONSTANTS[token.value]) if token.value in _CONSTANTS else syntax.Name(token.value)
        return self._bracketed()

    def _bracketed(self) -> Part:
        if self.accept("("):
            part = self.sequence()
            self.expect(")")
            return part
        if self.accept("["):
            return syntax.Items(self._until("]"))
        if self.accept("{"):
            return self._entries()
        if self.accept("#"):
            return syntax.Pointer(self.word() if self.here.kind == "name" else "element")
        if self.here.value == "." and self.tokens[self.position + 1].kind == "name":
            return syntax.Pointer("element")
        raise self.unexpected()

    def _entries(self) -> Part:
        keys: list[Part] = []
        values: list[Part] = []
        while not self.accept("}"):
            keys.append(self._key())
            self.expect(":")
            values.append(self.expression())
            if not self.accept(",") and self.here.value != "}":
                raise self.unexpected()
        return syntax.Entries(tuple(keys), tuple(values))

    def _key(self) -> Part:
        if self.accept("("):
            part = self.expression()
            self.expect(")")
            return part
        token = self.here
        if token.kind not in {"name", "text", "number"}:
            raise self.unexpected()
        self.position += 1
        return syntax.Literal(token.value)

    def _until(self, closing: str) -> tuple[Part, ...]:
        found: list[Part] = []
        while not self.accept(closing):
            found.append(self.expression())
            if not self.accept(",") and self.here.value != closing:
                raise self.unexpected()
        return tuple(found)

    def postfix(self, part: Part, given: tuple[Part, ...] = ()) -> Part:
        while True:
            if self.accept("("):
                part = syntax.Call(part, given + self._arguments(part, len(given)))
                given = ()
            elif operator := self.accept(".", "?."):
                part = syntax.Member(part, self._member(), optional=operator == "?.")
            elif self.accept("["):
                part = self._index(part)
            else:
                return part

    def _member(self) -> Part:
        token = self.here
        if token.kind != "name" and not (token.kind == "operator" and token.value.isalpha()):
            raise self.unexpected()
        self.position += 1
        return syntax.Literal(token.value)

    def _index(self, owner: Part) -> Part:
        first = None if self.here.value == ":" else self.expression()
        if self.accept(":"):
            last = None if self.here.value == "]" else self.expression()
            self.expect("]")
            return syntax.Slice(owner, first, last)
        self.expect("]")
        if first is None:
            raise self.unexpected()
        return syntax.Member(owner, first)

    def _arguments(self, function: Part, given: int) -> tuple[Part, ...]:
        takes = isinstance(function, syntax.Name) and function.name in PREDICATES
        found: list[Part] = []
        while not self.accept(")"):
            found.append(self._predicate() if takes and len(found) + given == 1 else self.expression())
            if not self.accept(",") and self.here.value != ")":
                raise self.unexpected()
        return tuple(found)

    def _predicate(self) -> Part:
        if self.accept("{"):
            body = self.sequence()
            self.expect("}")
            return syntax.Predicate(body)
        return syntax.Predicate(self.expression())
