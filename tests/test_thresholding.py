"""Labels of given volume fractions against all that there are."""

import itertools

import numpy as np
import pytest

import twopoint as tp
from twopoint._thresholding import threshold


@pytest.mark.parametrize("v", [(0.5, 0.5), (0.3, 0.3, 0.4), (1.0, 0.0), (0.999, 0.001)])
def test_labels_lose_as_little_as_any_with_these_fractions(v):
    points = 6
    statistics = tp.TargetStatistics.from_correlations(np.einsum("h,k->hk", v, v)[..., None] * np.ones(points), shape=(points,))
    field = np.random.default_rng(0).dirichlet(np.ones(len(v)), points).T
    labels = threshold(field, statistics)
    counts = np.bincount(labels, minlength=len(v))
    assert counts.sum() == points
    assert np.abs(counts - points * np.array(v)).max() < 1
    gains = [
        sum(field[h, x] for x, h in enumerate(choice))
        for choice in itertools.product(range(len(v)), repeat=points)
        if (np.bincount(choice, minlength=len(v)) == counts).all()
    ]
    gained = sum(field[h, x] for x, h in enumerate(labels))
    assert gained >= max(gains) - (1e-12 if len(v) == 2 else 0.1)  # exact for two phases, greedy beyond
