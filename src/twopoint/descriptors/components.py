"""Connected clusters of one phase, on a torus or inside open borders, and the boxes that hold them."""

from itertools import product
from typing import NamedTuple

import numpy as np


class Clusters(NamedTuple):
    """The points of all clusters of one phase, and a box for each cluster; clusters count from 0."""

    labels: np.ndarray  # (*space), 0 outside the phase; several labels may be one cluster, which wraps around
    of_label: np.ndarray  # the cluster of labels 1, 2, ...
    number: int
    periodic: bool

    @property
    def space(self) -> tuple[int, ...]:
        """The shape of the space."""
        return self.labels.shape


class ClusterBoxes(NamedTuple):
    """The smallest boxes that hold the clusters; periodic boxes may wrap around."""

    start: np.ndarray  # (clusters, ndim)
    extent: np.ndarray  # (clusters, ndim)


def label_clusters(phase: np.ndarray, *, periodic: bool, connectivity: str) -> Clusters:
    """Label the connected clusters of a phase; neighbours share a face, or also a corner, and on a torus opposite borders touch."""
    from scipy import ndimage  # takes longer to import than the rest of twopoint

    corners = connectivity == "corners"
    structure = ndimage.generate_binary_structure(phase.ndim, phase.ndim if corners else 1)
    labels, number = ndimage.label(phase, structure)
    of_label = np.arange(number)
    if periodic and number:
        number, of_label = _merge(labels, number, corners=corners)
    return Clusters(labels, of_label, number, periodic)


def _merge(labels: np.ndarray, number: int, *, corners: bool) -> tuple[int, np.ndarray]:
    """Join the clusters that touch across opposite borders of a torus; return their number, and the cluster of each label."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    pairs = np.concatenate([_touching(labels, axis, corners=corners) for axis in range(labels.ndim)], axis=1)
    pairs = pairs[:, pairs[0] != pairs[1]]
    graph = coo_array((np.ones(pairs.shape[1], dtype=bool), tuple(pairs - 1)), shape=(number, number))
    merged, of_label = connected_components(graph, directed=False)
    return int(merged), of_label


def _touching(labels: np.ndarray, axis: int, *, corners: bool) -> np.ndarray:
    """Return the labels of neighbours across the borders of an axis, (2, pairs)."""
    first, last = labels.take(0, axis), labels.take(-1, axis)
    others = tuple(range(first.ndim))
    found = []
    for offset in product((-1, 0, 1) if corners else (0,), repeat=first.ndim):
        opposite = np.roll(first, offset, axis=others) if any(offset) else first
        both = (last > 0) & (opposite > 0)
        found.append(np.stack([last[both], opposite[both]]))
    return np.concatenate(found, axis=1)


def boxes_of(clusters: Clusters, points: np.ndarray, of: np.ndarray) -> ClusterBoxes:
    """Return the boxes of clusters from their points, flat indices, and the cluster of each."""
    ends = [_interval(coordinate(points, clusters.space, axis), of, size, clusters) for axis, size in enumerate(clusters.space)]
    start, extent = (np.stack(side, axis=1) for side in zip(*ends, strict=True))
    return ClusterBoxes(start, extent)


def coordinate(points: np.ndarray, space: tuple[int, ...], axis: int) -> np.ndarray:
    """Return one coordinate of flat indices."""
    stride = int(np.prod(space[axis + 1 :]))
    rows = points // stride if stride > 1 else points
    return rows % space[axis] if axis else rows


def _interval(x: np.ndarray, of: np.ndarray, size: int, clusters: Clusters) -> tuple[np.ndarray, np.ndarray]:
    """Return where the shortest interval that holds each cluster starts along an axis, and its length."""
    low, high = np.full(clusters.number, size), np.full(clusters.number, -1)
    np.minimum.at(low, of, x)
    np.maximum.at(high, of, x)
    start, extent = low, high - low + 1
    whole = extent == size
    if clusters.periodic and size > 1 and whole.any():
        row = np.cumsum(whole) - 1
        occupied = np.zeros((int(whole.sum()), size), dtype=bool)
        inside = whole[of]
        occupied[row[of[inside]], x[inside]] = True
        start[whole], extent[whole] = _shortest_arc(occupied)
    return start, extent


def _shortest_arc(occupied: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return start and length of the shortest arc that holds all occupied places of each circle, (circles, size)."""
    size = occupied.shape[1]
    row, at = np.nonzero(occupied)
    begin = np.flatnonzero(np.append(True, row[1:] != row[:-1]))  # of each row
    following = np.append(at[1:], 0)
    end = np.append(begin[1:], len(row)) - 1
    following[end] = at[begin] + size
    step = following - at  # the gap behind a place has step - 1 free places
    widest = np.maximum.reduceat(step, begin)
    is_widest = np.flatnonzero(step == widest[row])
    chosen = is_widest[np.searchsorted(is_widest, begin)]  # the first of each row
    return following[chosen] % size, size + 1 - widest
