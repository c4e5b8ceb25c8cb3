"""Interfaces that move until properties meet their targets."""

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from twopoint_models.design import properties_of
from twopoint_models.design.interface import move_interface

NAMES = ["E_x", "E_y", "k_x"]
SCALES = np.array([10.0, 10.0, 10.0])[:, None]


def values_of(labels):
    return np.stack([np.asarray(x) for x in properties_of(labels.astype(float), NAMES, tolerance=1e-5)])


def derivatives(labels):
    m = torch.from_numpy(labels.astype(float)[None]).requires_grad_()
    found = properties_of(m, NAMES, tolerance=1e-5)
    return np.stack([torch.autograd.grad(x.sum(), m, retain_graph=True)[0][0].numpy() for x in found])


@pytest.fixture(scope="module")
def level():
    return gaussian_filter(np.random.default_rng(0).standard_normal((48, 48)), 3, mode="wrap")


@pytest.mark.parametrize("factors", [(1.05, 1.05, 1.05), (1.04, 0.97, 1.02), (0.96, 0.96, 0.97)])
def test_three_properties_meet_their_targets_by_few_pixels(level, factors):
    target = values_of((level > 0)[None]) * np.array(factors)[:, None]

    def misses(labels):
        return np.concatenate([(values_of(labels) - target) / SCALES, np.zeros((1, len(labels)))])

    moved = move_interface(level, misses, derivatives)
    before, after = (np.abs(misses((x > 0)[None])).max() for x in (level, moved))
    assert after < 0.15 * before
    assert 0 < ((moved > 0) != (level > 0)).mean() < 0.1


def test_the_last_row_of_misses_does_not_grow(level):
    """E_x can only fall with more of phase 1, which the bound forbids."""
    bound = (level > 0).mean()

    def misses(labels):
        return np.stack([values_of(labels)[0] / 10, (labels.mean(axis=(1, 2)) - bound).clip(0)])

    moved = move_interface(level, misses, derivatives)
    assert (moved > 0).mean() <= bound
    assert misses((moved > 0)[None])[0, 0] <= misses((level > 0)[None])[0, 0]


@pytest.mark.parametrize("labels", [0.0, 1.0])
def test_one_phase_stays_as_it_is(labels):
    level = np.full((8, 8), 2 * labels - 1)
    np.testing.assert_array_equal(move_interface(level, lambda x: np.ones((2, len(x))), derivatives), level)
