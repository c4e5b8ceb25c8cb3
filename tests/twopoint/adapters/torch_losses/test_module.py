"""What all modules share: options that are those of the functions, buffers, repr."""

import copy
import doctest
import importlib
import inspect
import io
import pickle

import pytest
import torch
from torch import nn

import twopoint as tp
from support import oracles
from support.torch_modules import MASK, P, T
from twopoint.adapters.torch_losses import CESS, MSECESS, MSESS, Clamp, StyleLoss, TargetCache


@pytest.mark.parametrize("module", [MSESS, CESS, MSECESS, Clamp, StyleLoss])
def test_options_are_those_of_the_function(module):
    function = getattr(tp, {"StyleLoss": "style_loss", "MSECESS": "mse_cess"}.get(module.__name__, module.__name__.lower()))
    wanted = {name: p.default for name, p in inspect.signature(function).parameters.items() if p.kind is p.KEYWORD_ONLY}
    got = {name: p.default for name, p in inspect.signature(module).parameters.items() if p.kind is p.KEYWORD_ONLY}
    assert {name: value for name, value in got.items() if name != "cache"} == wanted
    assert set(inspect.signature(module).parameters) == set(got)


def test_clamp_and_style_loss():
    mask = torch.tensor(MASK)
    for options in ({"sigma": 0.1}, {"sigma": 0.1, "mask": mask, "reduction": "none"}, {"sigma": 0.2, "implied_phase": True}):
        assert torch.equal(Clamp(**options)(P), tp.clamp(P, **options))
    maps = [P, P[:, :2, :3]], [T, T[:, :2, :3]]
    for options in ({}, {"weights": [1.0, 3.0], "reduction": "none"}, {"ndim": 1}):
        if "ndim" in options:
            maps = [P[:, 0]], [T[:, 0]]
        assert torch.equal(StyleLoss(**options)(*maps), tp.style_loss(*maps, **options))


@pytest.mark.parametrize("name", ["cache", "spatial", "clamp", "style"])
def test_examples_run(name, unchecked):
    result = doctest.testmod(importlib.import_module(f"twopoint.adapters.torch_losses.{name}"))
    assert result.failed == 0 < result.attempted


def test_repr_shows_what_is_not_the_default():
    assert repr(CESS()) == "CESS()"
    assert repr(CESS(crop=50, implied_phase=True, floor=1e-6, reduction="sum")) == "CESS(crop=50, implied_phase=True, reduction='sum')"
    assert repr(MSESS(mask=torch.ones(6, 5), cache=TargetCache(2e6))) == (
        "MSESS(mask=(6, 5), cache=TargetCache(0 targets, 0.0 of 2.0 MB, hits=0, misses=0))"
    )
    assert repr(Clamp(sigma=0.1)) == "Clamp(sigma=0.1)"
    assert repr(MSECESS(alpha=1.0, pairs=[(0, 1)])) == "MSECESS(alpha=1.0, pairs=[(0, 1)])"


def test_options_may_change_and_iterators_last():
    loss = CESS(pairs=iter([(0, 1)]), crop=iter((3, 3)))
    assert loss(P, T) == loss(P, T) == tp.cess(P, T, pairs=[(0, 1)], crop=3)
    loss.crop, loss.reduction = None, "sum"
    assert loss(P, T) == tp.cess(P, T, pairs=[(0, 1)], reduction="sum")
    clamp = Clamp(sigma=torch.tensor(0.1, dtype=torch.float64))
    clamp.sigma.fill_(0.3)
    oracles.close(clamp(P), tp.clamp(P, sigma=0.3), 1e-14)
    learnt = Clamp(sigma=nn.Parameter(torch.tensor(0.1, dtype=torch.float64)))
    learnt(P).backward()
    assert [name for name, p in learnt.named_parameters() if p.grad.abs() > 0] == ["sigma"]


@pytest.mark.parametrize(("mask", "dtype"), [(MASK, torch.bool), (MASK * 1, torch.bool), (MASK * 0.3e-9, torch.float64)], ids=str)
def test_the_mask_moves_but_is_no_state(mask, dtype):
    loss = CESS(mask=mask, cache=TargetCache(100, verify=False))
    assert loss.mask.dtype == dtype
    assert loss.state_dict() == {}
    want = loss(P, T)
    oracles.close(want, tp.cess(P, T, mask=torch.tensor(MASK)), 1e-12)
    for cast in (loss.half(), loss.double(), copy.deepcopy(loss), pickle.loads(pickle.dumps(loss))):
        assert cast.mask.dtype == dtype
        assert cast(P, T) == want
    assert loss.to("meta")(P.to("meta"), T.to("meta")).device.type == "meta"
    CESS().load_state_dict(loss.state_dict(), strict=True)
    stored = io.BytesIO()
    model = nn.Sequential(nn.Conv2d(1, 1, 1), CESS(mask=MASK))
    torch.save(model.state_dict(), stored)
    stored.seek(0)
    nn.Sequential(nn.Conv2d(1, 1, 1), CESS()).load_state_dict(torch.load(stored))


def test_confidences():
    mask = torch.rand(6, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(1)) * torch.tensor(MASK)
    for module, own in ((CESS, {}), (MSESS, {}), (MSECESS, {"alpha": 2.0})):
        want = getattr(tp, module.__name__.lower().replace("msecess", "mse_cess"))(P, T, mask=mask, **own)
        oracles.close(module(mask=mask.numpy(), **own)(P, T), want, 0.0)
        cached = module(mask=mask, cache=TargetCache(), **own)
        for _ in range(2):
            oracles.close(cached(P, T, index=torch.arange(len(P))), want, 1e-12)
        assert cached.cache.hits == len(P)
    oracles.close(Clamp(sigma=0.1, mask=mask)(P), tp.clamp(P, sigma=0.1, mask=mask), 0.0)
    with pytest.raises(ValueError, match="mask must hold booleans"):
        CESS(mask=3 * mask)
