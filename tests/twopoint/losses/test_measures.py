"""Elementwise measures by hand, and their derivatives by finite differences."""

import numpy as np
import pytest

from support import oracles
from twopoint.losses.measures import CrossEntropy, SquaredError, floored_log

F = np.array([-0.1, 0.0, 1e-9, 1e-6, 2e-6, 1e-3, 0.3, 1.0, 1.5])


T = np.array([0.2, 0.0, 0.5, 0.3, 1e-7, 1e-3, 0.1, 1.0, 0.4])


def _evaluated(measure, backend, share, odd=None):
    """Return value, value with slope, and slope, of F and T."""
    pair = measure.prepare(backend.make(T), share, None if odd is None else backend.make(odd), backend.xp)
    f = backend.make(F)
    value, (again, slope) = measure.value(f, pair, backend.xp), measure.value_and_slope(f, pair, backend.xp)
    return pair, *(backend.read(x) for x in (value, again, slope))


def test_squared_error(backend):
    _, value, again, slope = _evaluated(SquaredError(), backend, 0.25)
    oracles.close(value, 0.25 * (F - T) ** 2, 1e-15)
    oracles.close(again, 0.25 * (F - T) ** 2, 1e-15)
    oracles.close(slope, 0.5 * (F - T), 1e-15)


ODD = np.array([0.1, 0.0, 0.2, 0.0, 1e-7, 1e-4, -0.1, 0.0, 0.4])


@pytest.mark.parametrize("measure", [SquaredError(), CrossEntropy(), CrossEntropy(0.01, True)])
def test_opposite_lags_that_differ_are_a_mean_and_what_it_leaves_out(backend, measure):
    pair, value, _, _ = _evaluated(measure, backend, 0.5, ODD)
    constant = 0.0 if pair.constant is None else backend.read(pair.constant)
    sides = [measure.value(F, measure.prepare(T + d, 0.5, None, np), np) for d in (ODD, -ODD)]
    oracles.close(value + constant, (sides[0] + sides[1]) / 2, 1e-14)


@pytest.mark.parametrize("floor", [1e-6, 0.01, 0.5])
def test_floored_log(backend, floor):
    got = backend.read(floored_log(backend.make(F), floor, backend.xp))
    want = [np.log(x) if x > floor else np.log(floor) + x / floor - 1 for x in F]
    oracles.close(got, want, 1e-15)


@pytest.mark.numpy_only
def test_floored_log_is_smooth_where_it_changes():
    for floor in (1e-6, 0.5):
        below, above = floored_log(np.array([floor * (1 - 1e-9), floor * (1 + 1e-9)]), floor, np)
        assert above - below == pytest.approx(2e-9, rel=1e-3)


@pytest.mark.parametrize("floor", [1e-6, 0.01])
@pytest.mark.parametrize("excess", [False, True])
def test_cross_entropy(backend, floor, excess):
    _, value, again, slope = _evaluated(CrossEntropy(floor, excess), backend, 0.25)
    want = -T * oracles.floored_log(F, floor) + (T * oracles.floored_log(T, floor) if excess else 0)
    oracles.close(value, want / 4, 1e-14)
    oracles.close(again, want / 4, 1e-14)
    oracles.close(slope, [-t / max(f, floor) / 4 for f, t in zip(F, T, strict=True)], 1e-15)


def test_the_logarithms_derivative_is_no_difference_of_large_numbers():
    """In float32 the floor's own slope, a million, must not be added and taken off again."""
    import torch

    f = torch.tensor([0.3, 1e-3, 1e-6, 2e-7], requires_grad=True)
    floored_log(f, 1e-6, torch).sum().backward()
    oracles.close(f.grad.numpy(), 1 / np.maximum(f.detach().numpy(), np.float32(1e-6)), 1e-6)


@pytest.mark.numpy_only
def test_defaults_and_refusals():
    assert CrossEntropy() == CrossEntropy(1e-6, False)
    for floor in (0.0, -1e-6, float("inf"), float("nan")):
        with pytest.raises(ValueError, match="floor"):
            CrossEntropy(floor)
