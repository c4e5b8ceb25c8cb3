"""Losses of cumulative statistics against loops over boxes of lags: options, gradients, transforms, and what they are for."""

import itertools
from functools import cache

import numpy as np
import pytest

import twopoint as tp
from support import oracles
from support.strategies import arrays, soft_phases

LOSSES = {"msess": {}, "cess": {}, "mse_cess": {"alpha": 3.0}}
MASK = np.random.default_rng(3).random((4, 5)) > 0.5
WEIGHTS = np.where(MASK, np.random.default_rng(5).random((4, 5)), 0.0)
P, T = arrays(1, 3, (4, 5), "soft"), arrays(2, 3, (4, 5), "indicator")
ON = {"cumulative": True}


def options_of(mode, mask=MASK):
    return {name: mask if name == "mask" else value for name, value in oracles.MODES[mode].items()}


def made(options, backend):
    return options | ({"mask": backend.make(options["mask"])} if "mask" in options else {})


@pytest.mark.matrix(keep=12, numpy_has_all=True)
@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("mode", oracles.MODES)
@pytest.mark.parametrize("crop", [None, 1, 2, (3, 4), (4, 5)], ids=str)
def test_values(backend, name, mode, crop):
    for mask, (lag_reduction, pairs) in itertools.product((MASK, WEIGHTS), (("mean", "all"), ("sum", [(1, 2), (0, 1), (1, 0), (2, 2)]))):
        own = dict(crop=crop, lag_reduction=lag_reduction, pairs=pairs, **LOSSES[name], **ON)
        want = oracles.loss(name, P, T, **own, **options_of(mode, mask))
        got = getattr(tp, name)(backend.make(P), backend.make(T), **own, **made(options_of(mode, mask), backend))
        oracles.close(backend.read(got), want, 1e-11, f"{mode} {crop} {pairs}")


@pytest.mark.matrix(keep=4, numpy_has_all=True)
@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("mode", oracles.MODES)
def test_implied_phase(backend, name, mode):
    for phases, crop in ((1, None), (2, 2), (2, None)):
        p, t = arrays(4, phases, (4, 5), "soft") * 0.8, arrays(5, phases + 1, (4, 5), "indicator")[1:]
        own = dict(implied_phase=True, crop=crop, **LOSSES[name], **ON)
        want = oracles.loss(name, p, t, **own, **options_of(mode))
        got = getattr(tp, name)(backend.make(p), backend.make(t), **own, **made(options_of(mode), backend))
        oracles.close(backend.read(got), want, 1e-11, mode)


@pytest.mark.parametrize("space", [(7,), (6,), (4, 4), (3, 4, 2)], ids=str)
def test_floor_and_excess_and_dimensions(backend, space):
    p, t = arrays(6, 2, space, "soft"), arrays(7, 2, space, "indicator")
    for boundary, floor in (("periodic", 0.2), ("open", 1e-6)):
        options = dict(boundary=boundary, floor=floor, excess=True, **ON)
        want = oracles.loss("cess", p, t, **options)
        oracles.close(backend.read(tp.cess(backend.make(p), backend.make(t), ndim=len(space), **options)), want, 1e-11)


def _own(name, implied, crop):
    floor = {} if name == "msess" else {"floor": 1e-3}
    return dict(implied_phase=implied, crop=crop, **floor, **LOSSES[name], **ON)


@cache  # the same for all libraries
def _gradient(name, mode, implied, crop):
    p, t = (x[int(implied) :] for x in (P * 0.9 + 0.02, T))
    return oracles.gradient(lambda x: oracles.loss(name, x, t, **_own(name, implied, crop), **options_of(mode)), p)


@pytest.mark.matrix(keep=8, numpy_has_all=True)
@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("mode", oracles.MODES)
@pytest.mark.parametrize("implied", [False, True])
@pytest.mark.parametrize("crop", [None, 2, 3], ids=str)
def test_gradient(backend, name, mode, implied, crop):
    own, p, t = _own(name, implied, crop), *(x[int(implied) :] for x in (P * 0.9 + 0.02, T))
    want = _gradient(name, mode, implied, crop)
    value_and_grad = tp.value_and_grad(getattr(tp, name))
    got = value_and_grad(backend.make(p), backend.make(t), **own, **made(options_of(mode), backend))[1]
    oracles.close(backend.read(got), want, 1e-7, f"{mode} {implied}")


@pytest.mark.numpy_only
@pytest.mark.parametrize("space", [(7,), (6,), (4, 4), (3, 4, 2), (2, 3, 5)], ids=str)
def test_gradient_along_a_direction_in_any_dimensions(space, rng):
    p, t, d = soft_phases(rng, 3, space, ()), arrays(7, 3, space, "indicator"), rng.normal(size=(3, *space))
    for boundary, crop, loss in itertools.product(("periodic", "open"), (None, 2), (tp.msess, tp.cess)):
        options = dict(ndim=len(space), boundary=boundary, crop=crop, pairs=[(0, 1), (2, 2)], **ON)
        gradient = tp.value_and_grad(loss)(p, t, **options)[1]
        slope = oracles.slope(lambda x, loss=loss, options=options: loss(x, t, **options), p, d, 1e-4)
        assert np.sum(gradient * d) == pytest.approx(slope, rel=1e-7)


@pytest.mark.matrix(keep=4, numpy_has_all=True)
@pytest.mark.parametrize("name", ["msess", "cess"])
@pytest.mark.parametrize("mode", oracles.MODES)
def test_target_statistics_serve_both(backend, name, mode):
    options, loss = made(options_of(mode), backend), getattr(tp, name)
    p, t = backend.make(P), backend.make(T)
    known = tp.target_statistics(t, **options)
    for own in ({}, {"crop": 2}, {"crop": 3, "pairs": [(1, 0)]}):
        for cumulative in (False, True):
            want = backend.read(loss(p, t, cumulative=cumulative, **own, **options))
            oracles.close(backend.read(loss(p, known, cumulative=cumulative, **own)), want, 1e-12, f"{own}")


@pytest.mark.numpy_only
@pytest.mark.parametrize("name", ["msess", "cess"])
@pytest.mark.parametrize("boundary", ["periodic", "open"])
@pytest.mark.parametrize("crop", [None, 2, 3], ids=str)
def test_measured_statistics_that_are_not_even(name, boundary, crop, rng):
    f, count = oracles.statistics(T, boundary=boundary, crop=crop)
    f = f + 0.1 * rng.random(f.shape)
    f[1, 0], f[2, 0], f[2, 1] = (_reversed(f[h, k], crop) for h, k in ((0, 1), (0, 2), (1, 2)))
    axes = oracles.lag_vectors(T.shape[1:], boundary, crop)
    means = oracles.box_means(f, count, axes)[0]
    own, _ = oracles.statistics(P, boundary=boundary, crop=crop, cumulative=True)
    pairs = [(0, 0), (1, 1), (0, 1), (1, 2)]
    known = tp.TargetStatistics.from_correlations(f, shape=(4, 5), boundary=boundary, crop=crop)
    rows = tuple(np.transpose(pairs))
    a, b = own[rows], means[rows]
    want = (np.sum((a - b) ** 2) if name == "msess" else -np.sum(b * oracles.floored_log(a, 1e-6))) / count.size
    assert getattr(tp, name)(P, known, pairs=pairs, **ON) == pytest.approx(want, rel=1e-11)


def _reversed(f, crop):
    """Return f(-r), as far as the lags have partners."""
    turned = np.flip(f, axis=(-2, -1))
    even = [(1 if crop is None or n % 2 == 0 else 0) for n in f.shape]
    return np.roll(turned, even, axis=(-2, -1))


@pytest.mark.parametrize("mode", oracles.MODES)
def test_batch_is_a_loop_and_a_mask_of_ones_is_no_mask(backend, mode):
    p, t = (np.stack([arrays(i + j, 3, (4, 5), "soft") for i in range(3)]) for j in (10, 20))
    options = made(options_of(mode), backend) | ON
    got = backend.read(tp.cess(backend.make(p), backend.make(t), reduction="none", **options))
    want = [backend.read(tp.cess(backend.make(a), backend.make(b), **options)) for a, b in zip(p, t, strict=True)]
    oracles.close(got, np.stack(want), 1e-13)
    if "mask" not in options:
        whole = tp.cess(backend.make(p), backend.make(t), mask=backend.make(np.ones((4, 5), bool)), reduction="none", **options)
        oracles.close(backend.read(whole), got, 1e-12)


def test_a_sum_of_losses(backend):
    terms = [(1.0, tp.cess, {}), (2.0, tp.cess, ON), (0.5, tp.msess, {}), (1e-3, tp.clamp, {"sigma": 0.1})]
    p, t = backend.make(P), backend.make(T)
    value, gradient = (backend.read(x) for x in tp.value_and_grad(terms)(p, t))
    parts = [(w, tp.value_and_grad(loss)(p, t, **own)) for w, loss, own in terms]
    oracles.close(value, sum(w * backend.read(v) for w, (v, _) in parts), 1e-13)
    oracles.close(gradient, sum(w * backend.read(g) for w, (_, g) in parts), 1e-12)
    whole = tp.value_and_grad(terms[:3])(p, t, cumulative=True)[0]  # an option of the call serves the terms that do not have it
    want = sum(w * float(loss(p, t, **ON)) for w, loss, _ in terms[:3])
    oracles.close(backend.read(whole), want, 1e-12)


@pytest.mark.parametrize("boundary", ["periodic", "open"])
@pytest.mark.parametrize("kind", ["soft", "indicator"])
def test_float32(backend, boundary, kind):
    p, t = arrays(1, 2, (64, 64), "soft")[1:], arrays(2, 2, (64, 64), kind)[1:]
    options = dict(boundary=boundary, implied_phase=True, excess=True, **ON)
    want = tp.value_and_grad(tp.cess)(p, t, **options)
    single = (backend.make(x.astype(np.float32)) for x in (p, t))
    value, gradient = tp.value_and_grad(tp.cess)(*single, **options)
    assert backend.read(value).dtype == backend.read(gradient).dtype == np.float32
    oracles.close(backend.read(gradient), want[1], 1e-4)


@pytest.mark.numpy_only
@pytest.mark.parametrize("boundary", ["periodic", "open"])
@pytest.mark.parametrize("shape", ["rows", "columns", "diagonals"])
def test_a_loss_grows_with_the_distance(boundary, shape):
    """Two lines of a target 36 apart: the further apart those of the prediction are, the larger the loss, where CESS sees nothing."""
    size, target = 80, 36
    most = size if boundary == "open" else size // 2 + 1
    known = tp.target_statistics(_lines(size, target, shape), implied_phase=True, boundary=boundary)
    near, far = range(target, 1, -1), range(target, most if shape != "diagonals" else min(most, size // 2))
    for spacings in (near, far):
        m = np.stack([_lines(size, spacing, shape) for spacing in spacings])
        values = tp.cess(m, known, excess=True, reduction="none", **ON)
        assert values[0] == pytest.approx(0, abs=1e-12)
        assert (np.diff(values) > 0).all(), f"{boundary} {shape} {spacings}"


def _lines(size, spacing, shape):
    """Return phase 1: two lines of one pixel."""
    i, j = np.indices((size, size))
    position = {"rows": i, "columns": j, "diagonals": (i + j) % size}[shape]
    return ((position == 0) | (position == spacing)).astype(float)[None]


@pytest.mark.numpy_only
def test_planes():
    known = tp.target_statistics(_planes(11), ndim=3, implied_phase=True)
    values = [float(tp.cess(_planes(spacing), known, excess=True, **ON)) for spacing in (11, 12, 10, 8, 5, 2)]
    assert values[0] == pytest.approx(0, abs=1e-12)
    assert values[1] > 0
    assert (np.diff(values[2:]) > 0).all()


def _planes(spacing):
    m = np.zeros((1, 24, 5, 4))
    m[0, 0], m[0, spacing] = 1, 1
    return m


@pytest.mark.matrix(keep=2)
@pytest.mark.filterwarnings("ignore:There is a performance drop:UserWarning")  # torch has no batching rule for a conjugate
@pytest.mark.parametrize("crop", [None, 2])
@pytest.mark.parametrize("mode", oracles.MODES)
def test_derivatives_of_torch(mode, crop):
    """The second derivatives are those of one image; those across images are zero, as the first derivatives of both show."""
    torch = pytest.importorskip("torch")
    p, t = (torch.tensor(np.stack([x, x[::-1]])) for x in (P * 0.9 + 0.02, T))
    options = {"mask": torch.tensor(MASK)} if "mask" in oracles.MODES[mode] else {}
    options |= {"boundary": oracles.MODES[mode].get("boundary", "periodic"), "crop": crop} | ON
    assert torch.autograd.gradcheck(lambda x: tp.cess(x, t, floor=1e-3, **options), p.clone().requires_grad_())
    assert torch.autograd.gradgradcheck(lambda x: tp.cess(x, t[0], floor=1e-3, **options), p[0].clone().requires_grad_())
    one = torch.func.vmap(lambda a, b: tp.cess(a, b, floor=1e-3, **options))(p, t)
    oracles.close(one, tp.cess(p, t, floor=1e-3, reduction="none", **options), 1e-12)


@pytest.mark.long
@pytest.mark.long_on_jax
def test_derivatives_of_jax(unchecked):
    jax = pytest.importorskip("jax")
    jax.config.update("jax_enable_x64", True)
    p, t = jax.numpy.asarray(P * 0.9 + 0.02), jax.numpy.asarray(T)

    def loss(x):
        return tp.cess(x, t, crop=2, boundary="open", floor=1e-3, **ON)

    hessian, d = jax.hessian(jax.jit(loss))(p), np.random.default_rng(0).normal(size=P.shape)
    step = 1e-5
    slopes = (np.asarray(jax.grad(loss)(p + step * d)) - np.asarray(jax.grad(loss)(p - step * d))) / (2 * step)
    oracles.close(np.einsum("hijkab,kab->hij", hessian, d), slopes, 1e-7)
    mapped = jax.vmap(lambda a: tp.cess(a, t, **ON))(jax.numpy.stack([p, t]))
    oracles.close(mapped, [float(tp.cess(a, t, **ON)) for a in (p, t)], 1e-12)
    known = tp.target_statistics(t)
    oracles.close(jax.jit(lambda x, s: tp.cess(x, s, **ON))(p, known), float(tp.cess(p, t, **ON)), 1e-12)


@pytest.mark.numpy_only
def test_an_empty_mask_has_no_loss():
    for loss in (tp.msess, tp.cess):
        value, gradient = tp.value_and_grad(loss)(P, T, mask=np.zeros((4, 5), bool), **ON)
        assert value == 0
        assert not gradient.any()


def test_what_is_not_true_or_false_is_refused(unchecked):
    for call in (tp.msess, tp.cess, tp.value_and_grad(tp.cess)):
        with pytest.raises(TypeError, match="cumulative must be True or False, got 1"):
            call(P, T, cumulative=1)
    with pytest.raises(TypeError, match="cumulative must be True or False"):
        tp.reconstruct(T, cumulative="yes")
