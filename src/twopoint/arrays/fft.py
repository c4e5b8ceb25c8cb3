"""Fourier transforms: by scipy with threads for numpy, by each other library's own functions; and fast sizes."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import scipy  # loads scipy.fft, half of the time of importing twopoint, at its first use

from .frameworks import is_numpy
from .types import Array, Namespace

CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
WORTH_THREADS = 1 << 15  # size of an array below which starting threads costs more than it saves
_this_thread = threading.local()


@contextmanager
def one_thread() -> Iterator[None]:
    """Use one scipy thread per transform in the calling thread, for callers that run many transforms in parallel."""
    before, _this_thread.alone = getattr(_this_thread, "alone", False), True
    try:
        yield
    finally:
        _this_thread.alone = before


def workers(numbers: int) -> int:
    """Return the number of scipy threads for an array of this size, which scipy.fft.set_workers of the user determines if it was called."""
    if getattr(_this_thread, "alone", False):
        return 1
    chosen = scipy.fft.get_workers()
    return chosen if chosen != 1 else CORES if numbers >= WORTH_THREADS else 1


def rfftn(x: Array, sizes: tuple[int, ...], xp: Namespace, *, norm: str = "forward") -> Array:
    """Transform the last axes of a real array, zero-padded to the sizes, and with norm "forward" divide by their product."""
    return _transform("rfftn", x, sizes, xp, norm)


def irfftn(x: Array, sizes: tuple[int, ...], xp: Namespace) -> Array:
    """Transform back to a real array of these sizes, without division: the inverse of rfftn."""
    return _transform("irfftn", x, sizes, xp)


def transform_axis(name: str, x: Array, axis: int, xp: Namespace, *, n: int | None = None, norm: str = "forward") -> Array:
    """Transform one axis by "fft", "ifft", "rfft" or "irfft"; with norm "forward" only forward transforms divide by the size."""
    if is_numpy(xp):
        return getattr(scipy.fft, name)(x, n=n, axis=axis, norm=norm, workers=workers(x.size))
    return getattr(xp.fft, name)(x, n=n, axis=axis, norm=norm)


def _transform(name: str, x: Array, sizes: tuple[int, ...], xp: Namespace, norm: str = "forward") -> Array:
    """Transform the last axes."""
    axes = tuple(range(-len(sizes), 0))
    if is_numpy(xp):
        return getattr(scipy.fft, name)(x, s=sizes, axes=axes, norm=norm, workers=workers(x.size))
    return getattr(xp.fft, name)(x, s=sizes, axes=axes, norm=norm)


def fast_length(n: int) -> int:
    """Return the smallest number >= n without prime factors above 5, as scipy.fft.next_fast_len, but traceable by torch.compile."""
    best, fives = 2 * n, 1
    while fives < best:
        threes = fives
        while threes < best:
            length = threes
            while length < n:
                length *= 2
            best, threes = min(best, length), 3 * threes
        fives *= 5
    return best
