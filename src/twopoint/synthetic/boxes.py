"""Axis-parallel boxes, and their statistics."""

from collections.abc import Iterable, Sequence

import numpy as np
from jaxtyping import Float64, UInt8

from ..arrays import checks
from .grid import lags

Box = Sequence[Sequence[int]]  # (start, stop) per axis, half-open


def fill_boxes(shape: Iterable[int], boxes: Iterable[Box]) -> UInt8[np.ndarray, "*space"]:
    """Draw disjoint axis-parallel boxes: label 1 where ``start <= x < stop`` on every axis for one of the boxes, 0 elsewhere.

    Parameters
    ----------
    shape : ints
        Size (*space) in pixels, with 1 to 3 axes.
    boxes : list of boxes
        A box is ``(start, stop)`` for each axis, such as ``((10, 17), (30, 150))`` for 7 rows by 120 columns.

    Returns
    -------
    uint8 array (*space)
        Labels 0 and 1.

    Raises
    ------
    TypeError
        If a size, start or stop is not an integer.
    ValueError
        If shape does not have 1, 2 or 3 sizes of at least 1, or if a box is empty, overlaps another, or is not inside the image.

    References
    ----------
    Cai et al., Fig. 8: lines of one pixel.

    Examples
    --------
    >>> from twopoint.synthetic import fill_boxes
    >>> fill_boxes((3, 4), [((0, 1), (0, 4)), ((2, 3), (1, 3))])
    array([[1, 1, 1, 1],
           [0, 0, 0, 0],
           [0, 1, 1, 0]], dtype=uint8)
    """
    space = checks.sizes(shape)
    labels = np.zeros(space, dtype=np.uint8)
    for box in _bounds(space, boxes):
        labels[tuple(slice(start, stop) for start, stop in box)] = 1
    return labels


def boxes_statistics(shape: Iterable[int], boxes: Iterable[Box], *, boundary: str = "periodic") -> Float64[np.ndarray, "*lags"]:
    """Return the autocorrelation of label 1 of :func:`fill_boxes`, and of the boxes of :func:`draw_lines`.

    The intervals [a, b) and [c, d), the latter shifted by -r, share ``max(0, min(b, d - r) - max(a, c - r))`` points. Two boxes share the
    product of this over the axes. f is the sum over all ordered pairs of boxes, divided by the number of pairs of points at the lag.
    The periodic lags r and r - S are equal.

    Parameters
    ----------
    shape : ints
        Size (*space) in pixels, with 1 to 3 axes.
    boxes : list of boxes
        Disjoint boxes; a box is ``(start, stop)`` for each axis.
    boundary : "periodic" or "open"
        Whether lags wrap around.

    Returns
    -------
    float64 array (*lags)
        S lags per axis (periodic) or 2S-1 (open), in FFT order.

    Raises
    ------
    TypeError
        If a size, start or stop is not an integer.
    ValueError
        If shape does not have 1, 2 or 3 sizes of at least 1, if boundary is invalid, or if a box is empty, overlaps another, or is not
        inside the image.

    References
    ----------
    Cai et al., eq. (1) and Fig. 8.

    Examples
    --------
    >>> from twopoint.synthetic import boxes_statistics
    >>> boxes_statistics((5,), [((1, 3),)])
    array([0.4, 0.2, 0. , 0. , 0.2])
    >>> boxes_statistics((5,), [((1, 3),)], boundary="open")
    array([0.4 , 0.25, 0.  , 0.  , 0.  , 0.  , 0.  , 0.  , 0.25])
    """
    space = checks.sizes(shape)
    checks.choice("boundary", boundary, checks.BOUNDARIES)
    bounds = _bounds(space, boxes)
    shares = []  # per axis: mean number of points that each pair of boxes shares, (pairs, lags)
    for axis, size in enumerate(space):
        r, intervals = lags(size, boundary), bounds[:, axis]
        if boundary == "periodic":
            shares.append((_shared(intervals, r) + _shared(intervals, r - size)) / size)
        else:
            shares.append(_shared(intervals, r) / (size - np.abs(r)))
    terms = [term for axis, share in enumerate(shares, 1) for term in (share, [0, axis])]
    return np.einsum(*terms, list(range(1, len(space) + 1)))  # (*lags), summed over pairs of boxes


def _shared(intervals: np.ndarray, r: np.ndarray) -> np.ndarray:
    """Return for each ordered pair of intervals the number of x with x in the first and x + r in the second, (pairs, lags)."""
    start, stop = (np.repeat(intervals[:, i], len(intervals))[:, None] for i in (0, 1))
    other_start, other_stop = (np.tile(intervals[:, i], len(intervals))[:, None] for i in (0, 1))
    return np.maximum(np.minimum(stop, other_stop - r) - np.maximum(start, other_start - r), 0).astype(np.float64)


def _bounds(space: tuple[int, ...], boxes: Iterable[Box]) -> np.ndarray:
    """Return the starts and stops of the boxes, (boxes, axes, 2); raise if a box is not inside or overlaps another."""
    rows = [[[checks.integer("boxes", x) for x in interval] for interval in box] for box in boxes]
    for row in rows:
        if len(row) != len(space) or any(len(interval) != 2 for interval in row):
            raise ValueError(f"boxes must give (start, stop) for each of {len(space)} axes, got {row}")
        if any(not 0 <= start < stop <= size for (start, stop), size in zip(row, space, strict=True)):
            raise ValueError(f"boxes must lie inside the shape {space} and not be empty, got {row}")
    bounds = np.array(rows, dtype=np.int64).reshape(-1, len(space), 2)
    low, high = bounds[..., 0], bounds[..., 1]
    meet = (np.minimum(high[:, None], high) > np.maximum(low[:, None], low)).all(axis=-1)
    clashes = np.argwhere(np.triu(meet, 1))
    if len(clashes):
        i, j = clashes[0]
        raise ValueError(f"boxes must be disjoint, got {rows[i]} and {rows[j]}")
    return bounds
