"""The excess CESS of two lines at another distance."""

import numpy as np
import pytest

from twopoint_models.cess_vae import line_sensitivity
from twopoint_models.cess_vae.evaluation.sensitivity import two_lines
from twopoint_models.evaluation.reconstructions import excess_cess
from twopoint_models.evaluation.trivial import blurred


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
    """As Fig. 8 says; the one exception is 112 px, where the two lags of the lines meet, and 124 px are 100 on the periodic image."""
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
