"""One loss in many ways: in pieces of a batch, lag by lag and by frequency, by adjoints and by the library's own differentiation."""

import numpy as np
import pytest

import twopoint as tp
from support import oracles
from twopoint.losses.measures import SquaredError
from twopoint.losses.prepare import by_parseval
from twopoint.statistics import chunks
from twopoint.statistics.plan import Options, plan_of

SPACES = {1: (7,), 2: (6, 5), 3: (4, 3, 5)}


def _soft(rng, n, space, batch=(2, 2)):
    m = rng.random((*batch, n, *space))
    return m / m.sum(axis=-len(space) - 1, keepdims=True)


@pytest.mark.numpy_only
@pytest.mark.parametrize("mode", oracles.MODES)
@pytest.mark.parametrize("loss", [tp.msess, tp.cess])
@pytest.mark.parametrize("ndim", [1, 2, 3])
def test_pieces_of_a_batch(mode, loss, ndim, rng, monkeypatch):
    p, t = _soft(rng, 3, SPACES[ndim]), _soft(rng, 3, SPACES[ndim])
    options = dict(ndim=ndim, boundary="open" if "open" in mode else "periodic")
    masks = [None] if "masked" not in mode else [rng.random(SPACES[ndim]) < 0.8, rng.random((2, 2, *SPACES[ndim])) < 0.8]
    for mask in masks:
        for target in (t, tp.target_statistics(t, mask=mask, **options), tp.target_statistics(t[1, 0], mask=_first(mask, ndim), **options)):
            given = options | ({} if mask is None or (mask.ndim > ndim and target is not t) else {"mask": mask})
            if mask is not None and mask.ndim > ndim and isinstance(target, tp.TargetStatistics) and not target.batch_shape:
                continue  # statistics without a batch have one mask
            whole = tp.value_and_grad(loss)(p, target, **given), loss(p, target, reduction="none", **given)
            monkeypatch.setattr(chunks, "_CACHED", 1)
            (value, gradient), each = tp.value_and_grad(loss)(p, target, **given), loss(p, target, reduction="none", **given)
            monkeypatch.undo()
            assert each.shape == (2, 2)
            oracles.close(each, whole[1], 1e-12)
            oracles.close(value, whole[0][0], 1e-12)
            oracles.close(gradient, whole[0][1], 1e-12)


@pytest.mark.numpy_only
@pytest.mark.parametrize("ndim", [1, 2, 3])
@pytest.mark.parametrize("boundary", ["periodic", "open"])
def test_pieces_of_statistics(ndim, boundary, rng, monkeypatch):
    m = _soft(rng, 3, SPACES[ndim])
    for mask in (None, rng.random(SPACES[ndim]) < 0.8, rng.random((2, 2, *SPACES[ndim])) < 0.8):
        whole = tp.correlations(m, ndim=ndim, boundary=boundary, mask=mask)
        with monkeypatch.context() as patch:
            patch.setattr(chunks, "_CACHED", 1)
            oracles.close(tp.correlations(m, ndim=ndim, boundary=boundary, mask=mask), whole, 1e-13)


def _first(mask, ndim):
    return mask if mask is None or mask.ndim == ndim else mask[1, 0]


@pytest.mark.numpy_only
def test_pieces_are_as_large_as_the_cache(monkeypatch):
    m = np.zeros((5, 3, 1, 10, 10))
    plan, _, _ = plan_of(m, Options(implied_phase=True), np)
    monkeypatch.setattr(chunks, "_CACHED", 400)
    assert [part.stop - part.start for part in chunks.ranges(m, plan, np)] == [4, 4, 4, 3]
    monkeypatch.setattr(chunks, "_CACHED", 1 << 30)
    assert chunks.ranges(m, plan, np) == [slice(0, 15)]


@pytest.mark.numpy_only
@pytest.mark.parametrize("mode", oracles.MODES)
@pytest.mark.parametrize("implied", [False, True])
@pytest.mark.parametrize("space", [(7,), (6, 5), (4, 3, 5)], ids=str)
def test_pairs_and_rows_one_after_the_other(mode, implied, space, rng, monkeypatch):
    """What is too large for the memory is done pair by pair, and what is too large for the cache row by row."""
    p, t = (_soft(rng, 3, space, (2,))[:, int(implied) :] for _ in range(2))
    ndim = len(space)
    options = dict(ndim=ndim, boundary="open" if "open" in mode else "periodic", implied_phase=implied)
    options["mask"] = rng.random(space) < 0.8 if "masked" in mode else None
    monkeypatch.setattr(chunks, "_CACHED", 1)  # members alone
    for loss, more in (
        (tp.cess, {}),
        (tp.msess, {"crop": 3}),
        (tp.cess, {"crop": 2, "pairs": [(0, 0), (2, 0)]}),
        (tp.cess, {"pairs": [(1, 2)]}),
    ):
        whole = tp.value_and_grad(loss)(p, t, **options, **more), loss(p, t, reduction="none", **options, **more)
        with monkeypatch.context() as patch:
            patch.setattr(chunks, "_CACHED_ROWS", 1)
            rows = tp.value_and_grad(loss)(p, t, **options, **more)
            patch.setattr(chunks, "_HELD_PAIRS", 0)
            pairs = tp.value_and_grad(loss)(p, t, **options, **more)
            values = loss(p, t, reduction="none", **options, **more)
        for found in (rows, pairs):
            oracles.close(found[0], whole[0][0], 1e-12)
            oracles.close(found[1], whole[0][1], 1e-11)
        oracles.close(values, whole[1], 1e-12)


@pytest.mark.numpy_only
def test_what_is_done_pair_by_pair(rng):
    m = np.zeros((1, 3, 1, 1))
    plan = plan_of(m, Options(), np)[0]
    assert not chunks.pair_by_pair(m, plan, np)
    large = np.broadcast_to(0.0, (1, 3, 1 << 13, 1 << 12))  # 6 pairs of 2^25
    plan = plan_of(large, Options(), np)[0]
    assert chunks.pair_by_pair(large, plan, np)
    assert not chunks.pair_by_pair(large[:, :2], plan_of(large[:, :2], Options(), np)[0], np)
    assert len(chunks.rows(large, plan, np)) > 100
    assert chunks.rows(np.broadcast_to(0.0, (2, 3, 1 << 13, 1 << 12)), plan, np) == []  # one chunk holds all


@pytest.mark.numpy_only
@pytest.mark.parametrize("space", [(7,), (8,), (6, 5), (5, 6), (4, 3, 5), (3, 4, 6)], ids=str)
@pytest.mark.parametrize(("phases", "implied"), [(1, False), (2, False), (3, False), (2, True), (3, True)])
@pytest.mark.parametrize("pairs", ["all", [(0, 0)], "last"])
def test_parseval(space, phases, implied, pairs, rng, monkeypatch):
    pairs = [(phases - 1, 0)] if pairs == "last" else pairs
    p, t = (m[:, int(implied) :] if implied else m for m in (_soft(rng, phases, space, (2,)) for _ in range(2)))
    options = dict(ndim=len(space), implied_phase=implied, pairs=pairs)
    measured = tp.correlations(t, **options) + 0.01 * rng.random(tp.correlations(t, **options).shape)
    known = dict(shape=space, implied_phase=implied, pairs=pairs, n_phases=None if pairs == "all" else phases)
    makers = (lambda: t, lambda: tp.target_statistics(t, **options), lambda: tp.TargetStatistics.from_correlations(measured, **known))
    for i, make in enumerate(makers):
        given = options if i == 0 else {}
        by_frequency = tp.value_and_grad(tp.msess)(p, make(), **given)
        with monkeypatch.context() as patch:
            patch.setattr("twopoint.losses.prepare.by_parseval", lambda measure, plan: False)
            by_lag = tp.value_and_grad(tp.msess)(p, make(), **given)
        oracles.close(by_frequency[0], by_lag[0], 1e-12)
        oracles.close(by_frequency[1], by_lag[1], 1e-12)


@pytest.mark.numpy_only
@pytest.mark.parametrize("crop", [2, 3, (4, 3), (3, 4)])
@pytest.mark.parametrize("implied", [False, True])
def test_measured_statistics_of_a_crop_need_not_be_even(crop, implied, rng):
    """The last lag of an even crop has no partner; what the opposite lags of the others differ by counts in the value all the same."""
    p, t = (m[:, int(implied) :] for m in (_soft(rng, 2, (6, 5), (2,)) for _ in range(2)))
    measured = tp.correlations(t, implied_phase=implied)
    measured = measured + 0.1 * rng.random(measured.shape)
    measured[:, 1, 0] = np.roll(measured[:, 0, 1, ::-1, ::-1], (1, 1), (-2, -1))  # the same statistic
    sizes = (crop, crop) if isinstance(crop, int) else crop
    rows, columns = (np.arange(n) - n // 2 for n in sizes)
    wanted = measured[..., rows[:, None], columns]
    f = tp.correlations(p, implied_phase=implied, crop=crop)
    squares = ((f - wanted) ** 2).sum((1, 2)).mean((-2, -1))
    excess = (wanted * (np.log(wanted) - np.log(f))).sum((1, 2)).mean((-2, -1))
    for given, more in ((measured, {}), (wanted, {"crop": crop})):
        known = tp.TargetStatistics.from_correlations(given, shape=(6, 5), implied_phase=implied, **more)
        oracles.close(tp.msess(p, known, reduction="none", crop=crop), squares, 1e-12)
        oracles.close(tp.cess(p, known, excess=True, reduction="none", crop=crop), excess, 1e-12)


@pytest.mark.numpy_only
def test_what_parseval_serves(rng):
    m = _soft(rng, 2, (6, 5))
    for options, served in [({}, True), ({"crop": 3}, False), ({"boundary": "open"}, False), ({"mask": np.ones((6, 5))}, False)]:
        assert by_parseval(SquaredError(), plan_of(m, Options(**options), np)[0]) is served


@pytest.mark.numpy_only
def test_a_prepared_target_is_kept_for_each_way_to_use_it(rng):
    p, t = _soft(rng, 2, (6, 5)), _soft(rng, 2, (6, 5))
    known = tp.target_statistics(t)
    for _ in range(2):
        for options in ({}, {"crop": 3}, {"lag_reduction": "sum"}, {"floor": 0.01}, {"excess": True}):
            oracles.close(tp.cess(p, known, **options), tp.cess(p, t, **options), 1e-12)
        oracles.close(tp.cess(p.astype(np.float32), known), tp.cess(p, t), 1e-5)
    assert len(known._prepared) == 6
    assert not known[0]._prepared
    assert not known.__getstate__()["_prepared"]


@pytest.fixture
def torch():
    import torch

    return torch


@pytest.mark.parametrize("loss", [tp.msess, tp.cess])
@pytest.mark.parametrize("mode", oracles.MODES)
def test_torchs_gradient_is_the_adjoints_and_its_derivatives_are_right(torch, loss, mode, rng):
    p, t = (torch.tensor(_soft(rng, 2, (3, 4), (2,))) for _ in range(2))
    options = dict(
        boundary="open" if "open" in mode else "periodic", mask=torch.tensor(rng.random((3, 4)) < 0.8) if "masked" in mode else None
    )
    x = p.clone().requires_grad_()
    loss(x, t, **options).backward()
    own = torch.func.grad(lambda m: loss(m, t, **options))(p)  # through the formula
    oracles.close(x.grad.numpy(), own.numpy(), 1e-11)
    assert torch.autograd.gradgradcheck(lambda m: loss(m, t, reduction="none", **options), (x,))
    assert torch.autograd.gradcheck(lambda m: loss(m, t, **options), (x,), check_forward_ad=True)


def test_a_target_that_has_a_derivative_gets_it(torch, rng):
    p, t = (torch.tensor(_soft(rng, 2, (3, 4), (2,))).requires_grad_() for _ in range(2))
    assert torch.autograd.gradcheck(lambda a, b: tp.msess(a, b), (p, t))
    known = tp.target_statistics(t)
    tp.cess(p, known).backward()
    assert torch.isfinite(t.grad).all()


def test_a_target_prepared_in_inference_serves_training(torch, rng):
    p, t = (torch.tensor(_soft(rng, 2, (3, 4), (2,))) for _ in range(2))
    with torch.inference_mode():
        known = tp.target_statistics(t.clone())
        before = tp.cess(p, known)
    x = p.clone().requires_grad_()
    after = tp.cess(x, tp.target_statistics(t))
    after.backward()
    assert float(before) == pytest.approx(float(after.detach()), rel=1e-12)
    known = tp.target_statistics(t)
    with torch.inference_mode():
        tp.cess(p, known)
    y = p.clone().requires_grad_()
    tp.cess(y, known).backward()
    oracles.close(y.grad.numpy(), x.grad.numpy(), 1e-12)
