"""Gray levels: the distinct values of an image in ascending order with their counts, its outliers, and values that differ by rounding."""

import math
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np

OUTLIERS = 0.001  # largest share of the points at either end that may be outliers
_FAR = 0.5  # distance of outliers from the other points, relative to the range of these; normal noise of 25 million points stays below 0.4
_TABLE = 1 << 16  # integers in a range up to this are counted in a table
_CHUNK = 1 << 20  # points that are converted at a time
_ULPS = {2: 2, 4: 8, 8: 8}  # rounding errors of floats by the bytes of their dtype, in units of its precision
_SINGLE = 1e-6  # rounding error of float32, which a file of float64 may still hold
_SAMPLE = 10_000  # levels that are grouped first
_WIDE = 4  # rounding errors in a group of values that count as equal


@dataclass(frozen=True)
class GrayLevels:
    """Sorted gray values.

    Attributes
    ----------
    values : array (levels,)
        In ascending order; distinct, or with repetitions if there are more than 65536.
    counts : int array (levels,)
        Number of points of each level.
    """

    values: np.ndarray
    counts: np.ndarray

    @cached_property
    def n_points(self) -> int:
        """The number of points."""
        return int(self.counts.sum())

    @cached_property
    def _up_to(self) -> np.ndarray | None:
        """Return the number of points up to each level; None if each level is one point."""
        return None if self.n_points == len(self.counts) else np.cumsum(self.counts)

    def at(self, rank: int) -> float:
        """Return the value of the point of this rank."""
        index = rank if self._up_to is None else int(np.searchsorted(self._up_to, rank, side="right"))
        return float(self.values[index])

    def few(self, most: int) -> "GrayLevels | None":
        """Return the levels if they are distinct and at most ``most``, with levels that differ by rounding as one; None otherwise."""
        if self.values.dtype.kind == "f" and not (self.values[:_TABLE] == np.round(self.values[:_TABLE])).all():
            return _without_rounding(self, most)
        return self if len(self.values) <= most else None

    def without_outliers(self) -> "GrayLevels":
        """Return the levels without outliers: at most 0.1 % of the points at either end, far outside the range of the others."""
        most = max(1, math.ceil(OUTLIERS * self.n_points))
        if self.n_points <= 2 * most + 1:
            return self
        low, high = self.at(most), self.at(self.n_points - 1 - most)
        if not low < high:
            return self
        margin = _FAR * (high - low)
        first, last = self._first_from(low - margin), self._first_from(np.nextafter(high + margin, np.inf))
        return GrayLevels(self.values[first:last], self.counts[first:last])

    def _first_from(self, bound: float) -> int:
        """Return the index of the first level that is not below a bound, by bisection without a copy of the levels."""
        first, last = 0, len(self.values)
        while first < last:
            middle = (first + last) // 2
            first, last = (middle + 1, last) if float(self.values[middle]) < bound else (first, middle)
        return first


def gray_levels(values: np.ndarray) -> GrayLevels:
    """Return the gray levels of an image.

    Parameters
    ----------
    values : bool, integer or float array
        Finite values.

    Returns
    -------
    GrayLevels
    """
    flat = values.reshape(-1)
    flat = flat.view(np.uint8) if flat.dtype.kind == "b" else flat
    if flat.dtype.kind in "iu":
        low, high = int(flat.min()), int(flat.max())
        if high - low < _TABLE and high <= np.iinfo(np.int64).max:
            counts = np.zeros(high - low + 1, dtype=np.int64)
            for begin in range(0, flat.size, _CHUNK):
                counts += np.bincount(flat[begin : begin + _CHUNK].astype(np.int64) - low, minlength=len(counts))
            present = np.flatnonzero(counts)
            return GrayLevels(present + low, counts[present])
    ordered = np.sort(flat)
    last = np.append(np.flatnonzero(ordered[1:] != ordered[:-1]), flat.size - 1)
    if len(last) > _TABLE:
        return GrayLevels(ordered, np.broadcast_to(np.int64(1), ordered.shape))
    return GrayLevels(ordered[last], np.diff(last, prepend=-1))


def threshold_after(values: np.ndarray, index: int) -> float:
    """Return a threshold after a level: the level itself for integers, as scikit-image has it, the middle to the next one for floats."""
    lower, upper = values[index], values[index + 1]
    if values.dtype.kind in "iu":
        return float(lower)
    middle = values.dtype.type(float(lower) / 2 + float(upper) / 2)
    return float(middle if lower <= middle < upper else lower)  # neighbouring floats have no middle


def _without_rounding(levels: GrayLevels, most: int) -> GrayLevels | None:
    """Return the most frequent of each group of levels that differ by rounding; None if there are more than ``most`` groups."""
    values, inside = levels.values, levels.without_outliers().values
    low, high = float(inside[0]), float(inside[-1])
    scale = max(abs(low), abs(high))
    own = _ULPS.get(values.dtype.itemsize, 8) * float(np.finfo(values.dtype).eps) * scale
    sample = _groups(values[:: max(1, len(values) // _SAMPLE)], own, high - low)
    if sample is None or len(sample) > most:
        return None
    first = _groups(values, own, high - low)
    if first is None or len(first) > most:
        return None
    modes = [begin + int(levels.counts[begin:end].argmax()) for begin, end in pairwise([*first.tolist(), len(values)])]
    return GrayLevels(values[modes], np.add.reduceat(levels.counts, first))


def _groups(values: np.ndarray, own: float, extent: float) -> np.ndarray | None:
    """Return the first index of each group of sorted values that differ by rounding; None if a group is wider than rounding makes it.

    Values differ by rounding within ``own``, or within a rounding error of float32 relative to both the values and their range.
    """
    ordered = values.astype(np.float64)
    tolerance = np.maximum(own, _SINGLE * np.minimum(np.abs(ordered), extent))
    first = np.append(0, np.flatnonzero(np.diff(ordered) > np.maximum(tolerance[1:], tolerance[:-1])) + 1)
    last = np.append(first[1:], len(ordered)) - 1
    narrow = ordered[last] - ordered[first] <= _WIDE * np.maximum(tolerance[first], tolerance[last])
    return first if narrow.all() else None
