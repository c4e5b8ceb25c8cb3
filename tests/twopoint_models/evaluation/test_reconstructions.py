"""Reconstructions in numbers: trivial ones by what they keep, cuts by trying all levels, CESS by direct sums."""

import numpy as np
import pytest

from support import oracles
from twopoint_models.evaluation import reconstructions
from twopoint_models.evaluation.reconstructions import centre_crop, excess_cess, periodic_overlap, thresholded, thresholded_at_fraction
from twopoint_models.evaluation.trivial import blurred

RNG = np.random.default_rng(0)


IMAGES = (RNG.random((3, 1, 32, 48)) < 0.3).astype(np.float32)


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


@pytest.mark.parametrize(
    "options", [{}, {"crop": 3}, {"crop": (4, 2)}, {"cumulative": True}, {"crop": (4, 2), "cumulative": True}], ids=str
)
@pytest.mark.parametrize("channels", [1, 3])
def test_excess_is_that_of_direct_sums(channels, options, monkeypatch):
    monkeypatch.setattr(reconstructions, "_AT_ONCE", 2 * channels * 30)  # two images at a time, and one is left
    images = thresholded(RNG.random((5, channels, 6, 5), dtype=np.float32))
    soft = RNG.random((5, channels, 6, 5), dtype=np.float32)
    soft = soft if channels == 1 else soft / soft.sum(axis=1, keepdims=True)
    soft[0] = images[0]
    how = options | {"excess": True, "implied_phase": channels == 1}
    wanted = [oracles.loss("cess", p, t, **how) for p, t in zip(soft, images, strict=True)]
    found = excess_cess(soft, images, **options)
    assert found.dtype == np.float64
    assert found == pytest.approx(wanted, rel=1e-9, abs=1e-12)
    assert found[0] == pytest.approx(0, abs=1e-14)
    assert found[1:].min() > 1e-3


def test_no_image_has_no_excess():
    assert excess_cess(IMAGES[:0], IMAGES[:0]).shape == (0,)


def test_the_centre_crop_is_50_of_224():
    assert [centre_crop(size) for size in (1, 32, 64, 128, 224, 448)] == [1, 7, 14, 29, 50, 100]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: thresholded(IMAGES * np.inf), "reconstructions must be finite"),
        (lambda: thresholded(IMAGES[:, :0]), "reconstructions must have the shape"),
        (lambda: thresholded_at_fraction(np.concatenate([IMAGES, IMAGES], axis=1)), "reconstructions must have one channel"),
        (lambda: thresholded_at_fraction(IMAGES[0, 0]), "reconstructions must have the shape"),
        (lambda: excess_cess(IMAGES, IMAGES[:2]), "must have one shape"),
        (lambda: excess_cess(IMAGES, IMAGES * np.nan), "images must be finite"),
        (lambda: centre_crop(0), "size must be an integer above 0"),
    ],
)
@pytest.mark.filterwarnings("ignore:invalid value encountered in multiply")
def test_refusals(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_an_overlap_is_up_to_shift_and_inversion():
    labels = np.zeros((24, 24), dtype=int)
    labels[4, :9] = labels[10:15, 3] = labels[17, 12:14] = 1
    assert periodic_overlap(labels, np.roll(labels[::-1, ::-1], (3, 5), (0, 1))) == pytest.approx(1)
    assert periodic_overlap(labels, labels[::-1]) < 0.9
    empty = np.zeros_like(labels)
    assert periodic_overlap(labels, empty) == pytest.approx(0, abs=1e-12)
    for wrong in (labels[1:], empty):
        with pytest.raises(ValueError, match="a and b must have one shape and not both be empty"):
            periodic_overlap(empty, wrong)
