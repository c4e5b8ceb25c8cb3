"""How many operations torch launches on an accelerator, counted on the processor with the layout of an accelerator."""

import numpy as np
import pytest

import twopoint as tp
from support.strategies import soft_phases
from twopoint.losses import comparison, fused
from twopoint.statistics import chunks, correlation, lags

torch = pytest.importorskip("torch")
dispatch = pytest.importorskip("torch.utils._python_dispatch")

pytestmark = pytest.mark.numpy_only
VIEWS = {"select", "slice", "view", "_unsafe_view", "unsqueeze", "squeeze", "expand", "view_as_real", "detach", "alias", "_conj"}
ON_CPU = {"eq", "all", "_local_scalar_dense"}  # whether all cotangents are 1 is asked on a processor only; elsewhere they are multiplied


class Counter(dispatch.TorchDispatchMode):
    """Counts the operations that touch memory; views launch nothing."""

    def __init__(self):
        super().__init__()
        self.names = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        name = func.overloadpacket.__name__
        if name not in VIEWS:
            self.names.append(name)
        return func(*args, **(kwargs or {}))


def _operations(monkeypatch, loss, phases, **options):
    """Return the operations of one call with backward, when constants are at hand."""
    for module in (chunks, comparison, correlation, lags):
        monkeypatch.setattr(module, "on_cpu", lambda x: False)
    monkeypatch.setattr(fused, "kernels", lambda: None)
    rng = np.random.default_rng(0)
    p, t = (torch.tensor(soft_phases(rng, phases, (8, 6), (4,))[:, 1:], dtype=torch.float32) for _ in range(2))
    target, p = tp.target_statistics(t, implied_phase=True, **options), p.requires_grad_()
    loss(p, target).backward()
    with Counter() as counter:
        loss(p, target).backward()
    return [name for name in counter.names if name not in ON_CPU] + ["mul"]


@pytest.mark.parametrize(("loss", "phases", "most"), [(tp.cess, 2, 60), (tp.msess, 2, 60), (tp.cess, 5, 120), (tp.msess, 5, 120)])
def test_few_operations(loss, phases, most, monkeypatch):
    names = _operations(monkeypatch, loss, phases)
    assert len(names) <= most, sorted(names)


@pytest.mark.parametrize(("options", "more"), [({"crop": 3}, 20), ({"boundary": "open"}, 90)], ids=str)
def test_operations_do_not_grow_with_the_phases(options, more, monkeypatch):
    """Pairs are stacked, so that seven phases take no more operations than four."""
    with monkeypatch.context() as patch:
        few = _operations(patch, tp.cess, 4, **options)
    assert len(_operations(monkeypatch, tp.cess, 7, **options)) <= len(few)
    assert len(few) <= 104 + more


def test_a_counter_sees_operations():
    with Counter() as counter:
        x = torch.ones(3)
        (x + x)[0]
    assert counter.names == ["ones", "add"]
