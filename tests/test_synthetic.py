"""Synthetic microstructures against their definition."""

import itertools
import math

import numpy as np
import pytest

from twopoint.synthetic import circles


def by_loops(space, centres, radius, periodic):
    labels = np.zeros(space, dtype=np.uint8)
    for x in itertools.product(*map(range, space)):
        for centre in centres:
            apart = [abs(a - c) for a, c in zip(x, centre, strict=True)]
            if periodic:
                apart = [min(d, n - d) for d, n in zip(apart, space, strict=True)]
            if sum(d * d for d in apart) <= radius**2:
                labels[x] = 1
    return labels


@pytest.mark.parametrize("space", [(17,), (12, 9), (6, 7, 5)])
@pytest.mark.parametrize("periodic", [True, False])
def test_circles_are_the_points_near_a_centre(space, periodic):
    labels = circles(space, n_circles=3, radius=2.3, periodic=periodic, rng=np.random.default_rng(4))
    centres = np.random.default_rng(4).uniform(0.0, space, (3, len(space)))
    assert labels.dtype == np.uint8
    np.testing.assert_array_equal(labels, by_loops(space, centres, 2.3, periodic))


def test_one_periodic_disc_has_its_area():
    area = circles(n_circles=1, radius=20.0, rng=np.random.default_rng(0)).sum()
    assert abs(area - math.pi * 400) < 2 * math.pi * 20 * 0.1  # a tenth of a pixel along the rim


def test_circles_follow_the_generator_alone():
    first, again, other = (circles(rng=np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert first.shape == (224, 224)
    assert (first == again).all()
    assert (first != other).any()


def test_no_circles_leave_label_0():
    assert not circles((5, 5), n_circles=0, rng=np.random.default_rng(0)).any()


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(
    ("wrong", "error", "message"),
    [
        ({"rng": 3}, TypeError, "rng must be a numpy.random.Generator"),
        ({"shape": ()}, ValueError, "shape must have 1, 2 or 3 sizes"),
        ({"shape": (4,) * 4}, ValueError, "shape must have 1, 2 or 3 sizes"),
        ({"shape": (4, 0)}, ValueError, "shape must be at least 1"),
        ({"shape": (4.0, 4)}, TypeError, "shape must be an integer"),
        ({"n_circles": -1}, ValueError, "n_circles must be at least 0"),
        ({"n_circles": True}, TypeError, "n_circles must be an integer"),
        ({"radius": 0.0}, ValueError, "radius must be a finite number above 0"),
        ({"radius": math.nan}, ValueError, "radius must be a finite number above 0"),
    ],
)
def test_bad_input_is_refused_by_name(wrong, error, message):
    with pytest.raises(error, match=message):
        circles(**({"shape": (8, 8), "rng": np.random.default_rng(0)} | wrong))
