"""The floor: only the real transforms that a job cannot avoid, on arrays of their sizes, by the same library; the results are meaningless.

Forward: one for each phase that the others do not imply, one back for each independent pair. For a gradient the same once more: one for
the slope of each pair, one back for each phase; by Parseval msess over all lags needs none of them beyond one there and one back.
Under an open boundary the sums that the implied phase adds are running sums, so there too N - 1 phases and N (N - 1) / 2 pairs would do.
A crop needs the last, real step of the inverse transform for its own rows alone. These are the library's general real transforms: who
uses that an autocorrelation is even, and so its spectrum real, can do with less, and may come out below the floor.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.fft

from .jobs import Job
from .machine import available

Transform = Callable[[], Any]
CORES = available()


def sizes(job: Job) -> tuple[int, ...]:
    """Return the sizes of the transforms: padded by the furthest lag, to a fast length, where the boundary is open."""
    if job.boundary == "periodic":
        return job.space
    reach = [n - 1 if job.crop is None else min(job.crop // 2, n - 1) for n in job.space]
    return tuple(scipy.fft.next_fast_len(n + r, real=True) for n, r in zip(job.space, reach, strict=True))


def transforms(job: Job, *, by_phase: bool = False) -> tuple[int, int]:
    """Return how many phases go there and how many pairs come back; by_phase: of all N phases, h <= k."""
    n = job.n_phases
    return (n, n * (n + 1) // 2) if by_phase else (n - 1, n * (n - 1) // 2)


def arrays(job: Job, *, by_phase: bool = False) -> tuple[np.ndarray, ...]:
    """Return what is transformed: phases, spectra of pairs, slopes of pairs, spectra of phases."""
    phases, pairs = transforms(job, by_phase=by_phase)
    space, rng = sizes(job), np.random.default_rng(0)
    half = (*space[:-1], space[-1] // 2 + 1)
    real = np.float32 if job.boundary == "periodic" else np.float64

    def there(n: int, inside: tuple[int, ...]) -> np.ndarray:
        return rng.random((job.batch, n, *inside), dtype=real)

    def back(n: int) -> np.ndarray:
        return (there(n, half) + 1j * there(n, half)).astype(np.result_type(real, np.complex64))

    if job.loss == "msess" and job.crop is None:
        return there(phases, job.space), back(phases)
    return there(phases, job.space), back(pairs), there(pairs, space), back(phases)


def _alternate(given: tuple[Any, ...], there: Callable[[Any], Any], back: Callable[[Any], Any]) -> Transform:
    """Return the transforms in turn."""

    def call() -> None:
        for i, x in enumerate(given):
            back(x) if i % 2 else there(x)

    return call


def floor_torch(job: Job, device: str = "cpu", *, by_phase: bool = False) -> Transform:
    """Return the floor in torch."""
    import torch

    space, dims = sizes(job), tuple(range(-len(job.space), 0))
    given = tuple(torch.tensor(x, device=device) for x in arrays(job, by_phase=by_phase))
    if job.crop is not None and job.boundary == "periodic" and len(space) == 2:
        return _floor_cropped(given, space, job.crop | 1)
    return _alternate(given, lambda x: torch.fft.rfftn(x, s=space, dim=dims), lambda x: torch.fft.irfftn(x, s=space, dim=dims))


def _floor_cropped(given: tuple[Any, ...], space: tuple[int, int], kept: int) -> Transform:
    """Return the floor with pruned transforms of the pairs."""
    from torch import fft

    phases, pairs, slopes, spectra = given
    rows = slopes[..., :kept, :].contiguous()

    def call() -> None:
        fft.rfftn(phases, dim=(-2, -1))
        fft.irfft(fft.ifft(pairs, dim=-2)[..., :kept, :], n=space[-1])
        fft.fft(fft.rfft(rows), n=space[-2], dim=-2)
        fft.irfftn(spectra, s=space, dim=(-2, -1))

    return call


def floor_numpy(job: Job, *, forward: bool = False) -> Transform:
    """Return the floor by scipy.fft with a thread for each core; forward: without the gradient's part."""
    space, axes = sizes(job), tuple(range(-len(job.space), 0))
    given = arrays(job)[: 2 if forward else None]
    return _alternate(
        given,
        lambda x: scipy.fft.rfftn(x, s=space, axes=axes, workers=CORES),
        lambda x: scipy.fft.irfftn(x, s=space, axes=axes, workers=CORES),
    )


def floor_jax(job: Job) -> Transform:
    """Return the floor in jax, each transform compiled by itself."""
    import jax

    space, axes = sizes(job), tuple(range(-len(job.space), 0))
    there = jax.jit(lambda x: jax.numpy.fft.rfftn(x, s=space, axes=axes))
    back = jax.jit(lambda x: jax.numpy.fft.irfftn(x, s=space, axes=axes))
    given = tuple(jax.numpy.asarray(x) for x in arrays(job))
    return _alternate(given, lambda x: there(x).block_until_ready(), lambda x: back(x).block_until_ready())
