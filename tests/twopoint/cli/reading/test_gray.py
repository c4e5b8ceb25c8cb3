"""Gray levels: counts of distinct values, outliers, and values that differ by rounding."""

import numpy as np
import pytest

from support.cli_harness import blobs
from twopoint.cli.reading.gray import gray_levels

RNG = np.random.default_rng(0)
LABELS = blobs((80, 60))


@pytest.mark.parametrize(
    "values",
    [
        RNG.integers(0, 256, (30, 20)).astype(np.uint8),
        RNG.integers(-128, 128, 500).astype(np.int8),
        RNG.integers(-(2**15), 2**15, 500).astype(np.int16),
        RNG.integers(-(2**40), 2**40, 500),
        RNG.integers(2**63, 2**63 + 9, 500, dtype=np.uint64),
        RNG.random(500).astype(np.float32).round(2),
        np.array([0.0, -0.0, 1.0]),
        RNG.random((20, 20)) < 0.3,
    ],
    ids=lambda values: values.dtype.str,
)
def test_counts_are_those_of_numpy(values):
    found = gray_levels(values)
    expected, counts = np.unique(values, return_counts=True)
    np.testing.assert_array_equal(found.values, expected)
    np.testing.assert_array_equal(found.counts, counts)
    ordered = np.sort(values, axis=None)
    assert [found.at(rank) for rank in (0, values.size // 2, values.size - 1)] == [float(ordered[i]) for i in (0, values.size // 2, -1)]


@pytest.mark.parametrize("dtype", ["u2", "i4", "f4", "f8"])
@pytest.mark.parametrize("share", [0.0, 1e-4, 0.001])
def test_outliers_are_left_out_at_both_ends(dtype, share):
    gray = RNG.normal(30_000, 500, (100, 100)).astype(dtype)
    at = RNG.permutation(gray.size)[: 2 * round(share * gray.size)]
    spoiled = gray.copy()
    spoiled.flat[at[::2]], spoiled.flat[at[1::2]] = 0, 65_535 if dtype == "u2" else 1e9
    found = gray_levels(spoiled).without_outliers()
    assert found.n_points == gray.size - len(at)
    assert found.values[0] > 20_000
    assert found.values[-1] < 40_000


def test_what_is_no_outlier():
    sparse = np.where(np.arange(10_000) < 100, 1000.0, RNG.normal(0, 1, 10_000))  # a phase of 1 %
    for gray in (sparse, RNG.normal(0, 1, 100_000), RNG.random(50), np.arange(3), np.repeat([0, 9], [9999, 1])):
        assert gray_levels(gray).without_outliers().n_points == gray.size


@pytest.mark.parametrize(
    "values",
    [
        0.3 * LABELS + np.where(np.arange(60) < 30, 0.0, 1e-17) * LABELS,
        np.where(np.arange(60) < 30, 0.1 * 3, 0.3) * LABELS,
        LABELS * (1 + RNG.normal(0, 1e-16, LABELS.shape)),
        LABELS + RNG.normal(0, 1e-16, LABELS.shape),
        (LABELS * (1 + RNG.normal(0, 1e-7, LABELS.shape))).astype(np.float32),
        (0.7 * LABELS).astype(np.float32) + np.where(np.arange(60) < 9, 1e-8, 0).astype(np.float32),
        (LABELS * (1 + RNG.normal(0, 1e-7, LABELS.shape))).astype(np.float32).astype(float),
        np.where(np.arange(60) < 9, 1 / 3, np.float32(1 / 3)) * LABELS,
        np.where(LABELS > 0, np.where(np.arange(60) < 9, 2.0, np.nextafter(np.float16(2), np.float16(3))), 0).astype(np.float16),
    ],
)
def test_floats_a_rounding_apart_are_one(values):
    few = gray_levels(values).few(8)
    assert len(few.values) == 2
    assert few.counts.tolist() == [(LABELS == 0).sum(), (LABELS == 1).sum()]


@pytest.mark.parametrize(
    ("values", "n"),
    [
        ([0.0, 1.0, 2.0], 3),
        ([0.0, 1e-3, 1.0], 3),
        ([-3.0, 0.5, 7.0, 1e9], 4),
        ([1e6, 1e6 + 0.5, 1e6 + 1], 3),
        ([16_777_215.0, 16_777_216.0], 2),  # integers, even if neighbours in float32
        ([0.1, 0.2, 0.2001], 3),
    ],
)
def test_floats_that_differ_stay_different(values, n):
    assert len(gray_levels(np.array(values)).few(8).values) == n
    assert len(gray_levels(np.array(values, np.float32)).few(8).values) == n or values[0] == 1e6


def test_dense_gray_values_are_not_few():
    assert gray_levels(np.linspace(0, 1, 100_000)).few(32) is None
    assert gray_levels(np.linspace(0, 1, 1000).astype(np.float16)).few(32) is None
    assert gray_levels(np.arange(33)).few(32) is None
    assert gray_levels(np.arange(100_000.0)).few(32) is None
