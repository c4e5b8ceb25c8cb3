"""Masks of confidences: points that weigh more or less, by hand, by loops, under a change of scale, and where they are tiny."""

import itertools
from functools import cache

import numpy as np
import pytest

import twopoint as tp
from support import backends, oracles
from support.strategies import arrays
from twopoint.statistics import chunks

BOUNDARIES = ("periodic", "open")
LOSSES = {"msess": {}, "cess": {}, "mse_cess": {"alpha": 3.0}}
SPACE = (4, 5)
TINY = [1e-3, 1e-30, 1e-300]


def confidences(space=SPACE, batch=(), seed=5):
    """Return confidences from 0.05 to 1, of which a third are 0."""
    rng = np.random.default_rng(seed)
    return np.where(rng.random((*batch, *space)) < 0.3, 0.0, 0.05 + 0.95 * rng.random((*batch, *space)))


W = confidences()
P, T = arrays(1, 3, SPACE, "soft"), arrays(2, 3, SPACE, "indicator")


def test_statistics_by_hand(backend):
    """Four points of confidences 1, 1/2, 1/4 and 0, of phases 1, 0, 1 and anything."""
    m = np.array([[0.0, 1.0, 0.0, np.nan], [1.0, 0.0, 1.0, np.nan]])
    m, w = backend.make(m), backend.make(np.array([1, 0.5, 0.25, 0]))
    f = backend.read(tp.correlations(m, ndim=1, mask=w))
    oracles.close(f[1, 1], [17 / 21, 0, 1, 0], 1e-15)  # (1 + 1/16) / (1 + 1/4 + 1/16); 2 (1/4) / (2 (1/4))
    oracles.close(f[0, 0], [4 / 21, 0, 0, 0], 1e-15)
    oracles.close(f[0, 1], [0, 1 / 5, 0, 4 / 5], 1e-15)  # (1/2 1/4) / (1/2 + 1/8); (1/2 1) / (1/2 + 1/8)
    oracles.close(f[1, 0], [0, 4 / 5, 0, 1 / 5], 1e-15)
    f = backend.read(tp.correlations(m, ndim=1, mask=w, boundary="open", centered=True))
    oracles.close(f[1, 1], [0, 1, 0, 17 / 21, 0, 1, 0], 1e-15)
    assert not f[..., [0, -1]].any()  # no pair of positive confidences spans three points
    count = backend.read(tp.pair_counts(w, ndim=1, boundary="open", centered=True))
    oracles.close(count, [0, 1 / 4, 5 / 8, 21 / 16, 5 / 8, 1 / 4, 0], 1e-7)  # in the library's default float
    assert (count[[0, -1]] == 0).all()
    oracles.close(backend.read(tp.pair_counts(w, ndim=1)), [21 / 16, 5 / 8, 1 / 2, 5 / 8], 1e-7)
    oracles.close(backend.read(tp.volume_fractions(m, ndim=1, mask=w)), [2 / 7, 5 / 7], 1e-15)


def test_losses_by_hand(backend):
    """Two points of confidences 1 and 1/2, of phase 1 and of phase 0; the prediction is gray at the second."""
    t, p, w = np.array([[0.0, 1.0], [1.0, 0.0]]), np.array([[0.0, 0.5], [1.0, 0.5]]), backend.make(np.array([1, 0.5]))
    value = tp.mse_cess(backend.make(p), backend.make(t), alpha=1.0, ndim=1, mask=w) - tp.cess(
        backend.make(p), backend.make(t), ndim=1, mask=w
    )
    oracles.close(backend.read(value), (1 / 2 * 1 / 4) / (3 / 2), 1e-14)
    # f11 = 4/5, f00 = 1/5 at lag 0, f01 = f10 = 1/2 at lag 1; predicted 17/20, 1/20, f01 = 1/20; f11 = 1/2, f01 = 1/4
    want = ((3 / 20) ** 2 + 3 * (1 / 20) ** 2 + 2 * (1 / 4) ** 2 + (1 / 2) ** 2) / 2
    oracles.close(backend.read(tp.msess(backend.make(p), backend.make(t), ndim=1, mask=w)), want, 1e-14)
    at_corner, at_half = -np.log(1 + np.exp(-5)), 1.25 - np.log(2)  # |m - e|^2 / (4 sigma) is 0 and 5, or twice 1.25
    oracles.close(backend.read(tp.clamp(backend.make(p), sigma=0.1, ndim=1, mask=w)), at_corner + at_half / 2, 1e-14)


@pytest.mark.parametrize("boundary", BOUNDARIES)
@pytest.mark.parametrize("space", [(7,), (4, 5), (3, 4, 2)], ids=str)
@pytest.mark.parametrize("crop", [None, 2, 3])
def test_statistics(backend, boundary, space, crop):
    ndim, batch = len(space), (2,)
    if crop == 3 and min(space) < 3:
        crop = 1
    m = np.stack([arrays(seed, 2, space, "soft") * 0.8 for seed in (1, 2)])
    for implied, masks in itertools.product((False, True), (confidences(space), confidences(space, batch))):
        options = dict(boundary=boundary, crop=crop, implied_phase=implied)
        f = backend.read(tp.correlations(backend.make(m), ndim=ndim, mask=backend.make(masks), **options))
        for at in range(2):
            mask = masks[at] if masks.ndim > ndim else masks
            want, count = oracles.statistics(m[at], mask=mask, **options)
            oracles.close(f[at], want, 1e-13, f"{implied} {masks.shape}")
            assert not f[at][..., count == 0].any()
            v = backend.read(tp.volume_fractions(backend.make(m[at]), ndim=ndim, mask=backend.make(mask)))
            oracles.close(v, [np.sum(mask * a) / np.sum(mask) for a in m[at]], 1e-14)
            got = backend.read(tp.pair_counts(backend.make(mask), ndim=ndim, boundary=boundary, crop=crop))
            got = got if crop is not None else got.reshape(count.shape)
            oracles.close(got, count, 1e-6)
            assert ((got > 0) == (count > 0)).all()


@pytest.mark.matrix(keep=4)
@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("boundary", BOUNDARIES)
@pytest.mark.parametrize("implied", [False, True])
def test_losses(backend, name, boundary, implied):
    p, t = _batch(P, implied), _batch(T, implied)
    for crop, masks in itertools.product((None, 2, (3, 4)), (W, confidences(batch=(2,)))):
        options = dict(boundary=boundary, crop=crop, implied_phase=implied)
        got = getattr(tp, name)(backend.make(p), backend.make(t), mask=backend.make(masks), reduction="none", **options, **LOSSES[name])
        for at, value in enumerate(backend.read(got)):
            mask = masks[at] if masks.ndim > 2 else masks
            oracles.close(value, oracles.loss(name, p[at], t[at], mask=mask, **options, **LOSSES[name]), 1e-12, f"{crop}")


@pytest.mark.parametrize("implied", [False, True])
def test_clamp(backend, implied):
    p = _batch(P, implied)
    for masks in (W, confidences(batch=(2,))):
        got = backend.read(tp.clamp(backend.make(p), sigma=0.1, mask=backend.make(masks), implied_phase=implied, reduction="none"))
        each = [masks[at] if masks.ndim > 2 else masks for at in range(2)]
        oracles.close(got, [oracles.clamp(a, 0.1, mask=w, implied_phase=implied) for a, w in zip(p, each, strict=True)], 1e-13)


TERMS = (("cess", 1.0, {"crop": 3}), ("msess", 5.0, {}), ("mse_cess", 0.5, {"alpha": 3.0}), ("clamp", 0.1, {"sigma": 0.2}))
GRAY = 0.2 + 0.4 * P  # far from the poles of the logarithm, which finite differences would see


def _total(m, t, mask, boundary, implied):
    """Return the sum of all losses of one member, by loops."""
    value = 0.0
    for name, weight, options in TERMS:
        if name == "clamp":
            value += weight * oracles.clamp(m, options["sigma"], mask=mask, implied_phase=implied)
        else:
            value += weight * oracles.loss(name, m, t, mask=mask, boundary=boundary, implied_phase=implied, **options)
    return value


@cache
def _by_finite_differences(boundary, implied):
    """Return value and gradient of the mean over a batch of two, with a mask of each member, by loops."""
    p, t, masks = _batch(GRAY, implied), _batch(T, implied), confidences(batch=(2,))
    value = sum(_total(*each, boundary, implied) for each in zip(p, t, masks, strict=True)) / 2
    slopes = [oracles.gradient(lambda m, t=t, w=w: _total(m, t, w, boundary, implied) / 2, a) for a, t, w in zip(p, t, masks, strict=True)]
    return value, np.stack(slopes)


def _batch(m, implied):
    return np.stack([m[int(implied) :], m[int(implied) :, ::-1]])


@pytest.mark.matrix(keep=2)
@pytest.mark.parametrize("boundary", BOUNDARIES)
@pytest.mark.parametrize("implied", [False, True])
def test_gradients(backend, boundary, implied):
    """The gradient of a sum of all losses, of a batch with a mask of each member, against finite differences of the loops."""
    p, t, masks = (backend.make(x) for x in (_batch(GRAY, implied), _batch(T, implied), confidences(batch=(2,))))
    terms = [(weight, getattr(tp, name), options | ({} if name == "clamp" else {"boundary": boundary})) for name, weight, options in TERMS]
    value, gradient = tp.value_and_grad(terms)(p, t, mask=masks, implied_phase=implied)
    want = _by_finite_differences(boundary, implied)
    oracles.close(backend.read(value), want[0], 1e-12)
    oracles.close(backend.read(gradient), want[1], 1e-8)
    assert not backend.read(gradient)[np.broadcast_to(confidences(batch=(2,))[:, None] == 0, gradient.shape)].any()


@pytest.mark.numpy_only
@pytest.mark.parametrize("boundary", BOUNDARIES)
@pytest.mark.parametrize("implied", [False, True])
def test_chunks(boundary, implied, monkeypatch):
    """Members, rows of lags and pairs one after the other give what all at once give."""
    p, t = _batch(P, implied), _batch(T, implied)
    for masks, crop in itertools.product((W, confidences(batch=(2,))), (None, 3)):
        options = dict(boundary=boundary, implied_phase=implied, crop=crop, mask=masks)
        whole, f = tp.value_and_grad(tp.cess)(p, t, **options), tp.correlations(p, **options)
        for limits in (("_CACHED",), ("_TILE",), ("_CACHED", "_TILE"), ("_CACHED", "_TILE", "_HELD_PAIRS")):
            with monkeypatch.context() as patch:
                for limit in limits:
                    patch.setattr(chunks, limit, 0 if limit == "_HELD_PAIRS" else 1)
                value, gradient = tp.value_and_grad(tp.cess)(p, t, **options)
                oracles.close(value, whole[0], 1e-12)
                oracles.close(gradient, whole[1], 1e-11)
                oracles.close(tp.correlations(p, **options), f, 1e-13)


def _evaluate(backend, mask, **options):
    """Return statistics, volume fractions, losses and gradients under a mask."""
    p, t, mask = backend.make(P), backend.make(T), None if mask is None else backend.make(mask)
    found = [tp.correlations(p, mask=mask, **options), tp.volume_fractions(p, mask=mask)]
    for name, own in LOSSES.items():
        found += tp.value_and_grad(getattr(tp, name))(p, t, mask=mask, **options, **own)
    return [backend.read(x) for x in found]


@pytest.mark.long_on_jax
@pytest.mark.parametrize("boundary", BOUNDARIES)
def test_zeros_and_ones_are_booleans(backend, boundary):
    for dtype in (float, np.float32, np.uint8, np.int64):
        for got, want in zip(
            _evaluate(backend, (W > 0).astype(dtype), boundary=boundary), _evaluate(backend, W > 0, boundary=boundary), strict=True
        ):
            np.testing.assert_array_equal(got, want)
    for got, want in zip(_evaluate(backend, np.ones(SPACE), boundary=boundary), _evaluate(backend, None, boundary=boundary), strict=True):
        oracles.close(got, want, 1e-11)
    clamp = [backend.read(tp.clamp(backend.make(P), sigma=0.1, mask=backend.make(mask))) for mask in (W > 0, (W > 0) * 1.0)]
    assert clamp[0] == clamp[1]


@pytest.mark.matrix(keep=2)
@pytest.mark.parametrize("boundary", BOUNDARIES)
@pytest.mark.parametrize("scale", TINY)
def test_no_mean_depends_on_the_scale(backend, boundary, scale):
    """Also where the product of two confidences has no number in float64."""
    for mask, tolerance in ((np.where(W > 0, 1.0, 0.0), 1e-12), (W, 1e-12), (np.ones(SPACE), 1e-12)):
        want = _evaluate(backend, mask, boundary=boundary)
        for got, value in zip(_evaluate(backend, mask * scale, boundary=boundary), want, strict=True):
            oracles.close(got, value, tolerance)
    clamp = [backend.read(tp.clamp(backend.make(P), sigma=0.1, mask=backend.make(W * s))) for s in (1.0, scale)]
    oracles.close(clamp[1], scale * clamp[0], 1e-13)


@pytest.mark.long_on_jax
@pytest.mark.parametrize("boundary", BOUNDARIES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_points_of_tiny_confidence_are_as_good_as_left_out(backend, boundary, dtype):
    """They add nothing, and the lags that only they span are left out: no infinity, and no noise divided by noise."""
    mask = np.where(W > 0, W, 1e-30)
    mask[:, 3:] = 1e-30
    want = _evaluate(backend, np.where(mask > 1e-9, mask, 0.0), boundary=boundary)
    for got, value in zip(_evaluate(backend, mask.astype(dtype), boundary=boundary), want, strict=True):
        oracles.close(got, value, 1e-10 if dtype is np.float64 else 1e-6)  # float32 rounds the confidences themselves
    single = backend.make(P.astype(np.float32))
    for name, own in LOSSES.items():
        found = tp.value_and_grad(getattr(tp, name))(single, backend.make(T.astype(np.float32)), mask=backend.make(mask), **own)
        assert all(np.isfinite(backend.read(x)).all() for x in found)


@pytest.mark.numpy_only
@pytest.mark.parametrize("exponent", [2, 5, 9])
def test_each_lag_that_is_kept_is_exact(exponent):
    """Confidences over orders of magnitude: what a lag keeps is right, however little it is, and what is dropped is below the bound."""
    rng = np.random.default_rng(exponent)
    space = (12, 11)
    mask, m = 10.0 ** (-exponent * rng.random(space)), arrays(3, 2, space, "soft")
    mask[9:] *= 10.0**-exponent
    want, count = oracles.statistics(m, mask=mask, boundary="open")
    got = tp.correlations(m, mask=mask, boundary="open")
    kept = tp.pair_counts(mask, boundary="open") > 0
    assert (kept == (count > 2.0**-30 * count[0, 0])).all()
    assert kept.all() == (exponent == 2)
    assert not got[..., ~kept].any()
    oracles.close(got[..., kept], want[..., kept], 1e-7)


@pytest.mark.long_on_jax
def test_target_statistics(backend):
    for masks, boundary in itertools.product((W, confidences(batch=(2,))), BOUNDARIES):
        p, t, mask = backend.make(np.stack([P, P[::-1]])), backend.make(np.stack([T, T[::-1]])), backend.make(masks)
        statistics = tp.target_statistics(t, mask=mask, boundary=boundary)
        oracles.close(backend.read(statistics.mask), np.broadcast_to(masks, (2, *SPACE)), 0.0)
        f = tp.correlations(t, mask=mask, boundary=boundary)
        measured = tp.TargetStatistics.from_correlations(f, shape=SPACE, mask=mask, boundary=boundary)
        for loss, crop in itertools.product((tp.cess, tp.msess), (None, 3)):
            want = backend.read(loss(p, t, mask=mask, boundary=boundary, crop=crop, reduction="none"))
            for target in (statistics, measured):
                oracles.close(backend.read(loss(p, target, crop=crop, reduction="none")), want, 1e-12)
            oracles.close(backend.read(loss(p[1, ...], statistics[1], crop=crop)), want[1], 1e-12)
        terms = [(1.0, tp.cess, {}), (0.1, tp.clamp, {"sigma": 0.1})]
        got = tp.value_and_grad(terms)(p, statistics)
        want = tp.value_and_grad([(1.0, tp.cess, {"boundary": boundary}), terms[1]])(p, t, mask=mask)
        for a, b in zip(got, want, strict=True):
            oracles.close(backend.read(a), backend.read(b), 1e-12)
    with pytest.raises(ValueError, match=r"mask must hold .* got 0\.\.2"):
        tp.cess(p, statistics, mask=backend.make(2.0 * (masks > 0)))


def test_fields_and_float32(backend):
    x, y = P[0], P[1]
    want, _ = oracles.statistics(np.stack([x, y]), mask=W, boundary="open")
    for dtype, tolerance in ((np.float64, 1e-13), (np.float32, 2e-7)):
        a, b, w = (backend.make(v.astype(dtype)) for v in (x, y, W))
        options = dict(mask=w, boundary="open")
        got = [tp.autocorrelation(a, **options), tp.cross_correlation(a, b, **options)]
        assert all(backend.read(f).dtype == dtype for f in got)
        oracles.close(backend.read(got[0]), want[0, 0], tolerance)
        oracles.close(backend.read(got[1]), want[0, 1], tolerance)


def test_what_a_point_without_weight_holds_does_not_matter(backend):
    for spoilt in (np.where(W > 0, P, np.nan), np.where(W > 0, P, np.inf)):
        for name, own in LOSSES.items():
            loss, mask = tp.value_and_grad(getattr(tp, name)), backend.make(W)
            got = loss(backend.make(spoilt), backend.make(T), mask=mask, **own)
            want = loss(backend.make(P), backend.make(T), mask=mask, **own)
            for a, b in zip(got, want, strict=True):
                np.testing.assert_array_equal(backend.read(a), backend.read(b))
        got, want = (tp.clamp(backend.make(m), sigma=0.1, mask=backend.make(W)) for m in (spoilt, P))
        assert backend.read(got) == backend.read(want)


@pytest.mark.parametrize("boundary", BOUNDARIES)
def test_a_traced_mask_is_not_checked_and_gets_no_gradient(boundary):
    import jax

    backends.backend("jax")  # in float64
    p, t, w = (jax.numpy.asarray(x) for x in (P, T, W))

    @jax.jit
    def both(p, w):
        return jax.value_and_grad(lambda p, w: tp.mse_cess(p, t, mask=w, boundary=boundary, alpha=3.0), argnums=(0, 1))(p, w)

    want = tp.value_and_grad(tp.mse_cess)(P, T, mask=W, boundary=boundary, alpha=3.0)
    for scale, tolerance in ((1.0, 1e-12), (255.0, 1e-12)):
        value, (slopes, by_mask) = both(p, scale * w)
        oracles.close(value, want[0], tolerance)
        oracles.close(slopes, want[1], tolerance)
        assert not by_mask.any()
    ones = tp.value_and_grad(tp.mse_cess)(P, T, mask=W > 0, boundary=boundary, alpha=3.0)
    oracles.close(both(p, (w > 0) * 1.0)[0], ones[0], 1e-12)
    with pytest.raises(ValueError, match="mask must hold booleans"):
        jax.jit(_masked(t, 255 * w))(p)


def _masked(t, mask):
    return lambda p: tp.cess(p, t, mask=mask)  # a constant of the program, which can be checked


@pytest.mark.matrix(keep=1)
@pytest.mark.filterwarnings("ignore:There is a performance drop:UserWarning")
@pytest.mark.parametrize("boundary", BOUNDARIES)
def test_torch_takes_a_mask_that_requires_a_gradient_as_a_constant(boundary):
    import torch

    p, t, w = (torch.tensor(x, requires_grad=x is not T) for x in (P, T, W))
    value = tp.mse_cess(p, t, mask=w, boundary=boundary, alpha=3.0) + tp.clamp(p, sigma=0.1, mask=w)
    (slopes,) = torch.autograd.grad(value, p, create_graph=True)
    value.backward()
    assert w.grad is None
    oracles.close(p.grad, slopes.detach(), 1e-12)
    loss = torch.func.grad(lambda m: tp.mse_cess(m, t, mask=w, boundary=boundary, alpha=3.0) + tp.clamp(m, sigma=0.1, mask=w))
    oracles.close(loss(p.detach()).detach(), slopes.detach(), 1e-11)
    assert torch.autograd.gradgradcheck(lambda m: tp.cess(m, t, mask=w, boundary=boundary, crop=2), (p,))
    for f in (tp.correlations(t, mask=w), tp.volume_fractions(t, mask=w), tp.pair_counts(w), tp.target_statistics(t, mask=w).first):
        assert not f.requires_grad
    mapped = torch.func.vmap(lambda m, w: tp.cess(m, t, mask=w, boundary=boundary))(p.detach()[None], 2 * w.detach()[None])
    oracles.close(mapped, tp.cess(p, t, mask=w, boundary=boundary, reduction="none").detach()[None], 1e-12)
