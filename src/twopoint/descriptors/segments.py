"""Products over segments of points along an axis: their means, and the adjoint.

A product over n points is that over a points times that over the next b, n = a + b. So all lengths follow by running products, b = 1, and
chosen ones by doubling. Nothing is divided by m, so that the gradient holds where memberships are 0.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import Any

import numpy as np

from ..arrays.compiled import has_numba
from ..arrays.fft import WORTH_THREADS, one_thread, workers
from ..arrays.frameworks import alone, may_split, takes_threads, thread_count
from ..arrays.namespace import on_cpu
from ..arrays.threads import run
from ..arrays.types import Array, Namespace
from ..statistics.lags import along

Step = tuple[int, int, int]  # a product over n points from those over a and b points

_HELD = 1 << 19  # numbers in all products that the adjoint holds at a time on a CPU: they fit into its cache
_HELD_ON_ACCELERATOR = 1 << 28  # the same on an accelerator, where parts only bound the memory
_NEXT = {-4: -3, -3: -1, -1: 0}  # the axis of lines (members, outer, size, inner) that is split after another; 0 for none
_WORTH_THREADS = 1 << 18  # numbers in a batch below which threads cost more than they save


@dataclass(frozen=True)
class Segments:
    """The segments of some numbers of points in a space, and the steps that lead to their products."""

    space: tuple[int, ...]
    periodic: bool
    points: tuple[int, ...]  # numbers of points of the segments, as requested
    steps: tuple[Step, ...]

    @classmethod
    def of(cls, space: tuple[int, ...], periodic: bool, points: Iterable[int]) -> "Segments":
        """Return the segments with the steps that lead to them."""
        points = tuple(points)
        return cls(space, periodic, points, steps_to(points))

    @property
    def unseen(self) -> float:
        """The fraction of the entries that nothing in the space spans."""
        return 0.0

    @property
    def ndim(self) -> int:
        """The number of spatial axes."""
        return len(self.space)

    def starts(self, axis: int, n: int) -> int:
        """Return the number of points along an axis at which a segment of n points can begin."""
        return self.space[axis] if self.periodic else self.space[axis] - n + 1

    def number(self, axis: int, n: int) -> float:
        """Return the number of segments of n points along an axis."""
        return float(self.starts(axis, n) * math.prod(self.space) // self.space[axis])

    def means(self, m: Array, xp: Namespace) -> Array:
        """Return the mean products over segments, (..., N, ndim, lengths)."""
        if _compiled(m, xp):
            return xp.asarray(_by_loops(self, m, None, xp))
        return xp.stack([self._means_along(m, axis, xp) for axis in range(-self.ndim, 0)], axis=-2)

    def transpose(self, cotangent: Array, m: Array, xp: Namespace) -> Array:
        """Return the cotangent of m from that of the mean products, (..., N, ndim, lengths)."""
        if _compiled(m, xp):
            return xp.asarray(_by_loops(self, m, np.ascontiguousarray(cotangent), xp))
        return reduce(add, [self._transpose_along(cotangent[..., axis, :], m, axis, xp) for axis in range(-self.ndim, 0)])

    def _means_along(self, m: Array, axis: int, xp: Namespace) -> Array:
        """Return the mean products over segments along an axis, (..., N, lengths)."""
        last, axes = _last_uses(self.steps), tuple(range(-self.ndim, 0))
        products: dict[int, Array] = {1: m}
        found: dict[int, Array] = {}
        for at, (n, a, b) in enumerate(((1, 0, 0), *self.steps)):
            if n > 1:
                products[n] = products[a] * xp.roll(products[b], -a, axis=axis)
            if n in self.points:
                found[n] = xp.sum(along(products[n], axis, 0, self.starts(axis, n)), axis=axes) / self.number(axis, n)
            for i in [i for i in products if last.get(i, 0) <= at]:
                del products[i]
        return xp.stack([found[n] for n in self.points], axis=-1)

    def _transpose_along(self, cotangent: Array, m: Array, axis: int, xp: Namespace) -> Array:
        """Return the cotangent of m from that of the mean products along an axis; lines are taken in parts that fit into memory."""
        size, inner = self.space[axis], math.prod(self.space[axis:][1:])
        members = math.prod(m.shape[: -self.ndim])
        lines = xp.reshape(m, (members, -1, size, inner))
        cotangent = xp.reshape(cotangent, (members, len(self.points)))
        most = (_HELD if on_cpu(m) else _HELD_ON_ACCELERATOR) // (size * (2 * len(self.steps) + 2))

        def transpose(at: int, axis: int, cotangent: Array, lines: Array, most: int) -> Array:
            """Split one axis after the other, from the members on."""
            if axis == 0:
                return self._transpose_lines(cotangent, lines, size, at, xp)
            count, others = lines.shape[axis], math.prod([lines.shape[i] for i in (-1, -3, -4) if i > axis])
            each = max(1, most // others)
            parts = [(i, min(i + each, count)) for i in range(0, count, each)]
            found = [
                transpose(at, _NEXT[axis], cotangent[slice(*part), ...] if axis == -4 else cotangent, along(lines, axis, *part), most)
                for part in parts
            ]
            return xp.concat(found, axis=axis) if len(found) > 1 else found[0]

        return xp.reshape(transpose(axis, -4, cotangent, lines, most), m.shape)

    def _transpose_lines(self, cotangent: Array, lines: Array, size: int, axis: int, xp: Namespace) -> Array:
        """Return the cotangent of lines (members, outer, size, inner): that of each product is handed on to its two factors."""
        products: dict[int, Array] = {1: lines}
        found: dict[int, Array] = {}
        for n, a, b in self.steps:
            products[n] = products[a] * xp.roll(products[b], -a, axis=-2)
        for i, n in enumerate(self.points):
            own = self._spread(cotangent[..., i] / self.number(axis, n), lines, self.starts(axis, n), size, xp)
            found[n] = found[n] + own if n in found else own
        for n, a, b in reversed(self.steps):
            of_product = found.pop(n)
            ahead, behind = of_product * xp.roll(products[b], -a, axis=-2), xp.roll(of_product * products[a], a, axis=-2)
            found[a] = found[a] + ahead if a in found else ahead
            found[b] = found[b] + behind if b in found else behind
            del products[n]
        return xp.broadcast_to(found[1], lines.shape)

    @staticmethod
    def _spread(cotangent: Array, lines: Array, starts: int, size: int, xp: Namespace) -> Array:
        """Return a cotangent (members,) at the points where a segment can begin, (members, 1, size, 1)."""
        each = xp.reshape(cotangent, (-1, 1, 1, 1))
        ones = xp.ones_like(lines[:1, :1, :starts, :1])
        if starts == size:
            return each * ones
        return each * xp.concat([ones, xp.zeros_like(lines[:1, :1, starts:, :1])], axis=-2)


def steps_to(points: Iterable[int]) -> tuple[Step, ...]:
    """Return the steps that lead to products over these numbers of points: one more point if possible, else by powers of two."""
    known: dict[int, Step] = {1: (1, 0, 0)}

    def make(n: int) -> None:
        if n in known:
            return
        power = 1 << ((n - 1).bit_length() - 1)  # the largest power of two below n
        a = n - 1 if n - 1 in known and n != 2 * power else power
        make(a)
        make(n - a)
        known[n] = (n, a, n - a)

    for n in sorted(set(points)):
        make(n)
    return tuple(known[n] for n in known if n > 1)


def _last_uses(steps: tuple[Step, ...]) -> dict[int, int]:
    """Return the number of the last step, from 1 on, in which each product is a factor."""
    return {factor: at for at, (_, a, b) in enumerate(steps, start=1) for factor in (a, b)}


def _compiled(m: Array, xp: Namespace) -> bool:
    """Whether compiled loops serve these arrays: plain ones of a CPU, by which no derivative is recorded."""
    return has_numba() and takes_threads(m, xp) and may_split(m, xp)


def _by_loops(segments: Segments, m: Array, cotangent: np.ndarray | None, xp: Namespace) -> np.ndarray:
    """Return the mean products or, with their cotangent, that of m, by compiled loops in parallel threads."""
    from . import kernels

    space, ndim = segments.space, segments.ndim
    flat, table = np.require(m, requirements=["C", "W"]).reshape(-1, *space), _table(segments)
    members = len(flat)
    shape = (members, ndim, len(segments.points))
    inverse = [[1.0 / segments.number(axis, n) for n in segments.points] for axis in range(ndim)]
    found: Any = np.zeros(shape) if cotangent is None else np.zeros_like(flat)
    weights, scale = (None, 1.0) if cotangent is None else _normalised(cotangent.reshape(shape) * np.asarray(inverse))

    def evaluate(part: slice) -> None:
        for axis in range(ndim):
            starts = np.asarray([segments.starts(axis, n) for n in segments.points])
            lines_of = part.stop - part.start, math.prod(space[:axis]), space[axis], math.prod(space[axis + 1 :])
            lines = flat[part].reshape(-1), lines_of, segments.periodic, *table, starts
            if weights is None:
                kernels.segment_sums(*lines, found[part, axis])
            else:
                own = np.ascontiguousarray(weights[part, axis], dtype=flat.dtype)
                kernels.transpose_segment_sums(*lines, own, flat.dtype.type(scale), found[part].reshape(-1))

    number = (thread_count(xp) or workers(WORTH_THREADS)) if flat.size >= _WORTH_THREADS else 1
    each = -(-members // min(members, 4 * number)) if number > 1 else members
    parts = [slice(i, min(i + each, members)) for i in range(0, members, each)]
    run(evaluate, parts, min(number, len(parts)), alone(xp, one_thread))
    if cotangent is not None:
        return found.reshape(m.shape)
    return (found * np.asarray(inverse)).astype(flat.dtype).reshape(*m.shape[:-ndim], *shape[1:])


def _normalised(weights: np.ndarray) -> tuple[np.ndarray, float]:
    """Return weights of the order of 1 and their scale, a power of 2, so that no product of theirs is subnormal."""
    most = float(np.max(np.abs(weights), initial=0.0))
    scale = 2.0 ** math.frexp(most)[1] if 0.0 < most < math.inf else 1.0
    return weights / scale, scale


def _table(segments: Segments) -> tuple[np.ndarray, int, np.ndarray]:
    """Return the steps as rows (n, a, row of a, row of b, own row), the number of stored products, and the steps of the requested points.

    Step 0 is the line itself. A product that is no factor is not stored, and has the row -1.
    """
    factors = {i for _, a, b in segments.steps for i in (a, b)}
    rows = {1: 0}
    for n, _, _ in segments.steps:
        if n in factors:
            rows[n] = len(rows)
    table = [(1, 0, -1, -1, 0)] + [(n, a, rows[a], rows[b], rows.get(n, -1)) for n, a, b in segments.steps]
    order = {row[0]: i for i, row in enumerate(table)}
    return np.asarray(table, np.int64), len(rows), np.asarray([order[n] for n in segments.points], np.int64)
