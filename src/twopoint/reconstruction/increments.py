"""The statistics of labels and their squared error, kept up to date under exchanges of two points.

Each exchange updates the statistics. The fields m_i represent the phases. The state consists of the error ``e = A - A*`` of their
correlations ``A_ij(r) = sum over x of m_i(x) m_j(x+r)``, their self-convolutions ``S_ij(c) = sum over x of m_i(x) m_j(c-x)``, and the
correlation of the error with the fields, ``G_i(x) = sum over j and r of w e_ij(r) m_j(x+r)``. An exchange adds to each of these arrays
shifted copies of the others, and its effect on the squared error is a sum of a few of their entries. The theory page derives both.
"""

import itertools
import math

import numpy as np

from ..arrays.fft import irfftn, rfftn
from ..statistics.lags import Lags
from ..statistics.phases import one_hot
from ..statistics.target import TargetStatistics, structure, target_statistics


class Increments:
    """Labels, their statistics on a periodic grid, and the squared error ``sum over i, j and r of w e_ij(r)^2``.

    If every lag spans every point, N-1 fields represent the error of all N^2 pairs. They are coordinates in an orthonormal basis of the
    changes of phases that sum to one. Otherwise the fields are the N phases, on a grid that is padded against wrapping. ``exact`` is
    whether the change of the error has a closed form, which requires that all lags have the same weight.
    """

    def __init__(self, labels: np.ndarray, statistics: TargetStatistics) -> None:
        lags, n = statistics.plan.lags, statistics.n_phases
        self.labels = np.ravel(labels).copy()
        self.point_mask = np.ones(self.labels.size, dtype=bool) if statistics.mask is None else np.ravel(statistics.mask)
        self.space, self.grid = lags.space, lags.transform
        self.basis = _contrasts(n) if statistics.plan.periodic_unmasked else np.eye(n)  # (fields, phases)
        self.coordinates = np.indices(self.space).reshape(len(self.space), -1)  # (ndim, points)
        self.at, self.at_twice = self._flat(self.coordinates), self._flat(2 * self.coordinates)
        count = np.broadcast_to(lags.spans(np.zeros(()), np) if statistics.count is None else statistics.count, lags.stored)
        self.target = self._target(statistics, count)
        self.target_shared = np.einsum("ii...->...", self.target)
        self._set_weights(lags, count)
        self.scale = structure(statistics) or 1.0  # 1.0 for statistics that are the same at every lag
        self.refresh()
        self.rest = self._rest(statistics)

    def _rest(self, statistics: TargetStatistics) -> float:
        """Return the squared error that the fields do not contain, that of the volume fractions, which no exchange can change."""
        if len(self.basis) == self.basis.shape[1]:
            return 0.0
        phases = one_hot(self.labels.reshape(self.space), statistics.n_phases, ndim=statistics.ndim)
        f = target_statistics(phases, ndim=statistics.ndim, crop=statistics.crop).correlations
        return max(float(np.sum((f - statistics.correlations) ** 2)) - self.squared, 0.0)

    def _set_weights(self, lags: Lags, count: np.ndarray) -> None:
        """Set the weights of the lags, which convert sums to means, and a typical weight for rankings."""
        inside = lags.inside(np.zeros(()), np)
        weight = np.where(count > 0, 1.0 / np.where(count > 0, count, 1.0) ** 2, 0.0) * (1.0 if inside is None else inside)
        weight = (weight + lags.reverse(weight, np)) / 2  # f_hk(r) = f_kh(-r): their errors are equal, and have the mean weight
        self.exact = weight.shape == self.grid and bool(np.all(weight == weight.flat[0]))
        self.weight: float | np.ndarray = float(weight.flat[0]) if self.exact else lags.embed(weight, self.grid, np)
        self.typical = float(np.sum(weight * count) / np.sum(count)) * (count.size / math.prod(self.grid))

    def _target(self, statistics: TargetStatistics, count: np.ndarray) -> np.ndarray:
        """Return A* of the fields, (fields, fields, *grid); 0 at lags of weight 0."""
        lags, n = statistics.plan.lags, statistics.n_phases
        sums = np.empty((n, n, *self.grid))
        for (h, k), f in statistics.by_pair.items():
            sums[h, k] = lags.embed(f * count, self.grid, np)
            sums[k, h] = lags.embed(lags.reverse(f * count, np), self.grid, np)
        return np.einsum("ih,jk,hk...->ij...", self.basis, self.basis, sums)

    def refresh(self) -> None:
        """Compute the statistics from the labels."""
        phases = np.where(self.point_mask, self.labels == np.arange(self.basis.shape[1])[:, None], 0.0)
        fields = np.reshape(self.basis @ phases, (-1, *self.space))
        self.m = np.pad(fields, [(0, 0), *((0, large - small) for large, small in zip(self.grid, self.space, strict=True))])
        spectra = rfftn(self.m, self.grid, np)
        points = float(math.prod(self.grid))
        self.e = points * irfftn(np.conj(spectra)[:, None] * spectra, self.grid, np) - self.target
        self.S = points * irfftn(spectra[:, None] * spectra, self.grid, np)
        self.G = self._error_with_fields(spectra)
        self.squared = float(np.sum(self.weight * self.e**2))

    def _error_with_fields(self, spectra: np.ndarray) -> np.ndarray:
        """Return G, (fields, *grid)."""
        errors = rfftn(self.weight * self.e, self.grid, np)
        return float(math.prod(self.grid)) * irfftn(np.sum(np.conj(errors) * spectra, axis=1), self.grid, np)

    @property
    def error(self) -> float:
        """The relative error of the statistics."""
        return math.sqrt(max(self.squared + self.rest, 0.0)) / self.scale

    def changes(self, a: np.ndarray, b: np.ndarray, p: int, q: int) -> np.ndarray:
        """Return the change of the squared error by an exchange of a point in a, of phase p, and one in b, of phase q; (a, b)."""
        v = self.step_between(p, q)
        from_a, from_b = self.coordinates[:, a][:, :, None], self.coordinates[:, b][:, None, :]
        between, both = self._flat(from_b - from_a), self._flat(from_a + from_b)
        zero = np.zeros((1, 1), dtype=int)
        linear, shared = (f(zero) - f(between) for f in (lambda at: _quadratic(v, self.e, at) * self._weight_at(at), self._shared_at))
        pairs = 4 * linear + self.typical * (8 * shared - 4 * _quadratic(v, self.S, both))
        return pairs + self.gains(a, v, -1)[:, None] + self.gains(b, v, 1)

    def _weight_at(self, at: np.ndarray) -> np.ndarray | float:
        """Return the weights of lags."""
        return self.weight.ravel()[at] if isinstance(self.weight, np.ndarray) else self.weight

    def _shared_at(self, at: np.ndarray) -> np.ndarray:
        """Return the sum over i of A_ii at lags."""
        return self.target_shared.ravel()[at] + sum(self.e[i, i].ravel()[at] for i in range(len(self.e)))

    def gains(self, points: np.ndarray, v: np.ndarray, sign: int) -> np.ndarray:
        """Return for each point its own part of the change if v is added to its fields (sign 1) or subtracted (sign -1)."""
        slope = v @ self.G.reshape(len(v), -1)[:, self.at[points]]
        return sign * 4 * slope + 2 * self.typical * _quadratic(v, self.S, self.at_twice[points])

    @property
    def n_phases(self) -> int:
        """The number of phases."""
        return self.basis.shape[1]

    def promising(self, points: np.ndarray, p: int, q: int, sign: int, most: int) -> np.ndarray:
        """Return at most that many points whose own parts of the change are lowest: those of p become q for sign -1, else the reverse."""
        return self.lowest(points, p if sign < 0 else q, self.step_between(p, q), sign, most)

    def lowest(self, points: np.ndarray, phase: int, v: np.ndarray, sign: int, most: int) -> np.ndarray:
        """Return at most that many points of a phase, those whose own parts of the change are lowest."""
        points = points[self.labels[points] == phase]
        if len(points) <= most:
            return points
        return points[np.argpartition(self.gains(points, v, sign), most - 1)[:most]]

    def swap(self, a: int, b: int) -> bool:
        """Exchange two points, without a closed form of the change only if the error falls. Return whether they were exchanged."""
        v = self.step_between(int(self.labels[a]), int(self.labels[b]))
        at_a, at_b = self.coordinates[:, a], self.coordinates[:, b]
        self._move(v / 2, at_a, at_b)  # from the halfway state the difference of two products is exactly twice one product
        ahead = self._difference(self.m, -at_b, -at_a)  # m(b + r) - m(a + r)
        change = _outer(v, self._reverse(ahead), ahead)  # change of A
        squared = self._grows_by(change)
        if not self.exact and squared >= 0:
            self._move(-v / 2, at_a, at_b)
            return False
        around = self._difference(self.m, at_b, at_a)  # m(c - b) - m(c - a)
        folded = _outer(v, around, around)  # change of S
        for half in (change, folded):
            half *= 0.5
        self.e += change
        self.S += folded
        if self.exact:
            self._update_g(v, at_a, at_b)
        self.e += change
        self.S += folded
        self._move(v / 2, at_a, at_b)
        self.labels[[a, b]] = self.labels[[b, a]]
        self.squared += squared
        if not self.exact:
            self.G = self._error_with_fields(rfftn(self.m, self.grid, np))
        return True

    def _grows_by(self, change: np.ndarray) -> float:
        """Return the change of the squared error for a change of the correlations."""
        if isinstance(self.weight, np.ndarray):
            return float(np.vdot(self.weight * change, 2 * self.e + change))
        return self.weight * float(2 * np.vdot(self.e, change) + np.vdot(change, change))

    def _update_g(self, v: np.ndarray, at_a: np.ndarray, at_b: np.ndarray) -> None:
        """Update G from the halfway state: correlate the change of the errors with the fields, and the errors with that of the fields."""
        column = v.reshape(-1, *(1,) * len(self.grid))
        folded = np.tensordot(v, self.S, 1)  # (fields, *grid)
        shared = self.target_shared + np.einsum("ii...->...", self.e)
        for place, part in ((2 * at_a, 0.5), (2 * at_b, 0.5), (at_a + at_b, -1.0)):  # for the halfway fields, not the mean of both states
            folded.reshape(len(v), -1)[:, self._flat(place[:, None])] -= part * v[:, None]
        for place, part in ((0 * at_a, 1.0), (at_b - at_a, -0.5), (at_a - at_b, -0.5)):
            shared.reshape(-1)[self._flat(place[:, None])] -= part
        opposite = column * shared
        opposite += np.tensordot(v, self.e, 1)  # sum over j of v_j e_ij(-r), for e_ij(-r) = e_ji(r)
        update = self._difference(opposite, at_b, at_a)
        update += self._difference(folded, -at_b, -at_a)
        update *= self.weight
        self.G += update

    def step_between(self, p: int, q: int) -> np.ndarray:
        """Return the change of the fields at a point that changes from phase q to p."""
        return self.basis[:, p] - self.basis[:, q]

    def _move(self, v: np.ndarray, at_a: np.ndarray, at_b: np.ndarray) -> None:
        """Add v to the fields at b and subtract it at a."""
        self.m[(..., *at_b)] += v
        self.m[(..., *at_a)] -= v

    def _flat(self, coordinates: np.ndarray) -> np.ndarray:
        """Return flat indices into the periodic grid."""
        flat = np.zeros(coordinates.shape[1:], dtype=np.int64)
        for c, size in zip(coordinates, self.grid, strict=True):
            flat = flat * size + c % size
        return flat

    def _difference(self, fields: np.ndarray, forth: np.ndarray, back: np.ndarray) -> np.ndarray:
        """Return the difference of the fields under two periodic shifts, in one pass over blocks."""
        out = np.empty_like(fields)
        axes = [_runs(size, int(f) % size, int(b) % size) for size, f, b in zip(self.grid, forth, back, strict=True)]
        for runs in itertools.product(*axes):
            target, first, second = ((..., *slices) for slices in zip(*runs, strict=True))
            np.subtract(fields[first], fields[second], out=out[target])
        return out

    def _reverse(self, fields: np.ndarray) -> np.ndarray:
        """Return the fields at -x."""
        axes = tuple(range(-len(self.grid), 0))
        return np.roll(np.flip(fields, axes), (1,) * len(axes), axes)


def _runs(size: int, forth: int, back: int) -> list[tuple[slice, slice, slice]]:
    """Return the slices of an axis, of the result and of two sources, in which both shifted copies are contiguous."""
    ends = sorted({0, forth, back, size})

    def source(start: int, stop: int, shift: int) -> slice:
        return slice((start - shift) % size, (start - shift) % size + stop - start)

    runs = itertools.pairwise(ends)
    return [(slice(start, stop), source(start, stop, forth), source(start, stop, back)) for start, stop in runs]


def _contrasts(n: int) -> np.ndarray:
    """Return an orthonormal basis of the directions in which n phases that sum to one can change, (n-1, n), by Helmert."""
    rows = np.tril(np.ones((n - 1, n))) - np.eye(n - 1, n, 1) * np.arange(1.0, n)[:, None]
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def _outer(v: np.ndarray, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return first_i v_j + v_i second_j, (fields, fields, *grid)."""
    ones = (1,) * (first.ndim - 1)
    if len(v) == 1:
        return v[0] * (first + second)[None]
    return first[:, None] * v.reshape(1, -1, *ones) + v.reshape(-1, 1, *ones) * second[None]


def _quadratic(v: np.ndarray, held: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Return the sum over i and j of v_i v_j held_ij at flat indices of the grid."""
    flat = held.reshape(*held.shape[:2], -1)
    return sum(v[i] * v[j] * flat[i, j][at] for i in range(len(v)) for j in range(len(v)))
