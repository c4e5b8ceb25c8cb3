"""One loss in many ways: in pieces of a batch, lag by lag and by frequency, by adjoints and by the library's own differentiation."""

import numpy as np
import pytest

import twopoint as tp
from support import oracles
from support.strategies import soft_phases
from twopoint.statistics import chunks

SPACES = {1: (7,), 2: (6, 5), 3: (4, 3, 5)}


@pytest.mark.matrix(keep=8)
@pytest.mark.numpy_only
@pytest.mark.parametrize("mode", oracles.MODES)
@pytest.mark.parametrize("loss", [tp.msess, tp.cess])
@pytest.mark.parametrize("ndim", [1, 2, 3])
def test_pieces_of_a_batch(mode, loss, ndim, rng, monkeypatch):
    p, t = soft_phases(rng, 3, SPACES[ndim]), soft_phases(rng, 3, SPACES[ndim])
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


@pytest.mark.matrix(keep=8)
@pytest.mark.numpy_only
@pytest.mark.parametrize("mode", oracles.MODES)
@pytest.mark.parametrize("implied", [False, True])
@pytest.mark.parametrize("space", [(7,), (6, 5), (4, 3, 5)], ids=str)
def test_pairs_and_rows_one_after_the_other(mode, implied, space, rng, monkeypatch):
    """What is too large for the memory is done pair by pair, and what is too large for the cache by members or rows."""
    p, t = (soft_phases(rng, 3, space, (2,))[:, int(implied) :] for _ in range(2))
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
            patch.setattr(chunks, "_TILE", 1)
            rows = tp.value_and_grad(loss)(p, t, **options, **more)
            patch.setattr(chunks, "_CACHED", 1 << 20)
            members = tp.value_and_grad(loss)(p, t, **options, **more)
            patch.setattr(chunks, "_CACHED", 1)
            patch.setattr(chunks, "_HELD_PAIRS", 0)
            pairs = tp.value_and_grad(loss)(p, t, **options, **more)
            values = loss(p, t, reduction="none", **options, **more)
        for found in (rows, members, pairs):
            oracles.close(found[0], whole[0][0], 1e-12)
            oracles.close(found[1], whole[0][1], 1e-11)
        oracles.close(values, whole[1], 1e-12)


@pytest.mark.numpy_only
@pytest.mark.parametrize("crop", [2, 3, (4, 3), (3, 4)])
@pytest.mark.parametrize("implied", [False, True])
def test_measured_statistics_of_a_crop_need_not_be_even(crop, implied, rng):
    """The last lag of an even crop has no partner; what the opposite lags of the others differ by counts in the value all the same."""
    p, t = (m[:, int(implied) :] for m in (soft_phases(rng, 2, (6, 5), (2,)) for _ in range(2)))
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


@pytest.fixture
def torch():
    import torch

    return torch


@pytest.mark.matrix(keep=1)
@pytest.mark.parametrize("loss", [tp.msess, tp.cess])
@pytest.mark.parametrize("mode", oracles.MODES)
def test_torchs_gradient_is_the_adjoints_and_its_derivatives_are_right(torch, loss, mode, rng):
    p, t = (torch.tensor(soft_phases(rng, 2, (3, 4), (2,))) for _ in range(2))
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
    p, t = (torch.tensor(soft_phases(rng, 2, (3, 4), (2,))).requires_grad_() for _ in range(2))
    assert torch.autograd.gradcheck(lambda a, b: tp.msess(a, b), (p, t))
    known = tp.target_statistics(t)
    tp.cess(p, known).backward()
    assert torch.isfinite(t.grad).all()


def test_a_target_prepared_in_inference_serves_training(torch, rng):
    p, t = (torch.tensor(soft_phases(rng, 2, (3, 4), (2,))) for _ in range(2))
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


def _first(mask, ndim):
    return mask if mask is None or mask.ndim == ndim else mask[1, 0]
