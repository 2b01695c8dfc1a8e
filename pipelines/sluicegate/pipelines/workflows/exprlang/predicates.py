"""Functions of expr-lang that look at each element: ``each(element, index, total)`` is the predicate."""

from collections.abc import Callable
from functools import reduce
from typing import Any

from sluicegate.pipelines.workflows.exprlang.values import AnyKeyed

Each = Callable[..., Any]


def _true(items: Any, each: Each) -> list[bool]:
    return [each(item, index) is True for index, item in enumerate(items)]


def _filter(items: Any, each: Each) -> list[Any]:
    return [item for index, item in enumerate(items) if each(item, index) is True]


def _find(items: Any, each: Each) -> Any:
    return next(iter(_filter(items, each)), None)


def _find_index(items: Any, each: Each) -> int:
    return next((index for index, found in enumerate(_true(items, each)) if found), -1)


def _find_last_index(items: Any, each: Each) -> int:
    return max((index for index, found in enumerate(_true(items, each)) if found), default=-1)


def _group_by(items: Any, each: Each) -> AnyKeyed:
    groups = AnyKeyed()
    for index, item in enumerate(items):
        groups.setdefault(each(item, index), []).append(item)
    return groups


def _sort_by(items: Any, each: Each, order: str = "asc") -> list[Any]:
    keyed = sorted(((each(item, index), index) for index, item in enumerate(items)), reverse=order == "desc")
    return [items[index] for _, index in keyed]


def _reduce(items: Any, each: Each, *initial: Any) -> Any:
    numbered = list(enumerate(items))
    total, rest = (initial[0], numbered) if initial else (numbered[0][1], numbered[1:])
    return reduce(lambda so_far, pair: each(pair[1], pair[0], so_far), rest, total)


PREDICATE_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "all": lambda items, each: all(_true(items, each)),
    "none": lambda items, each: not any(_true(items, each)),
    "any": lambda items, each: any(_true(items, each)),
    "one": lambda items, each: sum(_true(items, each)) == 1,
    "filter": _filter,
    "map": lambda items, each: [each(item, index) for index, item in enumerate(items)],
    "count": lambda items, each: sum(_true(items, each)),
    "sum": lambda items, each: sum(each(item, index) for index, item in enumerate(items)),
    "find": _find,
    "findIndex": _find_index,
    "findLast": lambda items, each: next(iter(reversed(_filter(items, each))), None),
    "findLastIndex": _find_last_index,
    "groupBy": _group_by,
    "sortBy": _sort_by,
    "reduce": _reduce,
}
