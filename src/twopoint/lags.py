"""Lags: how they lie in an array, how they are centred, cropped, reversed and averaged over directions."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import pairwise
from typing import Any

import numpy as np
import scipy.fft
from jaxtyping import Float, Num

from . import _check
from ._namespace import Array, Namespace, device_of, floating, namespace


@dataclass(frozen=True)
class Lags:
    """The lags of a space, and the layout in which the core stores them, an axis at a time.

    All lags lie in FFT order. A crop to n lags is stored centred and odd, from -(n//2) to n//2, so that every lag has its
    partner; where n is even the last one is stored, weighs nothing, and is cut off when the lags are presented.
    """

    space: tuple[int, ...]
    boundary: str
    crop: tuple[int, ...] | None = None

    @cached_property
    def totals(self) -> tuple[int, ...]:
        """All lags along each axis."""
        return all_lags(self.space, self.boundary)

    @cached_property
    def shape(self) -> tuple[int, ...]:
        """The shape in which a user sees the lags."""
        return self.crop or self.totals

    @cached_property
    def number(self) -> int:
        """How many lags a user sees."""
        return math.prod(self.shape)

    @cached_property
    def whole(self) -> tuple[bool, ...]:
        """Along which axes all lags are kept, in FFT order."""
        return tuple(n == total for n, total in zip(self.shape, self.totals, strict=True))

    @cached_property
    def stored(self) -> tuple[int, ...]:
        """The shape in which the core stores the lags."""
        return tuple(n if whole else n | 1 for n, whole in zip(self.shape, self.whole, strict=True))

    @cached_property
    def transform(self) -> tuple[int, ...]:
        """Sizes of the Fourier transforms: under an open boundary padded by the furthest lag, to a fast length."""
        if self.boundary == "periodic":
            return self.space
        reach = (n // 2 for n in self.stored)
        return tuple(int(scipy.fft.next_fast_len(s + r, real=True)) for s, r in zip(self.space, reach, strict=True))

    def _halves(self, axis: int) -> tuple[int, int]:
        """Return how many stored lags along an axis are >= 0 and how many < 0."""
        negative = self.stored[axis] // 2 if self.boundary == "open" or not self.whole[axis] else 0
        return self.stored[axis] - negative, negative

    def cut(self, f: Array, xp: Namespace) -> Array:
        """Take the stored lags out of an array over all lags in FFT order, be it longer by padding."""
        for axis in range(len(self.space)):
            positive, negative = self._halves(axis)
            length = f.shape[axis - len(self.space)]
            if positive + negative == length and self.whole[axis]:
                continue
            head, tail = self._take(f, axis, 0, positive), self._take(f, axis, length - negative, length)
            f = xp.concat([head, tail] if self.whole[axis] else [tail, head], axis=axis - len(self.space))
        return f  # (..., *stored)

    def embed(self, f: Array, sizes: tuple[int, ...], xp: Namespace) -> Array:
        """Put stored lags into an array of zeros over all lags in FFT order: the transpose of cut."""
        for axis, size in enumerate(sizes):
            positive, negative = self._halves(axis)
            length = self.stored[axis]
            if length == size and self.whole[axis]:
                continue
            split = positive if self.whole[axis] else negative
            head, tail = self._take(f, axis, 0, split), self._take(f, axis, split, length)
            shape = list(f.shape)
            shape[axis - len(sizes)] = size - length
            gap = xp.zeros(tuple(shape), dtype=f.dtype, device=device_of(f))
            parts = [head, gap, tail] if self.whole[axis] else [tail, gap, head]
            f = xp.concat(parts, axis=axis - len(sizes))
        return f  # (..., *sizes)

    def _take(self, f: Array, axis: int, start: int, stop: int) -> Array:
        """Slice one lag axis."""
        return f[(..., slice(start, stop), *(slice(None),) * (len(self.space) - axis - 1))]

    def reverse(self, f: Array, xp: Namespace) -> Array:
        """Return f(-r), stored as f(r) is."""
        axes = tuple(range(-len(self.space), 0))
        f = xp.flip(f, axis=axes)
        turned = tuple(axis for axis, whole in zip(axes, self.whole, strict=True) if whole)
        return xp.roll(f, (1,) * len(turned), axis=turned) if turned else f

    def inside(self, like: Array, xp: Namespace, *, opposite: bool = False) -> Array | None:
        """Return 1 at stored lags r that (or whose opposites -r) a user sees, else 0; None where all are seen."""
        weight = None
        for axis, (n, stored) in enumerate(zip(self.shape, self.stored, strict=True)):
            if n == stored:
                continue
            index = xp.arange(stored, dtype=like.dtype, device=device_of(like))
            seen = xp.astype(index != (0 if opposite else stored - 1), like.dtype)
            seen = xp.reshape(seen, (-1,) + (1,) * (len(self.space) - axis - 1))
            weight = seen if weight is None else weight * seen
        return weight  # broadcasts against (*stored)

    def spans(self, like: Array, xp: Namespace) -> Array | float:
        """Return how many pairs of points each stored lag spans without a mask: the product of S, or of S - |r|."""
        if self.boundary == "periodic":
            return float(math.prod(self.space))
        count: Array = 1.0
        for axis, (size, stored) in enumerate(zip(self.space, self.stored, strict=True)):
            index = xp.arange(stored, dtype=like.dtype, device=device_of(like))
            lag = xp.abs(index - stored // 2)
            if self.whole[axis]:  # FFT order: 0..S-1, -(S-1)..-1
                lag = xp.where(index < size, index, stored - index)
            count = count * xp.reshape(size - lag, (-1,) + (1,) * (len(self.space) - axis - 1))
        return count  # (*stored)

    def present(self, f: Array, xp: Namespace, *, centered: bool) -> Array:
        """Return stored lags as the user sees them: cropped ones always centred, others if wanted."""
        for axis, (n, stored) in enumerate(zip(self.shape, self.stored, strict=True)):
            if n < stored:
                f = self._take(f, axis, 0, n)
            elif self.whole[axis] and (centered or self.crop):
                f = xp.roll(f, n // 2, axis=axis - len(self.space))
        return f  # (..., *shape)

    def adopt(self, f: Array, xp: Namespace, *, centered: bool) -> Array:
        """Return lags as a user sees them in the stored layout, 0 where none was given: the inverse of present."""
        for axis, (n, stored) in enumerate(zip(self.shape, self.stored, strict=True)):
            last = axis - len(self.space)
            if n < stored:
                f = xp.concat([f, xp.zeros_like(self._take(f, axis, 0, 1))], axis=last)
            elif self.whole[axis] and (centered or self.crop):
                f = xp.roll(f, -(n // 2), axis=last)
        return f  # (..., *stored)


def all_lags(space: tuple[int, ...], boundary: str) -> tuple[int, ...]:
    """Return the number of all lags along each axis: S, or 2S-1 under an open boundary."""
    return tuple(2 * n - 1 if boundary == "open" else n for n in space)


def radial_average(
    f: Float[Array, "*batch_lags"],
    *,
    ndim: int = 2,
    centered: bool = False,
    spacing: float | Sequence[float] = 1.0,
    count: Num[Array, "*count_lags"] | None = None,
) -> tuple[Float[Array, " shells"], Float[Array, "*batch shells"]]:
    """Average a statistic over directions, in shells one pixel wide.

    Shell j holds the lags with j - 1/2 <= |r| / w < j + 1/2, w the smallest spacing; shells reach up to half the smallest
    physical extent of the lags.

    Parameters
    ----------
    f : array (..., *lags)
        A statistic, lags in FFT order or, with ``centered=True`` (and for every cropped statistic), centred.
    ndim : int
        Number of lag axes, 1, 2 or 3.
    centered : bool
        Whether the zero lag stands at index L//2 of each axis.
    spacing : float or one float an axis
        Distance between neighbouring points, in the unit in which r is wanted.
    count : array, optional
        Number of pairs of points that each lag spans (see :func:`pair_counts`), of a shape that broadcasts against f. Shells are
        weighted by it, so that lags that no pair spans drop out. Without it every lag weighs the same.

    Returns
    -------
    r : array (shells,)
        Radius of each shell, j times w, in the unit of spacing.
    values : array (..., shells)
        Weighted mean in each shell; 0 in a shell that no pair spans.

    Raises
    ------
    ValueError
        If ndim, spacing or the shape of f or count do not fit.
    TypeError
        If f is not a real floating array.

    References
    ----------
    Torquato, *Random Heterogeneous Materials* (2002), section 2.2: S2(r) of an isotropic medium.

    Examples
    --------
    >>> import numpy as np, twopoint as tp
    >>> stripes = np.tile([1.0, 1.0, 0.0, 0.0], (8, 2))
    >>> r, s2 = tp.radial_average(tp.autocorrelation(stripes), spacing=0.5)
    >>> r.tolist(), s2.round(3).tolist()
    ([0.0, 0.5, 1.0, 1.5, 2.0], [0.5, 0.312, 0.167, 0.219, 0.25])
    """
    xp = namespace(f=f, count=count)
    _check.dimensions(ndim)
    _check.real("f", f, xp)
    lags = _check.field("f", f, ndim)
    if count is not None and tuple(count.shape[-ndim:]) != lags:
        raise ValueError(f"count must have the lags of f, {lags}, as its last axes, got shape {tuple(count.shape)}")
    order, bounds, width = _shells(lags, _spacings(spacing, ndim), bool(centered))
    dtype = floating(f, xp)
    index = xp.asarray(np.asarray(order), device=device_of(f))
    flat = xp.take(xp.reshape(xp.astype(f, dtype), (*f.shape[:-ndim], -1)), index, axis=-1)
    weight = xp.ones_like(flat[..., :]) if count is None else _flat_count(count, ndim, index, dtype, xp)
    sums = [(xp.sum((weight * flat)[..., a:b], axis=-1), xp.sum(weight[..., a:b], axis=-1)) for a, b in pairwise(bounds)]
    values = xp.stack([total / xp.where(n > 0, n, xp.ones_like(n)) for total, n in sums], axis=-1)
    r = width * xp.arange(len(bounds) - 1, dtype=dtype, device=device_of(f))
    return r, values


def _flat_count(count: Array, ndim: int, index: Array, dtype: Any, xp: Namespace) -> Array:
    """Return the counts of the lags that lie in a shell, shell after shell."""
    return xp.take(xp.reshape(xp.astype(count, dtype), (*count.shape[:-ndim], -1)), index, axis=-1)


def _spacings(spacing: float | Sequence[float], ndim: int) -> tuple[float, ...]:
    """Return one spacing an axis; refuse what is not above zero."""
    given = tuple(spacing) if isinstance(spacing, Sequence) else (spacing,) * ndim
    if len(given) != ndim:
        raise ValueError(f"spacing must be one number or {ndim}, one an axis, got {spacing!r}")
    for value in given:
        _check.positive("spacing", value)
    return tuple(float(value) for value in given)


@lru_cache(maxsize=32)
def _shells(lags: tuple[int, ...], spacing: tuple[float, ...], centered: bool) -> tuple[np.ndarray, tuple[int, ...], float]:
    """Return the flat lag indices shell after shell, where each shell begins, and the width of a shell."""
    width = min(spacing)
    axes = [np.arange(n) - n // 2 if centered else (np.arange(n) + n // 2) % n - n // 2 for n in lags]
    squares = np.zeros(lags)
    for axis, (r, step) in enumerate(zip(axes, spacing, strict=True)):
        squares = squares + ((r * (step / width)) ** 2).reshape((-1,) + (1,) * (len(lags) - axis - 1))
    shell = np.floor(np.sqrt(squares) + 0.5).astype(int).ravel()
    last = int(min((n // 2) * step for n, step in zip(lags, spacing, strict=True)) / width + 1e-9)
    order = np.argsort(shell, kind="stable")
    bounds = np.searchsorted(shell[order], np.arange(last + 2))
    return order[: bounds[-1]], tuple(int(b) for b in bounds), width
