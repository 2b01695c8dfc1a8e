"""A series made ready for the tests: whole, clean, and cut into blocks of time whose borders are fixed beforehand.

Seconds are the blocks of the first half hour and ten seconds are those of later ones, so that a look after a day costs
little more than a look after an hour; a block that is not over yet does not count. Borders depend on time alone:
were they chosen by what was seen, the tests would no longer hold at every look.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sluicegate.monitoring.analysis.eprocess import Array
from sluicegate.monitoring.analysis.series import Arm, Series

FINE_SECONDS = 1800
COARSE_SECONDS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Shares:
    """Requests (or pairs) and how many of them were events, by block; answered to users and mirrored together."""

    count: Array
    events: Array


def thinned(part: Shares, most: float) -> Shares:
    """The same shares with at most ``most`` requests a block: events in spells are less evidence than their number.

    Fractions of requests are fine: an e-value to a power below one has an expectation of at most one, too (Jensen).
    """
    factor = np.minimum(1.0, most / np.maximum(part.count, 1.0))
    return Shares(count=part.count * factor, events=part.events * factor)


def borders(seconds: int, fine: int = FINE_SECONDS, coarse: int = COARSE_SECONDS) -> NDArray[np.intp]:
    """First second of each block, and the end of the last whole one: ``blocks + 1`` numbers."""
    first = np.arange(min(seconds, fine) + 1)
    return np.concatenate([first, np.arange(fine + coarse, seconds + 1, coarse)])


def block_of(second: int, edges: NDArray[np.intp]) -> int:
    """The first block that begins at ``second`` or later."""
    return int(np.searchsorted(edges[:-1], second))


def summed(values: Array, edges: NDArray[np.intp]) -> Array:
    """Sums over the blocks; ``values`` has one entry a second."""
    running = np.concatenate([[0.0], np.cumsum(values)])
    return np.asarray(running[edges[1:]] - running[edges[:-1]])


def whole(values: Array, seconds: int) -> Array:
    """As many entries as seconds: what is missing at the end was not seen (0)."""
    given = np.asarray(values, dtype=float)[:seconds]
    return np.concatenate([given, np.zeros(seconds - given.size)])


def measured(seconds: int, *columns: Array) -> NDArray[np.bool_]:
    """Which seconds can be used: neither NaN nor infinite nor negative (a counter that was reset) in any column."""
    table = np.stack([whole(column, seconds) for column in columns])
    with np.errstate(invalid="ignore"):
        return np.asarray((np.isfinite(table) & (table >= 0)).all(axis=0))


def arm_columns(arm: Arm) -> tuple[Array, ...]:
    """All that is counted of one arm."""
    return (arm.requests, arm.errors, arm.slow, arm.mirrored, arm.mirrored_errors, arm.mirrored_slow)


def usable(series: Series) -> NDArray[np.bool_]:
    """Seconds in which both arms were measured: half a second of truth could hide harm or invent it."""
    return measured(series.seconds, *arm_columns(series.stable), *arm_columns(series.candidate))


def shares(
    counts: tuple[Array, ...], events: tuple[Array, ...], good: NDArray[np.bool_], edges: NDArray[np.intp]
) -> Shares:
    """Adds the columns up by block, usable seconds only.

    An event counted one second before its request (gateways count some at the end) counts as a request there.
    """
    seconds = good.size
    total = sum((np.where(good, whole(column, seconds), 0.0) for column in counts), np.zeros(seconds))
    happened = sum((np.where(good, whole(column, seconds), 0.0) for column in events), np.zeros(seconds))
    happened = summed(happened, edges)
    return Shares(count=np.maximum(summed(total, edges), happened), events=happened)
