"""Exact statistics of one block of a volume: sums over the pairs of points that begin in it, by real FFTs in float64; numpy alone."""

import math
from collections.abc import Callable, Iterator
from itertools import product
from typing import Any

import numpy as np
import scipy.fft

from ..lags import fast_length
from ..pairs import Pair
from ._volume_plan import COUNTING, Block, VolumePlan

_SLAB = 1 << 18  # numbers transformed at once: more would double a task's memory, fewer would cost calls


def gather(volume: Any, parts: list[list[slice]], concatenate: Callable[..., Any], taken: tuple[slice, ...] = ()) -> Any:
    """Return the window of a volume that the parts along each axis make up."""
    if not parts:
        return volume[taken]
    pieces = [gather(volume, parts[1:], concatenate, (*taken, part)) for part in parts[0]]
    return pieces[0] if len(pieces) == 1 else concatenate(pieces, axis=len(taken))


def block_sums(window: np.ndarray, mask: np.ndarray | None, block: Block, plan: VolumePlan) -> np.ndarray:
    """Return for each row (h, k) the sum over x in the block of m_h(x) m_k(x+r), shape (rows, *stored)."""
    at = plan.offset(block)
    inner = tuple(
        slice(reach - first, reach - first + stop - start) for (start, stop), reach, first in zip(block, plan.reach, at, strict=True)
    )
    counting = None if mask is None else mask != 0
    if plan.labels:
        _check_labels(window[inner], None if counting is None else counting[inner], block, plan)
    sizes = tuple(fast_length(stop - start + 2 * reach) for (start, stop), reach in zip(block, plan.reach, strict=True))
    spectra = {k: _spectrum(_field(k, window, counting, plan), at, sizes) for k in sorted({k for _, k in plan.transformed})}
    sums = np.empty((len(plan.rows), *plan.stored))
    for h in sorted({h for h, _ in plan.rows}):
        rows = [(i, k) for i, (first, k) in enumerate(plan.rows) if first == h]
        if h == COUNTING and not plan.masked:
            for i, k in rows:
                sums[i] = _box_sums(_field(k, window, None, plan), at, block, plan)
            continue
        start = _spectrum(_field(h, window, counting, plan)[inner], (0,) * len(at), sizes)
        for i, k in rows:
            sums[i] = _cut_product(start, spectra[k], sizes, plan.stored)
            if plan.labels or (h, k) == (COUNTING, COUNTING):
                sums[i] = np.round(sums[i])  # numbers of pairs: exact, whatever the transforms round
    return sums


def _check_labels(labels: np.ndarray, counting: np.ndarray | None, block: Block, plan: VolumePlan) -> None:
    """Refuse labels that name no phase, at points that count."""
    counted = labels if counting is None else labels[counting]
    if counted.size and (counted.max() >= plan.n_phases or counted.min() < 0):
        n, found = plan.n_phases, f"{counted.min()}..{counted.max()}"
        raise ValueError(f"labels must lie in 0..{n - 1} for n_phases={n}, got {found} in the block {block}")


def _field(k: int, window: np.ndarray, counting: np.ndarray | None, plan: VolumePlan) -> Any:
    """Return one phase, or the counting points, over the window; 0 where a point does not count."""
    if k == COUNTING:
        assert counting is not None
        return counting
    if plan.labels:
        found = window == k
        return found if counting is None else found & counting
    found = 1 - np.sum(window, axis=0, dtype=np.float64) if plan.implied and k == 0 else window[k - plan.implied]
    return found if counting is None else np.where(counting, found, 0)


def _slabs(length: int, plane: int) -> Iterator[slice]:
    """Cut an axis into slabs of some planes."""
    step = max(1, _SLAB // max(plane, 1))
    return (slice(start, min(start + step, length)) for start in range(0, length, step))


def _spectrum(x: np.ndarray, at: tuple[int, ...], sizes: tuple[int, ...]) -> np.ndarray:
    """Return the real transform of an array that lies at an offset in a grid of zeros, made in one array of complex numbers."""
    place = tuple(slice(first, first + n) for first, n in zip(at, x.shape, strict=True))
    if len(sizes) == 1:
        grid = np.zeros(sizes)
        grid[place] = x
        return scipy.fft.rfft(grid)
    spectrum = np.zeros((*sizes[:-1], sizes[-1] // 2 + 1), dtype=complex)
    for slab in _slabs(len(x), math.prod(sizes[1:])):
        planes = np.zeros((slab.stop - slab.start, *sizes[1:]))
        planes[(slice(None), *place[1:])] = x[slab]
        spectrum[at[0] + slab.start : at[0] + slab.stop] = scipy.fft.rfftn(planes, axes=tuple(range(1, len(sizes))))
    return scipy.fft.fft(spectrum, axis=0, overwrite_x=True)


def _cut_product(a: np.ndarray, b: np.ndarray, sizes: tuple[int, ...], stored: tuple[int, ...]) -> np.ndarray:
    """Transform conj(a) b back, an axis at a time, and keep the first lags, which are all: the grid begins at the lowest one."""
    if len(sizes) == 1:
        return scipy.fft.irfft(np.conj(a) * b, n=sizes[0])[: stored[0]]
    cut = np.empty((stored[0], *a.shape[1:]), dtype=complex)
    for slab in _slabs(a.shape[1], math.prod(a.shape) // a.shape[1]):
        cut[:, slab] = scipy.fft.ifft(np.conj(a[:, slab]) * b[:, slab], axis=0, overwrite_x=True)[: stored[0]]
    if len(sizes) == 3:
        cut = scipy.fft.ifft(cut, axis=1, overwrite_x=True)[:, : stored[1]]
    return scipy.fft.irfft(cut, n=sizes[-1], axis=-1)[..., : stored[-1]]


def _box_sums(x: np.ndarray, at: tuple[int, ...], block: Block, plan: VolumePlan) -> np.ndarray:
    """Return for each lag the sum of x over the block moved by it: sums that run along each axis, planes added and taken away."""
    for axis, ((start, stop), lags) in enumerate(zip(block, plan.stored, strict=True)):
        x = np.moveaxis(x, axis, 0)
        low = np.clip(np.arange(lags) - at[axis], 0, len(x))
        high = np.clip(np.arange(lags) + stop - start - at[axis], 0, len(x))
        sums = np.empty((lags, *x.shape[1:]))
        sums[0] = np.sum(x[low[0] : high[0]], axis=0, dtype=float)
        for t in range(1, lags):
            gained, lost = x[high[t - 1] : high[t]], x[low[t - 1] : low[t]]  # a plane each, or none beyond an edge
            sums[t] = sums[t - 1] + np.sum(gained, axis=0, dtype=float) - np.sum(lost, axis=0, dtype=float)
        x = np.moveaxis(sums, 0, axis)
    return x


def statistics_of(total: np.ndarray, plan: VolumePlan, dtype: Any) -> np.ndarray:
    """Divide the sums over all blocks by the numbers of pairs, in the user's pairs and lags, (P, *lags)."""
    sums = dict(zip(plan.rows, total, strict=True))
    count = sums[COUNTING, COUNTING] if plan.masked else _spans(plan)
    if plan.derived:
        sums = _derive(sums, count, plan.n_phases)
    values = [_oriented(sums, h, k) * (count > 0) / np.maximum(count, 1) for h, k in plan.wanted]
    return np.stack(values)[(slice(None), *(slice(0, n) for n in plan.crop))].astype(dtype)


def _oriented(sums: dict[Pair, np.ndarray], h: int, k: int) -> np.ndarray:
    """Return the sums of (h, k), which are those of (k, h) at the opposite lags."""
    return sums[h, k] if h <= k else np.flip(sums[k, h])


def _derive(sums: dict[Pair, np.ndarray], count: np.ndarray, n_phases: int) -> dict[Pair, np.ndarray]:
    """Add the sums of phase 0, the counting points less the other phases."""
    explicit, derived = range(1, n_phases), dict(sums)
    for k in explicit:
        if (COUNTING, k) in sums and all((min(j, k), max(j, k)) in sums for j in explicit):
            derived[0, k] = sums[COUNTING, k] - sum(_oriented(sums, j, k) for j in explicit)
    if all((COUNTING, k) in sums for k in explicit) and all(pair in sums for pair in product(explicit, explicit) if pair[0] <= pair[1]):
        rest = sum(derived[0, k] + np.flip(sums[COUNTING, k]) for k in explicit)
        derived[0, 0] = count - rest
    return derived


def _spans(plan: VolumePlan) -> np.ndarray:
    """Return how many pairs of points each lag spans without a mask."""
    spans = np.ones(plan.stored)
    for axis, (size, lags, reach) in enumerate(zip(plan.space, plan.stored, plan.reach, strict=True)):
        along = size - np.abs(np.arange(lags) - reach) if plan.boundary == "open" else np.full(lags, size)
        spans *= along.reshape(-1, *(1,) * (len(plan.space) - axis - 1))
    return spans
