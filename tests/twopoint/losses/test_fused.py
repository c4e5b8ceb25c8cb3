"""Compiled loops give what the array functions give, in every thread, and leave alone what they do not serve."""

import math
import multiprocessing
import os

import numpy as np
import pytest

import twopoint as tp
from support import oracles
from support.strategies import soft_phases
from twopoint.losses import fused
from twopoint.statistics import chunks

pytestmark = pytest.mark.numpy_only
numba = pytest.importorskip("numba")
SPACES = [(8, 8), (7, 9), (6, 5), (4, 6, 5)]
CASES = [
    (tp.cess, {}),
    (tp.cess, {"excess": True}),
    (tp.cess, {"crop": 3}),
    (tp.cess, {"crop": 4, "pairs": [(1, 1), (1, 0)]}),
    (tp.msess, {}),
    (tp.cess, {"cumulative": True}),
    (tp.cess, {"cumulative": True, "excess": True, "crop": 3}),
    (tp.cess, {"cumulative": True, "crop": 4, "pairs": [(1, 1), (1, 0)]}),
]


def _pair(rng, space, batch=(5,)):
    """Return a soft prediction and an indicator target of phase 1, float32."""
    p = soft_phases(rng, 2, space, batch)[..., 1:, *(slice(None),) * len(space)]
    return p.astype(np.float32), (rng.random(p.shape) < 0.3).astype(np.float32)


@pytest.fixture
def calls(monkeypatch):
    """Return a list that grows with each chunk that the compiled loops evaluate."""
    found, evaluate = [], fused.evaluate
    monkeypatch.setattr(fused, "evaluate", lambda *task: (found.append(task[-1]), evaluate(*task))[1])
    return found


@pytest.mark.parametrize("space", SPACES, ids=str)
@pytest.mark.parametrize(("loss", "options"), CASES, ids=lambda x: getattr(x, "__name__", str(x)))
@pytest.mark.parametrize("batch", [(5,), (2, 3), ()], ids=str)
def test_same_value_and_gradient(space, loss, options, batch, rng, monkeypatch, calls):
    p, t = _pair(rng, space, batch)
    p.reshape(-1)[:3] = 0  # below the floor at some lags
    common = {"ndim": len(space), "implied_phase": True}
    options = options | common
    for target in (t, tp.target_statistics(t, **common), tp.target_statistics(t[(0,) * len(batch)], **common)):
        monkeypatch.setattr(chunks, "_CACHED", 2 * math.prod(space))
        value, gradient = tp.value_and_grad(loss)(p, target, **options)
        assert len(calls) == (math.ceil(math.prod(batch) / 2) if batch else 1)
        calls.clear()
        monkeypatch.setattr(fused, "kernels", lambda: None)
        want = tp.value_and_grad(loss)(p.astype(float), _double(target), **options)
        assert not calls
        monkeypatch.undo()
        monkeypatch.setattr(fused, "evaluate", _recorded(calls))
        assert value.dtype == gradient.dtype == np.float32
        oracles.close(value, want[0], 2e-6)
        oracles.close(gradient, want[1], 1e-5)


def _recorded(calls):
    evaluate = fused.evaluate
    return lambda *task: (calls.append(task[-1]), evaluate(*task))[1]


def _double(target):
    """Return a target in float64."""
    return target.astype(float) if isinstance(target, np.ndarray) else target.map(lambda x: x.astype(float))


def test_compiled_logarithm():
    from twopoint.arrays import kernels

    x = np.exp(np.random.default_rng(0).uniform(-87, 88, 10000)).astype(np.float32)
    x = np.concatenate([x, np.float32([1, np.finfo(np.float32).smallest_normal, np.sqrt(0.5), 0.99999994, 1.0000001])])
    log = np.array([kernels.log_float32(number) for number in x])
    want = np.log(x.astype(float))
    assert (np.abs(log - want) <= 1.1 * np.spacing(np.abs(want).astype(np.float32))).all()


def test_without_a_place_for_compiled_files(monkeypatch):
    from twopoint.arrays import kernels

    def njit(**options):
        if options.get("cache"):
            raise RuntimeError("cannot cache function: no locator available")
        return numba.njit(**options)

    monkeypatch.setattr(kernels, "njit", njit)
    found = np.empty(2, np.float32)
    kernels.compiled(kernels.power.py_func)(np.float32([[3, 4], [0, 2]]), found)
    assert found.tolist() == [25, 4]


def test_not_a_number_is_not_lost(rng):
    p, t = _pair(rng, (8, 8))
    p[1, 0, 2, 3] = np.nan
    value = tp.value_and_grad(tp.cess)(p, t, implied_phase=True)[0]
    assert np.isnan(value)


@pytest.mark.parametrize("change", ["float64", "open", "mask", "three phases", "explicit", "one dimension"])
def test_left_alone(change, rng, calls):
    p, t = _pair(rng, (8,) if change == "one dimension" else (8, 8))
    options = {"ndim": p.ndim - 2, "implied_phase": True}
    if change == "float64":
        p, t = p.astype(float), t.astype(float)
    elif change == "open":
        options["boundary"] = "open"
    elif change == "mask":
        options["mask"] = rng.random((8, 8)) < 0.9
    elif change == "three phases":
        p, t = np.concatenate([p, 0 * p], axis=1), np.concatenate([t, 0 * t], axis=1)
    elif change == "explicit":
        p, t, options["implied_phase"] = np.concatenate([1 - p, p], axis=1), np.concatenate([1 - t, t], axis=1), False
    tp.value_and_grad(tp.cess)(p, t, **options)
    assert not calls


def test_torch_in_every_mode(rng, calls):
    torch = pytest.importorskip("torch")
    p, t = (torch.tensor(x) for x in _pair(rng, (8, 8)))
    want = tp.value_and_grad(tp.cess)(p.numpy().astype(float), t.numpy().astype(float), implied_phase=True)
    for prediction in (p, p.to(memory_format=torch.channels_last), p.transpose(-1, -2).contiguous().transpose(-1, -2)):
        x = prediction.clone(memory_format=torch.preserve_format).requires_grad_()
        calls.clear()
        value = tp.cess(x, t, implied_phase=True)
        value.backward(retain_graph=True)
        oracles.close(x.grad.numpy(), want[1], 1e-5)
        value.backward()  # the gradient is computed again
        oracles.close(x.grad.numpy(), 2 * want[1], 1e-5)
        oracles.close(value.item(), float(want[0]), 2e-6)
        assert calls
    half = p.to(torch.bfloat16).requires_grad_()
    tp.cess(half, t.to(torch.bfloat16), implied_phase=True).backward()
    assert half.grad.dtype == torch.bfloat16
    assert half.grad.isfinite().all()
    with torch.inference_mode():
        oracles.close(tp.cess(p, t, implied_phase=True).item(), float(want[0]), 2e-6)
    one = p[:1].double().requires_grad_()
    assert torch.autograd.gradgradcheck(lambda m: tp.cess(m, t[:1].double(), implied_phase=True), (one,))
    weights = torch.rand(5)
    x = p.clone().requires_grad_()
    (tp.cess(x, t, implied_phase=True, reduction="none") * weights).sum().backward()
    oracles.close(x.grad.numpy(), 5 * want[1] * weights.numpy()[:, None, None, None], 1e-5)
    with torch.autograd.graph.saved_tensors_hooks(lambda y: y, lambda y: y):
        tp.cess(x, t, implied_phase=True).backward()


def test_torch_transforms_and_modes_take_the_array_functions(rng, calls):
    torch = pytest.importorskip("torch")
    from torch.utils.flop_counter import FlopCounterMode

    p, t = (torch.tensor(x) for x in _pair(rng, (8, 8)))
    statistics = tp.target_statistics(t[0], implied_phase=True)
    each = torch.func.vmap(torch.func.grad(lambda m: tp.cess(m, statistics)))(p)
    assert each.shape == p.shape
    with FlopCounterMode(display=False):
        tp.cess(p.clone().requires_grad_(), t, implied_phase=True).backward()
    assert not calls


def test_the_number_of_threads_of_the_caller_is_kept(rng, monkeypatch):
    torch = pytest.importorskip("torch")
    from threadpoolctl import threadpool_info

    monkeypatch.setattr(chunks, "_WORTH_THREADS", 1)
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(3)
        limits = {info["filepath"]: info["num_threads"] for info in threadpool_info()}
        p, t = (torch.tensor(x) for x in _pair(rng, (8, 8), (6,)))
        tp.cess(p.requires_grad_(), t, implied_phase=True).backward()
        assert torch.get_num_threads() == 3
        assert {info["filepath"]: info["num_threads"] for info in threadpool_info()} == limits
    finally:
        torch.set_num_threads(before)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks are a matter of POSIX")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_in_a_forked_process(rng, monkeypatch):
    """The parent has threads; the child has none of them."""
    monkeypatch.setattr(chunks, "_WORTH_THREADS", 1)
    p, t = _pair(rng, (16, 16), (6,))
    want = _value("numpy", p, t)
    receiver, sender = multiprocessing.Pipe(duplex=False)
    child = multiprocessing.get_context("fork").Process(target=lambda: sender.send(_value("numpy", p, t)), daemon=True)
    child.start()
    try:
        assert receiver.poll(30), "the child hangs"
        assert receiver.recv() == want
    finally:
        child.kill()
        child.join()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks are a matter of POSIX")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_in_a_worker_of_a_data_loader(rng, monkeypatch):
    torch = pytest.importorskip("torch")
    monkeypatch.setattr(chunks, "_WORTH_THREADS", 1)
    p, t = _pair(rng, (16, 16), (6,))
    want = _value("torch", p, t)

    class Losses(torch.utils.data.Dataset):
        def __len__(self):
            return 3

        def __getitem__(self, i):
            return _value("torch", p, t)

    loader = torch.utils.data.DataLoader(Losses(), num_workers=2, timeout=30, multiprocessing_context="fork")
    assert [value.item() for value in loader] == pytest.approx([want] * 3, rel=1e-7)


def _value(library, p, t):
    """Return the loss, computed together with its gradient."""
    if library == "numpy":
        return float(tp.value_and_grad(tp.cess)(p, t, implied_phase=True)[0])
    torch = pytest.importorskip("torch")
    value = tp.cess(torch.tensor(p).requires_grad_(), torch.tensor(t), implied_phase=True)
    value.backward()
    return value.item()


def test_an_error_in_a_chunk_is_raised(rng, monkeypatch):
    p, t = _pair(rng, (8, 8), (6,))
    monkeypatch.setattr(chunks, "_WORTH_THREADS", 1)
    evaluate = fused.evaluate

    def fail(loss, m, result, part):
        if part.start:
            raise MemoryError("of a chunk")
        evaluate(loss, m, result, part)

    monkeypatch.setattr(fused, "evaluate", fail)
    monkeypatch.setattr(chunks, "_IN_THREAD", 64)
    with pytest.raises(MemoryError, match="of a chunk"):
        tp.value_and_grad(tp.cess)(p, t, implied_phase=True)
