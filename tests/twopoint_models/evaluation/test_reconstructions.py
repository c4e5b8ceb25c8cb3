"""Reconstructions in numbers: trivial ones by what they keep, cuts by trying all levels, CESS by direct sums."""

import numpy as np
import pytest

from support import oracles
from twopoint_models.cess_vae import line_sensitivity
from twopoint_models.cess_vae.sensitivity import two_lines
from twopoint_models.evaluation import reconstructions
from twopoint_models.evaluation.reconstructions import centre_crop, excess_cess, thresholded, thresholded_at_fraction
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


def test_thresholds():
    assert thresholded(np.array([[[[0.49, 0.5, 1.0]]]], np.float32)).tolist() == [[[[0, 1, 1]]]]
    found = thresholded(np.array([0.4, 0.2, 0.4]).reshape(1, 3, 1, 1))
    assert found.ravel().tolist() == [1, 0, 0]
    soft = RNG.random((2, 4, 3, 5), dtype=np.float32)
    labels = soft.argmax(axis=1)
    assert np.array_equal(thresholded(soft), np.stack([labels == h for h in range(4)], axis=1))
    assert thresholded(soft).dtype == np.float32


def test_a_cut_at_the_own_fraction_is_the_nearest_that_a_level_gives():
    soft = np.concatenate([RNG.random((3, 1, 6, 6)), RNG.integers(0, 4, (3, 1, 6, 6)) / 7, np.full((1, 1, 6, 6), 0.3)])
    for image, cut in zip(soft, thresholded_at_fraction(soft), strict=True):
        levels = [*np.unique(image), 2.0]
        best = min(abs((image >= level).mean() - image.mean()) for level in levels)
        assert abs(cut.mean() - image.mean()) == pytest.approx(best, abs=1e-12)
        assert any(np.array_equal(cut, image >= level) for level in levels)
    assert thresholded_at_fraction(soft[:3]).mean((1, 2, 3)) == pytest.approx(soft[:3].mean((1, 2, 3)), abs=1 / 72)
    assert np.array_equal(thresholded_at_fraction(IMAGES), IMAGES)
    faint = 0.4 * blurred(IMAGES, 1.0)
    assert thresholded(faint).sum() == 0 < thresholded_at_fraction(faint).sum()


@pytest.mark.parametrize("crop", [None, 3, (4, 2)])
@pytest.mark.parametrize("channels", [1, 3])
def test_excess_is_that_of_direct_sums(channels, crop, monkeypatch):
    monkeypatch.setattr(reconstructions, "_AT_ONCE", 2 * channels * 30)  # two images at a time, and one is left
    images = thresholded(RNG.random((5, channels, 6, 5), dtype=np.float32))
    soft = RNG.random((5, channels, 6, 5), dtype=np.float32)
    soft = soft if channels == 1 else soft / soft.sum(axis=1, keepdims=True)
    soft[0] = images[0]
    wanted = [oracles.loss("cess", p, t, excess=True, crop=crop, implied_phase=channels == 1) for p, t in zip(soft, images, strict=True)]
    found = excess_cess(soft, images, crop)
    assert found.dtype == np.float64
    assert found == pytest.approx(wanted, rel=1e-9, abs=1e-12)
    assert found[0] == pytest.approx(0, abs=1e-14)
    assert found[1:].min() > 1e-3


def test_no_image_has_no_excess():
    assert excess_cess(IMAGES[:0], IMAGES[:0]).shape == (0,)


def test_the_centre_crop_is_50_of_224():
    assert [centre_crop(size) for size in (1, 32, 64, 128, 224, 448)] == [1, 7, 14, 29, 50, 100]


@pytest.mark.parametrize(("sigma", "crop"), [(0.0, None), (1.5, None), (1.5, 5)])
def test_line_sensitivity_is_that_of_whole_images(sigma, crop):
    image = two_lines(16, 5)
    assert image.sum(axis=1).tolist() == [16.0 if i in (0, 5) else 0.0 for i in range(16)]
    distances, excess = line_sensitivity(16, 5, sigma=sigma, crop=crop)
    assert distances.tolist() == list(range(1, 16))
    made = np.stack([two_lines(16, int(d)) for d in distances])[:, None]
    made = blurred(made, sigma) if sigma else made
    assert excess == pytest.approx(excess_cess(made, np.broadcast_to(image, made.shape), crop), rel=1e-9, abs=1e-12)


def test_101_px_are_as_far_from_100_as_200_are():
    """As Fig. 8 says; the one exception is 112 px, where the two lags of the lines meet, and 124 px are 100 around the torus."""
    distances, excess = line_sensitivity()
    others = ~np.isin(distances, (100, 112, 124))
    floor, v, a = 1e-6, 2 / 224, 1 / 224
    tangent = np.log(floor) - 1
    # at lags of the target's peaks f_11 a -> 0, and f_01 = f_10 = v - f_11; at those of the other image the reverse; f_00 = 1 - 2 v + f_11
    lost = a * (np.log(a) - tangent) + 2 * (v - a) * np.log((v - a) / v) + (1 - 2 * v + a) * np.log((1 - 2 * v + a) / (1 - 2 * v))
    gained = 2 * v * np.log(v / (v - a)) + (1 - 2 * v) * np.log((1 - 2 * v) / (1 - 2 * v + a))
    assert excess[others] == pytest.approx(2 * (lost + gained) / 224, rel=1e-9)
    assert excess[[99, 123]] == pytest.approx([0, 0], abs=1e-15)
    assert excess[111] > 2 * excess[100]
    _, soft = line_sensitivity(sigma=4.0)
    assert soft[100] < 0.6 * soft[199], "blurred lines a pixel off are nearer"


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
        (lambda: thresholded(IMAGES * np.inf), "reconstructions must be finite"),
        (lambda: thresholded(IMAGES[:, :0]), "reconstructions must have the shape"),
        (lambda: thresholded_at_fraction(np.concatenate([IMAGES, IMAGES], axis=1)), "reconstructions must have one channel"),
        (lambda: thresholded_at_fraction(IMAGES[0, 0]), "reconstructions must have the shape"),
        (lambda: excess_cess(IMAGES, IMAGES[:2]), "must have one shape"),
        (lambda: excess_cess(IMAGES, IMAGES * np.nan), "images must be finite"),
        (lambda: centre_crop(0), "size must be an integer above 0"),
        (lambda: two_lines(8, 8), "spacing must be below size=8"),
        (lambda: two_lines(8, 0), "spacing must be an integer above 0"),
        (lambda: line_sensitivity(0), "size must be an integer above 0"),
        (lambda: line_sensitivity(sigma=-1.0), "sigma must be 0 or more"),
    ],
)
@pytest.mark.filterwarnings("ignore:invalid value encountered in multiply")
def test_refusals(call, message):
    with pytest.raises(ValueError, match=message):
        call()
