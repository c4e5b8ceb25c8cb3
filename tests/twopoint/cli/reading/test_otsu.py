"""Otsu's method: exact thresholds, held to loops over all thresholds."""

from itertools import combinations

import numpy as np
import pytest
from skimage.filters import threshold_otsu

from support.cli_harness import blobs, photograph
from twopoint.cli.reading import otsu as module
from twopoint.cli.reading.gray import gray_levels
from twopoint.cli.reading.otsu import otsu

DTYPES = ["u1", "i1", "u2", "i2", "i4", "u8", "i8", "f2", "f4", "f8"]


def variance_between(gray, thresholds):
    """Return the variance between phases by its definition."""
    gray = gray.astype(float)
    phase = np.searchsorted(thresholds, gray)
    parts = [gray[phase == h] for h in range(len(thresholds) + 1)]
    return sum(len(part) * (part.mean() - gray.mean()) ** 2 for part in parts if len(part)) / gray.size


def largest_variance(gray, phases):
    """Return the largest variance between phases, of all thresholds."""
    return max(variance_between(gray, cuts) for cuts in combinations(np.unique(gray)[:-1].astype(float), phases - 1))


def grains(dtype, seed=0, n=40):
    rng = np.random.default_rng(seed)
    gray = np.concatenate([rng.normal(mean, 4, n) for mean in (20, 50, 75, 105)[: 2 + seed % 3]])
    return gray.astype(dtype)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("dtype", DTYPES)
def test_one_threshold_is_the_best_of_all(dtype, seed):
    gray = grains(dtype, seed)
    assert variance_between(gray, otsu(gray_levels(gray), 2)) == pytest.approx(largest_variance(gray, 2), rel=1e-12)


@pytest.mark.parametrize("phases", [3, 4])
@pytest.mark.parametrize("dtype", ["u1", "i2", "f4"])
def test_several_thresholds_are_the_best_of_all(dtype, phases):
    gray = grains(dtype, seed=2, n=9)
    found = otsu(gray_levels(gray), phases)
    assert len(found) == phases - 1
    assert variance_between(gray, found) == pytest.approx(largest_variance(gray, phases), rel=1e-12)


def test_variance_finds_a_threshold_that_is_off():
    gray = grains("u1")
    (best,) = otsu(gray_levels(gray), 2)
    assert variance_between(gray, (best + 25,)) < 0.99 * largest_variance(gray, 2)


def test_bytes_have_the_threshold_of_scikit_image_and_their_multiples_its_multiple():
    gray = photograph(blobs((60, 60)))
    expected = float(threshold_otsu(gray))
    assert otsu(gray_levels(gray), 2) == (expected,)
    assert otsu(gray_levels(gray.astype(np.uint16) * 257), 2) == (expected * 257,)


def test_chunks_and_groups_do_not_change_the_thresholds(monkeypatch):
    gray = np.random.default_rng(0).gamma(2.0, 1.0, 3000)
    expected = [otsu(gray_levels(gray), phases) for phases in (2, 3, 4)]
    monkeypatch.setattr(module, "_CHUNK", 77)
    monkeypatch.setattr(module, "_GROUPS", 400)
    assert otsu(gray_levels(gray), 2) == expected[0]
    for phases in (3, 4):
        refined = variance_between(gray, otsu(gray_levels(gray), phases))
        assert refined == pytest.approx(variance_between(gray, expected[phases - 2]), rel=1e-12)


def test_many_floats_beside_each_other():
    gray = np.random.default_rng(1).random(70_000).astype(np.float32)
    levels = gray_levels(np.append(gray, gray[:100]))
    assert len(levels.values) == 70_100  # repetitions stay
    np.testing.assert_allclose(otsu(levels, 2), [0.5], atol=0.01)
    np.testing.assert_allclose(otsu(levels, 5), [0.2, 0.4, 0.6, 0.8], atol=0.01)


def test_a_threshold_lies_below_the_next_value():
    low = np.float32(1)
    gray = np.array([low, np.nextafter(low, np.float32(2))], np.float32)
    (threshold,) = otsu(gray_levels(gray), 2)
    assert (gray > threshold).tolist() == [False, True]
    assert otsu(gray_levels(np.array([0.0, 3.0])), 2) == (1.5,)
    assert otsu(gray_levels(np.array([0, 3])), 2) == (0.0,)


def test_large_offsets_keep_their_precision():
    gray = grains("f8") * 1e-3
    (expected,), (found,) = otsu(gray_levels(gray), 2), otsu(gray_levels(gray + 1e6), 2)
    assert found - 1e6 == pytest.approx(expected, abs=1e-8)
