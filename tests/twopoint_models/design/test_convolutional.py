"""The convolutional network from images to properties: what it learns, what it does not depend on, refusals."""

import numpy as np
import pytest
import torch

from twopoint_models.design.convolutional import PropertyNetwork, fit_property_network

RNG = np.random.default_rng(0)
FRACTIONS = RNG.uniform(0.1, 0.9, 120)
IMAGES = (RNG.random((120, 1, 32, 32)) < FRACTIONS[:, None, None, None]).astype(np.float32)
VALUES = np.stack([50 * IMAGES.mean((1, 2, 3)) - 7, 1e-3 * IMAGES.mean((1, 2, 3)) ** 2], axis=1)


def test_it_learns_properties_in_their_units_and_depends_on_no_shift():
    predict = fit_property_network(IMAGES[:100], VALUES[:100], ["a", "b"], epochs=40)
    found = predict(IMAGES[100:])
    error = np.sqrt(np.mean((found - VALUES[100:]) ** 2, axis=0)) / VALUES[100:].std(axis=0)
    assert (error < 0.2).all()
    moved = predict(np.roll(IMAGES[100:], (16, -16), axis=(2, 3)))  # by the edge of its coarsest pixels
    np.testing.assert_allclose(moved, found, rtol=1e-4)


def test_a_seed_gives_one_network_and_another_another():
    a, b, c = (fit_property_network(IMAGES[:40], VALUES[:40], ["a", "b"], epochs=1, seed=seed)(IMAGES[40:44]) for seed in (0, 0, 1))
    np.testing.assert_array_equal(a, b)
    assert (a != c).any()


def test_a_constant_image_and_a_single_pixel_have_finite_slopes():
    images = torch.zeros(2, 1, 16, 16, requires_grad=True)
    PropertyNetwork(1)(images).sum().backward()
    assert torch.isfinite(images.grad).all()


@pytest.mark.parametrize(
    ("images", "values", "options", "message"),
    [
        (IMAGES[:, :, :20], VALUES, {}, r"images must be \(n, 1, height, width\), height and width divisible by 16"),
        (IMAGES, VALUES[:, :1], {}, r"values must be \(120, 2\)"),
        (IMAGES, VALUES * 0, {}, "each property vary"),
        (IMAGES, VALUES, {"validation": 1.0}, "validation must be a share between 0 and 1"),
        (IMAGES, VALUES, {"epochs": 0}, "epochs"),
    ],
)
def test_bad_input_is_refused(images, values, options, message):
    with pytest.raises(ValueError, match=message):
        fit_property_network(images, values, ["a", "b"], **options)
