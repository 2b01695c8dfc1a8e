"""A series survives the wire, and what is no series is refused."""

import numpy as np
import pytest

from sluicegate.monitoring.analysis.series import Arm, Pairs, Series
from sluicegate.monitoring.sources.errors import MalformedError
from sluicegate.monitoring.sources.series_json import read_series, write_series


def series() -> Series:
    ones, twos = np.ones(2), np.full(2, 2.0)
    arm = Arm(requests=twos, errors=ones, slow=ones, mirrored=twos, mirrored_errors=ones, mirrored_slow=ones)
    pairs = Pairs(count=twos, flips=ones, labelled=twos, only_stable_wrong=ones, only_candidate_wrong=ones)
    return Series(start=7.0, seconds=2, step_start=1, stable=arm, candidate=arm, pairs=pairs, drift={"x": 1.5})


def test_a_series_survives_the_wire():
    """What is read is what was written, in camelCase in between."""
    value = write_series(series())

    assert value["pairs"]["onlyStableWrong"] == [1, 1]
    assert write_series(read_series(value)) == value


@pytest.mark.parametrize("change", [{"seconds": 3}, {"pairs": None}, {"start": "x"}, {"drift": [1]}])
def test_what_is_no_series_is_refused(change):
    """An array of another length, a missing part, another type."""
    with pytest.raises(MalformedError, match="series"):
        read_series(write_series(series()) | change)
