"""Laminates, and their statistics."""

from collections.abc import Iterable

import numpy as np
from jaxtyping import Float64, UInt8

from ..arrays import checks
from .grid import along, lags


def laminate(shape: Iterable[int], widths: Iterable[int], *, axis: int = 0) -> UInt8[np.ndarray, "*space"]:
    """Stack layers of all phases along one axis, repeated up to the size; the layers of phase h are ``widths[h]`` pixels thick.

    Parameters
    ----------
    shape : ints
        Size (*space) in pixels, with 1 to 3 axes.
    widths : ints
        Thickness of the layer of each phase in pixels; 1 to 256 phases.
    axis : int
        Axis of space along which the layers are stacked.

    Returns
    -------
    uint8 array (*space)
        Labels 0 to N-1.

    Raises
    ------
    TypeError
        If a size, a width or axis is not an integer.
    ValueError
        If shape does not have 1, 2 or 3 sizes, if a size or width is below 1, if there are 0 or more than 256 widths, or if the axis does
        not exist.

    References
    ----------
    Torquato, *Random Heterogeneous Materials* (2002), chapter 16, on laminates, whose effective properties are also known exactly.

    Examples
    --------
    >>> from twopoint.synthetic import laminate
    >>> laminate((2, 6), (2, 1), axis=1)
    array([[0, 0, 1, 0, 0, 1],
           [0, 0, 1, 0, 0, 1]], dtype=uint8)
    """
    space, layers, axis = _stack(shape, widths, axis)
    position = np.arange(space[axis]) % sum(layers)
    labels = np.searchsorted(np.cumsum(layers), position, side="right").astype(np.uint8)
    return np.broadcast_to(along(labels, axis, len(space)), space).copy()


def laminate_statistics(
    shape: Iterable[int], widths: Iterable[int], *, axis: int = 0, boundary: str = "periodic"
) -> Float64[np.ndarray, "phases phases *lags"]:
    """Return the correlations of a :func:`laminate`.

    The statistics depend only on the component r of a lag across the layers. The points x with x and x + r inside consist of whole
    periods and a remainder. In each of these, f counts the points that two intervals share, layer h and layer k shifted by -r.

    Parameters
    ----------
    shape : ints
        Size (*space) in pixels; under the periodic boundary the size across the layers is a multiple of the sum of widths.
    widths : ints
        Thickness of the layer of each phase in pixels.
    axis : int
        Axis of space along which the layers are stacked.
    boundary : "periodic" or "open"
        Whether lags wrap around.

    Returns
    -------
    float64 array (N, N, *lags)
        S lags per axis (periodic) or 2S-1 (open), in FFT order.

    Raises
    ------
    TypeError
        If a size, a width or axis is not an integer.
    ValueError
        As for :func:`laminate`; if boundary is invalid; if boundary is "periodic" and shape does not consist of whole periods.

    References
    ----------
    Cai et al., eq. (1).

    Examples
    --------
    >>> from twopoint.synthetic import laminate_statistics
    >>> laminate_statistics((4,), (1, 3))[1, 1]
    array([0.75, 0.5 , 0.5 , 0.5 ])
    >>> laminate_statistics((3,), (1, 1), boundary="open")[0, 0]
    array([0.66666667, 0.        , 1.        , 1.        , 0.        ])
    """
    space, layers, axis = _stack(shape, widths, axis)
    checks.choice("boundary", boundary, checks.BOUNDARIES)
    if boundary == "periodic" and space[axis] % sum(layers):
        raise ValueError(f"shape must be whole periods of {sum(layers)} pixels along axis {axis}, got {space}")
    r = lags(space[axis], boundary)
    reach = np.abs(r)
    points = space[axis] - (np.zeros_like(r) if boundary == "periodic" else reach)
    periods, rest = np.divmod(points, sum(layers))
    forth = (periods * _coincidences(layers, reach, sum(layers)) + _coincidences(layers, reach, rest)) / points
    f = along(np.where(r < 0, forth.swapaxes(0, 1), forth), axis, len(space))  # f_hk(-r) = f_kh(r)
    return np.broadcast_to(f, (len(layers), len(layers), *(len(lags(size, boundary)) for size in space))).copy()


def _coincidences(layers: tuple[int, ...], reach: np.ndarray, points: int | np.ndarray) -> np.ndarray:
    """Count the x in [0, points), within one period, with x in layer h and x + reach in layer k, (N, N, lags)."""
    stop = np.cumsum(layers)
    start, shift, period = stop - layers, reach % stop[-1], stop[-1]
    count = np.zeros((len(layers), len(layers), len(reach)), dtype=np.int64)
    for back in (shift, shift - period):  # x + reach is in this period or in the next
        low = np.maximum(start[:, None, None], start[:, None] - back)
        high = np.minimum(np.minimum(stop[:, None, None], points), stop[:, None] - back)
        count += np.maximum(high - low, 0)
    return count


def _stack(shape: Iterable[int], widths: Iterable[int], axis: int) -> tuple[tuple[int, ...], tuple[int, ...], int]:
    """Return the sizes, the thicknesses, and the axis counted from 0."""
    space = checks.sizes(shape)
    layers = tuple(checks.integer("widths", n, 1) for n in widths)
    if not 1 <= len(layers) <= checks.LABELS:
        raise ValueError(f"widths must be of 1 to {checks.LABELS} phases, got {len(layers)}")
    return space, layers, checks.integer("axis", axis, -len(space), len(space) - 1) % len(space)
