"""The stiffness of images of lines."""

import numpy as np
import pytest

import twopoint as tp
from twopoint_models.homogenisation import elastic_stiffness
from twopoint_models.statistics_vae import LineImages, modulus_differences
from twopoint_models.statistics_vae.line_moduli import moduli


@pytest.fixture(scope="module")
def lines():
    found = [LineImages(80, size=48, n_lines=(1, 3))[i] for i in range(80)]
    return np.stack([each["image"] for each in found]), *(np.array([each[name] for each in found]) for name in ("orientation", "n_lines"))


def test_moduli_are_those_of_the_thresholded_image(lines):
    images, orientation, _ = lines
    found = moduli(images[:6], tolerance=1e-6)
    for i in range(6):
        c = np.linalg.inv(elastic_stiffness(tp.two_phase((images[i, 0] < 0.5).astype(float)), (1.0, 10.0), (0.3, 0.3), tolerance=1e-6))
        assert found[i] == pytest.approx(1 / c[0, 0], rel=1e-5)
    assert moduli(images[orientation == 1]).mean() > moduli(images[orientation == 0]).mean(), "vertical lines lie along the first axis"


def test_differences_of_moduli(lines):
    images = lines[0][:12]
    shifted = modulus_differences(images, np.roll(images, (5, 7), (2, 3)))
    assert max(shifted.alike, shifted.all) < 1e-3 < shifted.any_two, "a shift changes neither statistics nor stiffness"
    assert shifted.statistics_mse < 1e-20
    assert shifted.data_mse > 0.01
    others = np.concatenate([images[:3], images[3:].swapaxes(2, 3)])
    turned = modulus_differences(images, others)
    assert turned.alike == turned.data_mse == 0, "the quarter that is equal"
    given, found = moduli(images), moduli(others)
    assert turned.all == pytest.approx(np.sqrt(np.mean(((found - given) / given) ** 2)))
    with pytest.raises(ValueError, match="n >= 4"):
        modulus_differences(images[:3], images[:3])
