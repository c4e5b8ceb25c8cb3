"""Lengths along directions: equal where a structure has no direction, and in the ratio by which it is drawn out."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter, rotate

from twopoint.cli.directions import directional_lengths
from twopoint.cli.measures import crop_sizes, measure
from twopoint.cli.reading.spacing import Spacing


def measured(labels, boundary="periodic", steps=None, crop=None):
    spacing = Spacing().along(labels.ndim) if steps is None else Spacing(steps, "µm")
    return measure(labels, 2, boundary=boundary, spacing=spacing, crop=crop_sizes(crop, labels.shape, boundary))


def field(sigma, shape=(512, 512), seed=0):
    return (gaussian_filter(np.random.default_rng(seed).standard_normal(shape), sigma, mode="wrap") > 0).astype(np.uint8)


def exact(sigma):
    """The length at which the autocovariance of a median cut of noise smoothed by a Gaussian is 1/e: (2/pi) arcsin(exp(-r^2/4 sigma^2))."""
    return 2 * sigma * np.sqrt(-np.log(np.sin(np.pi / (2 * np.e))))


def test_no_direction_and_the_closed_form():
    found = directional_lengths(measured(field(4.0)))
    assert found.angles == tuple(range(0, 180, 15))
    np.testing.assert_allclose(found.lengths[0], exact(4.0), rtol=0.06)  # the spread of one image of 512 px
    np.testing.assert_allclose(found.lengths[0], found.lengths[1], rtol=1e-9)
    assert found.anisotropy[0] < 1.12


def test_drawn_out_along_an_axis_and_along_a_diagonal():
    found = directional_lengths(measured(field((3.0, 9.0))))
    lengths = dict(zip(found.angles, found.lengths[1], strict=True))
    assert lengths[0] == pytest.approx(exact(9.0), rel=0.1)
    assert lengths[90] == pytest.approx(exact(3.0), rel=0.1)
    assert found.anisotropy[1] == pytest.approx(3.0, rel=0.1)
    smooth = gaussian_filter(np.random.default_rng(1).standard_normal((700, 700)), (3.0, 9.0))
    turned = rotate(smooth, 45, reshape=False, order=1)[150:550, 150:550]  # counterclockwise, as a picture shows it
    found = directional_lengths(measured((turned > 0).astype(np.uint8), "open"))
    lengths = dict(zip(found.angles, found.lengths[1], strict=True))
    assert max(lengths, key=lengths.get) == 45
    assert min(lengths, key=lengths.get) == 135


def test_the_unit_and_steps_that_differ():
    labels = field(4.0)
    first = directional_lengths(measured(labels)).lengths[1]
    scaled = directional_lengths(measured(labels, steps=(0.5, 0.5))).lengths[1]
    np.testing.assert_allclose(scaled, np.array(first) / 2, rtol=1e-9)
    thinned = directional_lengths(measured(labels[::2], steps=(2.0, 1.0))).lengths[1]
    np.testing.assert_allclose(thinned, first, rtol=0.06)


def test_a_volume_has_its_axes():
    found = directional_lengths(measured(field((2.0, 2.0, 4.0), (64, 64, 64))))
    assert found.angles is None
    assert found.vectors.tolist() == np.eye(3).tolist()
    lengths = found.lengths[1]
    np.testing.assert_allclose(lengths, [exact(2.0), exact(2.0), exact(4.0)], rtol=0.15)
    assert "angles" not in found.summary()


def test_a_length_beyond_half_the_image_is_unknown():
    labels = np.zeros((40, 40), np.uint8)
    labels[:, 20:] = 1
    found = directional_lengths(measured(labels, "open"))
    assert found.lengths[1][6] is None  # up and down: the same everywhere
    assert found.anisotropy[1] is None
    assert directional_lengths(measured(field(4.0, (64, 64)), crop=3)).lengths[0][0] is None
