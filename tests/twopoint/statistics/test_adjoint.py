"""Each adjoint against finite differences of the loops, and against the dot-product test <J d, g> = <d, J' g>."""

import itertools

import numpy as np
import pytest

import twopoint as tp
from support import oracles
from support.strategies import arrays
from twopoint.statistics import adjoint, chunks, correlation
from twopoint.statistics.plan import Options, plan_of

pytestmark = pytest.mark.numpy_only


MASK = np.random.default_rng(3).random((4, 5)) > 0.3


@pytest.mark.parametrize("mode", oracles.MODES)
@pytest.mark.parametrize("phases", [1, 2, 3])
@pytest.mark.parametrize("implied", [False, True])
def test_transposed_derivative_of_the_statistics(mode, phases, implied, rng):
    """Statistics are quadratic in m, so their derivative along d is exactly half of f(m + d) - f(m - d)."""
    batch = 2
    m, d = rng.random((2, batch, phases, 4, 5))
    masks = np.stack([MASK, ~MASK]) if "masked" in mode else None
    boundary = "open" if "open" in mode else "periodic"
    n = phases + implied
    for crop, pairs in itertools.product((None, 3, (2, 5)), ("all", [(0, 0)], [(n - 1, 0)], [(n // 2, n - 1)])):
        options = Options(boundary=boundary, mask=masks, crop=crop, implied_phase=implied, pairs=pairs)
        plan, _, mask = plan_of(m, options, np)
        count = correlation.pair_count(mask, m, plan, np)
        plus, minus = (correlation.correlate(m + s * d, mask, count, plan, np) for s in (1, -1))
        slopes = _slopes(plan, batch, rng)
        forward = np.sum(plan.lags.total((plus - minus) / 2 * slopes, np))
        sums = correlation.compute_sums(m, mask, count, plan, np)
        cuts = [slice(0, 1), slice(1, plan.lags.rows)] if plan.lags.rows > 1 else [slice(None)]
        for rows in ([slice(None)], cuts):
            parts = []
            for at in rows:
                tile = chunks.Tile(None, at, plan.lags.rows, 2) if at.stop else chunks.Tile(None, None, plan.lags.rows, 2)
                parts.append((at.start or 0, sums.map(tile.cut, 2), slopes[..., at, :]))
            cotangents = [adjoint.transpose_statistics([s], [plan.half_pairs], part, plan, np, start) for start, part, s in parts]
            cotangent = cotangents[0] if len(cotangents) == 1 else adjoint.join(cotangents, plan, np, members=False)
            gradient = adjoint.transpose_sums(adjoint.transpose_products(cotangent, sums, plan, np), sums, mask, plan, np)
            assert gradient.shape == m.shape
            oracles.close(np.sum(gradient * d), forward, 1e-11, f"{crop} {pairs} {rows}")


def _slopes(plan, batch, rng):
    """Return random slopes by the carried pairs, equal where one number is carried twice: at the rows that hold their own opposites."""
    lags, slopes = plan.lags, {}
    for pair in plan.pairs:
        slope = rng.normal(size=(batch, *lags.stored))
        halves = [2 * lags.halve(slope + lags.reverse(slope, np), np)] if plan.even(pair) else lags.split(slope, np)
        slopes |= zip(plan.orders((pair,)), halves, strict=True)
    return np.stack([slopes[pair] for pair in plan.half_pairs], axis=1)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_transposed_derivative_keeps_the_arithmetic(dtype):
    m = arrays(1, 2, (6, 5), "soft").astype(dtype)
    plan, _, _ = plan_of(m, Options(), np)
    sums = correlation.compute_sums(m, None, None, plan, np)
    cotangent = adjoint.transpose_statistics([np.ones_like(correlation.statistics_of(sums, plan, np))], [plan.half_pairs], sums, plan, np)
    assert adjoint.transpose_sums(adjoint.transpose_products(cotangent, sums, plan, np), sums, None, plan, np).dtype == dtype


def test_implied():
    grads = np.arange(12.0).reshape(3, 2, 2)
    assert (adjoint.transpose_explicit(grads, 2) == grads[1:] - grads[0]).all()


@pytest.mark.parametrize("loss", [tp.msess, tp.cess])
@pytest.mark.parametrize("mode", oracles.MODES)
def test_gradient_of_the_loops(loss, mode):
    p, t = arrays(4, 2, (2, 3), "soft"), arrays(5, 2, (2, 3), "soft")
    options = dict(oracles.MODES[mode])
    if "mask" in options:
        options["mask"] = np.array([[True, True, False], [True, True, True]])
    want = oracles.gradient(lambda x: oracles.loss(loss.__name__, x, t, **options), p, 1e-4)
    oracles.close(tp.value_and_grad(loss)(p, t, **options)[1], want, 1e-7)
