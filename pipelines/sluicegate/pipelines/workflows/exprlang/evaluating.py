"""The value of an expression.

Texts and numbers are never converted into each other by themselves: ``'1' == 1`` is an error, as it is for the
controller when it compiles an expression, because a condition that is quietly false lets a gate be skipped.
"""

import math
import re
from collections.abc import Callable, Mapping
from typing import Any

from sluicegate.pipelines.workflows.errors import ExpressionError
from sluicegate.pipelines.workflows.exprlang import syntax
from sluicegate.pipelines.workflows.exprlang.functions import FUNCTIONS
from sluicegate.pipelines.workflows.exprlang.parsing import PREDICATES, parse
from sluicegate.pipelines.workflows.exprlang.predicates import PREDICATE_FUNCTIONS
from sluicegate.pipelines.workflows.exprlang.sprig import SPRIG
from sluicegate.pipelines.workflows.exprlang.values import go_regex, kind_of, same

Environment = Mapping[str, Any]
_FAILURES = (
    ExpressionError, ArithmeticError, LookupError, TypeError, ValueError, AttributeError, RecursionError, re.error,
)  # fmt: skip


def evaluate(source: str, environment: Environment) -> Any:
    """The value of the expression, with these variables.

    Raises ExpressionError that says what is wrong with it.
    """
    try:
        return _Evaluation(environment).of(parse(source))
    except _FAILURES as error:
        raise ExpressionError(f"failed to evaluate expression: {error}, in {source.strip()!r}") from error


def evaluate_truth(source: str, environment: Environment) -> bool:
    """The same, of an expression that is a condition."""
    value = evaluate(source, environment)
    if not isinstance(value, bool):
        raise ExpressionError(f"failed to evaluate expression: {source.strip()!r} is {value!r}; expected true or false")
    return value


class _Evaluation:
    def __init__(self, variables: Environment, pointers: Mapping[str, Any] | None = None) -> None:
        self.variables, self.pointers = variables, pointers or {}

    def of(self, part: syntax.Part) -> Any:  # noqa: C901, PLR0911 - one case for each form
        """The value of a part."""
        match part:
            case syntax.Literal(value):
                return value
            case syntax.Name(name):
                return self._name(name)
            case syntax.Pointer(name):
                return self._pointer(name)
            case syntax.Member():
                return self._member(part)
            case syntax.Slice(owner, first, last):
                return self.of(owner)[
                    None if first is None else self.of(first) : None if last is None else self.of(last)
                ]
            case syntax.Unary(operator, operand):
                return _unary(operator, self.of(operand))
            case syntax.Binary(operator, left, right):
                return self._binary(operator, left, right)
            case syntax.Conditional(condition, yes, no):
                return self.of(yes) if _truth(self.of(condition), "?") else self.of(no)
            case syntax.Items(items):
                return [self.of(item) for item in items]
            case syntax.Entries(keys, values):
                return {str(self.of(key)): self.of(value) for key, value in zip(keys, values, strict=True)}
            case syntax.Let(name, value, body):
                return _Evaluation({**self.variables, name: self.of(value)}, self.pointers).of(body)
            case syntax.Call():
                return self._call(part)
        raise ExpressionError("a predicate { } stands where a value is expected")

    def _name(self, name: str) -> Any:
        if name in self.variables:
            return self.variables[name]
        if name == "sprig":
            return SPRIG
        if name in FUNCTIONS:
            return FUNCTIONS[name]
        raise ExpressionError(f"unknown name {name}")

    def _pointer(self, name: str) -> Any:
        if name not in self.pointers:
            raise ExpressionError("# stands outside of a predicate")
        return self.pointers[name]

    def _member(self, part: syntax.Member) -> Any:
        owner, key = self.of(part.owner), self.of(part.key)
        if owner is None and part.optional:
            return None
        if owner is SPRIG and key not in SPRIG:
            raise ExpressionError(f"the local runner has no function sprig.{key}; it has: {', '.join(sorted(SPRIG))}")
        if isinstance(owner, Mapping):
            return owner.get(key)
        if isinstance(owner, list | str) and isinstance(key, int):
            return owner[key]
        raise ExpressionError(f"cannot take {key!r} of {kind_of(owner)}")

    def _binary(self, operator: str, left: syntax.Part, right: syntax.Part) -> Any:
        if operator in {"&&", "and"}:
            return _truth(self.of(left), operator) and _truth(self.of(right), operator)
        if operator in {"||", "or"}:
            return _truth(self.of(left), operator) or _truth(self.of(right), operator)
        if operator == "??":
            return self.of(right) if (value := self._or_nil(left)) is None else value
        return _OPERATORS[operator](self.of(left), self.of(right))

    def _or_nil(self, part: syntax.Part) -> Any:
        """Nil for a member of what is not there: what ``??`` is written for."""
        if isinstance(part, syntax.Member):
            owner = self._or_nil(part.owner)
            return None if owner is None else self._member(syntax.Member(syntax.Literal(owner), part.key))
        return self.of(part)

    def _call(self, part: syntax.Call) -> Any:
        if isinstance(part.function, syntax.Name) and part.function.name in PREDICATES:
            return self._predicate(part.function.name, part.arguments)
        function = self.of(part.function)
        if not callable(function):
            raise ExpressionError(f"{function!r} is no function")
        return function(*(self.of(argument) for argument in part.arguments))

    def _predicate(self, name: str, arguments: tuple[syntax.Part, ...]) -> Any:
        items = self.of(arguments[0])
        body = arguments[1].body if len(arguments) > 1 and isinstance(arguments[1], syntax.Predicate) else None

        def each(element: Any, index: int, total: Any = None) -> Any:
            inner = {"element": element, "index": index, "acc": total}
            return element if body is None else _Evaluation(self.variables, inner).of(body)

        rest = [self.of(argument) for argument in arguments[2:]]
        return PREDICATE_FUNCTIONS[name](items, each, *rest)


def _truth(value: Any, operator: str) -> bool:
    if isinstance(value, bool):
        return value
    raise ExpressionError(f"{operator} takes something true or false; found {value!r}")


def _unary(operator: str, value: Any) -> Any:
    if operator == "not":
        return not _truth(value, "!")
    return -_number(value, "-") if operator == "-" else _number(value, "+")


def _number(value: Any, operator: str) -> int | float:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    raise ExpressionError(
        f"{operator} takes numbers; found {kind_of(value)} {value!r}: convert it with asInt or asFloat"
    )


def _plus(left: Any, right: Any) -> Any:
    if isinstance(left, str) and isinstance(right, str):
        return left + right
    if isinstance(left, str) or isinstance(right, str):
        raise ExpressionError(f"+ takes two numbers or two texts; found {kind_of(left)} and {kind_of(right)}")
    return _number(left, "+") + _number(right, "+")


def _ordered(compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    def compared(left: Any, right: Any) -> bool:
        if isinstance(left, str) and isinstance(right, str):
            return compare(left, right)
        return compare(_number(left, "a comparison"), _number(right, "a comparison"))

    return compared


def _remainder(left: Any, right: Any) -> int:
    if isinstance(left, int) and isinstance(right, int):
        return int(math.fmod(left, right))
    raise ExpressionError(f"% takes whole numbers; found {kind_of(left)} and {kind_of(right)}")


def _within(left: Any, right: Any) -> bool:
    if right is None:
        return False
    if not isinstance(right, Mapping | list):
        raise ExpressionError(f"in takes an array or a map; found {kind_of(right)}")
    return left in right if isinstance(right, Mapping) else any(same(left, each) for each in right)


def _matching(left: Any, right: Any) -> bool:
    return re.search(go_regex(right), left) is not None


_OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "+": _plus,
    "-": lambda left, right: _number(left, "-") - _number(right, "-"),
    "*": lambda left, right: _number(left, "*") * _number(right, "*"),
    "/": lambda left, right: float(_number(left, "/")) / _number(right, "/"),
    "%": _remainder,
    "**": lambda left, right: float(_number(left, "**")) ** _number(right, "**"),
    "^": lambda left, right: float(_number(left, "^")) ** _number(right, "^"),
    "==": same,
    "!=": lambda left, right: not same(left, right),
    "<": _ordered(lambda left, right: left < right),
    ">": _ordered(lambda left, right: left > right),
    "<=": _ordered(lambda left, right: left <= right),
    ">=": _ordered(lambda left, right: left >= right),
    "..": lambda left, right: list(range(left, right + 1)),
    "in": _within,
    "matches": _matching,
    "contains": lambda left, right: right in left,
    "startsWith": lambda left, right: bool(left.startswith(right)),
    "endsWith": lambda left, right: bool(left.endswith(right)),
}
