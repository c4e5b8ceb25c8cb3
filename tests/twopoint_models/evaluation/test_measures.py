"""Measures of microstructures."""

import math

import numpy as np
import pytest

from twopoint_models.evaluation.measures import distance_in_halves, first_zero, specific_interface_length


def test_interface_length_counts_changes():
    image = np.random.default_rng(0).random((5, 7)) < 0.4
    changes = sum(image[i, j] != image[(i + 1) % 5, j] for i in range(5) for j in range(7))
    changes += sum(image[i, j] != image[i, (j + 1) % 7] for i in range(5) for j in range(7))
    assert specific_interface_length(image) == pytest.approx(np.pi / 4 * changes / 35, rel=1e-12)
    assert specific_interface_length(np.stack([image, ~image]), spacing=0.5) == pytest.approx([2 * np.pi / 4 * changes / 35] * 2, rel=1e-12)


def test_interface_of_a_disc_is_its_circumference():
    row, column = np.mgrid[:200, :200] - 100.2
    assert specific_interface_length(row**2 + column**2 < 60.3**2) * 200**2 == pytest.approx(2 * np.pi * 60.3, rel=0.01)


def test_first_zero_by_loops():
    image = (np.random.default_rng(1).random((16, 12)) < 0.5).astype(float)
    image = (image + np.roll(image, 1, 0) + np.roll(image, 1, 1) > 1.5).astype(float)
    sums, counts = np.zeros(7), np.zeros(7)
    for a in range(-8, 8):
        for b in range(-6, 6):
            shell = math.floor(math.hypot(a, b) + 0.5)
            if shell <= 6:
                sums[shell] += (image * np.roll(image, (-a, -b), (0, 1))).mean() - image.mean() ** 2
                counts[shell] += 1
    covariance = sums / counts
    k = int(np.flatnonzero(covariance <= 0)[0])
    assert k > 1
    wanted = k - 1 + covariance[k - 1] / (covariance[k - 1] - covariance[k])
    assert first_zero(image) == pytest.approx(wanted, rel=1e-9)
    assert first_zero(np.stack([image, 1 - image])) == pytest.approx([wanted] * 2, rel=1e-9)


def test_first_zero_of_one_phase_and_of_one_that_has_none():
    assert first_zero(np.ones((2, 8, 8))).tolist() == [0, 0]
    assert first_zero(np.zeros((8, 8))) == 0
    half = np.zeros((8, 128))
    half[:, :64] = 1  # stripes far wider than half the height
    assert first_zero(half) == 4


def test_distance_in_halves():
    rng = np.random.default_rng(0)
    reference = rng.normal(size=60)
    same, moved = distance_in_halves(reference, rng.normal(size=4000)), distance_in_halves(reference, rng.normal(size=4000) + 1)
    assert 0.3 < same < 1.3
    assert moved > 3
    assert distance_in_halves(reference, reference) == 0
    assert distance_in_halves(reference * 10, 10 * (reference + 1)) == pytest.approx(distance_in_halves(reference, reference + 1), rel=1e-9)
    assert distance_in_halves(np.ones(4), np.ones(2)) == 0
    assert distance_in_halves(np.ones(4), np.zeros(2)) == math.inf
    assert distance_in_halves(reference, reference + 1, seed=1) != distance_in_halves(reference, reference + 1, seed=2)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: specific_interface_length(np.zeros(4)), r"shape \(\.\.\., H, W\)"),
        (lambda: specific_interface_length(np.zeros((4, 4)), spacing=0.0), "spacing must be above 0"),
        (lambda: specific_interface_length(np.full((4, 4), math.nan)), "two values"),
        (lambda: specific_interface_length(np.arange(16).reshape(4, 4)), "two values"),
        (lambda: distance_in_halves(np.zeros((4, 2)), np.zeros(3)), r"shapes \(n,\)"),
        (lambda: distance_in_halves(np.zeros(4), np.zeros(3), splits=0), "splits"),
        (lambda: first_zero(np.zeros(4)), r"shape \(\.\.\., H, W\)"),
        (lambda: first_zero(np.full((4, 4), math.nan)), "images must be finite"),
        (lambda: distance_in_halves(np.zeros(3), np.zeros(3)), "at least 4 numbers"),
        (lambda: distance_in_halves(np.zeros(4), np.zeros(0)), "other at least one"),
        (lambda: distance_in_halves(np.array([0, 1, 2, math.nan]), np.zeros(2)), "finite"),
    ],
)
def test_refusals(call, message):
    with pytest.raises(ValueError, match=message):
        call()
