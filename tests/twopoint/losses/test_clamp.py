"""clamp against the definition by loops, its slope by finite differences, and eq. (9)."""

import itertools

import numpy as np
import pytest

import twopoint as tp
from support import oracles
from twopoint.losses.clamp import clamp_slope, clamp_value

MASK = np.random.default_rng(3).random((4, 5)) > 0.4


@pytest.mark.parametrize("sigma", [0.05, 1.0])
def test_clamp(backend, sigma, rng):
    m = rng.uniform(-0.1, 1.1, size=(2, 3, 4, 5))
    for implied, mask in itertools.product((False, True), (None, MASK, MASK.astype(np.uint8))):
        want = np.array([oracles.clamp(a, sigma, mask=mask, implied_phase=implied) for a in m])
        extra = {} if mask is None else {"mask": backend.make(mask)}
        for reduction, value in (("none", want), ("sum", want.sum()), ("mean", want.mean())):
            got = tp.clamp(backend.make(m), sigma=sigma, implied_phase=implied, reduction=reduction, **extra)
            oracles.close(backend.read(got), value, 1e-12)
    assert backend.read(tp.clamp(backend.make(m), sigma=sigma)) == pytest.approx(
        backend.read(tp.clamp(backend.make(m), sigma=sigma, ndim=2))
    )
    line = tp.clamp(backend.make(m[0, :, 0]), sigma=sigma, ndim=1)
    oracles.close(backend.read(line), oracles.clamp(m[0, :, 0], sigma), 1e-12)
    spoilt = np.where(MASK, m, np.nan)
    got = tp.clamp(backend.make(spoilt), sigma=sigma, mask=backend.make(np.stack([MASK, MASK])), reduction="none")
    oracles.close(backend.read(got), [oracles.clamp(a, sigma, mask=MASK) for a in m], 1e-12)


def test_clamp_is_equation_9(backend):
    x = np.random.default_rng(4).random((1, 4, 5))
    want = -np.sum(np.log(np.exp(-(x**2) / (2 * 0.05)) + np.exp(-((x - 1) ** 2) / (2 * 0.05))))
    oracles.close(backend.read(tp.clamp(backend.make(x), sigma=0.05, implied_phase=True)), want, 1e-12)
    assert backend.read(tp.clamp(backend.make(x.astype(np.float32)), sigma=0.05, implied_phase=True)).dtype == np.float32


@pytest.mark.parametrize("sigma", [0.01, 0.05, 0.3])
@pytest.mark.parametrize("phases", [2, 3, 4])
def test_clamp_value_and_slope(backend, sigma, phases, rng):
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
