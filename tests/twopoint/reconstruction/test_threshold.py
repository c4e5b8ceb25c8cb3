"""Labels of given volume fractions against all that there are."""

import itertools

import numpy as np
import pytest

from twopoint.reconstruction.threshold import threshold


@pytest.mark.parametrize("v", [(0.5, 0.5), (0.3, 0.3, 0.4), (1.0, 0.0), (0.999, 0.001)])
def test_labels_lose_as_little_as_any_with_these_fractions(v):
    points = 6
    field = np.random.default_rng(0).dirichlet(np.ones(len(v)), points).T
    labels = threshold(field, np.array(v))
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


def test_only_counting_points_matter():
    field = np.array([[0.9, 0.8, 0.7, 0.6], [0.1, 0.2, 0.3, 0.4]])
    assert threshold(field, np.array([0.5, 0.5]), np.array([True, True, False, False])).tolist() == [0, 1, 0, 0]
