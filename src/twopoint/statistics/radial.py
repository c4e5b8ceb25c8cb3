"""The average of a statistic over directions."""

from collections.abc import Iterable
from functools import lru_cache
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np
from jaxtyping import Float, Num

from ..arrays import checks
from ..arrays.namespace import device_of, floating, namespace
from ..arrays.types import Array, Namespace

Shells: TypeAlias = tuple[np.ndarray, tuple[int, ...], float]  # flat lag indices by shell, the first of each shell, and the width of all


def radial_average(
    f: Float[Array, "*batch_lags"],
    *,
    ndim: int = 2,
    centered: bool = False,
    spacing: float | Iterable[float] = 1.0,
    count: Num[Array, "*count_lags"] | None = None,
) -> tuple[Float[Array, " shells"], Float[Array, "*batch shells"]]:
    """Average a statistic over directions, in shells one pixel wide.

    Shell j contains the lags with ``j - 1/2 <= |r| / w < j + 1/2``, where w is the smallest spacing. Shells reach up to half the
    smallest physical extent of the lags.

    Parameters
    ----------
    f : array (..., *lags)
        A statistic with lags in FFT order or, with ``centered=True`` (required for a cropped statistic), centred.
    ndim : int
        Number of lag axes, 1, 2 or 3.
    centered : bool
        Whether the zero lag is at index L//2 of each axis.
    spacing : float or one float per axis
        Distance between neighbouring points, in the unit of r.
    count : array, optional
        Number of pairs of points at each lag (see :func:`pair_counts`), in a shape that broadcasts against f. It weights the mean, so
        that lags without a pair of points have weight 0. By default all lags have the same weight.

    Returns
    -------
    r : array (shells,)
        Radius j w of each shell, in the unit of spacing.
    values : array (..., shells)
        Weighted mean in each shell; 0 in a shell without a pair of points.

    Raises
    ------
    ValueError
        If ndim, spacing, or the shape of f or count is invalid.
    TypeError
        If f is not a real floating array.

    References
    ----------
    Torquato, *Random Heterogeneous Materials* (2002), section 2.2, on S2(r) of an isotropic medium.

    Examples
    --------
    >>> import numpy as np, twopoint as tp
    >>> stripes = np.tile([1.0, 1.0, 0.0, 0.0], (8, 2))
    >>> r, s2 = tp.radial_average(tp.autocorrelation(stripes), spacing=0.5)
    >>> r.tolist(), s2.round(3).tolist()
    ([0.0, 0.5, 1.0, 1.5, 2.0], [0.5, 0.312, 0.167, 0.219, 0.25])
    """
    xp = namespace(f=f, count=count)
    checks.dimensions(ndim)
    checks.real("f", f, xp)
    lags = checks.field("f", f, ndim)
    if count is not None:
        checks.real_or_boolean("count", count, xp)
        if count.shape[-ndim:] != f.shape[-ndim:] or not _broadcasts(count.shape, f.shape):
            raise ValueError(f"count must have the lags of f and broadcast against its shape {tuple(f.shape)}, got {tuple(count.shape)}")
    steps = _spacings(spacing, ndim)
    return average_in_shells(f, count, shells_of(lags, steps, bool(centered), min(steps)), ndim, xp)[:2]


def average_in_shells(f: Array, count: Array | None, shells: Shells, ndim: int, xp: Namespace) -> tuple[Array, Array, Array]:
    """Return the radius of each shell, the average of f there, weighted by count, (..., shells), and the sum of the weights."""
    order, bounds, width = shells
    dtype = floating(f, xp)
    index = xp.asarray(np.asarray(order), device=device_of(f))
    flat = _in_shells(f, ndim, index, dtype, xp)
    weight = xp.ones_like(flat) if count is None else _in_shells(count, ndim, index, dtype, xp)
    weighted = weight * flat
    sums = [(xp.sum(weighted[..., a:b], axis=-1), xp.sum(weight[..., a:b], axis=-1)) for a, b in pairwise(bounds)]
    values = xp.stack([total / xp.where(n > 0, n, xp.ones_like(n)) for total, n in sums], axis=-1)
    r = width * xp.arange(len(bounds) - 1, dtype=dtype, device=device_of(f))
    return r, values, xp.stack([n for _, n in sums], axis=-1)


def _broadcasts(small: tuple[int, ...], large: tuple[int, ...]) -> bool:
    """Whether an array of one shape broadcasts to another."""
    return len(small) <= len(large) and all(n in (1, m) for n, m in zip(small[::-1], large[::-1], strict=False))


def _in_shells(f: Array, ndim: int, index: Array, dtype: Any, xp: Namespace) -> Array:
    """Return the values at the lags in shells, shell by shell, (..., lags in shells)."""
    return xp.take(xp.reshape(xp.astype(f, dtype), (*f.shape[:-ndim], -1)), index, axis=-1)


def _spacings(spacing: float | Iterable[float], ndim: int) -> tuple[float, ...]:
    """Return one spacing per axis; raise if one is not above 0."""
    values: Any = spacing
    several = hasattr(values, "__iter__") and not isinstance(values, str) and getattr(values, "ndim", 1) > 0
    values = values if several else (values,) * ndim
    given = tuple(checks.positive("spacing", value.item() if hasattr(value, "item") else value) for value in values)
    if len(given) != ndim:
        raise ValueError(f"spacing must be one number or {ndim}, one per axis, got {spacing!r}")
    return given


@lru_cache(maxsize=32)
def shells_of(lags: tuple[int, ...], spacing: tuple[float, ...], centered: bool, width: float) -> Shells:
    """Return the shells of lags up to half their smallest extent."""
    axes = [np.arange(n) - n // 2 if centered else (np.arange(n) + n // 2) % n - n // 2 for n in lags]
    squares = np.zeros(lags)
    for axis, (r, step) in enumerate(zip(axes, spacing, strict=True)):
        squares = squares + ((r * (step / width)) ** 2).reshape((-1,) + (1,) * (len(lags) - axis - 1))
    shell = np.floor(np.sqrt(squares) + 0.5).astype(int).ravel()
    last = int(min((n // 2) * step for n, step in zip(lags, spacing, strict=True)) / width + 1e-9)
    order = np.argsort(shell, kind="stable")
    bounds = np.searchsorted(shell[order], np.arange(last + 2))
    return order[: bounds[-1]], tuple(int(b) for b in bounds), width
