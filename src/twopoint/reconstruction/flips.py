"""Changes of descriptors if single points of labels change their phase: those of the few segments, triples or cells around a point.

Labels (*space) are -1 outside the mask. The change of a point from phase p to q is exact; two points that share a segment, a triple or a
cell change one after the other.
"""

import itertools

import numpy as np

from ..arrays.namespace import namespace
from ..descriptors.euler_number import Cells
from ..descriptors.evaluation import Products
from ..descriptors.segments import Segments
from ..descriptors.three_point import Triples


def flips(products: Products, labels: np.ndarray, points: np.ndarray, p: int, q: int, n_phases: int) -> np.ndarray:
    """Return the change of sums or means of products for each of some points, flat indices, (points, N, ...)."""
    at = np.stack(np.unravel_index(points, labels.shape))  # (ndim, points)
    if isinstance(products, Segments):
        return _flip_segments(products, labels, at, p, q, n_phases)
    if isinstance(products, Triples):
        return _flip_triples(products, labels, at, p, q, n_phases)
    if isinstance(products, Cells):
        return _flip_cells(products, labels, at, p, q, n_phases)
    raise TypeError(f"products must be segments, triples or cells, got {type(products).__name__}")


def look(labels: np.ndarray, at: np.ndarray, *, periodic: bool) -> np.ndarray:
    """Return the labels at coordinates (ndim, ...), -1 outside an open space."""
    sizes = np.asarray(labels.shape).reshape(-1, *(1,) * (at.ndim - 1))
    found = labels[tuple(at % sizes)]
    return found if periodic else np.where(np.all((at >= 0) & (at < sizes), axis=0), found, -1)


def _flip_segments(segments: Segments, labels: np.ndarray, at: np.ndarray, p: int, q: int, n_phases: int) -> np.ndarray:
    """Return the change of the mean products over segments, (points, N, ndim, lengths): those through a point that lie in one phase."""
    n = np.asarray(segments.points)
    found = np.zeros((at.shape[1], n_phases, segments.ndim, len(n)))
    steps = np.arange(1, n.max())
    for axis in range(segments.ndim):
        number = np.asarray([segments.number(axis, int(points)) for points in n])
        sides = []
        for sign in (-1, 1):
            line = np.repeat(at[:, :, None], len(steps), axis=2)
            line[axis] += sign * steps
            sides.append(look(labels, line, periodic=segments.periodic))
        for phase, change in ((p, -1), (q, 1)):
            left, right = (np.cumprod(side == phase, axis=1).sum(axis=1)[:, None] for side in sides)  # points in the phase at both sides
            through = np.minimum(left, n - 1) - np.maximum(0, n - 1 - right) + 1
            found[:, phase, axis] += change * np.maximum(through, 0) / number
    return found


def _flip_triples(triples: Triples, labels: np.ndarray, at: np.ndarray, p: int, q: int, n_phases: int) -> np.ndarray:
    """Return the change of the mean products at triples of points, (points, N, N, N, lags)."""
    found = np.zeros((at.shape[1], n_phases, n_phases, n_phases, len(triples.lags)))
    rows, sizes = np.arange(at.shape[1]), np.asarray(labels.shape)
    for i, (pair, number) in enumerate(zip(triples.lags, triples.numbers, strict=True)):
        offsets = np.asarray([np.zeros(len(sizes), int), *pair])
        seen = {tuple(-offset % sizes if triples.periodic else -offset) for offset in offsets}
        for begin in seen:  # the first points x of the triples that contain the point
            corners = [at + (np.asarray(begin) + offset)[:, None] for offset in offsets]
            before = np.stack([look(labels, corner, periodic=triples.periodic) for corner in corners])
            own = np.stack([np.all((c - at) % sizes[:, None] == 0 if triples.periodic else c == at, axis=0) for c in corners])
            inside = np.all(before >= 0, axis=0)
            for values, change in ((before, -1), (np.where(own, q, before), 1)):
                np.add.at(found, (rows[inside], *values[:, inside], i), change / number)
    return found


def _flip_cells(cells: Cells, labels: np.ndarray, at: np.ndarray, p: int, q: int, n_phases: int) -> np.ndarray:
    """Return the change of the Euler number, (points, N), from the 3 points around each along each axis."""
    ndim, found = labels.ndim, np.zeros((at.shape[1], n_phases))
    if min(labels.shape) < 3 and cells.periodic:  # neighbours on both sides are one point
        return _flip_whole(cells, labels, at, p, q, n_phases)
    around = np.asarray(list(itertools.product((-1, 0, 1), repeat=ndim))).T.reshape(ndim, 1, *(3,) * ndim)
    patch = look(labels, at.reshape(*at.shape, *(1,) * ndim) + around, periodic=cells.periodic)  # (points, 3, ...)
    local, center = Cells((3,) * ndim, False, cells.corners), (slice(None), *(1,) * ndim)
    for phase, change in ((p, -1), (q, 1)):
        field = (patch == phase).astype(np.float64)
        field[center] = 1.0
        there = local.means(field, namespace(field=field))
        field[center] = 0.0
        found[:, phase] += change * (there - local.means(field, namespace(field=field)))
    return found


def _flip_whole(products: Products, labels: np.ndarray, at: np.ndarray, p: int, q: int, n_phases: int) -> np.ndarray:
    """Return the change of any products, computed for the whole space."""
    found = []
    for point in at.T:
        fields = np.stack([labels == phase for phase in range(n_phases)]).astype(np.float64)
        before = products.means(fields, namespace(fields=fields))
        fields[(p, *point)], fields[(q, *point)] = 0.0, 1.0
        found.append(products.means(fields, namespace(fields=fields)) - before)
    return np.stack(found)
