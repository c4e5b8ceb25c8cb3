"""Intervals by bootstrap: they cover, widen with the spread of seeds, and refuse what is no number."""

import numpy as np
import pytest

from twopoint_models.evaluation.intervals import bootstrap_interval

pytestmark = pytest.mark.numpy_only
RNG = np.random.default_rng(0)


def test_intervals_cover_and_widen_with_the_spread_of_seeds():
    alike, apart = RNG.normal(size=(5, 200)), RNG.normal(size=(5, 200)) + 3 * np.arange(5)[:, None]
    low, high = bootstrap_interval(alike)
    assert low < np.median(alike) < high
    wide = bootstrap_interval(apart)
    assert wide[1] - wide[0] > 5 * (high - low), "images alone would give the same width"
    assert bootstrap_interval(np.ones((3, 4))) == (1, 1)
    assert bootstrap_interval(alike, np.mean) == bootstrap_interval(alike, np.mean)
    inside = [bootstrap_interval(np.random.default_rng(i).normal(size=(1, 60)), np.mean, draws=300) for i in range(200)]
    assert 176 <= sum(low <= 0 <= high for low, high in inside) <= 199  # 95 %


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: bootstrap_interval(np.ones(3)), r"values must have the shape \(seeds, samples\), at least one of each, without NaN"),
        (lambda: bootstrap_interval(np.full((1, 3), np.nan)), "without NaN"),
        (lambda: bootstrap_interval(np.ones((1, 3)), draws=0), "draws must be an integer above 0"),
    ],
)
def test_refusals(call, message):
    with pytest.raises(ValueError, match=message):
        call()
