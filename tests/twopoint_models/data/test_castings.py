"""Generated castings and their micrographs."""

import numpy as np
import pytest

from support.textures import LIGHTNING
from twopoint_models.data import casting, micrograph

pytestmark = LIGHTNING


@pytest.mark.parametrize("magnesium", [0.0, 0.025, 0.045])
def test_slow_cooling_is_coarse_and_sparse(magnesium):
    fine, coarse = (casting(radius, magnesium, 256, rng=np.random.default_rng(0)) for radius in (12, 48))
    size = "thickness" if magnesium < 0.045 else "mean_radius"
    assert coarse.parameters[size] > 2 * fine.parameters[size]
    assert coarse.image.mean() < fine.image.mean()
    assert coarse.parameters["radius"] == 48
    middle = casting(24, magnesium, 256, rng=np.random.default_rng(0)).parameters  # halfway, in the logarithm
    assert middle[size] == pytest.approx(np.sqrt(fine.parameters[size] * coarse.parameters[size]))


def test_a_casting_of_another_kind():
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="radius must be from 12 to 48 mm, got 50"):
        casting(50, 0.0, 256, rng=rng)
    with pytest.raises(ValueError, match=r"magnesium must be 0, 0.025, 0.045 percent, got 0.03"):
        casting(12, 0.03, 256, rng=rng)


def test_micrographs_are_dark_in_graphite():
    image = np.zeros((32, 32), np.uint8)
    image[8:24, 8:24] = 1
    gray = micrograph(image)
    assert gray[16, 16] == pytest.approx(0.15, abs=1e-3)
    assert gray[0, 0] == pytest.approx(0.8, abs=1e-3)
    assert gray.mean() == pytest.approx(0.8 - 0.65 * image.mean(), abs=1e-5)  # a blur keeps the mean
    np.testing.assert_allclose(micrograph(image, blur=0), np.where(image, 0.15, 0.8), atol=1e-6)
    with pytest.raises(ValueError, match=r"image must have the shape \(H, W\)"):
        micrograph(image[None])
