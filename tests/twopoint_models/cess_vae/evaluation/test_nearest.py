"""The nearest training image in statistics."""

import numpy as np
import pytest

import twopoint as tp
from twopoint_models.cess_vae.evaluation.nearest import nearest_training_image


def items(images):
    return [{"image": x} for x in images]


def labels(rng, *shape, fraction=0.4):
    return (rng.random(shape) < fraction).astype(np.float32)


def test_a_shifted_and_inverted_copy_is_found(rng):
    known = labels(rng, 600, 1, 16, 16)
    told = []
    reconstruct = nearest_training_image(items(known), progress=told.append)
    assert told == [256, 512, 600]
    asked = np.roll(known[[3, 300, 599]], (5, 2), (2, 3))[:, :, ::-1, ::-1]
    found = reconstruct(asked)
    np.testing.assert_array_equal(found, known[[3, 300, 599]])
    assert found.dtype == asked.dtype


@pytest.mark.parametrize("crop", [None, 5, (3, 7)])
def test_it_is_the_nearest_of_all(rng, crop):
    known, images = labels(rng, 30, 1, 16, 12), labels(rng, 4, 1, 16, 12)
    found = nearest_training_image(items(known), crop=crop)(images)
    for image, got in zip(images, found, strict=True):
        errors = [np.mean((tp.autocorrelation(x[0], crop=crop) - tp.autocorrelation(image[0], crop=crop)) ** 2) for x in known]
        np.testing.assert_array_equal(got, known[int(np.argmin(errors))])


def test_all_phases_count(rng):
    known = np.moveaxis(np.eye(3, dtype=np.float32)[rng.integers(3, size=(20, 12, 12))], -1, 1)
    np.testing.assert_array_equal(nearest_training_image(items(known))(known[[7]]), known[[7]])


def test_wrong_input_is_refused(rng):
    with pytest.raises(ValueError, match="known must hold one image"):
        nearest_training_image([])
    with pytest.raises(ValueError, match="images must have the shape"):
        nearest_training_image(items(labels(rng, 2, 1, 8, 8)))(np.zeros((8, 8)))
