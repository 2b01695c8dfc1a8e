"""What an expression is made of, and which names it mentions."""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any


@dataclass(frozen=True, slots=True)
class Literal:
    """A value as it is written."""

    value: Any


@dataclass(frozen=True, slots=True)
class Name:
    """A variable, or a built-in function."""

    name: str


@dataclass(frozen=True, slots=True)
class Pointer:
    """``#`` and its kin: the element that a predicate looks at, its index, or the sum so far."""

    name: str


@dataclass(frozen=True, slots=True)
class Member:
    """``owner.key`` and ``owner[key]``; with ``optional`` nil's members are nil."""

    owner: "Part"
    key: "Part"
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Slice:
    """``owner[first:last]``."""

    owner: "Part"
    first: "Part | None"
    last: "Part | None"


@dataclass(frozen=True, slots=True)
class Unary:
    """``!x``, ``-x``, ``+x``."""

    operator: str
    operand: "Part"


@dataclass(frozen=True, slots=True)
class Binary:
    """``left operator right``."""

    operator: str
    left: "Part"
    right: "Part"


@dataclass(frozen=True, slots=True)
class Conditional:
    """``condition ? yes : no``."""

    condition: "Part"
    yes: "Part"
    no: "Part"


@dataclass(frozen=True, slots=True)
class Call:
    """A function with its arguments."""

    function: "Part"
    arguments: "tuple[Part, ...]"


@dataclass(frozen=True, slots=True)
class Predicate:
    """What a function like ``filter`` does with each element."""

    body: "Part"


@dataclass(frozen=True, slots=True)
class Items:
    """``[a, b]``."""

    items: "tuple[Part, ...]"


@dataclass(frozen=True, slots=True)
class Entries:
    """``{key: value}``."""

    keys: "tuple[Part, ...]"
    values: "tuple[Part, ...]"


@dataclass(frozen=True, slots=True)
class Let:
    """``let name = value; body``."""

    name: str
    value: "Part"
    body: "Part"


Part = (
    Literal | Name | Pointer | Member | Slice | Unary | Binary | Conditional | Call | Predicate | Items | Entries | Let
)


def mentioned(part: Part) -> Iterator[str]:
    """Dotted names that the expression refers to, as long as their keys are written out; not those of functions."""
    path = _path(part)
    if path:
        yield path
        return
    own = {part.name} if isinstance(part, Let) else set()
    for inner in _inner(part):
        if not (isinstance(part, Call) and inner is part.function):
            yield from (name for name in mentioned(inner) if name.split(".", 1)[0] not in own)


def called(part: Part) -> Iterator[str]:
    """Names of the functions that the expression calls, ``sprig.NAME`` among them."""
    if isinstance(part, Call) and _path(part.function):
        yield _path(part.function)
    for inner in _inner(part):
        yield from called(inner)


def _path(part: Part) -> str:
    if isinstance(part, Name):
        return part.name
    if isinstance(part, Member) and isinstance(part.key, Literal) and isinstance(part.key.value, str):
        owner = _path(part.owner)
        return f"{owner}.{part.key.value}" if owner else ""
    return ""


def _inner(part: Part) -> Iterator[Part]:
    for field in fields(part):
        value = getattr(part, field.name)
        for each in value if isinstance(value, tuple) else (value,):
            if isinstance(each, Part):
                yield each
