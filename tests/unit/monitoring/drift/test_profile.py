"""Reference profiles: calibrated on blocks, small, and refused when they cannot be made."""

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from sluicegate.monitoring.drift import profile as profiles
from sluicegate.monitoring.drift.distances import numbers, quantiles, total_variation, wasserstein
from sluicegate.monitoring.drift.errors import ProfileError

BLOCKS = np.repeat(np.arange(10), 100)
values = arrays(float, 50, elements=st.floats(-1e3, 1e3))


def columns(generator):
    """A number that varies from block to block, one that is constant, and a word; some are missing."""
    daily = np.repeat(generator.normal(0, 2, 10), 100) + generator.normal(0, 1, 1000)
    daily[::50] = np.nan
    words = generator.choice(["a", "b", "c"], 1000).astype(object)
    words[::40] = None
    return {"daily": daily, "constant": np.full(1000, 7.0), "word": words}


def test_a_profile_comes_back_from_json_as_it_was():
    """Numbers, words and the score, in a few kilobytes."""
    scores = np.random.default_rng(0).random((1000, 2))
    profile = profiles.build_profile(columns(np.random.default_rng(1)), BLOCKS, scores)

    document = profiles.encode(profile)

    assert profiles.decode(document) == profile
    assert len(document) < 10_000
    assert (profile.rows, profile.blocks, profile.block_rows) == (1000, 10, 100)
    assert isinstance(profile.features["prediction"], profiles.NumericFeature)
    assert isinstance(profile.features["word"], profiles.CategoricalFeature)


def test_what_varies_by_nature_gets_a_wide_threshold():
    """A column whose mean moves from day to day, beside the same values shuffled over the days."""
    generator = np.random.default_rng(2)
    daily = columns(generator)["daily"]

    profile = profiles.build_profile({"daily": daily, "shuffled": generator.permutation(daily)}, BLOCKS)

    features = profile.features
    assert features["daily"].threshold > 3 * features["shuffled"].threshold


@settings(max_examples=30, deadline=None)
@given(values, values, values)
def test_distances_are_distances(one, two, three):
    """Zero to itself, symmetric, and no shorter way round."""
    first, second, third = (quantiles(each, 0.0, 1e3) for each in (one, two, three))

    assert wasserstein(first, first, 1.0) == 0
    assert wasserstein(first, second, 1.0) == wasserstein(second, first, 1.0)
    assert wasserstein(first, third, 1.0) <= wasserstein(first, second, 1.0) + wasserstein(second, third, 1.0) + 1e-9


def test_shares_are_compared_by_total_variation():
    """Half the rows changed their category."""
    assert total_variation({"a": 0.5, "b": 0.5}, {"a": 0.5, "c": 0.5}) == 0.5


def test_what_is_no_number_is_missing():
    """None, words and infinities."""
    assert np.isnan(numbers([None, "x", float("inf"), float("nan")])).all()
    assert numbers([1, "2", True]).tolist() == [1.0, 2.0, 1.0]


def test_few_blocks_mean_wide_thresholds():
    """Student's t: the same spread known from five blocks or from forty."""
    few, many = (profiles.threshold(np.tile([1.0, 2.0], count), 0.001, 0.0) for count in (3, 20))

    assert few > 1.5 * many > 2 * 1.5


@pytest.mark.parametrize(
    ("table", "blocks", "scores", "sentence"),
    [
        pytest.param({"a": np.zeros(4)}, np.zeros(4), None, "lie in 1 blocks, at least 5", id="one block"),
        pytest.param({"a": np.zeros(9)}, np.arange(10), None, "column 'a' has 9 rows, blocks have 10", id="length"),
        pytest.param({"prediction": np.zeros(10)}, np.arange(10), np.zeros(10), "rename the column", id="name"),
    ],
)
def test_rows_without_a_profile_are_refused(table, blocks, scores, sentence):
    """The message says what is wrong and what is needed."""
    with pytest.raises(ProfileError, match=sentence):
        profiles.build_profile(table, blocks, scores)


def test_rows_without_dates_are_cut_into_stretches():
    """Twenty consecutive blocks of one length."""
    assert np.bincount(profiles.consecutive_blocks(1000)).tolist() == [50] * 20


@pytest.mark.parametrize("document", [b"[]", b"{", msgspec.json.encode({"format": 9, "rows": 1})])
def test_what_is_no_profile_is_refused(document):
    """Other JSON, broken JSON, another format."""
    with pytest.raises(ProfileError, match="reference profile: "):
        profiles.decode(document)


def test_a_profile_of_the_future_is_refused():
    """Its format is named."""
    profile = profiles.build_profile({"a": np.arange(1000.0)}, BLOCKS)
    newer = msgspec.structs.replace(profile, format=2)

    with pytest.raises(ProfileError, match="format is 2, this version reads 1"):
        profiles.decode(profiles.encode(newer))
