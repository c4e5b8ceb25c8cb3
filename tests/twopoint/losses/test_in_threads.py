"""Chunks of a batch in threads beside each other: the same losses and statistics, in as many threads as the library was told to use."""

import threading

import numpy as np
import pytest
import scipy.fft

import twopoint as tp
from support import oracles
from support.strategies import soft_phases
from twopoint.statistics import chunks
from twopoint.statistics.plan import Options, plan_of

BATCH = (7,)
CASES = {
    "two phases": dict(n_phases=2),
    "implied": dict(n_phases=2, implied_phase=True),
    "three phases": dict(n_phases=3, space=(4, 3, 5)),
    "implied third": dict(n_phases=3, implied_phase=True, crop=3),
    "open": dict(n_phases=2, boundary="open"),
    "masks": dict(n_phases=2, boundary="open", masks=BATCH),
    "one mask": dict(n_phases=3, masks=()),
    "pairs": dict(n_phases=3, pairs=[(0, 0), (1, 2)]),
    "cumulative": dict(n_phases=2, cumulative=True),
    "one axis": dict(n_phases=2, space=(9,)),
}
pytestmark = pytest.mark.numpy_only


@pytest.fixture(params=["numpy", "torch"])
def library(request):
    """Three threads, whatever the machine has."""
    if request.param == "numpy":
        with scipy.fft.set_workers(3):
            yield np.asarray
        return
    torch = pytest.importorskip("torch")
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    yield torch.asarray
    torch.set_num_threads(before)


@pytest.fixture
def at_work(monkeypatch):
    """Small batches are worth threads, with a chunk for each member; the threads that evaluated one."""
    monkeypatch.setattr(chunks, "_IN_THREAD", 1)
    found, run, meeting = set(), chunks.run, threading.Barrier(3)

    def counted(function, parts, number, alone):
        def noted(part):
            if threading.get_ident() not in found:
                found.add(threading.get_ident())
                meeting.wait(timeout=20)  # a quick thread takes no chunk of another one
            return function(part)

        return run(noted, parts, number, alone)

    monkeypatch.setattr(chunks, "run", counted)
    return found


def _given(case, rng, asarray):
    """Return prediction, target and options."""
    options = dict(CASES[case])
    space, n, shape = options.pop("space", (6, 5)), options.pop("n_phases"), options.pop("masks", None)
    p, t = (soft_phases(rng, n, space, BATCH)[:, int(options.get("implied_phase", False)) :] for _ in range(2))
    if shape is not None:
        options["mask"] = asarray(rng.random((*shape, *space)) < 0.8)
    return asarray(p), asarray(t), options | {"ndim": len(space)}


@pytest.mark.parametrize("loss", [tp.msess, tp.cess])
@pytest.mark.parametrize("case", CASES)
def test_value_and_gradient(case, loss, library, at_work, rng, monkeypatch):
    p, t, options = _given(case, rng, library)
    want, each = tp.value_and_grad(loss)(p, t, **options), loss(p, t, reduction="none", **options)
    assert not at_work
    monkeypatch.setattr(chunks, "_WORTH_THREADS", 1)
    value, gradient = tp.value_and_grad(loss)(p, t, **options)
    assert len(at_work) == 3
    oracles.close(value, want[0], 1e-12)
    oracles.close(gradient, want[1], 1e-12)
    oracles.close(loss(p, t, reduction="none", **options), each, 1e-12)


@pytest.mark.parametrize("case", CASES)
def test_statistics(case, library, at_work, rng, monkeypatch):
    m, _, options = _given(case, rng, library)
    want = tp.correlations(m, **options)
    monkeypatch.setattr(chunks, "_WORTH_THREADS", 1)
    oracles.close(tp.correlations(m, **options), want, 1e-13)
    assert len(at_work) == 3


def test_backward_of_torch(at_work, rng, monkeypatch):
    torch = pytest.importorskip("torch")
    monkeypatch.setattr(chunks, "_WORTH_THREADS", 1)
    monkeypatch.setattr(chunks, "thread_count", lambda xp: 3)
    p, t, options = _given("open", rng, torch.asarray)
    x = p.clone().requires_grad_()
    tp.cess(x, t, **options).backward()
    assert len(at_work) == 3
    oracles.close(x.grad, tp.value_and_grad(tp.cess)(p, t, **options)[1], 1e-12)


def test_what_needs_this_thread(at_work, rng, monkeypatch):
    """A mode that sees operations, a transform, and a target with a derivative of its own."""
    torch = pytest.importorskip("torch")
    from torch.utils.flop_counter import FlopCounterMode

    monkeypatch.setattr(chunks, "_WORTH_THREADS", 1)
    p, t, options = _given("implied", rng, torch.asarray)
    with FlopCounterMode(display=False):
        tp.cess(p.clone().requires_grad_(), t, **options).backward()
    torch.func.vmap(torch.func.grad(lambda m: tp.cess(m, t[0], **options)))(p)
    target = t.clone().requires_grad_()
    tp.cess(p, target, **options).backward()
    assert target.grad is not None
    assert not at_work


def test_the_number_of_threads(monkeypatch):
    m = np.zeros((5, 1, 10, 10))
    plan = plan_of(m, Options(implied_phase=True), np)[0]
    with scipy.fft.set_workers(4):
        assert chunks.threads(m, plan, np) == 1  # too small
        monkeypatch.setattr(chunks, "_WORTH_THREADS", 500)
        assert chunks.threads(m, plan, np) == 4
        assert chunks.threads(m[:4], plan, np) == 1
        monkeypatch.setattr(chunks, "_HELD_IN_THREADS", 250)
        assert chunks.threads(m, plan, np) == 2
        monkeypatch.setattr(chunks, "_HELD_IN_THREADS", 99)
        assert chunks.threads(m, plan, np) == 1
        assert len(chunks.ranges(m, plan, np, 4)) == 3


def test_transforms_of_a_chunk_use_one_thread_of_torch():
    pytest.importorskip("torch")
    from twopoint.arrays import torch_function

    set_threads = torch_function._mkl()
    before = set_threads(0)
    with torch_function.alone()():
        assert set_threads(1) == 1
    assert set_threads(before) == 0
