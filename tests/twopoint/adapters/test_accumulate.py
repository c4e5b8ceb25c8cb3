"""A loss over a dataset, batch by batch and process by process, is that of all at once."""

import pickle
import socket
import subprocess
import sys

import numpy as np
import pytest

import twopoint as tp
from twopoint.adapters.accumulate import DatasetLoss

RNG = np.random.default_rng(0)
TARGET = tp.two_phase(RNG.random((7, 16, 16)) < 0.3)
FOUND = 0.8 * TARGET + 0.1 * RNG.random((7, 1, 1, 1)) + 0.05
FOUND = FOUND / FOUND.sum(axis=1, keepdims=True)


def filled(loss=tp.cess, parts=((0, 3), (3, 6), (6, 7)), index=False, **options):
    found = DatasetLoss(loss, **options)
    for start, stop in parts:
        found.add(FOUND[start:stop], TARGET[start:stop], *([range(start, stop)] if index else []))
    return found


@pytest.mark.parametrize(("loss", "options"), [(tp.cess, dict(excess=True)), (tp.msess, dict(crop=5, lag_reduction="sum"))])
def test_batches_give_what_all_at_once_gives(loss, options):
    wanted = loss(FOUND, TARGET, reduction="none", **options)
    found = filled(loss, **options)
    np.testing.assert_allclose(found.values, wanted, rtol=1e-12)
    assert found.mean == pytest.approx(float(loss(FOUND, TARGET, **options)), rel=1e-12)
    assert (found.median, found.quantile(0.9)) == pytest.approx((np.median(wanted), np.quantile(wanted, 0.9)))
    means = [float(loss(FOUND[a:b], TARGET[a:b], **options)) for a, b in ((0, 3), (3, 6), (6, 7))]
    assert abs(np.mean(means) - found.mean) > 1e-3 * found.mean  # what the mean over batches would say


def test_an_index_counts_once():
    once, twice = filled(index=True), filled(index=True, parts=((0, 4), (2, 6), (4, 7)))
    assert once.values.tolist() == pytest.approx(twice.values.tolist())
    assert len(filled(parts=((0, 4), (2, 6)))) == 8
    halves = [filled(index=True, parts=(part,)) for part in ((0, 4), (3, 7))]
    whole = halves[0].merged(pickle.loads(pickle.dumps(halves[1])))
    assert whole.values.tolist() == pytest.approx(once.values.tolist())
    assert len(halves[0]) == 4


def test_each_library(backend):
    found = DatasetLoss(tp.cess, excess=True)
    found.add(backend.make(FOUND), backend.make(TARGET), backend.make(np.arange(7)))
    assert found.mean == pytest.approx(filled(excess=True).mean, rel=1e-5)
    assert found.gathered().values.tolist() == found.values.tolist()


def test_indices_of_any_kind():
    import torch

    wanted = filled(index=True).values.tolist()
    for kind in (list, tuple, np.array, torch.tensor, lambda x: list(torch.tensor(list(x))), lambda x: torch.tensor(list(x))[:, None]):
        found = DatasetLoss(tp.cess)
        for start, stop in ((0, 4), (2, 7)):
            found.add(FOUND[start:stop], TARGET[start:stop], kind(range(start, stop)))
        assert found.values.tolist() == wanted
    found = DatasetLoss(tp.cess)
    for index in (3, 3, torch.tensor(3), "a"):
        found.add(FOUND[3], TARGET[3], index)
    assert len(found) == 2


def test_what_is_refused():
    found = filled()
    assert repr(found).startswith("DatasetLoss(cess, 7 microstructures, mean ")
    with pytest.raises(ValueError, match="index must be given for all batches, or for none"):
        found.add(FOUND, TARGET, range(7))
    with pytest.raises(ValueError, match="index must be given for all batches, or for none"):
        found.merged(filled(index=True))
    with pytest.raises(ValueError, match="index must hold one entry for each of the 7 microstructures, got 3"):
        DatasetLoss().add(FOUND, TARGET, range(3))
    with pytest.raises(ValueError, match="options must not contain a reduction"):
        DatasetLoss(tp.cess, reduction="mean")
    found.reset()
    for wanted in ("mean", "median"):
        with pytest.raises(ValueError, match="no microstructure yet"):
            getattr(found, wanted)
    assert "none yet" in repr(found)
    with pytest.raises(ValueError, match="prediction"):
        found.add(FOUND[:, :, :8], TARGET)


TORCH = """
import sys, torch.distributed as dist
dist.init_process_group("gloo", init_method=f"tcp://127.0.0.1:{sys.argv[2]}", rank=int(sys.argv[1]), world_size=2)
"""
JAX = """
import os, sys
os.environ["JAX_PLATFORMS"] = "cpu"
import jax
jax.config.update("jax_cpu_collectives_implementation", "gloo")
jax.distributed.initialize(f"127.0.0.1:{sys.argv[2]}", 2, int(sys.argv[1]))
"""
SHARE = """
import numpy as np, twopoint as tp
from twopoint.adapters.accumulate import DatasetLoss
found, rank = DatasetLoss(tp.msess), int(sys.argv[1])
target = tp.two_phase(np.arange(7 * 64).reshape(7, 8, 8) % 5 < 2)
own = range(4) if rank == 0 else range(3, 7)  # the fourth is in both
for i in own:
    found.add(target[i : i + 1] * (1 - i / 10), target[i : i + 1], [i])
print(len(found.gathered()), repr(found.gathered().mean))
"""


@pytest.mark.parametrize("start", [TORCH, JAX], ids=["torch", "jax"])
def test_two_processes(start):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    run = dict(stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    started = [subprocess.Popen([sys.executable, "-c", start + SHARE, str(rank), port], **run) for rank in range(2)]
    printed = [process.communicate(timeout=120) for process in started]
    target = tp.two_phase(np.arange(7 * 64).reshape(7, 8, 8) % 5 < 2)
    wanted = np.mean([float(tp.msess(target[i] * (1 - i / 10), target[i])) for i in range(7)])
    for out, errors in printed:
        count, mean = out.split()[-2:] if out.split() else pytest.fail(errors)
        assert (count, float(mean)) == ("7", pytest.approx(wanted, rel=1e-12))


def test_a_loss_of_points_and_a_module_are_refused():
    torch = pytest.importorskip("torch")
    from twopoint.adapters.torch_losses import CESS

    x = torch.rand(4, 1, 8, 8)
    with pytest.raises(
        ValueError, match=r"loss must return one value for each microstructure, got values of the prediction's own shape \(4, 1, 8, 8\)"
    ):
        DatasetLoss(torch.nn.functional.mse_loss).add(x, x)
    with pytest.raises(TypeError, match=r"loss must be a function, .*, with its options as keywords, not the module CESS"):
        DatasetLoss(CESS(implied_phase=True))
