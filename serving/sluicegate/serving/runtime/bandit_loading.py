"""From a unit's parameters to a router that learns. Loaded through ``loading``.

Parameters are those of Seldon's components. Arms are called by ``branch_names``, else by the graph's children, else by
their numbers.
"""

import math
import random
from typing import Any

from sluicegate.serving.bundle.errors import BundleRefused
from sluicegate.serving.runtime.bandits import Bandit, EpsilonGreedy, ThompsonSampling
from sluicegate.serving.runtime.sources import Loaded, Source
from sluicegate.serving.runtime.tally import Tally

IMPLEMENTATIONS = ("EPSILON_GREEDY", "THOMPSON_SAMPLING")
CLASSES = {"EpsilonGreedy": "EPSILON_GREEDY", "ThompsonSampling": "THOMPSON_SAMPLING"}
"""Names of the classes in Seldon's images, as a command that names a class has them."""
MOST_ARMS = 1000
_TRUTH = {"true": True, "1": True, "false": False, "0": False}


def load(source: Source) -> Loaded:
    """The router that the implementation names. Raises BundleRefused."""
    kind = CLASSES.get(source.implementation, source.implementation)
    arms = _arms(source)
    seed = _whole(source, "seed", None)
    common: dict[str, Any] = {
        "name": source.name,
        "tally": Tally(arms),
        "draw": random.SystemRandom() if seed is None else random.Random(seed),  # noqa: S311  (no secret)
        "verbose": _truth(source, "verbose"),
    }
    _truth(source, "history")  # what metrics keep anyway
    unit: Bandit
    if kind == "THOMPSON_SAMPLING":
        unit = ThompsonSampling(**common)
    else:
        unit = EpsilonGreedy(**common, epsilon=_share(source, "epsilon", 0.1), preferred=_preferred(source, len(arms)))
    return Loaded(unit=unit)


def _arms(source: Source) -> tuple[str, ...]:
    count = _whole(source, "n_branches", len(source.children) or None)
    if count is None:
        raise _refused(source, "n_branches", "the number of branches, as the router has no children here")
    if not 1 <= count <= MOST_ARMS or (source.children and count != len(source.children)):
        number = len(source.children) or f"1 to {MOST_ARMS}"
        raise _refused(source, "n_branches", f"{number}, the number of the router's children")
    names = _names(source) or source.children or tuple(map(str, range(count)))
    if len(names) != count or len(set(names)) != count:
        raise _refused(source, "branch_names", f"{count} different names between colons or commas")
    return names


def _names(source: Source) -> tuple[str, ...]:
    stated = source.parameters.get("branch_names") or ""
    if not isinstance(stated, str):
        raise _refused(source, "branch_names", "names between colons or commas")
    return tuple(filter(None, (name.strip() for name in stated.replace(":", ",").split(","))))


def _preferred(source: Source, arms: int) -> int | None:
    found = _whole(source, "best_branch", None)
    if found is not None and not 0 <= found < arms:
        raise _refused(source, "best_branch", f"a branch from 0 to {arms - 1}")
    return found


def _whole(source: Source, name: str, otherwise: int | None) -> int | None:
    stated = source.parameters.get(name)
    if stated is None:
        return otherwise
    try:
        return int(str(stated))
    except ValueError as error:
        raise _refused(source, name, "an INT") from error


def _share(source: Source, name: str, otherwise: float) -> float:
    try:
        share = float(source.parameters.get(name, otherwise))
    except (TypeError, ValueError):
        share = math.nan
    if not 0 <= share <= 1:
        raise _refused(source, name, "a FLOAT from 0 to 1")
    return share


def _truth(source: Source, name: str) -> bool:
    try:
        return _TRUTH[str(source.parameters.get(name, False)).lower()]
    except KeyError as error:
        raise _refused(source, name, "a BOOL") from error


def _refused(source: Source, name: str, expected: str) -> BundleRefused:
    return BundleRefused(f"unit {source.name!r} parameter {name!r}", repr(source.parameters.get(name)), expected)
