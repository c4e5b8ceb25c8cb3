"""Statistics of each image of a dataset, by chunks of images."""

import math
from collections.abc import Iterable
from functools import partial
from typing import Any

import dask.array as da
import numpy as np

from ...arrays.checks import dimensions, integer, mask_shape
from ...arrays.fft import one_thread
from ...arrays.namespace import namespace, result_dtype
from ...arrays.types import Array
from ...statistics.functions import correlations
from ...statistics.phases import one_hot
from ...statistics.plan import Options, Pair, Plan, is_all, plan_of
from .plan import bytes_of, check_implied_phase
from .reading import drop_axes, single_axes, source_of, volume_dtype


def dataset_correlations(
    images: Any,
    *,
    n_phases: int | None = None,
    ndim: int = 2,
    boundary: str = "periodic",
    mask: Any = None,
    crop: int | Iterable[int] | None = None,
    centered: bool = False,
    implied_phase: bool = False,
    pairs: str | Iterable[Pair] = "all",
    cumulative: bool = False,
    memory: int | str = "256 MiB",
) -> Array:
    """Return the 2-point statistics of each image of a dataset, ``f[i, h, k](r) = mean over x of m[i, h](x) m[i, k](x+r)``.

    Parameters
    ----------
    images : array (n, *space) of labels, or (n, N, *space) of probabilities
        An array of numpy, dask, zarr or HDF5, a whole np.memmap, or what :func:`open_array` returns. A dask array keeps its
        chunks of images; otherwise a chunk has as many images as memory allows. Further axes
        of one point are dropped, as that of a channel.
    n_phases : int, optional
        Number of phases of labels, which are integers 0..n_phases-1 or booleans; left out for probabilities.
    ndim, boundary, crop, centered, implied_phase, pairs, cumulative
        As in :func:`twopoint.correlations`.
    mask : array (*space) or (n, *space), optional
        As in :func:`twopoint.correlations`, of all images or of each, in any of the forms of images.
    memory : int or str
        Memory of one task in bytes, or a string such as ``"256 MiB"``; a worker needs this for each of its threads.

    Returns
    -------
    dask array (n, N, N, *lags), or (n, P, *lags) unless pairs is "all"
        Chunks of whole images, not computed yet; float64 for labels.

    Raises
    ------
    TypeError, ValueError
        As in :func:`twopoint.correlations`, and if a store lacks a chunk; when computed, as in :func:`twopoint.one_hot`.

    References
    ----------
    Cai et al., eq. (1).

    Examples
    --------
    >>> import numpy as np
    >>> from twopoint.adapters.dask_statistics import dataset_correlations
    >>> images = np.random.default_rng(0).integers(0, 2, (100, 16, 16))
    >>> f = dataset_correlations(images, n_phases=2, crop=9)
    >>> f.shape, f.mean(axis=0).compute().shape
    ((100, 2, 2, 9, 9), (2, 2, 9, 9))
    """
    source, sample, plan, rows = _planned(images, n_phases, Options(ndim, boundary, None, crop, implied_phase, pairs, cumulative))
    blocks = _by_images(source, plan, bytes_of(memory))
    operands: list[Any] = [blocks, tuple(range(blocks.ndim))]
    if mask is not None:
        masks, shared = _masks(mask, blocks, plan)
        operands += [masks, (0, *range(50, 50 + ndim))]
    options = dict(ndim=ndim, boundary=boundary, crop=crop, centered=centered, implied_phase=implied_phase, pairs=pairs)
    options["cumulative"] = cumulative
    of_chunk = partial(_of_chunk, n_phases=n_phases, shared=mask is not None and shared, options=options)
    new = dict(enumerate((*rows, *plan.lags.shape), start=100))
    dtype = np.dtype(result_dtype(sample, namespace(images=sample)))
    meta = np.empty((0,) * (1 + len(new)), dtype)
    return da.blockwise(of_chunk, (0, *new), *operands, new_axes=new, concatenate=True, dtype=dtype, meta=meta)


def _planned(images: Any, n_phases: int | None, options: Options) -> tuple[Any, np.ndarray, Plan, tuple[int, ...]]:
    """Check images and options; return the source, an image that takes no memory, the plan, and the shape of the pairs' axes."""
    dimensions(options.ndim)
    source, ndim = source_of("images", images), options.ndim
    source = drop_axes(source, single_axes(tuple(source.shape[:-ndim]), 1 + (n_phases is None)))
    if source.ndim != 1 + (n_phases is None) + ndim or 0 in source.shape:
        form = "(n, phases, *space), or (n, *space) with n_phases," if n_phases is None else "(n, *space) of labels"
        raise ValueError(f"images must have the shape {form} with {ndim} axes of space and no empty one, got {tuple(source.shape)}")
    sample = np.broadcast_to(np.zeros((), volume_dtype("images", source, n_phases)), source.shape[-ndim:])
    check_implied_phase(options, labels=n_phases is not None)
    n = source.shape[1] if n_phases is None else integer("n_phases", n_phases, 1)
    sample = np.broadcast_to(sample, (n, *sample.shape))
    plan, requested_pairs, _ = plan_of(sample, options, namespace(images=sample), "images")
    return source, sample, plan, (plan.n_phases,) * 2 if is_all(options.pairs) else (len(requested_pairs),)


def _by_images(source: Any, plan: Plan, memory: int) -> Any:
    """Return a dask array in chunks of whole images: the chunks of a dask array, otherwise as many images as memory allows."""
    if isinstance(source, da.Array):
        return source.rechunk(dict.fromkeys(range(1, source.ndim), -1))
    an_image = 16 * math.prod(plan.lags.transform) * (plan.n_phases + len(plan.pairs))  # the spectra, and the lags before the crop
    return da.from_array(source, chunks=(max(1, memory // an_image), *source.shape[1:]))


def _masks(mask: Any, blocks: Any, plan: Plan) -> tuple[Any, bool]:
    """Return masks in the chunks of the images, and whether all images share one."""
    source, space = source_of("mask", mask), plan.lags.space
    batch = tuple(source.shape[: -len(space)])
    source = drop_axes(source, single_axes(batch, 0 if len(batch) > 1 and math.prod(batch) == 1 else 1))
    mask_shape(source, tuple(blocks.shape[:1]), space, namespace(mask=np.empty(0, source.dtype)))
    masks = source if isinstance(source, da.Array) else da.from_array(source, chunks=-1 if source.ndim == len(space) else "auto")
    if shared := source.ndim == len(space):
        masks = da.broadcast_to(masks.rechunk(-1), (len(blocks), *space), chunks=(blocks.chunks[0], *((size,) for size in space)))
    return masks.rechunk((blocks.chunks[0], *((size,) for size in space))), shared


def _of_chunk(images: np.ndarray, masks: np.ndarray | None = None, *, n_phases: int | None, shared: bool, options: dict[str, Any]) -> Array:
    """Return the statistics of a chunk of images."""
    ndim, implied = options["ndim"], options["implied_phase"]
    if n_phases is not None:
        images = one_hot(images, n_phases, ndim=ndim)
        if n_phases > 1:  # the phases of labels sum to one: fewer transforms
            images, implied = images[(slice(None), slice(1, None))], True
    mask = None if masks is None else masks[0] if shared else masks
    with one_thread():  # dask has threads of its own
        return correlations(images, mask=mask, **(options | {"implied_phase": implied}))
