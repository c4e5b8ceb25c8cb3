"""Exact statistics of one image or volume of any size, from overlapping blocks."""

from collections.abc import Iterable
from functools import partial
from typing import Any

import dask.array as da
import numpy as np
from dask import delayed

from ...arrays.types import Array
from ...statistics.plan import Options, Pair, is_all
from .blocks import block_sums, gather, statistics_of
from .plan import Block, VolumePlan, block_shape, blocks_of, bytes_of, check_mask, volume_plan
from .reading import StoredArray, drop_axes, single_axes, source_of, volume_dtype

_SUMMED_AT_ONCE = 8  # number of block sums that one task adds


def volume_correlations(
    volume: Any,
    *,
    crop: int | Iterable[int] | None,
    n_phases: int | None = None,
    boundary: str = "periodic",
    mask: Any = None,
    implied_phase: bool = False,
    pairs: str | Iterable[Pair] = "all",
    cumulative: bool = False,
    block: int | Iterable[int] | None = None,
    memory: int | str = "1 GiB",
) -> Array:
    """Return the exact cropped statistics of one image or volume of any size, ``f[h, k](r) = mean over x of m[h](x) m[k](x+r)``.

    The volume is cut into blocks. Each task reads one block with a halo of ``crop // 2`` points around it, which wraps at a periodic
    boundary and ends at an open one, and sums the products over the pairs of points whose first point lies in the block. The sums are
    added in a tree and divided by the number of pairs. No pair is lost at the edges of blocks, for any size of blocks and stored chunks,
    also below the crop. Sums over labels are integers, without rounding.

    Parameters
    ----------
    volume : array (*space) of labels, or (N, *space) of probabilities
        An array of numpy, dask, zarr or HDF5, a whole np.memmap, or what :func:`open_array` returns, with 1 to 3 axes of space.
        If there are more axes, those of one point are dropped, such as time and channel in OME-NGFF; of probabilities the first ones.
        Stored arrays are read window by window inside the tasks, which bounds the memory. With ``implied_phase=True`` phases 1..N-1 only.
    read window by window inside the tasks, which bounds the memory. With ``implied_phase=True`` phases 1..N-1 only.
    crop : int, or one int for each axis
        Keep n lags from -(n//2) on, centred; at most S along a periodic axis, 2S-1 along an open one.
    n_phases : int, optional
        Number of phases of labels, which are integers 0..n_phases-1 or booleans; left out for probabilities.
    boundary : "periodic" or "open"
        Whether lags wrap around.
    mask : array (*space), optional
        As in :func:`twopoint.correlations`, in any of the forms of volume. Points outside the mask may hold any value.
    implied_phase, pairs, cumulative
        As in :func:`twopoint.correlations`.
    block : int, or one int for each axis, optional
        Number of points of a block along each axis; by default the largest equal parts of the space that memory allows.
    memory : int or str
        Memory of one task in bytes, or a string such as ``"1 GiB"``; a worker needs this for each of its threads.

    Returns
    -------
    dask array (N, N, *lags), or (P, *lags) unless pairs is "all"
        One chunk, not computed yet; its values, layout and dtype are those of ``twopoint.correlations(..., crop=crop)`` of the whole,
        float64 for labels.

    Raises
    ------
    TypeError, ValueError
        As in :func:`twopoint.correlations`; if crop is None; if a store lacks a chunk; if memory is too small for any block. When
        computed: ValueError if a point inside the mask has a label outside 0..n_phases-1.

    References
    ----------
    Cai et al., eq. (1). Linear correlation in sections, overlap-save.

    Examples
    --------
    >>> import numpy as np, twopoint as tp
    >>> from twopoint.adapters.dask_statistics import volume_correlations
    >>> labels = np.random.default_rng(0).integers(0, 3, (40, 50))
    >>> f = volume_correlations(labels, n_phases=3, crop=9, block=16)
    >>> f.shape, bool(np.allclose(f.compute(), tp.correlations(tp.one_hot(labels, 3), crop=9)))
    ((3, 3, 9, 9), True)
    """
    source, point_mask = source_of("volume", volume), None if mask is None else source_of("mask", mask)
    most = 4 if n_phases is None else 3 if source.ndim < 4 else 0  # labels of more axes drop all of one point
    source = drop_axes(source, single_axes(source.shape, most))
    if point_mask is not None:
        point_mask = drop_axes(point_mask, single_axes(point_mask.shape, source.ndim - (n_phases is None)))
    dtype = volume_dtype("volume", source, n_phases)
    options = Options(source.ndim - (n_phases is None), boundary, point_mask, crop, implied_phase, pairs, cumulative)
    plan = volume_plan(tuple(source.shape), n_phases, options)
    if point_mask is not None:
        check_mask(point_mask, plan.space)
    shape = block_shape(block, plan, source.dtype.itemsize, bytes_of(memory))
    total = _total(source, point_mask, blocks_of(plan.space, shape), plan)
    square = (plan.n_phases,) * 2 if is_all(pairs) else (len(plan.requested_pairs),)
    finished = delayed(partial(_finish, plan=plan, dtype=dtype, shape=(*square, *plan.crop)), pure=False)(total)
    return da.from_delayed(finished, (*square, *plan.crop), dtype)


def _total(source: Any, point_mask: Any, blocks: list[Block], plan: VolumePlan) -> Any:
    """Return the sum over all blocks, as a tree of tasks."""
    sum_block, add = delayed(_sum_block, pure=False), delayed(_add, pure=False)
    parts = [
        sum_block(_window(source, block, plan, not plan.labels), _window(point_mask, block, plan, False), block, plan) for block in blocks
    ]
    while len(parts) > 1:
        parts = [add(parts[i : i + _SUMMED_AT_ONCE]) for i in range(0, len(parts), _SUMMED_AT_ONCE)]
    return parts[0]


def _window(source: Any, block: Block, plan: VolumePlan, phases: bool) -> Any:
    """Return a block with its halo: an array, a dask array, or the stored source, which the task reads itself."""
    if source is None or isinstance(source, StoredArray):
        return source
    return gather(source, _parts(block, plan, phases), da.concatenate if isinstance(source, da.Array) else np.concatenate)


def _parts(block: Block, plan: VolumePlan, phases: bool) -> list[list[slice]]:
    """Return the parts of the window along each axis, including the axis of phases."""
    return [[slice(None)]] * phases + plan.window(block)


def _sum_block(volume: Any, mask: Any, block: Block, plan: VolumePlan) -> np.ndarray:
    """Read the window if it is still on disk, and sum over the block."""
    if isinstance(volume, StoredArray):
        volume = gather(volume, _parts(block, plan, not plan.labels), np.concatenate)
    if isinstance(mask, StoredArray):
        mask = gather(mask, plan.window(block), np.concatenate)
    return block_sums(np.asarray(volume), None if mask is None else np.asarray(mask), block, plan)


def _add(parts: list[np.ndarray]) -> np.ndarray:
    """Add the sums of some blocks."""
    return np.sum(parts, axis=0)


def _finish(total: np.ndarray, *, plan: VolumePlan, dtype: np.dtype, shape: tuple[int, ...]) -> np.ndarray:
    """Return the statistics in the shape that the user sees."""
    return statistics_of(total, plan, dtype).reshape(shape)
