"""Effective properties of a micrograph."""

import numpy as np
import pytest

import twopoint as tp
from twopoint_models.homogenisation import conductivity, elastic_stiffness, engineering_constants
from twopoint_models.texture_vae import micrograph_properties


def test_a_micrograph_is_homogenised():
    gray = np.random.default_rng(0).choice(np.array([90, 127, 128, 200], np.uint8), (13, 10))
    m = tp.two_phase((gray < 128)[:12].reshape(6, 2, 5, 2).mean(axis=(1, 3)))
    constants = engineering_constants(elastic_stiffness(m, [210, 15], [0.29, 0.2], tolerance=1e-10))
    found = micrograph_properties(gray, tolerance=1e-10)
    assert found["E"] == pytest.approx((constants.E_x + constants.E_y) / 2)
    assert found["k"] == pytest.approx(np.trace(conductivity(m, [35, 130], tolerance=1e-10)) / 2)


@pytest.mark.parametrize(
    ("gray", "message"),
    [
        (np.zeros((2, 8, 8)), r"gray must be \(H, W\)"),
        (np.full((8, 8), np.nan), r"gray must be \(H, W\), finite"),
        (np.eye(1), "2 pixels along each axis"),
        (np.full((8, 8), 200), "gray must have pixels on both sides of the level 128, got 200 to 200"),
    ],
)
def test_a_micrograph_that_is_none(gray, message):
    with pytest.raises(ValueError, match=message):
        micrograph_properties(gray)
