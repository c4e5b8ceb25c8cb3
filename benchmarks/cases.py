"""The cases: the task of each contender, and the requirement on twopoint. Each is built when it is run, and small for trying out."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import twopoint as tp

from . import literal
from .bars import Bar, Times, Verdict
from .floor import floor_jax, floor_numpy, floor_torch
from .jobs import Job, inputs, ours_jax, ours_numpy, ours_torch, shrink
from .timing import Contender

OURS, LITERAL, FLOOR = "twopoint", "literal torch", "floor"


@dataclass(frozen=True)
class Case:
    """A job, who does it, and the bars."""

    name: str
    job: Job
    build: Callable[[Job], Mapping[str, Contender]]
    bars: tuple[Bar, ...] = ()
    needs: str | None = None  # "cuda"

    def contenders(self, small: bool) -> tuple[Job, Mapping[str, Contender]]:
        """Build the contenders, and say what they do."""
        job = shrink(self.job) if small else self.job
        return job, self.build(job)

    def judge(self, times: Times) -> list[Verdict]:
        """Return the bars with their figures."""
        return [bar.judge(times) for bar in self.bars]


def losses(job: Job, device: str = "cpu") -> dict[str, Contender]:
    """A loss in torch: ours, the literal formula, the floor."""
    cuda = device == "cuda"
    return {
        OURS: Contender(ours_torch(job, device), LITERAL, cuda),
        LITERAL: Contender(literal.literal_torch(job, device), cuda=cuda),
        FLOOR: Contender(floor_torch(job, device), cuda=cuda),
    }


def on_cuda(job: Job) -> dict[str, Contender]:
    """The same on the GPU."""
    return losses(job, "cuda")


def explicit(job: Job) -> dict[str, Contender]:
    """All phases given: the same floor as with one implied, for the user need not have given it."""
    return losses(job)


def many_phases(job: Job) -> dict[str, Contender]:
    """On a CPU a loop over pairs can beat one large batch of transforms: both forms of the literal formula."""
    looped = Contender(literal.literal_torch(job, looped=True), LITERAL)
    return losses(job) | {"literal torch, looped": looped}


def cropped(job: Job) -> dict[str, Contender]:
    """A crop, and the same loss over all lags."""
    whole = replace(job, crop=None)
    also = {"twopoint, all lags": Contender(ours_torch(whole)), "floor, all lags": Contender(floor_torch(whole))}
    return losses(job) | also


def cumulated(job: Job) -> dict[str, Contender]:
    """Cumulative statistics beside those lag by lag, in torch and numpy, and in torch with an open boundary."""
    plain, opened = replace(job, cumulative=False), replace(job, batch=max(1, job.batch // 4), boundary="open")
    return {
        "cumulative": Contender(ours_torch(job)),
        OURS: Contender(ours_torch(plain)),
        "cumulative, numpy": Contender(ours_numpy(job), "cumulative"),
        "twopoint, numpy": Contender(ours_numpy(plain), OURS),
        "cumulative, open": Contender(ours_torch(opened)),
        "twopoint, open": Contender(ours_torch(replace(opened, cumulative=False))),
    }


def opened(job: Job) -> dict[str, Contender]:
    """An open boundary: beside the floor that of transforming all phases and pairs."""
    return losses(job) | {"floor of all pairs": Contender(floor_torch(job, by_phase=True))}


def in_jax(job: Job) -> dict[str, Contender]:
    """Compiled by jax and not."""
    return {
        "twopoint jit": Contender(ours_jax(job), "literal jit"),
        "twopoint eager": Contender(ours_jax(job, jit=False), "literal jit"),
        "literal jit": Contender(literal.literal_jax(job)),
        FLOOR: Contender(floor_jax(job)),
    }


def in_torch_compile(job: Job) -> dict[str, Contender]:
    """Compiled by torch, without a break in the graph, and not."""
    import torch

    compiled = ours_torch(job, wrap=lambda loss: torch.compile(loss, fullgraph=True))
    return {"twopoint compiled": Contender(compiled, "twopoint eager"), "twopoint eager": Contender(ours_torch(job))}


def in_numpy(job: Job) -> dict[str, Contender]:
    """Value and gradient in numpy, beside the literal formula in torch, for numpy has no gradient."""
    return {
        OURS: Contender(ours_numpy(job), LITERAL),
        LITERAL: Contender(literal.literal_torch(job)),
        FLOOR: Contender(floor_numpy(job)),
    }


def forward_in_numpy(job: Job) -> dict[str, Contender]:
    """Statistics alone, in numpy: all four correlations, of phase 1 alone or of both phases given, and one autocorrelation."""
    import array_api_compat.numpy as xp

    x = inputs(job)[1]
    both, four = literal.explicit(x, 2, xp), "literal numpy, all four"
    return {
        "twopoint, all four": Contender(lambda: tp.correlations(x, implied_phase=True), four),
        "twopoint, all four of both": Contender(lambda: tp.correlations(both), four),
        four: Contender(lambda: literal.correlations(both, 2, xp)),
        "twopoint, autocorrelation": Contender(lambda: tp.autocorrelation(x), "literal numpy, autocorrelation"),
        "literal numpy, autocorrelation": Contender(lambda: literal.correlations(x, 2, xp)[:, 0]),
        FLOOR: Contender(floor_numpy(job, forward=True)),
    }


def _cess(**options: Any) -> Job:
    """The job of the table's first row, or one a little different."""
    return Job(**{"loss": "cess", "batch": 64, "n_phases": 2, "space": (224, 224)} | options)


def _faster(least: float, floor: float | None, aim: float | None = None, near: float | None = None) -> tuple[Bar, ...]:
    """The bars against the literal formula and the floor, with their aims."""
    bar = Bar(OURS, LITERAL, least=least, aim=aim)
    return (bar,) if floor is None else (bar, Bar(OURS, FLOOR, most=floor, aim=near))


_NEAR_FLOOR = (Bar(OURS, FLOOR, most=1.5),)

CASES: tuple[Case, ...] = (
    Case("cess", _cess(), losses, _faster(15, 2.0, 25, 1.5)),
    Case("cess-explicit", _cess(implied=False), explicit, (Bar(OURS, FLOOR, most=3.5),)),
    Case("msess", _cess(loss="msess"), losses, _faster(30, 2.5, None, 1.5)),
    Case("cess-32", _cess(batch=32), losses, _faster(11, 2.0, None, 1.5)),
    Case("msess-32", _cess(loss="msess", batch=32), losses, _faster(18, 2.0)),
    Case("five-phases", _cess(n_phases=5), many_phases, (Bar(OURS, LITERAL, least=5), Bar(OURS, "literal torch, looped", least=5))),
    Case("crop", _cess(crop=50), cropped, (Bar(OURS, "twopoint, all lags", most=1.0, aim=1 / 1.3),)),
    Case(
        "cumulative",
        _cess(cumulative=True),
        cumulated,
        (
            Bar("cumulative", OURS, most=1.2),
            Bar("cumulative, numpy", "twopoint, numpy", most=1.2),
            Bar("cumulative, open", "twopoint, open", most=1.2),
        ),
    ),
    Case("volume", _cess(batch=1, space=(128, 128, 128)), losses, _faster(10, None)),
    Case("open", _cess(batch=16, boundary="open"), opened, (Bar(OURS, FLOOR, most=2.5), Bar(OURS, "floor of all pairs", most=2.5))),
    Case("jax", _cess(), in_jax, (Bar("twopoint jit", "twopoint eager", most=1.05),)),
    Case("torch-compile", _cess(), in_torch_compile, (Bar("twopoint compiled", "twopoint eager", most=1.05),)),
    Case("numpy", _cess(), in_numpy),
    Case("numpy-forward", _cess(), forward_in_numpy),
    Case("gpu-cess", _cess(batch=1024), on_cuda, _NEAR_FLOOR, "cuda"),
    Case("gpu-cess-explicit", _cess(batch=1024, implied=False), on_cuda, (Bar(OURS, FLOOR, most=3.5),), "cuda"),
    Case("gpu-msess", _cess(batch=1024, loss="msess"), on_cuda, _NEAR_FLOOR, "cuda"),
    Case("gpu-five-phases", _cess(batch=128, n_phases=5), on_cuda, _NEAR_FLOOR, "cuda"),
    Case("gpu-crop", _cess(batch=1024, crop=50), on_cuda, _NEAR_FLOOR, "cuda"),
    Case("gpu-open", _cess(batch=256, boundary="open"), on_cuda, _NEAR_FLOOR, "cuda"),
    Case("gpu-volume", _cess(batch=1, space=(512, 512, 512)), on_cuda, _NEAR_FLOOR, "cuda"),
)
