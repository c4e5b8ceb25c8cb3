"""The layout of lags: cut and embed transpose, to_user and from_user invert each other."""

import itertools

import numpy as np
import pytest
import scipy.fft

from support import oracles
from twopoint.arrays.fft import fast_length
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


@pytest.mark.numpy_only
def test_fast_length_is_scipys():
    assert [fast_length(n) for n in range(1, 3000)] == [scipy.fft.next_fast_len(n, real=True) for n in range(1, 3000)]
