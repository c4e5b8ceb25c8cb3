"""The losses on statistics as modules of torch: the functions, in half precision too, and compiled."""

import pytest
import torch

import twopoint as tp
from support import evaluate, oracles
from support.torch_modules import INDEX, LOSSES, MASK, MODES, P, T, equal, given, value_and_gradient
from twopoint.adapters.torch_losses import CESS, MSECESS, MSESS, TargetCache


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("mode", MODES)
def test_modules_are_the_functions(name, mode):
    module, own = LOSSES[name]
    function, options = getattr(tp, name), own | MODES[mode]
    want = value_and_gradient(function, *given(mode), **options)
    equal(value_and_gradient(module(**options), *given(mode)), want, 1e-14)
    if name != "mse_cess":
        statistics = tp.target_statistics(given(mode)[1], **{k: v for k, v in options.items() if "reduction" not in k})
        equal(value_and_gradient(module(**options), given(mode)[0], statistics), want)


def test_cumulative_and_energy_arrive_and_share_a_cache():
    cache, index = TargetCache(), INDEX
    for module, function, options in (
        (CESS, tp.cess, {"cumulative": True}),
        (MSESS, tp.msess, {"cumulative": True}),
        (MSESS, tp.msess, {"weight": "energy"}),
    ):
        assert module(**options)(P, T) == function(P, T, **options) != function(P, T)
        oracles.close(module(cache=cache, **options)(P, T, index=index), function(P, T, **options), 1e-6)
    assert cache.misses == len(P)
    assert repr(CESS(cumulative=True)) == "CESS(cumulative=True)"
    assert MSECESS(alpha=2.0, cumulative=True)(P, T) == tp.mse_cess(P, T, alpha=2.0, cumulative=True)


def test_floor_and_excess_arrive():
    for options in ({"floor": 0.1}, {"excess": True}):
        assert CESS(**options)(P, T) == tp.cess(P, T, **options) != tp.cess(P, T)
        assert MSECESS(alpha=2.0, **options)(P, T) == tp.mse_cess(P, T, alpha=2.0, **options) != tp.mse_cess(P, T, alpha=2.0)


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("half", [torch.float16, torch.bfloat16])
def test_half_precision_and_autocast(name, half):
    module, own = LOSSES[name]
    loss = module(mask=MASK, **own, cache=TargetCache()).half()
    p, t = P.to(half), T.to(half)
    want = value_and_gradient(loss, p.float(), t.float())
    for index in (None, INDEX, INDEX):
        value, gradient = value_and_gradient(loss, p, t, index=index)
        assert value.dtype == torch.float32
        assert gradient.dtype == half
        oracles.close(value, want[0], 1e-6)
        oracles.close(gradient.float(), want[1], 2 * torch.finfo(half).eps)  # rounded once, or twice and added
        with torch.autocast("cpu", dtype=torch.bfloat16):
            value, gradient = value_and_gradient(loss, p.float(), t.float(), index=index)
        equal((value, gradient), want, 1e-6)


def compiled(name: str, mode: str, cached: bool) -> str:
    """Compile one module, as a whole unless cached, and compare with eager torch; return what is wrong."""
    torch.compiler.reset()
    module, own = LOSSES[name]
    loss = module(**own, **MODES[mode], cache=TargetCache() if cached else None)
    index = {"index": INDEX} if cached else {}
    try:
        fast = torch.compile(loss, fullgraph=not cached, backend="aot_eager")
        for _ in range(2):
            equal(value_and_gradient(fast, *given(mode), **index), value_and_gradient(loss, *given(mode)))
        if cached:
            assert (loss.cache.hits, loss.cache.misses) == (4, 4)
    except Exception as error:  # noqa: BLE001 (whatever it is goes into the report)
        return f"{type(error).__name__}: {error}"
    return ""


@pytest.mark.long
def test_modules_compile_without_a_break_and_with_a_cache():
    """In a process without the checking of annotations, whose wrappers torch cannot trace."""
    cases = [("cess", "mask", False), ("mse_cess", "implied", False), ("mse_cess", "implied mask", True)]
    assert evaluate(__file__, f"[own.compiled(*case) for case in {cases!r}]") == [""] * len(cases)
