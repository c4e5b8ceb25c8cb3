"""Measures of reconstructions of lines: each by hand, and images nearest in statistics by a loop."""

import numpy as np
import pytest

import twopoint as tp
from twopoint_models.statistics_vae import LineImages, components_mse, measure_lines, nearest_in_statistics
from twopoint_models.statistics_vae.lines import count_lines


@pytest.fixture(scope="module")
def lines():
    found = [LineImages(80, size=48, n_lines=(1, 3))[i] for i in range(80)]
    return np.stack([each["image"] for each in found]), *(np.array([each[name] for each in found]) for name in ("orientation", "n_lines"))


def soft(image):
    return np.exp(-(image.astype(np.float64) ** 2) / (2 * 0.25**2))


def test_what_comes_back_whole_is_right_and_what_is_shifted_has_its_statistics(lines):
    images, orientation, n_lines = lines
    found = measure_lines(images, images, orientation, n_lines)
    assert found.orientation_right.all()
    assert found.number_right.mean() > 0.98
    assert found.means["volume_fraction_difference"] == found.means["statistics_mse"] == found.means["data_mse"] == 0
    shifted = measure_lines(images, np.roll(images, (5, 7), (2, 3)), orientation, n_lines)
    assert max(shifted.statistics_mse.max(), shifted.cumulative_mse.max()) < 1e-20
    assert shifted.data_mse.min() > 0.01


def test_each_measure_by_hand(lines):
    images, orientation, n_lines = lines
    other = np.clip(0.8 * images[:, :, ::-1] + 0.1, 0, 1).swapaxes(2, 3)
    found = measure_lines(images, other, orientation, n_lines)
    assert not found.orientation_right.any(), "turned by a right angle"
    assert not found.number_right.any()
    assert found.volume_fraction_difference == pytest.approx(np.zeros(80))
    for i in (0, 79):
        a, b = (tp.autocorrelation(soft(x[i, 0])) for x in (images, other))
        assert found.statistics_mse[i] == pytest.approx(((a - b) ** 2).mean())
        boxes = [tp.correlations(soft(x[i]), cumulative=True) for x in (images, other)]
        assert found.cumulative_mse[i] == pytest.approx(((boxes[0] - boxes[1]) ** 2).mean())
        assert found.data_mse[i] == pytest.approx(((images[i] - other[i]) ** 2).mean())
    half = images.copy()
    half[:, :, :, 24:] = 1
    black = [(x < 0.5).mean(axis=(1, 2, 3)) for x in (images, half)]
    assert measure_lines(images, half, orientation, n_lines).volume_fraction_difference == pytest.approx((black[0] - black[1]) / black[0])


def test_the_nearest_in_statistics_is_that_of_a_loop(lines):
    images = lines[0]
    at, apart = nearest_in_statistics(images[:3], images[3:])
    for i in range(3):
        errors = [((tp.autocorrelation(soft(images[i, 0])) - tp.autocorrelation(soft(x[0]))) ** 2).mean() for x in images[3:]]
        assert at[i] == int(np.argmin(errors))
        assert apart[i] == pytest.approx(min(errors))
    at, apart = nearest_in_statistics(np.roll(images[70:72], 9, 3), images)
    assert at.tolist() == [70, 71]
    assert apart.max() < 1e-20


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda x, o, n: (x, x[:5], o, n), "images and reconstructions must have one shape"),
        (lambda x, o, n: (x, x, o[:5], n), r"orientation and n_lines must be \(n,\) = \(80,\), got \(5,\)"),
        (lambda x, o, n: (x, x, 0 * o, n), r"orientation must contain 0 and 1, or any prediction is right; all 80 are \[0\]"),
        (lambda x, o, n: (1 - x, x, o, n), "images must be black lines on white, got images that are mostly black"),
        (lambda x, o, n: (np.ones_like(x), x, o, n), "images must have black pixels, image 0 has none"),
    ],
)
def test_refusals(change, message, lines):
    with pytest.raises(ValueError, match=message):
        measure_lines(*change(*lines))


def test_nothing_to_choose_from(lines):
    with pytest.raises(ValueError, match="at least one image"):
        nearest_in_statistics(lines[0], lines[0][:0])


def test_components_are_those_of_a_dense_decomposition(lines):
    images = lines[0]
    f = np.stack([tp.autocorrelation(soft(x[0])).ravel() for x in images])
    known, given = f[20:] - f[20:].mean(0), f[:20] - f[20:].mean(0)
    axes = np.linalg.svd(known, full_matrices=False)[2][:5]
    assert components_mse(images[:20], images[20:], 5) == pytest.approx(((given - given @ axes.T @ axes) ** 2).mean(1), rel=1e-3)
    assert components_mse(images[20:], images[20:], 59).max() < 1e-12, "all of them span all"
    with pytest.raises(ValueError, match="count must be from 1 to one less than the 60"):
        components_mse(images[:20], images[20:], 60)


def test_lines_of_translated_images_are_counted_where_the_edges_cut_the_fewest():
    found = LineImages(200, size=64, seed=1).stacked()
    rng = np.random.default_rng(0)
    moved = np.stack([np.roll(image, rng.integers(64, size=2), axis=(1, 2)) for image in found["image"]])
    plain, periodic = (count_lines(moved, threshold=0.5, periodic=each) for each in (False, True))
    right = [np.mean((each.orientation == found["orientation"]) & (each.n_lines == found["n_lines"])) for each in (plain, periodic)]
    assert right[0] < 0.7 < 0.97 < right[1]
    np.testing.assert_array_equal(periodic.black, plain.black)
    measures = measure_lines(found["image"], moved, found["orientation"], found["n_lines"], periodic=True)
    assert measures.number_right.mean() == right[1]
