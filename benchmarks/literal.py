"""The literal formulas, as the papers' codes do them: complex transforms of all N explicit phases, all N^2 pairs, eqs. (1), (7), (8).

Floors of the logarithm as in twopoint. One text for numpy, torch and jax: array_api_compat gives the three the same names, no more.
"""

import math
from collections.abc import Callable
from typing import Any

import array_api_compat

from .jobs import Job, call_torch, inputs

FLOOR = 1e-6


def correlations(m: Any, ndim: int, xp: Any, *, crop: int | None = None, boundary: str = "periodic", looped: bool = False) -> Any:
    """Return eq. (1) for all pairs, (..., N, N, *lags); looped: an inverse transform for each pair by itself."""
    axes, space = tuple(range(-ndim, 0)), tuple(m.shape[-ndim:])
    sizes = space if boundary == "periodic" else tuple(2 * n for n in space)
    spectra = xp.fft.fftn(m, s=sizes, axes=axes)
    at, n = (slice(None),) * ndim, m.shape[-ndim - 1]
    if looped:
        pairs = [[xp.conj(spectra[(..., h, *at)]) * spectra[(..., k, *at)] for k in range(n)] for h in range(n)]
        rows = [xp.stack([xp.real(xp.fft.ifftn(pair, axes=axes)) for pair in row], axis=-ndim - 1) for row in pairs]
        f = xp.stack(rows, axis=-ndim - 2)
    else:
        products = xp.conj(spectra)[(..., slice(None), None, *at)] * spectra[(..., None, slice(None), *at)]
        f = xp.real(xp.fft.ifftn(products, axes=axes))  # (..., N, N, *sizes)
    f = f / math.prod(space) if boundary == "periodic" else _mean_of_pairs(f, space, xp)
    return f if crop is None else _cropped(f, crop, ndim, xp)


def _mean_of_pairs(f: Any, space: tuple[int, ...], xp: Any) -> Any:
    """Divide sums over pairs inside the space by their number; lags -(S-1)..S-1, centred."""
    f = xp.fft.fftshift(f, axes=tuple(range(-len(space), 0)))[(..., *(slice(1, None),) * len(space))]
    for axis, n in enumerate(space):
        lag = xp.abs(xp.arange(1 - n, n, dtype=f.dtype, device=array_api_compat.device(f)))
        f = f / xp.reshape(n - lag, (-1,) + (1,) * (len(space) - axis - 1))
    return f


def _cropped(f: Any, crop: int, ndim: int, xp: Any) -> Any:
    """Cut the centre out of all lags."""
    f = xp.fft.fftshift(f, axes=tuple(range(-ndim, 0)))
    return f[(..., *(slice(n // 2 - crop // 2, n // 2 - crop // 2 + crop) for n in f.shape[-ndim:]))]


def explicit(m: Any, ndim: int, xp: Any) -> Any:
    """Put the implied phase in front of the others."""
    return xp.concat([1 - xp.sum(m, axis=-ndim - 1, keepdims=True), m], axis=-ndim - 1)


def floored_log(f: Any, xp: Any) -> Any:
    """Return log f, and its tangent below the floor."""
    above = f > FLOOR
    return xp.where(above, xp.log(xp.where(above, f, FLOOR)), math.log(FLOOR) + f / FLOOR - 1)


def loss(name: str, f: Any, t: Any, n_phases: int, xp: Any) -> Any:
    """Return eq. (7) or (8), mean over the batch: mean over lags of the sum over pairs."""
    return n_phases**2 * (xp.mean((f - t) ** 2) if name == "msess" else -xp.mean(t * floored_log(f, xp)))


def _evaluate(job: Job, xp: Any, looped: bool) -> tuple[Callable[[Any], Any], Callable[[Any, Any], Any]]:
    """Return the statistics of a microstructure, and the loss of a prediction and known statistics."""
    ndim = len(job.space)

    def statistics(m: Any) -> Any:
        m = xp.astype(m, xp.float64) if job.boundary == "open" else m  # float32 gradients are off by 10-30 % there
        m = explicit(m, ndim, xp) if job.implied else m
        return correlations(m, ndim, xp, crop=job.crop, boundary=job.boundary, looped=looped)

    return statistics, lambda m, t: loss(job.loss, statistics(m), t, job.n_phases, xp)


def literal_torch(job: Job, device: str = "cpu", *, looped: bool = False) -> Callable[[], tuple[Any, Any]]:
    """Return the literal loss and gradient in torch, by autograd."""
    import torch

    prediction, target = (torch.tensor(x, device=device) for x in inputs(job))
    statistics, evaluate = _evaluate(job, array_api_compat.array_namespace(prediction), looped)
    known = statistics(target)
    return call_torch(lambda p: evaluate(p, known), prediction)


def literal_jax(job: Job) -> Callable[[], tuple[Any, Any]]:
    """Return the literal loss and gradient in jax, compiled."""
    import jax

    prediction, target = (jax.numpy.asarray(x) for x in inputs(job))
    statistics, evaluate = _evaluate(job, jax.numpy, False)
    known, compiled = jax.jit(statistics)(target), jax.jit(jax.value_and_grad(evaluate))
    return lambda: jax.block_until_ready(compiled(prediction, known))
