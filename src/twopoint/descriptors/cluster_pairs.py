"""The number of pairs of points in one cluster at each lag, exactly, at a cost that grows with the sizes of the clusters' boxes.

Clusters whose boxes have about the same extents are put into arrays of these extents. The pairs of small ones are counted by one matrix
product, which has the number of clusters that hold both of two places of the box. The squared spectra of large ones are summed, and
transformed back once.
"""

import math
from collections.abc import Iterator
from functools import cache
from itertools import product
from typing import NamedTuple

import numpy as np
from threadpoolctl import ThreadpoolController

from ..arrays.fft import fast_length, irfftn, rfftn
from ..statistics.lags import Lags
from .components import ClusterBoxes, Clusters, boxes_of, coordinate

_STEPS = 4  # extents of boxes from one power of 2 to the next
_MOST_PLACES = 1024  # of a box whose pairs are counted by a matrix product
_STORED = 1 << 27  # places of boxes that are stored at once
_AT_ONCE = 1 << 20  # places that are transformed or multiplied at once
# Nanoseconds, measured: of a product for each pair of places and cluster, of a sum for each pair of places, of transforms for each place.
_PRODUCT, _SUM, _TRANSFORM = 0.008, 3.0, 8.0


class _Group(NamedTuple):
    """Clusters in boxes of equal extents."""

    box: tuple[int, ...]
    period: tuple[int, ...]  # lags of the box are distinct modulo these, or are the same lag of the torus
    members: np.ndarray


def pair_sums(clusters: Clusters, lags: Lags) -> np.ndarray:
    """Return the number of pairs x, x+r of points in one cluster at each stored lag r, (*stored)."""
    total = np.zeros(lags.stored)
    points = np.flatnonzero(clusters.labels)
    if not len(points):
        return total
    of = np.take(clusters.of_label, np.take(clusters.labels, points) - 1)
    boxes = boxes_of(clusters, points, of)
    for groups in _portions(_groups(boxes, clusters)):
        for group, filled in zip(groups, _fill(groups, boxes, clusters, points, of), strict=True):
            sums = _by_products(filled, group) if _small(group) else _by_spectra(filled, group)
            _add(sums, group, total, lags)
    return total


def _groups(boxes: ClusterBoxes, clusters: Clusters) -> list[_Group]:
    """Sort the clusters by the extents of their boxes, rounded up."""
    rounded = np.minimum(_round_up(boxes.extent), clusters.space)
    key = np.ravel_multi_index(tuple(rounded.T - 1), clusters.space)
    order = np.argsort(key, kind="stable")
    begin = np.flatnonzero(np.append(True, np.diff(key[order]) > 0))
    found = []
    for members in np.split(order, begin[1:]):
        box = tuple(int(n) for n in rounded[members[0]])
        found.append(_Group(box, _period(box, clusters), members))
    return found


def _round_up(extent: np.ndarray) -> np.ndarray:
    """Round extents up, to at most _STEPS values from one power of 2 to the next."""
    step = 2 ** np.maximum(np.ceil(np.log2(extent)).astype(int) - int(math.log2(_STEPS)), 0)
    return -(-extent // step) * step


def _period(box: tuple[int, ...], clusters: Clusters) -> tuple[int, ...]:
    """Return the sizes of transforms: without aliasing, or those of the torus, where aliasing is right."""
    sizes = [fast_length(2 * n - 1) for n in box]
    return tuple(min(n, size) if clusters.periodic else n for n, size in zip(sizes, clusters.space, strict=True))


def _small(group: _Group) -> bool:
    """Whether a matrix product takes less time than transforms."""
    places, number = math.prod(group.box), len(group.members)
    transforms = math.prod(group.period) * (number + 2) * _TRANSFORM
    return places <= _MOST_PLACES and places**2 * (number * _PRODUCT + _SUM) <= transforms


def _portions(groups: list[_Group]) -> Iterator[list[_Group]]:
    """Yield groups that fit into the memory together; a group that does not is split."""
    portion: list[_Group] = []
    stored = 0
    for group in groups:
        places = math.prod(group.box)
        most = max(1, _STORED // places)
        for start in range(0, len(group.members), most):
            part = group._replace(members=group.members[start : start + most])
            if portion and stored + len(part.members) * places > _STORED:
                yield portion
                portion, stored = [], 0
            portion.append(part)
            stored += len(part.members) * places
    yield portion


def _fill(groups: list[_Group], boxes: ClusterBoxes, clusters: Clusters, points: np.ndarray, of: np.ndarray) -> list[np.ndarray]:
    """Return booleans (clusters, places) for each group: whether the cluster has a place of its box."""
    first = np.full(clusters.number, -1)  # where the box of a cluster is stored
    strides, stored = np.zeros((clusters.number, len(clusters.space)), dtype=np.int64), [0]
    for group in groups:
        places = math.prod(group.box)
        first[group.members] = stored[-1] + places * np.arange(len(group.members))
        strides[group.members] = [math.prod(group.box[axis + 1 :]) for axis in range(len(group.box))]
        stored.append(stored[-1] + places * len(group.members))
    if (first < 0).any():
        inside = first[of] >= 0
        points, of = points[inside], of[inside]
    at = np.take(first, of)
    for axis, size in enumerate(clusters.space):
        x = coordinate(points, clusters.space, axis) - np.take(boxes.start[:, axis], of)
        if clusters.periodic:
            x += size * (x < 0)
        at += x * np.take(strides[:, axis], of)
    filled = np.zeros(stored[-1], dtype=bool)
    filled[at] = True
    return [part.reshape(len(group.members), -1) for part, group in zip(np.split(filled, stored[1:-1]), groups, strict=True)]


def _by_products(filled: np.ndarray, group: _Group) -> np.ndarray:
    """Return the sums by lag modulo the period, from the number of clusters that hold both of two places, exact in float32."""
    places = filled.shape[1]
    both = np.zeros((places, places))
    with _blas().limit(limits=1, user_api="blas"):  # several threads wait for each other in products as small as these
        for part in _parts(filled, places):
            rows = part.astype(np.float32)
            both += rows.T @ rows
    lag, ndim = np.zeros((1,) * 2 * len(group.box), dtype=np.int64), len(group.box)
    for axis, (n, period) in enumerate(zip(group.box, group.period, strict=True)):
        x = np.arange(n)
        difference = (x[None, :] - x[:, None]) % period
        lag = lag * period + np.expand_dims(difference, tuple(i for i in range(2 * ndim) if i % ndim != axis))
    return np.bincount(np.ravel(lag), np.ravel(both), minlength=math.prod(group.period)).reshape(group.period)


@cache
def _blas() -> ThreadpoolController:
    """Return threadpoolctl's controller, which takes longer to make than many of the products."""
    return ThreadpoolController()


def _by_spectra(filled: np.ndarray, group: _Group) -> np.ndarray:
    """Return the sums by lag modulo the period, from the sum of the squared spectra; they are whole numbers."""
    power = np.zeros((*group.period[:-1], group.period[-1] // 2 + 1))
    for part in _parts(filled, math.prod(group.period)):
        spectra = rfftn(part.reshape(-1, *group.box).astype(np.float64), group.period, np, norm="backward")
        power += np.einsum("i...,i...->...", spectra.real, spectra.real) + np.einsum("i...,i...->...", spectra.imag, spectra.imag)
    return np.rint(irfftn(power, group.period, np) / math.prod(group.period))


def _parts(filled: np.ndarray, places: int) -> Iterator[np.ndarray]:
    """Yield as many clusters at once as the cache holds."""
    most = max(1, _AT_ONCE // places)
    for start in range(0, len(filled), most):
        yield filled[start : start + most]


def _add(sums: np.ndarray, group: _Group, total: np.ndarray, lags: Lags) -> None:
    """Add the sums of a group, by lag modulo its period, to the total at the stored lags."""
    axes = [_spans(n, period, lags, axis) for axis, (n, period) in enumerate(zip(group.box, group.period, strict=True))]
    for block in product(*axes):
        taken, at = zip(*block, strict=True)
        total[at] += sums[taken]


def _spans(n: int, period: int, lags: Lags, axis: int) -> list[tuple[slice, slice]]:
    """Return where the lags from 0 on and those below 0 are along an axis, modulo the period and among the stored lags."""
    zero, whole = lags.zero[axis], lags.whole[axis]
    reach = n - 1 if whole else min(n - 1, zero)
    ahead, behind = min(reach, (period - 1) - (period - 1) // 2), min(reach, (period - 1) // 2)  # of an even torus, S/2 is taken once
    end = lags.stored[axis] if whole else zero
    return [(slice(0, ahead + 1), slice(zero, zero + ahead + 1)), (slice(period - behind, period), slice(end - behind, end))]
