"""Nearest rows, in one piece and in parts."""

import numpy as np
import pytest

from twopoint_models.evaluation.nearest import nearest_rows


def test_the_nearest_is_that_of_all_distances(rng):
    given, rows = rng.normal(size=(20, 7)), rng.normal(size=(31, 7))
    distances = ((given[:, None] - rows) ** 2).mean(axis=2)
    for cuts in ([], [10], [1, 2, 30]):
        at, error = nearest_rows(given, np.split(rows, cuts))
        np.testing.assert_array_equal(at, distances.argmin(axis=1))
        np.testing.assert_allclose(error, distances.min(axis=1), rtol=1e-12)


def test_no_row_is_refused():
    with pytest.raises(ValueError, match="parts must hold one row or more"):
        nearest_rows(np.zeros((1, 2)), [])
