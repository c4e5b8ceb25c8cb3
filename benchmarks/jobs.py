"""A job: which loss of what. Its inputs, and twopoint doing it."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import scipy.fft

import twopoint as tp


@dataclass(frozen=True)
class Job:
    """A loss of a batch of soft predictions, with the statistics of a batch of sharp targets given; float32."""

    loss: str  # "cess" or "msess"
    batch: int
    n_phases: int
    space: tuple[int, ...]
    implied: bool = True
    crop: int | None = None
    boundary: str = "periodic"

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the prediction."""
        return (self.batch, self.n_phases - self.implied, *self.space)

    @property
    def points(self) -> int:
        """Points of one member of the batch."""
        return math.prod(self.space)

    @property
    def options(self) -> dict[str, Any]:
        """The options of target_statistics."""
        return {"ndim": len(self.space), "implied_phase": self.implied, "crop": self.crop, "boundary": self.boundary}

    def __str__(self) -> str:
        phases = f"{self.n_phases} phases, {'one implied' if self.implied else 'all explicit'}"
        others = [f"crop {self.crop}"] * (self.crop is not None) + [self.boundary] * (self.boundary != "periodic")
        return ", ".join([f"{self.loss.upper()} {self.shape} float32", phases, *others])


@lru_cache(maxsize=4)
def _fields(shape: tuple[int, ...], seed: int) -> np.ndarray:
    """Smooth Gaussian noise (batch, N, *space) of variance 1, its grain a sixteenth of the smallest extent."""
    space = shape[2:]
    noise = np.random.default_rng(seed).standard_normal(shape, dtype=np.float32)
    axes, keep = tuple(range(-len(space), 0)), np.float32(1)
    spectrum = scipy.fft.rfftn(noise, axes=axes, workers=-1)
    for axis, n in enumerate(space):
        frequency = scipy.fft.rfftfreq(n) if axis == len(space) - 1 else scipy.fft.fftfreq(n)
        filtered = np.exp(-((frequency * min(space) / 16 * math.pi) ** 2)).astype(np.float32)
        keep = keep * filtered.reshape((-1,) + (1,) * (len(space) - axis - 1))
    field = scipy.fft.irfftn(spectrum * keep, s=space, axes=axes, workers=-1)
    return field / field.std()


def inputs(job: Job) -> tuple[np.ndarray, np.ndarray]:
    """Return prediction (soft) and target (indicators), float32; some phases rarer than others."""
    whole = (job.batch, job.n_phases, *job.space)
    level = np.linspace(0.3, -0.3, job.n_phases, dtype=np.float32).reshape((-1,) + (1,) * len(job.space))
    soft = np.exp(2 * (_fields(whole, 0) + level))
    soft /= soft.sum(axis=1, keepdims=True)
    sharp = np.argmax(_fields(whole, 1) + level, axis=1)[:, None]
    sharp = (sharp == np.arange(job.n_phases).reshape((-1,) + (1,) * len(job.space))).astype(np.float32)
    return np.ascontiguousarray(soft[:, int(job.implied) :]), np.ascontiguousarray(sharp[:, int(job.implied) :])


def call_torch(loss: Callable[[Any], Any], prediction: Any) -> Callable[[], tuple[Any, Any]]:
    """Return what a training step does with a loss: forward, backward."""
    prediction = prediction.requires_grad_()

    def call() -> tuple[Any, Any]:
        prediction.grad = None
        value = loss(prediction)
        value.backward()
        return value.detach(), prediction.grad

    return call


def ours_torch(job: Job, device: str = "cpu", wrap: Callable[[Any], Any] = lambda loss: loss) -> Callable[[], tuple[Any, Any]]:
    """Return twopoint's loss and gradient in torch; wrap may compile the loss."""
    import torch

    prediction, target = (torch.tensor(x, device=device) for x in inputs(job))
    known, loss = tp.target_statistics(target, **job.options), getattr(tp, job.loss)
    return call_torch(wrap(lambda p: loss(p, known)), prediction)


def ours_jax(job: Job, *, jit: bool = True) -> Callable[[], tuple[Any, Any]]:
    """Return twopoint's loss and gradient in jax; the statistics are an argument of the compiled function."""
    import jax

    prediction, target = (jax.numpy.asarray(x) for x in inputs(job))
    known = tp.target_statistics(target, **job.options)
    evaluate = jax.value_and_grad(getattr(tp, job.loss))
    evaluate = jax.jit(evaluate) if jit else evaluate
    return lambda: jax.block_until_ready(evaluate(prediction, known))


def ours_numpy(job: Job) -> Callable[[], tuple[Any, Any]]:
    """Return twopoint's loss and gradient in numpy, by adjoints."""
    prediction, target = inputs(job)
    known, evaluate = tp.target_statistics(target, **job.options), tp.value_and_grad(getattr(tp, job.loss))
    return lambda: evaluate(prediction, known)
