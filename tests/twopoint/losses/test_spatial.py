"""msess, cess, mse_cess and clamp against the definition by loops: options, reductions, batches, dtypes."""

import numpy as np
import pytest

import twopoint as tp
from support import oracles
from support.strategies import arrays
from twopoint.losses.spatial import mean_square_gradient

LOSSES = {"msess": {}, "cess": {}, "mse_cess": {"alpha": 3.0}}


MASK = np.random.default_rng(3).random((4, 5)) > 0.4


P, T = arrays(1, 3, (4, 5), "soft"), arrays(2, 3, (4, 5), "indicator")


def options_of(mode, backend):
    options = dict(oracles.MODES[mode])
    return options | ({"mask": backend.make(MASK)} if "mask" in options else {})


def known(mode):
    return {name: MASK if name == "mask" else value for name, value in oracles.MODES[mode].items()}


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("mode", oracles.MODES)
@pytest.mark.parametrize("crop", [None, 1, 2, (3, 4), (4, 5)], ids=str)
def test_values(backend, name, mode, crop):
    loss, own = getattr(tp, name), LOSSES[name]
    p, t, options = backend.make(P), backend.make(T), options_of(mode, backend)
    for lag_reduction in ("mean", "sum"):
        want = oracles.loss(name, P, T, crop=crop, lag_reduction=lag_reduction, **own, **known(mode))
        got = loss(p, t, crop=crop, lag_reduction=lag_reduction, **own, **options)
        oracles.close(backend.read(got), want, 1e-11, f"{mode} {crop} {lag_reduction}")


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("mode", oracles.MODES)
def test_implied_phase(backend, name, mode):
    for phases, crop in ((1, None), (2, 2), (2, None)):
        p, t = arrays(4, phases, (4, 5), "soft") * 0.8, arrays(5, phases + 1, (4, 5), "indicator")[1:]
        want = oracles.loss(name, p, t, implied_phase=True, crop=crop, **LOSSES[name], **known(mode))
        options = options_of(mode, backend)
        got = getattr(tp, name)(backend.make(p), backend.make(t), implied_phase=True, crop=crop, **LOSSES[name], **options)
        oracles.close(backend.read(got), want, 1e-11, mode)


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("mode", oracles.MODES)
@pytest.mark.parametrize("pairs", ["unique", [(0, 1)], [(2, 1), (0, 0)], [(1, 2), (2, 1)]], ids=str)
def test_pairs(backend, name, mode, pairs):
    for crop in (None, (2, 3)):
        want = oracles.loss(name, P, T, pairs=pairs, crop=crop, **LOSSES[name], **known(mode))
        got = getattr(tp, name)(backend.make(P), backend.make(T), pairs=pairs, crop=crop, **LOSSES[name], **options_of(mode, backend))
        oracles.close(backend.read(got), want, 1e-11, mode)


@pytest.mark.parametrize("name", ["cess", "mse_cess"])
@pytest.mark.parametrize("floor", [1e-6, 1e-3, 0.2])
@pytest.mark.parametrize("excess", [False, True])
def test_floor_and_excess(backend, name, floor, excess):
    want = oracles.loss(name, P, T, floor=floor, excess=excess, **LOSSES[name])
    got = getattr(tp, name)(backend.make(P), backend.make(T), floor=floor, excess=excess, **LOSSES[name])
    oracles.close(backend.read(got), want, 1e-11)


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("mode", oracles.MODES)
def test_reductions_and_batches(backend, name, mode):
    batch, own = (2, 2), LOSSES[name]
    p, t = (np.stack([arrays(i + j, 2, (4, 5), "soft") for i in range(4)]).reshape(*batch, 2, 4, 5) for j in (10, 20))
    masks = np.random.default_rng(8).random((*batch, 4, 5)) > 0.4
    for batched in (False, True):
        options = options_of(mode, backend)
        if batched and "mask" in options:
            options["mask"] = backend.make(masks)
        want = np.zeros(batch)
        for at in np.ndindex(batch):
            mask = {"mask": masks[at] if batched else MASK} if "mask" in options else {}
            want[at] = oracles.loss(name, p[at], t[at], crop=3, **own, **(known(mode) | mask))
        for reduction, value in (("none", want), ("sum", want.sum()), ("mean", want.mean())):
            got = getattr(tp, name)(backend.make(p), backend.make(t), crop=3, reduction=reduction, **own, **options)
            oracles.close(backend.read(got), value, 1e-11, reduction)


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("space", [(7,), (6,), (3, 4, 2)], ids=str)
def test_dimensions(backend, name, space):
    p, t = arrays(6, 2, space, "soft"), arrays(7, 2, space, "soft")
    for boundary in ("periodic", "open"):
        want = oracles.loss(name, p, t, boundary=boundary, crop=2, **LOSSES[name])
        got = getattr(tp, name)(backend.make(p), backend.make(t), ndim=len(space), boundary=boundary, crop=2, **LOSSES[name])
        oracles.close(backend.read(got), want, 1e-11)


@pytest.mark.parametrize("name", LOSSES)
def test_dtypes(backend, name):
    for mode in oracles.MODES:
        options = options_of(mode, backend)
        for dtype in (np.float32, np.float16):
            if backend.name == "strict" and dtype is np.float16:
                continue
            p, t = P.astype(dtype), T.astype(dtype)
            got = getattr(tp, name)(backend.make(p), backend.make(t), **LOSSES[name], **options)
            assert backend.read(got).dtype == np.float32
            oracles.close(backend.read(got), oracles.loss(name, p, t, **LOSSES[name], **known(mode)), 2e-4)  # rounding over the floor
        mixed = getattr(tp, name)(backend.make(P.astype(np.float32)), backend.make(T), **LOSSES[name], **options)
        assert backend.read(mixed).dtype == np.float32


@pytest.mark.numpy_only
def test_equation_11():
    p, t = arrays(9, 1, (60, 60), "soft") * 0.5, arrays(10, 2, (60, 60), "indicator")[1:]
    mean = tp.cess(p, t, implied_phase=True, crop=50)
    assert tp.cess(p, t, implied_phase=True, crop=50, lag_reduction="sum") == pytest.approx(2500 * mean, rel=1e-12)


@pytest.mark.numpy_only
def test_mse_of_alpha_and_mask():
    a, b = tp.mse_cess(P, T, alpha=1.0), tp.cess(P, T)
    assert a - b == pytest.approx(np.mean((P - T) ** 2), rel=1e-12)
    masked = tp.mse_cess(P, T, alpha=2.0, mask=MASK) - tp.cess(P, T, mask=MASK)
    assert masked == pytest.approx(2 * np.mean((P - T)[:, MASK] ** 2), rel=1e-12)
    spoilt = np.where(MASK, P, np.nan)
    assert tp.mse_cess(spoilt, T, alpha=2.0, mask=MASK) == tp.mse_cess(P, T, alpha=2.0, mask=MASK)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_floor_below_what_the_dtype_holds_is_refused(backend, dtype):
    m = backend.make(np.eye(4, dtype=dtype)[None])
    least = {"float32": 1.18e-38, "float64": 2.23e-308}[str(m.dtype).split(".")[-1]]
    with pytest.raises(ValueError, match=f"floor must be at least {least:.3g}"):
        tp.cess(m, m, floor=5e-324, implied_phase=True)


def test_a_weight_that_is_not_one_number_is_refused(unchecked):
    m = np.eye(4)[None]
    for alpha, error in (([1.0, 2.0], TypeError), ("2", TypeError), (np.ones(2), ValueError)):
        for call in (tp.mse_cess, tp.value_and_grad(tp.mse_cess)):
            with pytest.raises(error, match="alpha must be"):
                call(m, m, alpha=alpha, implied_phase=True)
    assert tp.mse_cess(m, m / 2, alpha=np.asarray(2.0), implied_phase=True) == tp.mse_cess(m, m / 2, alpha=2.0, implied_phase=True)


def test_phases_on_the_last_axis_are_refused(unchecked):
    m = np.zeros((4, 64, 64, 1))
    with pytest.raises(ValueError, match=r"prediction of shape \(4, 64, 64, 1\) would hold 64 phases: .*moveaxis\(prediction, -1, -3\)"):
        tp.cess(m, m)
    with pytest.raises(TypeError, match="excess must be True or False, got 1"):
        tp.cess(m[..., 0], m[..., 0], excess=1, implied_phase=True)


@pytest.mark.numpy_only
def test_mean_square():
    d = np.random.default_rng(0).normal(size=(2, 3, 4, 5))
    want = oracles.gradient(lambda x: np.sum(np.mean(x**2, axis=(1, 2, 3))), d)
    oracles.close(mean_square_gradient(d, None, 2, np), want, 1e-9)
    oracles.close(mean_square_gradient(d[0], None, 2, np), want[0], 1e-9)
    other = np.random.default_rng(4).random((4, 5)) > 0.6
    masks = np.stack([MASK, other, np.zeros_like(MASK)])[:, None]
    inside = np.where(masks, np.concatenate([d, d[:1]]), 0.0)
    got = mean_square_gradient(inside, masks, 2, np)
    for i, mask in enumerate((MASK, other)):
        oracles.close(got[i][:, mask], 2 * d[i][:, mask] / (3 * mask.sum()), 1e-14)
    assert not got[2].any()
