"""Elementwise measures by hand, and their derivatives by finite differences."""

import numpy as np
import oracles
import pytest

from twopoint.measures import CrossEntropy, SquaredError, clamp_slope, clamp_value, floored_log

F = np.array([-0.1, 0.0, 1e-9, 1e-6, 2e-6, 1e-3, 0.3, 1.0, 1.5])
T = np.array([0.2, 0.0, 0.5, 0.3, 1e-7, 1e-3, 0.1, 1.0, 0.4])


def test_squared_error(backend):
    f, t = backend.make(F), backend.make(T)
    oracles.close(backend.read(SquaredError().value(f, t, backend.xp)), (F - T) ** 2, 1e-15)
    oracles.close(backend.read(SquaredError().slope(f, t, backend.xp)), 2 * (F - T), 1e-15)


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
    measure = CrossEntropy(floor, excess)
    value = backend.read(measure.value(backend.make(F), backend.make(T), backend.xp))
    want = -T * oracles.floored_log(F, floor) + (T * oracles.floored_log(T, floor) if excess else 0)
    oracles.close(value, want, 1e-14)
    slope = backend.read(measure.slope(backend.make(F), backend.make(T), backend.xp))
    oracles.close(slope, [-t / max(f, floor) for f, t in zip(F, T, strict=True)], 1e-15)


@pytest.mark.numpy_only
def test_defaults_and_refusals():
    assert CrossEntropy() == CrossEntropy(1e-6, False)
    for floor in (0.0, -1e-6, float("inf"), float("nan")):
        with pytest.raises(ValueError, match="floor"):
            CrossEntropy(floor)


@pytest.mark.parametrize("sigma", [0.01, 0.05, 0.3])
@pytest.mark.parametrize("phases", [2, 3, 4])
def test_clamp(backend, sigma, phases, rng):
    m = rng.uniform(-0.2, 1.2, size=(2, phases, 3))
    got = backend.read(clamp_value(backend.make(m), sigma, -2, backend.xp))
    want = [[oracles.clamp(m[b, :, x : x + 1], sigma) for x in range(3)] for b in range(2)]
    oracles.close(got, want, 1e-13)
    slope = backend.read(clamp_slope(backend.make(m), sigma, -2, backend.xp))
    numeric = oracles.gradient(lambda x: np.sum(clamp_value(x, sigma, -2, np)), m)
    oracles.close(slope, numeric, 1e-6 if sigma < 0.02 else 1e-8)


def test_clamp_is_finite_for_every_sigma(backend):
    for dtype in (np.float32, np.float64):
        m = np.array([[0.0, 0.5, 1.0, -3.0, 0.4999], [1.0, 0.5, 0.0, 4.0, 0.5001]], dtype)
        for sigma in (1e-320, 1e-45, 1e-30, 1e-6, 1.0, 1e30, 1e300):
            value = backend.read(clamp_value(backend.make(m), sigma, -2, backend.xp))
            slope = backend.read(clamp_slope(backend.make(m), sigma, -2, backend.xp))
            assert np.isfinite(value).all()
            assert np.isfinite(slope).all()
            assert value.dtype == slope.dtype == dtype
    m = np.array([[0.25], [0.75]])  # q_0 = 2 * 0.75^2, q_1 = 2 * 0.25^2; at a small sigma only the nearest counts
    oracles.close(backend.read(clamp_value(backend.make(m), 1e-5, -2, backend.xp)), [0.125 / 4e-5], 1e-14)


@pytest.mark.numpy_only
def test_clamp_takes_an_array_of_sigma():
    m = np.array([[0.2, 0.9], [0.8, 0.1]])
    assert (clamp_value(m, np.asarray(0.05), -2, np) == clamp_value(m, 0.05, -2, np)).all()
