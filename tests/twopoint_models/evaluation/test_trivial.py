"""Trivial reconstructions."""

import numpy as np
import pytest

from twopoint_models.evaluation.trivial import TRIVIAL, block_means, blurred, constant_gray

RNG = np.random.default_rng(0)


IMAGES = (RNG.random((3, 1, 32, 48)) < 0.3).astype(np.float32)


@pytest.mark.parametrize("name", TRIVIAL)
def test_trivial_rows_keep_volume_fractions_shape_and_dtype(name):
    before = IMAGES.copy()
    made = TRIVIAL[name](IMAGES)
    assert (made.shape, made.dtype) == (IMAGES.shape, np.float32)
    assert made.mean((2, 3)) == pytest.approx(IMAGES.mean((2, 3)), rel=1e-5)
    assert len(np.unique(IMAGES.mean((2, 3)))) == 3, "or one image's fraction would do for all"
    assert np.array_equal(IMAGES, before)
    made += 1  # one's own array, not a view of another
    phases = np.concatenate([1 - IMAGES, IMAGES], axis=1)
    both = TRIVIAL[name](phases)
    assert both.sum(axis=1) == pytest.approx(1, abs=1e-5)
    assert np.allclose(both[:, 1:], made - 1, atol=1e-6)


def test_gray_is_constant_and_blocks_hold_their_means():
    assert np.ptp(constant_gray(IMAGES), axis=(2, 3)).max() == 0
    made = block_means(IMAGES, 16)
    for n, i, j in np.ndindex(3, 2, 3):
        block = np.s_[n, 0, 16 * i : 16 * i + 16, 16 * j : 16 * j + 16]
        assert np.ptp(made[block]) == 0
        assert made[block][0, 0] == pytest.approx(IMAGES[block].mean(), rel=1e-6)


def test_blur_is_a_gaussian_around_the_torus():
    point = np.zeros((1, 1, 64, 64))
    point[0, 0, 0, 0] = 1
    lags = np.minimum(np.arange(64), 64 - np.arange(64))
    kernel = np.exp(-(lags**2) / (2 * 4.0**2))
    assert np.allclose(blurred(point)[0, 0], np.outer(kernel, kernel) / kernel.sum() ** 2, atol=5e-6)  # it is cut at four sigma
    moved = np.roll(IMAGES, (5, -9), axis=(2, 3))
    assert np.allclose(blurred(moved, 2.0), np.roll(blurred(IMAGES, 2.0), (5, -9), axis=(2, 3)), atol=1e-6)
    assert blurred(IMAGES, 1.0).std() > blurred(IMAGES, 2.0).std()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: constant_gray(IMAGES[0]), r"images must have the shape \(n, channels, H, W\)"),
        (lambda: block_means(IMAGES, 10), "divisible by block=10"),
        (lambda: block_means(IMAGES, 0), "block must be an integer above 0"),
        (lambda: blurred(IMAGES, 0.0), "sigma must be above 0"),
        (lambda: blurred(IMAGES, np.nan), "sigma must be above 0"),
        (lambda: blurred(IMAGES * np.nan), "images must be finite floats, got NaN"),
        (lambda: constant_gray(IMAGES.astype(int)), "images must be finite floats, got int64"),
    ],
)
@pytest.mark.filterwarnings("ignore:invalid value encountered in multiply")
def test_refusals(call, message):
    with pytest.raises(ValueError, match=message):
        call()
