"""Descriptions that latents must beat, and scores of predictions."""

import numpy as np
import pytest

import twopoint as tp
from twopoint_models.design import property_scores, statistics_components, thumbnails


def test_scores_and_controls():
    rng = np.random.default_rng(0)
    images = (rng.random((9, 1, 32, 48)) < 0.4).astype(np.float32)
    rows = thumbnails(images)
    assert rows.shape == (9, 6)
    assert rows[4, 5] == pytest.approx(images[4, 0, 16:, 32:].mean())
    f = np.stack([tp.autocorrelation(x[0]).ravel() for x in images])
    centred = f - f.mean(0)
    axes = np.linalg.svd(centred, full_matrices=False)[2][:3]
    np.testing.assert_allclose(np.abs(statistics_components(images, 3)(images)), np.abs(centred @ axes.T), atol=1e-5)
    with pytest.raises(ValueError, match="count must be from 1 to one less than the 9"):
        statistics_components(images, 9)
    with pytest.raises(ValueError, match="targets of b must vary"):
        property_scores(np.eye(2), np.array([[1.0, 3], [2, 3]]), ["a", "b"])
