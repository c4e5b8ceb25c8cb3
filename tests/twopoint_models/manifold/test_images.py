"""The images of the tasks."""

import numpy as np
import pytest

from twopoint.synthetic import marble
from twopoint_models.manifold import (
    angle_images,
    three_parameters,
)


def test_angle_images_are_marbles():
    found = angle_images(5, 2.0, size=24, seed=3, k=7.0, displacement=0.05)
    assert found.angle == pytest.approx(np.arange(5) * np.pi / 5)
    assert (set(found.k), set(found.noise)) == ({7.0}, {2.0})
    for image, angle, rng in zip(found.images, found.angle, np.random.default_rng(3).spawn(5), strict=True):
        wanted = marble((24, 24), k=7.0, angle=angle, noise=2.0, rng=rng, displacement=0.05)
        assert 2 * image - 1 == pytest.approx(wanted, abs=1e-6)
    assert found.images.dtype == np.float32
    assert found.images.min() >= 0
    assert found.images.max() <= 1
    assert np.array_equal(angle_images(5, 2.0, size=24, seed=3, k=7.0, displacement=0.05).images, found.images)
    assert not np.array_equal(angle_images(5, 2.0, size=24, seed=4, k=7.0, displacement=0.05).images, found.images)


def test_three_parameters_run_over_a_grid():
    found = three_parameters(3, size=16)
    triples = [(a * np.pi / 3, 5 + 10 * b / 3, 0.5 + 0.5 * c) for a in range(3) for b in range(3) for c in range(3)]
    assert np.stack([found.angle, found.k, found.noise], axis=1) == pytest.approx(np.array(triples))
    rng = np.random.default_rng(0).spawn(27)[17]
    assert 2 * found.images[17] - 1 == pytest.approx(
        marble((16, 16), k=triples[17][1], angle=triples[17][0], noise=triples[17][2], rng=rng), abs=1e-6
    )


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: angle_images(0, 1.0), ValueError, "count must be an integer above 0"),
        (lambda: angle_images(2, 1.0, size=-1), ValueError, "size must be an integer above 0"),
        (lambda: angle_images(2, 1.0, size=8, octaves=0), ValueError, "octaves must be at least 1"),
        (lambda: angle_images(2, 1.0, size=8, frequency=2), TypeError, "frequency"),
        (lambda: three_parameters(0), ValueError, "per_axis must be an integer above 0"),
    ],
)
def test_bad_images_of_tasks_are_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()
