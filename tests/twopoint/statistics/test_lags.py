"""The layout of lags and the transforms between space, spectra and lags: half of what is even, and no lags that a crop leaves out."""

import itertools

import numpy as np
import pytest

from support import oracles
from twopoint.arrays.fft import irfftn, rfftn
from twopoint.statistics import lags as transforms
from twopoint.statistics.lags import Lags

CASES = [
    Lags(space, boundary, crop)
    for space, boundary in itertools.product([(5,), (6,), (4, 5)], ["periodic", "open"])
    for crop in [
        None,
        (1,) * len(space),
        (2,) * len(space),
        (3, 4)[: len(space)],
        tuple(2 * s - 1 if boundary == "open" else s for s in space),
    ]
]


@pytest.mark.numpy_only
@pytest.mark.parametrize("lags", CASES, ids=str)
def test_layout(lags, rng):
    grid, stored = rng.normal(size=(2, *lags.transform)), rng.normal(size=(2, *lags.stored))
    cut = lags.cut(grid, np)
    assert cut.shape == stored.shape
    oracles.close(np.sum(cut * stored), np.sum(grid * lags.embed(stored, lags.transform, np)), 1e-12, "cut and embed")
    assert (lags.cut(lags.embed(stored, lags.transform, np), np) == stored).all()
    assert (lags.reverse(lags.reverse(stored, np), np) == stored).all()
    for centered in (False, True):
        seen = lags.to_user(stored, np, centered=centered)
        assert seen.shape[1:] == lags.shape
        assert (lags.to_user(lags.from_user(seen, np, centered=centered), np, centered=centered) == seen).all()
    inside = lags.inside(stored, np)
    weight = np.ones(lags.stored) if inside is None else np.broadcast_to(inside, lags.stored)
    assert weight.sum() == lags.number == np.prod(lags.shape)
    opposite = lags.inside(stored, np, opposite=True)
    if opposite is not None:
        assert (lags.reverse(np.broadcast_to(inside, lags.stored), np) == opposite).all()


@pytest.mark.numpy_only
def test_open_transforms_are_long_enough_and_fast():
    assert Lags((224, 17), "open").transform == (450, 36)
    assert Lags((224, 224), "open", (50, 51)).transform == (250, 250)


SPACES = [(7,), (8,), (6, 5), (5, 8), (8, 8), (4, 5, 6), (5, 4, 3)]


TRANSFORMED = [
    Lags(space, boundary, crop and (crop,) * len(space))
    for space, boundary, crop in itertools.product(SPACES, ["periodic", "open"], [None, 3, 2, 1])
]


def _close(got, want, tolerance):
    """Compare spectra; that of an even slope may come as a real array."""
    oracles.close(np.real(got), np.real(want), tolerance)
    assert np.abs(np.imag(got) - np.imag(want)).max() <= tolerance * np.abs(want).max()


@pytest.mark.numpy_only
@pytest.mark.parametrize("lags", TRANSFORMED, ids=str)
def test_half_the_lags_of_an_autocorrelation(lags, rng):
    x = rfftn(rng.random((2, *lags.space)), lags.transform, np)
    whole = lags.cut(irfftn(np.conj(x) * x, lags.transform, np), np)
    (half,) = transforms.to_lags(transforms.product(x, x, lags, np, even=True), lags, np, even=True)
    assert half.shape == (2, lags.rows, *lags.stored[1:])
    oracles.close(half, lags.halve(whole, np), 1e-12)
    oracles.close(half, lags.halve_reversed(whole, np), 1e-12)
    oracles.close(lags.unfold(half, half, np), whole, 1e-12)


@pytest.mark.numpy_only
@pytest.mark.parametrize("lags", TRANSFORMED, ids=str)
def test_pruned_transforms_of_a_cross_correlation(lags, rng):
    x, y = (rfftn(rng.random((2, *lags.space)), lags.transform, np) for _ in range(2))
    whole = lags.cut(irfftn(np.conj(x) * y, lags.transform, np), np)
    half, opposite = transforms.to_lags(transforms.product(x, y, lags, np, even=False), lags, np, even=False)
    oracles.close(lags.unfold(half, opposite, np), whole, 1e-12)
    oracles.close(opposite, lags.halve(lags.reverse(whole, np), np), 1e-12)
    oracles.close(lags.total(half, np) + lags.total(opposite, np), whole.sum(tuple(range(1, whole.ndim))), 1e-12)
    parts = lags.total(half[:, :1], np) + (lags.total(half[:, 1:], np, 1) if lags.rows > 1 else 0)
    oracles.close(parts, lags.total(half, np), 1e-12)
    oracles.close((half * np.reshape(lags.row_weights, (-1,) + (1,) * (len(lags.space) - 1))).sum(tuple(range(1, half.ndim))), parts, 1e-12)


@pytest.mark.numpy_only
@pytest.mark.parametrize("lags", TRANSFORMED, ids=str)
def test_slopes_back_to_a_spectrum(lags, rng):
    slope = rng.normal(size=(2, *lags.stored))
    want = rfftn(lags.embed(slope, lags.transform, np), lags.transform, np)
    _close(transforms.from_lags(lags.split(slope, np), lags, np), want, 1e-12)
    even = slope + lags.reverse(slope, np)
    want = rfftn(lags.embed(even, lags.transform, np), lags.transform, np)
    _close(transforms.from_lags([lags.halve(even, np)], lags, np), want, 1e-12)


@pytest.mark.numpy_only
@pytest.mark.parametrize("lags", TRANSFORMED, ids=str)
def test_padded_transforms(lags, rng):
    d = rng.normal(size=(2, *lags.space))
    spectrum = rfftn(d, lags.transform, np)
    _close(transforms.from_space(d, lags, np), spectrum, 1e-12)
    whole = irfftn(spectrum, lags.transform, np)
    oracles.close(transforms.to_space(spectrum, lags, np), whole[(..., *(slice(0, n) for n in lags.space))], 1e-12)


@pytest.mark.numpy_only
def test_what_is_pruned():
    """A crop of 50 lags of 224 is cut before the last axis is transformed; all lags of an open boundary are not worth it."""
    assert transforms._pruned(Lags((224, 224), "periodic", (50, 50)), 0)
    assert not transforms._pruned(Lags((224, 224), "periodic"), 0)
    assert not transforms._pruned(Lags((224, 224), "open"), 0)
