"""What both checkouts do in `python -m benchmarks --beside`: jobs of twopoint alone, by its public names only.

Sizes are such that a call takes 0.2 s at most on two cores, so that a whole run takes ten minutes.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

import twopoint as tp

from .jobs import Job, inputs, ours_jax, ours_numpy, ours_torch, prepared, shrink

Build = Callable[[Job], Callable[[], Any]]


@dataclass(frozen=True)
class Task:
    """Something that twopoint does; needs names the library that must be installed."""

    job: Job
    build: Build
    needs: str = "numpy"
    what: str = "value and gradient"

    def __str__(self) -> str:
        return f"{self.what}: {self.job}, {self.needs}"

    def call(self, *, small: bool = False) -> Callable[[], Any]:
        """Return what is timed."""
        return self.build(shrink(self.job) if small else self.job)


def value(job: Job) -> Callable[[], Any]:
    """The loss of a prediction, without its gradient."""
    prediction, loss, target, options = prepared(job)
    return lambda: loss(prediction, target, **options)


def value_and_target(job: Job) -> Callable[[], Any]:
    """The loss of a prediction, and the statistics of its target."""
    prediction, target = inputs(job)
    return lambda: getattr(tp, job.loss)(prediction, tp.target_statistics(target, **job.options))


def correlations(job: Job) -> Callable[[], Any]:
    """All correlations of an image."""
    target = inputs(job)[1]
    return lambda: tp.correlations(target, **job.options)


def autocorrelation(job: Job) -> Callable[[], Any]:
    """One autocorrelation of an image."""
    target = inputs(job)[1][:, -1]
    return lambda: tp.autocorrelation(target, ndim=len(job.space), boundary=job.boundary, crop=job.crop)


def reconstruct(job: Job) -> Callable[[], Any]:
    """A short reconstruction of the first image, in float64; its soft phases, its history and its labels."""
    target = tp.target_statistics(inputs(job)[1][0].astype(np.float64), **job.options)

    def call() -> tuple[Any, ...]:
        found = tp.reconstruct(target, iterations=20, polish=200)
        return found.field, found.history, found.labels

    return call


def _job(loss: str = "cess", batch: int = 32, n_phases: int = 2, space: tuple[int, ...] = (224, 224), **options: Any) -> Job:
    return Job(loss, batch, n_phases, space, **options)


_FORMS: Mapping[str, Job] = {
    "cess": _job(),
    "msess": _job("msess"),
    "mse-cess": _job("mse_cess"),
    "explicit": _job(batch=16, implied=False),
    "three-phases": _job(batch=16, n_phases=3),
    "many-phases": _job(batch=2, n_phases=8, space=(128, 128)),
    "crop": _job(crop=50),
    "open": _job(batch=8, boundary="open"),
    "masked": _job(batch=8, masked=True),
    "open-masked-crop": _job(batch=8, boundary="open", masked=True, crop=50),
    "volume": _job(batch=1, space=(96, 96, 96)),
    "small": _job(batch=1, space=(32, 32)),  # what it costs to find the way
    "small-batch": _job(space=(32, 32)),
}

TASKS: Mapping[str, Task] = {
    "numpy-value": Task(_job(), value, what="value"),
    "numpy-value-small": Task(_job(batch=1, space=(32, 32)), value, what="value"),
    **{f"numpy-{name}": Task(job, ours_numpy) for name, job in _FORMS.items()},
    **{f"torch-{name}": Task(job, ours_torch, "torch") for name, job in _FORMS.items()},
    "jax": Task(_job(), ours_jax, "jax"),
    "jax-eager": Task(_job(batch=8), partial(ours_jax, jit=False), "jax", "value and gradient, eager"),
    "correlations": Task(_job(), correlations, what="correlations"),
    "correlations-explicit": Task(_job(batch=16, n_phases=3, implied=False), correlations, what="correlations"),
    "correlations-open": Task(_job(batch=8, boundary="open"), correlations, what="correlations"),
    "autocorrelation": Task(_job(), autocorrelation, what="autocorrelation"),
    "target": Task(_job(), value_and_target, what="target_statistics and value"),
    "reconstruct": Task(_job(batch=1, space=(64, 64)), reconstruct, what="reconstruct, iterations=20, polish=200"),
}
