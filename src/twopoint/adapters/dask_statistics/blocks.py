"""Sums over the pairs of points whose first point lies in one block of a volume, by real FFTs in float64; numpy only."""

import math
from collections.abc import Callable, Iterator
from itertools import product
from typing import Any

import numpy as np
import scipy.fft

from ...arrays.fft import fast_length
from ...arrays.namespace import namespace
from ...statistics.correlation import LEAST_COUNT
from ...statistics.cumulative import sum_boxes_everywhere
from ...statistics.lags import Lags
from ...statistics.phases import confidences
from ...statistics.plan import Pair
from .plan import MASK, Block, VolumePlan

_SLAB = 1 << 18  # numbers transformed at once: a larger slab would double the memory of a task, a smaller one adds calls


def gather(volume: Any, parts: list[list[slice]], concatenate: Callable[..., Any], taken: tuple[slice, ...] = ()) -> Any:
    """Return the window of a volume, concatenated from its parts along each axis."""
    if not parts:
        return volume[taken]
    pieces = [gather(volume, parts[1:], concatenate, (*taken, part)) for part in parts[0]]
    return pieces[0] if len(pieces) == 1 else concatenate(pieces, axis=len(taken))


def block_sums(window: np.ndarray, mask: np.ndarray | None, block: Block, plan: VolumePlan) -> np.ndarray:
    """Return for each row (h, k) the sum over x in the block of m_h(x) m_k(x+r), shape (rows, *stored); m is weighed by confidences."""
    at = plan.offset(block)
    inner = tuple(
        slice(reach - first, reach - first + stop - start) for (start, stop), reach, first in zip(block, plan.reach, at, strict=True)
    )
    point_mask = None if mask is None else confidences(mask, namespace(mask=mask))
    if plan.labels:
        _check_labels(window[inner], None if point_mask is None else point_mask[inner] > 0, block, plan)
    whole = point_mask is None or point_mask.dtype == bool
    sizes = tuple(fast_length(stop - start + 2 * reach) for (start, stop), reach in zip(block, plan.reach, strict=True))
    spectra = {k: _spectrum(_field(k, window, point_mask, plan), at, sizes) for k in sorted({k for _, k in plan.transformed})}
    sums = np.empty((len(plan.rows), *plan.stored))
    for h in sorted({h for h, _ in plan.rows}):
        rows = [(i, k) for i, (first, k) in enumerate(plan.rows) if first == h]
        if h == MASK and not plan.masked:
            for i, k in rows:
                sums[i] = _box_sums(_field(k, window, None, plan), at, block, plan)
            continue
        start = _spectrum(_field(h, window, point_mask, plan)[inner], (0,) * len(at), sizes)
        for i, k in rows:
            sums[i] = _cut_product(start, spectra[k], sizes, plan.stored)
            if whole and (plan.labels or (h, k) == (MASK, MASK)):
                sums[i] = np.round(sums[i])  # numbers of pairs, so this removes the rounding of the transforms
    return sums


def _check_labels(labels: np.ndarray, point_mask: np.ndarray | None, block: Block, plan: VolumePlan) -> None:
    """Raise if a label inside the mask is not that of a phase."""
    inside = labels if point_mask is None else labels[point_mask]
    if inside.size and (inside.max() >= plan.n_phases or inside.min() < 0):
        n, span = plan.n_phases, f"{inside.min()}..{inside.max()}"
        raise ValueError(f"labels must lie in 0..{n - 1} for n_phases={n}, got {span} in the block {block}")


def _field(k: int, window: np.ndarray, point_mask: np.ndarray | None, plan: VolumePlan) -> Any:
    """Return one phase, or the mask, over the window; 0 outside the mask, and weighed by confidences."""
    if k == MASK:
        assert point_mask is not None
        return point_mask
    if plan.labels:
        phase = window == k
        return phase if point_mask is None else phase * point_mask
    phase = 1 - np.sum(window, axis=0, dtype=np.float64) if plan.implied and k == 0 else window[k - plan.implied]
    if point_mask is None:
        return phase
    phase = np.where(point_mask > 0, phase, 0)
    return phase if point_mask.dtype == bool else phase * point_mask


def _slabs(length: int, plane: int) -> Iterator[slice]:
    """Cut an axis into slabs of a few planes."""
    step = max(1, _SLAB // max(plane, 1))
    return (slice(start, min(start + step, length)) for start in range(0, length, step))


def _spectrum(x: np.ndarray, at: tuple[int, ...], sizes: tuple[int, ...]) -> np.ndarray:
    """Return the real transform of an array at an offset in a grid of zeros, computed in one complex array."""
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
    """Transform conj(a) b back, one axis at a time, and keep the first lags: the grid starts at the lowest one, so these are all."""
    if len(sizes) == 1:
        return scipy.fft.irfft(np.conj(a) * b, n=sizes[0])[: stored[0]]
    cut = np.empty((stored[0], *a.shape[1:]), dtype=complex)
    for slab in _slabs(a.shape[1], math.prod(a.shape) // a.shape[1]):
        cut[:, slab] = scipy.fft.ifft(np.conj(a[:, slab]) * b[:, slab], axis=0, overwrite_x=True)[: stored[0]]
    if len(sizes) == 3:
        cut = scipy.fft.ifft(cut, axis=1, overwrite_x=True)[:, : stored[1]]
    return scipy.fft.irfft(cut, n=sizes[-1], axis=-1)[..., : stored[-1]]


def _box_sums(x: np.ndarray, at: tuple[int, ...], block: Block, plan: VolumePlan) -> np.ndarray:
    """Return for each lag the sum of x over the block shifted by it, by running sums along each axis."""
    for axis, ((start, stop), lags) in enumerate(zip(block, plan.stored, strict=True)):
        x = np.moveaxis(x, axis, 0)
        low = np.clip(np.arange(lags) - at[axis], 0, len(x))
        high = np.clip(np.arange(lags) + stop - start - at[axis], 0, len(x))
        sums = np.empty((lags, *x.shape[1:]))
        sums[0] = np.sum(x[low[0] : high[0]], axis=0, dtype=float)
        for t in range(1, lags):
            gained, lost = x[high[t - 1] : high[t]], x[low[t - 1] : low[t]]  # one plane each, none beyond an edge
            sums[t] = sums[t - 1] + np.sum(gained, axis=0, dtype=float) - np.sum(lost, axis=0, dtype=float)
        x = np.moveaxis(sums, 0, axis)
    return x


def statistics_of(total: np.ndarray, plan: VolumePlan, dtype: Any) -> np.ndarray:
    """Divide the sums over all blocks by the numbers of pairs; requested pairs and lags, (P, *lags)."""
    sums = dict(zip(plan.rows, total, strict=True))
    count = sums[MASK, MASK] if plan.masked else _spans(plan)
    if plan.derived:
        sums = _derive(sums, count, plan.n_phases)
    least = LEAST_COUNT[True] * count[plan.reach] if plan.weighted else 0  # plan.reach is the index of the zero lag
    seen = count > least
    sums, count = {pair: total * seen for pair, total in sums.items()}, count * seen
    if plan.cumulative:
        sums, count = {pair: _sum_boxes(total, plan) for pair, total in sums.items()}, _sum_boxes(count, plan)
    number = np.where(count > 0, count, 1)
    values = [_oriented(sums, h, k) / number for h, k in plan.requested_pairs]
    return np.stack(values)[(slice(None), *(slice(0, n) for n in plan.crop))].astype(dtype)


def _sum_boxes(f: np.ndarray, plan: VolumePlan) -> np.ndarray:
    """Return the sum over the box of lags from 0 to each lag."""
    whole: np.ndarray = sum_boxes_everywhere(f, Lags(plan.space, plan.boundary, plan.crop, both_ends=True), namespace(f=f))
    return whole


def _oriented(sums: dict[Pair, np.ndarray], h: int, k: int) -> np.ndarray:
    """Return the sums of (h, k), from those of (k, h) at the opposite lags if necessary."""
    return sums[h, k] if h <= k else np.flip(sums[k, h])


def _derive(sums: dict[Pair, np.ndarray], count: np.ndarray, n_phases: int) -> dict[Pair, np.ndarray]:
    """Add the sums of phase 0, which is the mask minus the other phases."""
    explicit, derived = range(1, n_phases), dict(sums)
    for k in explicit:
        if (MASK, k) in sums and all((min(j, k), max(j, k)) in sums for j in explicit):
            derived[0, k] = sums[MASK, k] - sum(_oriented(sums, j, k) for j in explicit)
    if all((MASK, k) in sums for k in explicit) and all(pair in sums for pair in product(explicit, explicit) if pair[0] <= pair[1]):
        others = sum(derived[0, k] + np.flip(sums[MASK, k]) for k in explicit)
        derived[0, 0] = count - others
    return derived


def _spans(plan: VolumePlan) -> np.ndarray:
    """Return the number of pairs of points that each lag spans without a mask."""
    spans = np.ones(plan.stored)
    for axis, (size, lags, reach) in enumerate(zip(plan.space, plan.stored, plan.reach, strict=True)):
        along = size - np.abs(np.arange(lags) - reach) if plan.boundary == "open" else np.full(lags, size)
        spans *= along.reshape(-1, *(1,) * (len(plan.space) - axis - 1))
    return spans
