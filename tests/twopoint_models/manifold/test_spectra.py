"""Power spectra and 2-point statistics as rows."""

import numpy as np
import pytest

import twopoint as tp
from twopoint_models.manifold import power_spectra, two_point_vectors


def images(n, height=16, width=16, seed=0):
    return np.random.default_rng(seed).random((n, height, width), dtype=np.float32)


def relative(found, wanted):
    return np.abs(found - wanted).max() / np.abs(wanted).max()


def spectrum_by_sums(image):
    """Eq. (6) over all frequencies, after rescaling to [-1, 1]."""
    phi = 2 * (image - image.min()) / (image.max() - image.min()) - 1
    (height, width), found = phi.shape, np.zeros(phi.shape)
    y, x = np.mgrid[:height, :width]
    for p in range(height):
        for q in range(width):
            found[p, q] = abs((phi * np.exp(-2j * np.pi * (p * y / height + q * x / width))).sum()) ** 2 / phi.size
    return found


@pytest.mark.parametrize("space", [(5, 6), (6, 5), (4, 4), (8, 1)])
def test_rows_of_spectra_have_the_distance_of_all_frequencies(space):
    x = images(3, *space).astype(float)
    rows = power_spectra(x, batch=2).astype(float)
    assert rows.shape == (3, space[0] * (space[1] // 2 + 1))
    full = [spectrum_by_sums(each) for each in x]
    assert rows[:, 0] == pytest.approx([each[0, 0] for each in full], rel=1e-5)
    for i, j in ((0, 1), (0, 2), (1, 2)):
        assert np.linalg.norm(rows[i] - rows[j]) == pytest.approx(np.sqrt(((full[i] - full[j]) ** 2).sum()), rel=1e-5)


def test_spectra_see_neither_brightness_nor_contrast_nor_shifts():
    x = images(1, 12, 10).astype(float)
    same = np.concatenate([x, 40 * x + 7, np.roll(x, (3, 4), axis=(1, 2))])
    rows = power_spectra(same)
    assert relative(rows[1:], rows[:1].repeat(2, axis=0)) < 1e-5
    assert relative(power_spectra(x**3), rows[:1]) > 0.01


def test_rows_of_two_point_statistics_have_the_distance_of_all_lags():
    x = images(2, 9, 12) > 0.4
    a, b = two_point_vectors(x).astype(float)
    f = tp.autocorrelation(x.astype(float))
    assert np.linalg.norm(a - b) == pytest.approx(np.linalg.norm(f[0] - f[1]), rel=1e-5)
    assert two_point_vectors(x, crop=3).shape == (2, 5)
