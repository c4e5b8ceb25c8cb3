"""Increments by compiled loops (the extra ``fast``), where all lags have the same weight; the results are those of Increments."""

from types import ModuleType

import numpy as np

from ..arrays.compiled import has_numba
from ..statistics.target import TargetStatistics
from .increments import Increments

_FEW = 500  # points among which the lowest are found by insertion


def increments(labels: np.ndarray, statistics: TargetStatistics) -> Increments:
    """Return labels with their statistics, by compiled loops if numba is installed and every lag has the same weight."""
    if not (has_numba() and statistics.plan.periodic_unmasked and statistics.crop is None):
        return Increments(labels, statistics)
    from . import kernels

    return CompiledIncrements(labels, statistics, kernels)


class CompiledIncrements(Increments):
    """Increments on a periodic grid without a mask or crop.

    The loops see three axes of space. The fields are kept with each row stored twice, so that every shift of a row is contiguous.
    """

    def __init__(self, labels: np.ndarray, statistics: TargetStatistics, loops: ModuleType) -> None:
        self.loops = loops
        super().__init__(labels, statistics)
        self.three_axes = np.asarray((1,) * (3 - len(self.grid)) + self.grid)
        self.in_space = np.stack(np.unravel_index(np.arange(self.labels.size), self.three_axes), axis=-1)  # of each point, (points, 3)

    def refresh(self) -> None:
        """Compute the statistics from the labels."""
        super().refresh()
        three = (1,) * (3 - len(self.grid)) + self.grid
        self.twice = [np.tile(x.reshape(len(x), *three), 2) for x in (self.m, self._reverse(self.m))]
        self.memory = [np.empty_like(x) for x in self.twice]
        n = len(self.m)
        self.flat = self.e.reshape(n, n, -1), self.S.reshape(n, n, -1), self.G.reshape(n, -1), self.target_shared.reshape(-1)

    def gains(self, points: np.ndarray, v: np.ndarray, sign: int) -> np.ndarray:
        """Return for each point its own part of the change if v is added to its fields (sign 1) or subtracted (sign -1)."""
        _, S, G, _ = self.flat
        return self.loops.gains(points, v, float(sign), G, S, self.at_twice, self.typical)

    def lowest(self, points: np.ndarray, phase: int, v: np.ndarray, sign: int, most: int) -> np.ndarray:
        """Return up to so many of the points that belong to a phase, those whose own parts of the change are lowest."""
        if len(points) > _FEW:
            return super().lowest(points, phase, v, sign, most)
        _, S, G, _ = self.flat
        return self.loops.lowest(points, most, self.labels, phase, v, float(sign), G, S, self.at_twice, self.typical)

    def changes(self, a: np.ndarray, b: np.ndarray, p: int, q: int) -> np.ndarray:
        """Return the change of the squared error by an exchange of a point in a, of phase p, and one in b, of phase q; (a, b)."""
        v, (e, S, _, shared) = self.step_between(p, q), self.flat
        own = self.gains(a, v, -1), self.gains(b, v, 1)
        return self.loops.changes(a, b, *own, v, e, S, shared, self.in_space, self.three_axes, self.weight, self.typical)

    def swap(self, a: int, b: int) -> bool:
        """Exchange two points; return True."""
        v, (e, S, G, shared) = self.step_between(int(self.labels[a]), int(self.labels[b])), self.flat
        places = self.in_space[a], self.in_space[b], self.three_axes
        self.squared += self.loops.swap(*self.twice, e, S, G, shared, v, *places, self.weight, *self.memory)
        for point, sign in ((a, -1.0), (b, 1.0)):
            self.m.reshape(len(v), -1)[:, point] += sign * v
        self.labels[a], self.labels[b] = self.labels[b], self.labels[a]
        return True
