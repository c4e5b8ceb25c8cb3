"""A job: which loss of what. Its inputs, and twopoint doing it."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
import scipy.fft

import twopoint as tp


@dataclass(frozen=True)
class Job:
    """A loss of a batch of soft predictions, with the statistics of a batch of sharp targets given; float32."""

    loss: str  # "cess", "msess" or "mse_cess"
    batch: int
    n_phases: int
    space: tuple[int, ...]
    implied: bool = True
    crop: int | None = None
    boundary: str = "periodic"
    masked: bool = False
    cumulative: bool = False

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
        others += ["masked"] * self.masked + ["cumulative"] * self.cumulative
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

    prediction, loss, target, options = prepared(job, lambda x: torch.tensor(x, device=device))
    return call_torch(wrap(lambda p: loss(p, target, **options)), prediction)


def ours_jax(job: Job, *, jit: bool = True) -> Callable[[], tuple[Any, Any]]:
    """Return twopoint's loss and gradient in jax; the statistics are an argument of the compiled function."""
    import jax

    prediction, loss, target, options = prepared(job, jax.numpy.asarray)
    evaluate = jax.value_and_grad(lambda p, t: loss(p, t, **options))
    evaluate = jax.jit(evaluate) if jit else evaluate
    return lambda: jax.block_until_ready(evaluate(prediction, target))


def ours_numpy(job: Job) -> Callable[[], tuple[Any, Any]]:
    """Return twopoint's loss and gradient in numpy, by adjoints."""
    prediction, loss, target, options = prepared(job)
    evaluate = tp.value_and_grad(loss)
    return lambda: evaluate(prediction, target, **options)


def prepared(job: Job, convert: Callable[[np.ndarray], Any] = np.asarray) -> tuple[Any, Callable[..., Any], Any, dict[str, Any]]:
    """Return the prediction, the loss, what it compares with, and its options: target statistics, but of mse_cess the target."""
    (prediction, target), options = map(convert, inputs(job)), dict(job.options)
    if job.masked:
        options["mask"] = convert(point_mask(job))
    loss = getattr(tp, job.loss)
    if job.loss == "mse_cess":  # it needs pixels
        return prediction, loss, target, options | {"alpha": 1.0}
    return prediction, loss, tp.target_statistics(target, **options), {"cumulative": True} if job.cumulative else {}


def point_mask(job: Job) -> np.ndarray:
    """Return a mask (*space) of four points in five."""
    return np.random.default_rng(2).random(job.space) < 0.8


def shrink(job: Job) -> Job:
    """Return a job of the same kind that takes no time."""
    space = (12, 10, 8) if len(job.space) == 3 else (32, 30)
    return replace(job, batch=min(job.batch, 2), space=space, crop=None if job.crop is None else 12)
