"""Labels with their statistics and descriptors, whose errors are kept up to date under exchanges of two points."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..descriptors.evaluation import Products, evaluate, transpose
from ..descriptors.fields import Fields, fields_of
from ..losses.descriptor_loss import KINDS, stored_descriptor
from ..statistics.phases import one_hot
from ..statistics.target import TargetStatistics
from .flips import flips
from .increments import Increments

Described = tuple[str, dict[str, Any]]  # a descriptor and its own options

_RENEW = 12  # exchanges after which the slopes by each point are computed again


class DescriptorError:
    """The squared relative error of one descriptor of labels, ``|d - d*|^2 / |d*|^2``."""

    def __init__(self, descriptor: str, own: dict[str, Any], statistics: TargetStatistics, labels: np.ndarray) -> None:
        self.own, self.kind, self.statistics = own, KINDS[descriptor], statistics
        self.target = np.asarray(stored_descriptor(statistics, descriptor, own), np.float64)
        self.scale = float(np.linalg.norm(self.target)) or 1.0
        fields = self.refresh(labels)
        self.products = self._products(fields)
        mask = None if fields.mask is None else self.products.means(fields.mask, fields.xp)
        self.inverse = 1.0 if mask is None else np.where(mask > 0, 1.0 / np.where(mask > 0, mask, 1.0), 0.0)

    def refresh(self, labels: np.ndarray) -> Fields:
        """Compute the descriptor from labels."""
        fields = self._fields(labels)
        self.error = np.asarray(evaluate(self._products(fields), fields)[0]) - self.target
        return fields

    def slopes(self, labels: np.ndarray) -> np.ndarray:
        """Return the derivative of the squared relative error by each phase at each point, (N, points)."""
        fields = self._fields(labels)
        return np.asarray(transpose(self.products, 2 * self.error / self.scale**2, fields)).reshape(self.statistics.n_phases, -1)

    def flips(self, labels: np.ndarray, points: np.ndarray, p: int, q: int) -> np.ndarray:
        """Return the change of the descriptor for each point that changes from p to q, (points, ...)."""
        return flips(self.products, labels, points, p, q, self.statistics.n_phases) * self.inverse

    @property
    def squared(self) -> float:
        """The squared relative error."""
        return float(np.sum(self.error**2)) / self.scale**2

    def _fields(self, labels: np.ndarray) -> Fields:
        known = self.statistics
        m = one_hot(np.maximum(labels, 0), known.n_phases, ndim=known.ndim)
        return fields_of(m, known.ndim, known.boundary, known.mask)

    def _products(self, fields: Fields) -> Products:
        return self.kind.products(fields, **self.own)


class DescribedIncrements:
    """Increments of statistics and of descriptors. The error is the root of the sum of the squares of all their relative errors."""

    def __init__(self, increments: Increments, statistics: TargetStatistics, descriptors: Sequence[Described]) -> None:
        self.increments = increments
        self.grid = np.where(increments.point_mask, increments.labels, -1).reshape(increments.space)
        self.errors = [DescriptorError(descriptor, own, statistics, self.grid) for descriptor, own in descriptors]
        self._renew()

    @property
    def labels(self) -> np.ndarray:
        """The labels, flat."""
        return self.increments.labels

    @property
    def point_mask(self) -> np.ndarray:
        """The points that may move, flat."""
        return self.increments.point_mask

    @property
    def n_phases(self) -> int:
        """The number of phases."""
        return self.increments.n_phases

    @property
    def error(self) -> float:
        """The root of the sum of the squared relative errors."""
        return math.sqrt(self.increments.error**2 + sum(each.squared for each in self.errors))

    def refresh(self) -> None:
        """Compute everything from the labels."""
        self.increments.refresh()
        for each in self.errors:
            each.refresh(self.grid)
        self._renew()

    def _renew(self) -> None:
        """Compute the slopes by each point."""
        self.slopes, self.since = np.sum([each.slopes(self.grid) for each in self.errors], axis=0), 0

    def promising(self, points: np.ndarray, p: int, q: int, sign: int, most: int) -> np.ndarray:
        """Return at most that many points whose own parts of the change are lowest: those of p become q for sign -1, else the reverse."""
        own, other = (p, q) if sign < 0 else (q, p)
        points = points[self.labels[points] == own]
        if len(points) <= most:
            return points
        gains = self.increments.gains(points, self.increments.step_between(p, q), sign) / self.increments.scale**2
        return points[np.argpartition(gains + self.slopes[other, points] - self.slopes[own, points], most - 1)[:most]]

    def changes(self, a: np.ndarray, b: np.ndarray, p: int, q: int) -> np.ndarray:
        """Return the change of the squared error by an exchange of a point in a, of phase p, and one in b, of phase q; (a, b).

        For descriptors the changes of the two points are added, without the entries that both affect.
        """
        total = self.increments.changes(a, b, p, q) / self.increments.scale**2
        for each in self.errors:
            error = each.error.ravel() / each.scale
            one, two = (
                each.flips(self.grid, points, *way).reshape(len(points), -1) / each.scale for points, way in ((a, (p, q)), (b, (q, p)))
            )
            alone = [2 * d @ error + np.sum(d**2, axis=1) for d in (one, two)]
            total = total + alone[0][:, None] + alone[1] + 2 * one @ two.T
        return total

    def swap(self, a: int, b: int) -> bool:
        """Exchange two points as Increments.swap does; return whether they were exchanged."""
        p, q = int(self.labels[a]), int(self.labels[b])
        if not self.increments.swap(a, b):
            return False
        for point, before, after in ((a, p, q), (b, q, p)):
            for each in self.errors:
                each.error = each.error + each.flips(self.grid, np.asarray([point]), before, after)[0]
            self.grid.reshape(-1)[point] = after
        self.since += 1
        if self.since >= _RENEW:
            self._renew()
        return True


def with_descriptors(
    increments: Increments, statistics: TargetStatistics, descriptors: Sequence[Described]
) -> Increments | DescribedIncrements:
    """Return increments that also hold the errors of descriptors, if there are any."""
    return DescribedIncrements(increments, statistics, descriptors) if descriptors else increments
