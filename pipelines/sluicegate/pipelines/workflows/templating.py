"""``{{name}}`` and ``{{=expression}}`` in texts, pure.

A scope maps dotted names to texts (``steps.a.outputs.result``). A plain reference that is not in scope stays as it is,
as with Argo; ``left_over`` says which those are. An expression sees the same names as nested values.
"""

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, TypeVar

import msgspec

from sluicegate.pipelines.workflows.errors import ExpressionError
from sluicegate.pipelines.workflows.exprlang.evaluating import evaluate
from sluicegate.pipelines.workflows.exprlang.parsing import parse
from sluicegate.pipelines.workflows.exprlang.syntax import mentioned
from sluicegate.pipelines.workflows.exprlang.values import as_plain_text, go_json

Scope = Mapping[str, str]
REFERENCE = re.compile(r"\{\{\s*(?P<name>[^{}=\s][^{}]*?)\s*\}\}")
_TAG = re.compile(r"\{\{=(?P<expression>.*?)\}\}(?!\})|\{\{\s*(?P<name>[^{}=\s][^{}]*?)\s*\}\}", re.DOTALL)
_STRICT = re.compile(r"(?:steps|tasks)\.")
_LATE = ("item", "retries", "lastRetry", "workflow.failures")
"""What is known only later than other names; an expression with one of these waits until it is."""
Part = TypeVar("Part", bound=msgspec.Struct)


def references(text: str) -> list[str]:
    """Names of all ``{{…}}`` references in ``text``, in order."""
    return [match["name"] for match in REFERENCE.finditer(text)]


def expressions(text: str) -> list[str]:
    """All ``{{=…}}`` expressions in ``text``, in order."""
    return [match["expression"] for match in _TAG.finditer(text) if match["expression"] is not None]


def substitute(text: str, scope: Scope) -> str:
    """Replace each reference and each expression by its value.

    A reference that is not in scope stays, and so does an expression over a name that is known only later. Raises
    ExpressionError for an expression that cannot be evaluated.
    """
    if "{{" not in text:
        return text
    return _TAG.sub(lambda match: _replaced(match, scope), text)


def left_over(text: str) -> list[str]:
    """References to steps or tasks that stayed: what they name did not run, or left no such output."""
    return [name for name in references(text) if _STRICT.match(name) and ".outputs.artifacts." not in name]


def substituted(part: Part, scope: Scope) -> Part:
    """The same value with every text in it replaced."""
    return msgspec.convert(_everywhere(msgspec.to_builtins(part), scope), type(part))


def _everywhere(value: Any, scope: Scope) -> Any:
    if isinstance(value, str):
        return substitute(value, scope)
    if isinstance(value, dict):
        return {key: _everywhere(inner, scope) for key, inner in value.items()}
    return [_everywhere(inner, scope) for inner in value] if isinstance(value, list | tuple) else value


def _replaced(match: "re.Match[str]", scope: Scope) -> str:
    name, expression = match["name"], match["expression"]
    if expression is None:
        return scope.get(name, match[0])
    if _waits(expression, scope):
        return match[0]
    value = evaluate(expression, environment(scope))
    if value is None:
        raise ExpressionError(f"failed to evaluate expression: {expression.strip()!r} has no value")
    return value if isinstance(value, str) else go_json(value)


def _waits(expression: str, scope: Scope) -> bool:
    names = set(mentioned(parse(expression)))
    late = {name for name in names if any(name == each or name.startswith(f"{each}.") for each in _LATE)}
    return any(name not in scope and not any(known.startswith(f"{name}.") for known in scope) for name in late)


def environment(scope: Mapping[str, Any]) -> dict[str, Any]:
    """The scope as nested values. Where one name leads on to another (``a`` and ``a.b``), the longer one counts."""
    return _nested(tuple(scope.items())) if all(isinstance(value, str) for value in scope.values()) else _nest(scope)


@lru_cache(maxsize=64)
def _nested(items: tuple[tuple[str, Any], ...]) -> dict[str, Any]:
    return _nest(dict(items))


def _nest(scope: Mapping[str, Any]) -> dict[str, Any]:
    nested: dict[str, Any] = {}
    for name in sorted(scope):
        *owners, last = name.split(".")
        place = nested
        for owner in owners:
            inner = place.get(owner)
            if not isinstance(inner, dict):
                inner = place[owner] = {}
            place = inner
        place[last] = scope[name]
    return nested


def mentioned_names(text: str) -> Iterator[str]:
    """Every name that the references and expressions of a text mention.

    Raises ExpressionError for an expression that cannot be read.
    """
    yield from references(text)
    for expression in expressions(text):
        yield from mentioned(parse(expression))


def value_text(value: Any) -> str:
    """What an expression of its own (``valueFrom.expression``) gives, as a parameter's text."""
    return (
        value if isinstance(value, str) else go_json(value) if isinstance(value, list | dict) else as_plain_text(value)
    )
