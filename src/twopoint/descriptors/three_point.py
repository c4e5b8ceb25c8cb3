"""The three-point statistics at given pairs of lags."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from jaxtyping import Bool, Float

from ..arrays import checks
from ..arrays.frameworks import full_precision
from ..arrays.types import Array, Namespace
from ..statistics.lags import along
from .evaluation import evaluate
from .fields import Fields, fields_of, finish_descriptor

Lag = tuple[int, ...]


def three_point(
    m: Float[Array, "*microstructure"] | Bool[Array, "*microstructure"],
    lags: Iterable[Iterable[int | Iterable[int]]],
    *,
    ndim: int = 2,
    boundary: str = "periodic",
    mask: Array | None = None,
    implied_phase: bool = False,
) -> Float[Array, "*batch phases phases phases lags"]:
    """Return the 3-point statistics ``f[h, k, l](r1, r2) = mean over x of m[h](x) m[k](x+r1) m[l](x+r2)`` at given pairs of lags.

    Parameters
    ----------
    m : array (..., N, *space)
        Microstructure function, the probability of each phase at each point; with ``implied_phase=True`` phases 1..N-1 only.
    lags : list of n pairs (r1, r2)
        Each lag holds ndim integers, in points; in 1-D also a single integer.
    ndim : int
        Number of spatial axes, 1, 2 or 3.
    boundary : "periodic" or "open"
        Whether lags wrap around. With "open" the mean runs over the x for which all three points are inside the space.
    mask : array (*space) or (..., *space), optional
        The points that are used, booleans or confidences w from 0 to 1, which weigh each triple of points by their product. Where w is
        0, m may hold any value. No gradient by the mask is given.
    implied_phase : bool
        Phase 0 is one minus the sum of the phases in m.

    Returns
    -------
    array (..., N, N, N, n)
        Dimensionless probabilities; 0 without a triple of points inside the mask.

    Raises
    ------
    TypeError
        If m or mask is not an array, if their libraries differ, if m is complex or of integers, or if lags are not pairs of integers.
    ValueError
        If an option is invalid, a shape does not fit, or, with "open", a lag reaches beyond the space.

    References
    ----------
    Torquato, Random Heterogeneous Materials (2002), section 2.2, eq. (2.13).

    Examples
    --------
    >>> import numpy as np, twopoint as tp
    >>> stripes = tp.one_hot(np.array([0, 0, 1, 1]), 2, ndim=1)
    >>> tp.three_point(stripes, [(1, 2)], ndim=1)[..., 0]
    array([[[0.  , 0.25],
            [0.  , 0.25]],
    <BLANKLINE>
           [[0.25, 0.  ],
            [0.25, 0.  ]]])
    """
    fields = fields_of(m, ndim, boundary, mask, implied_phase=implied_phase)
    values, _ = evaluate(triples_of(fields, lags), fields)
    return finish_descriptor(values, m, fields.xp)


def triples_of(fields: Fields, lags: Any) -> "Triples":
    """Return the triples of points of pairs of lags."""
    return Triples(fields.space, fields.periodic, resolve_lag_pairs(lags, fields.space, periodic=fields.periodic))


def resolve_lag_pairs(lags: Any, space: tuple[int, ...], *, periodic: bool) -> tuple[tuple[Lag, Lag], ...]:
    """Return the pairs of lags as ints; raise if they do not fit the space."""
    if isinstance(lags, (str, bytes)) or not hasattr(lags, "__iter__"):
        raise TypeError(f"lags must be a list of pairs of lags (r1, r2), got {lags!r}")
    found = []
    for pair in lags:
        if not hasattr(pair, "__iter__") or len(pair := tuple(pair)) != 2:
            raise TypeError(f"lags must hold pairs of lags (r1, r2), got {pair!r}")
        found.append((_lag(pair[0], space, periodic), _lag(pair[1], space, periodic)))
    if not found:
        raise ValueError("lags must hold at least one pair (r1, r2), got none")
    return tuple(found)


def _lag(lag: Any, space: tuple[int, ...], periodic: bool) -> Lag:
    """Return a lag as ints, periodic ones between 0 and the extent."""
    entries = tuple(lag) if hasattr(lag, "__iter__") else (lag,)
    if len(entries) != len(space):
        raise ValueError(f"lags must have {len(space)} entries, one per axis, got {lag!r}")
    values = tuple(checks.integer("lags", r) for r in entries)
    if periodic:
        return tuple(r % size for r, size in zip(values, space, strict=True))
    if any(abs(r) >= size for r, size in zip(values, space, strict=True)):
        raise ValueError(f"lags must lie inside the space {space} for boundary='open', got {values}")
    return values


@dataclass(frozen=True)
class Triples:
    """Triples of points x, x + r1, x + r2 in a space."""

    space: tuple[int, ...]
    periodic: bool
    lags: tuple[tuple[Lag, Lag], ...]

    @property
    def unseen(self) -> float:
        """The fraction of the entries that no triple of points spans."""
        return sum(map(self._is_empty, self.lags)) / len(self.lags)

    @property
    def numbers(self) -> list[float]:
        """The number of triples at each pair of lags, 1 instead of 0."""
        return [
            float(math.prod(self.space) if self.periodic else max(1, math.prod(stop - start for start, stop in self._bounds(pair))))
            for pair in self.lags
        ]

    def means(self, m: Array, xp: Namespace) -> Array:
        """Return the means of products of three memberships, (..., N, N, N, lags)."""
        return xp.stack([self._mean(m, pair, xp) for pair in self.lags], axis=-1)

    def transpose(self, cotangent: Array, m: Array, xp: Namespace) -> Array:
        """Return the cotangent of m from that of the means, (..., N, N, N, lags)."""
        found = xp.zeros_like(m)
        for i, pair in enumerate(self.lags):
            found = found + self._transpose_one(cotangent[..., i], m, pair, xp)
        return found

    def _mean(self, m: Array, pair: tuple[Lag, Lag], xp: Namespace) -> Array:
        """Return the means at one pair of lags, (..., N, N, N)."""
        n = m.shape[-len(self.space) - 1]
        batch = m.shape[: -len(self.space) - 1]
        if self._is_empty(pair):
            each = xp.sum(m, axis=tuple(range(-len(self.space), 0)))
            return xp.zeros_like(each[..., None, None] * each[..., None, :, None] * each[..., None, None, :])
        a, b, c = self._points(m, pair, xp)  # (..., N, points)
        with full_precision(m, xp):
            sums = xp.matmul(_outer(a, b, xp), xp.matrix_transpose(c))  # (..., N * N, N)
        return xp.reshape(sums, (*batch, n, n, n)) / float(a.shape[-1])

    def _transpose_one(self, cotangent: Array, m: Array, pair: tuple[Lag, Lag], xp: Namespace) -> Array:
        """Return the cotangent of m from that of the means at one pair of lags, (..., N, N, N)."""
        n = m.shape[-len(self.space) - 1]
        found = xp.zeros_like(m)
        if self._is_empty(pair):
            return found
        points = self._points(m, pair, xp)
        cotangent, batch = cotangent / float(points[0].shape[-1]), tuple(range(cotangent.ndim - 3))
        with full_precision(m, xp):
            for i, lag in enumerate(((0,) * len(self.space), *pair)):
                j, k = (at for at in range(3) if at != i)
                own = xp.permute_dims(cotangent, (*batch, *(len(batch) + at for at in (i, j, k))))
                own = xp.reshape(own, (*cotangent.shape[:-3], n, n * n))
                found = found + self._place(xp.matmul(own, _outer(points[j], points[k], xp)), lag, pair, m, xp)
        return found

    def _bounds(self, pair: tuple[Lag, Lag]) -> list[tuple[int, int]]:
        """Return the first x and the end along each axis, for which all three points are inside an open space."""
        ends = []
        for axis, size in enumerate(self.space):
            reach = (0, pair[0][axis], pair[1][axis])
            start = -min(reach)
            ends.append((start, max(start, size - max(reach))))
        return ends

    def _is_empty(self, pair: tuple[Lag, Lag]) -> bool:
        """Whether no triple of points is inside an open space."""
        return not self.periodic and any(start == stop for start, stop in self._bounds(pair))

    def _points(self, m: Array, pair: tuple[Lag, Lag], xp: Namespace) -> list[Array]:
        """Return m at x, x + r1 and x + r2, (..., N, points)."""
        ndim, found = len(self.space), []
        for lag in ((0,) * ndim, *pair):
            part = m
            for axis, (r, (start, stop)) in enumerate(zip(lag, self._bounds(pair), strict=True)):
                if self.periodic:
                    part = xp.roll(part, -r, axis=axis - ndim) if r else part
                else:
                    part = along(part, axis - ndim, start + r, stop + r)
            found.append(xp.reshape(part, (*m.shape[:-ndim], -1)))
        return found

    def _place(self, x: Array, lag: Lag, pair: tuple[Lag, Lag], like: Array, xp: Namespace) -> Array:
        """Transpose _points for one of the three."""
        ndim, bounds = len(self.space), self._bounds(pair)
        if self.periodic:
            whole = xp.reshape(x, like.shape)
            for axis, r in enumerate(lag):
                whole = xp.roll(whole, r, axis=axis - ndim) if r else whole
            return whole
        whole = xp.reshape(x, (*like.shape[:-ndim], *(stop - start for start, stop in bounds)))
        for axis, (r, (start, stop)) in enumerate(zip(lag, bounds, strict=True)):
            sides = []
            for width in (start + r, self.space[axis] - stop - r):
                shape = list(whole.shape)
                shape[axis - ndim] = width
                sides.append(xp.zeros_like(xp.broadcast_to(along(whole, axis - ndim, 0, 1), tuple(shape))))
            whole = xp.concat([sides[0], whole, sides[1]], axis=axis - ndim)
        return whole


def _outer(a: Array, b: Array, xp: Namespace) -> Array:
    """Return the products of all pairs of two stacks of fields (..., N, points), (..., N * N, points)."""
    products = xp.expand_dims(a, axis=-2) * xp.expand_dims(b, axis=-3)
    return xp.reshape(products, (*a.shape[:-2], a.shape[-2] * b.shape[-2], a.shape[-1]))
