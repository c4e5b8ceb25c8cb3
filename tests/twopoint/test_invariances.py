"""Invariances and sum rules, by hypothesis: 50 examples each, 500 under pytest -m slow (conftest.py)."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import twopoint as tp
from support import oracles
from support.strategies import boundaries, crops, masks, microstructures

pytestmark = pytest.mark.numpy_only
TOLERANCE = 1e-11
SEEDS = st.integers(0, 2**32 - 1)


def near(got, want):
    """Assert equality of losses or gradients, which may be 0 at a match: rounding, 1e-16, over the floor of CESS, 1e-6."""
    scale = np.abs(want).max(initial=0)
    assert np.shape(got) == np.shape(want)
    assert np.abs(np.asarray(got) - want).max(initial=0) <= 1e-8 * scale + 1e-9


def options(data, m, *, masked=True):
    """Draw boundary, mask and crop that fit m."""
    space = m.shape[1:]
    boundary = data.draw(boundaries)
    found = {"ndim": len(space), "boundary": boundary}
    if masked and data.draw(st.booleans()):
        found["mask"] = data.draw(masks(space))
    crop = data.draw(crops)
    if crop is not None:
        found["crop"] = tuple(min(crop, 2 * s - 1 if boundary == "open" else s) for s in space)
    return found


def lags_where_counted(f, m, given_options):
    """Return f at lags that pairs span, (N, N, lags)."""
    _, count = oracles.statistics(m, **{k: v for k, v in given_options.items() if k != "ndim"})
    return f[..., count > 0]


@given(microstructures(), SEEDS)
def test_translation(found, seed):
    (m,) = found
    shift = np.random.default_rng(seed).integers(-5, 6, m.ndim - 1)
    moved = np.roll(m, shift, axis=tuple(range(1, m.ndim)))
    oracles.close(tp.correlations(moved, ndim=m.ndim - 1), tp.correlations(m, ndim=m.ndim - 1), TOLERANCE)


@given(st.data(), microstructures())
def test_inversion_turns_lags_round(data, found):
    (m,) = found
    given_options = options(data, m, masked=False)
    axes = tuple(range(1, m.ndim))
    f, g = tp.correlations(m, **given_options), tp.correlations(np.flip(m, axes).copy(), **given_options)
    oracles.close(g, f.swapaxes(0, 1), TOLERANCE)


@given(st.data(), microstructures())
def test_opposite_pairs_at_opposite_lags(data, found):
    (m,) = found
    given_options = options(data, m)
    crop = tuple(2 * (min(s, 3) // 2) + 1 if s > 1 else 1 for s in m.shape[1:])
    assume(all(c <= s for c, s in zip(crop, m.shape[1:], strict=True)))
    f = tp.correlations(m, **(given_options | {"crop": crop}))
    oracles.close(np.flip(f, tuple(range(2, f.ndim))), f.swapaxes(0, 1), TOLERANCE)


@given(st.data(), microstructures())
def test_relabelling_permutes_pairs(data, found):
    (m,) = found
    given_options = options(data, m)
    order = data.draw(st.permutations(range(len(m))))
    f, g = tp.correlations(m, **given_options), tp.correlations(m[list(order)], **given_options)
    oracles.close(g, f[np.ix_(order, order)], TOLERANCE)


@given(st.data(), microstructures())
def test_axis_permutation(data, found):
    (m,) = found
    boundary = data.draw(boundaries)
    order = data.draw(st.permutations(range(m.ndim - 1)))
    f = tp.correlations(m, ndim=m.ndim - 1, boundary=boundary)
    g = tp.correlations(m.transpose(0, *(i + 1 for i in order)).copy(), ndim=m.ndim - 1, boundary=boundary)
    oracles.close(g, f.transpose(0, 1, *(i + 2 for i in order)), TOLERANCE)


@given(microstructures())
def test_tiling(found):
    (m,) = found
    times = (2,) * (m.ndim - 1)
    f, g = (tp.correlations(a, ndim=m.ndim - 1) for a in (m, np.tile(m, (1, *times))))
    oracles.close(g, np.tile(f, (1, 1, *times)), TOLERANCE)


@given(st.data(), microstructures(kinds=("indicator", "sparse")))
def test_zero_lag_of_indicators(data, found):
    (m,) = found
    given_options = options(data, m)
    f = tp.correlations(m, **(given_options | {"crop": None, "centered": False}))
    zero = f[(..., *(0,) * (m.ndim - 1))]
    want = np.diag(tp.volume_fractions(m, ndim=m.ndim - 1, mask=given_options.get("mask")))
    oracles.close(zero, want, TOLERANCE)


@given(st.data(), microstructures())
def test_total_is_one(data, found):
    (m,) = found
    given_options = options(data, m)
    f = lags_where_counted(tp.correlations(m, **given_options), m, given_options)
    oracles.close(f.sum((0, 1)), np.ones(f.shape[2:]), TOLERANCE)


@given(microstructures())
def test_rows_sum_to_volume_fractions_where_periodic_and_unmasked(found):
    (m,) = found
    f = tp.correlations(m, ndim=m.ndim - 1)
    v = m.mean(tuple(range(1, m.ndim)))
    oracles.close(f.sum(1), np.broadcast_to(v.reshape(-1, *(1,) * (m.ndim - 1)), f.shape[1:]), TOLERANCE)
    oracles.close(f.mean(tuple(range(2, f.ndim))), np.outer(v, v), TOLERANCE)


@given(st.data(), microstructures(count=2))
def test_excess_cess_is_a_divergence(data, found):
    """Statistics between 0 and the floor may take a quarter of the floor a pair and lag below 0 (theory page)."""
    p, t = found
    given_options = options(data, p)
    floor = data.draw(st.sampled_from([1e-6, 1e-3]))
    bound = -floor / 4 * len(p) ** 2 - 1e-12
    assert tp.cess(p, t, excess=True, floor=floor, **given_options) >= bound
    assert abs(tp.cess(t, t, excess=True, floor=floor, **given_options)) <= 1e-12


@given(st.data(), microstructures(count=2))
def test_losses_of_translated_and_relabelled(data, found):
    p, t = found
    order = list(data.draw(st.permutations(range(len(p)))))
    ndim, axes = p.ndim - 1, tuple(range(1, p.ndim))
    shift = [data.draw(st.integers(-3, 3)) for _ in axes]
    for loss in (tp.msess, tp.cess):
        want = loss(p, t, ndim=ndim)
        near(loss(np.roll(p, shift, axes), t, ndim=ndim), want)
        near(loss(p[order], t[order], ndim=ndim), want)


@given(st.data(), microstructures(count=2))
def test_mask_of_ones_is_no_mask(data, found):
    p, t = found
    given_options = options(data, p, masked=False)
    ones = np.ones(p.shape[1:], bool)
    oracles.close(tp.correlations(p, mask=ones, **given_options), tp.correlations(p, **given_options), TOLERANCE)
    for loss in (tp.msess, tp.cess):
        want = tp.value_and_grad(loss)(p, t, **given_options)
        got = tp.value_and_grad(loss)(p, t, mask=ones, **given_options)
        near(got[0], want[0])
        near(got[1], want[1])


@given(st.data(), microstructures(count=2))
def test_implied_equals_explicit(data, found):
    p, t = found
    given_options = options(data, p)
    explicit, implied = (tp.correlations(p[i:], implied_phase=bool(i), **given_options) for i in (0, 1))
    oracles.close(implied, explicit, TOLERANCE)
    for loss in (tp.msess, tp.cess):
        want, gradient = tp.value_and_grad(loss)(p, t, **given_options)
        got, by_others = tp.value_and_grad(loss)(p[1:], t[1:], implied_phase=True, **given_options)
        near(got, want)
        near(by_others, gradient[1:] - gradient[:1])


@given(st.data(), microstructures(count=3))
def test_batch_equals_loop(data, found):
    batch, given_options = np.stack(found), options(data, found[0])
    f = tp.correlations(batch, **given_options)
    values = tp.msess(batch, batch[::-1].copy(), reduction="none", **given_options)
    for i, m in enumerate(found):
        oracles.close(f[i], tp.correlations(m, **given_options), TOLERANCE)
        near(values[i], tp.msess(m, found[2 - i], **given_options))


@given(st.data(), microstructures())
def test_the_definition(data, found):
    (m,) = found
    given_options = options(data, m)
    want, _ = oracles.statistics(m, **{k: v for k, v in given_options.items() if k != "ndim"})
    oracles.close(tp.correlations(m, **given_options), want, TOLERANCE)
