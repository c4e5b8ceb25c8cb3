"""Checkerboards, and their statistics."""

from collections.abc import Iterable

import numpy as np
from jaxtyping import Float64, UInt8

from ..arrays import checks
from .grid import along


def checkerboard(shape: Iterable[int], tile: int | Iterable[int], *, n_phases: int = 2) -> UInt8[np.ndarray, "*space"]:
    """Create a checkerboard of N phases, ``label(x) = (sum over axes of floor(x_i / tile_i)) mod N``.

    Parameters
    ----------
    shape : ints
        Size (*space) in pixels, with 1 to 3 axes.
    tile : int or one int per axis
        Edges of a tile in pixels.
    n_phases : int
        Number of phases N, 1 to 256.

    Returns
    -------
    uint8 array (*space)
        Labels 0 to N-1.

    Raises
    ------
    TypeError
        If a size, an edge or n_phases is not an integer.
    ValueError
        If shape does not have 1, 2 or 3 sizes, if tile has another number of edges, if one of these is below 1, or if n_phases is not
        within 1 to 256.

    References
    ----------
    Torquato, *Random Heterogeneous Materials* (2002), section 2.2: statistics of two-phase media.

    Examples
    --------
    >>> from twopoint.synthetic import checkerboard
    >>> checkerboard((2, 6), (1, 2))
    array([[0, 0, 1, 1, 0, 0],
           [1, 1, 0, 0, 1, 1]], dtype=uint8)
    """
    space, edges, n_phases = _board(shape, tile, n_phases)
    index = np.zeros(space, dtype=np.int64)
    for axis, (size, edge) in enumerate(zip(space, edges, strict=True)):
        index = index + along(np.arange(size) // edge, axis, len(space))
    return (index % n_phases).astype(np.uint8)


def checkerboard_statistics(
    shape: Iterable[int], tile: int | Iterable[int], *, n_phases: int = 2
) -> Float64[np.ndarray, "phases phases *space"]:
    """Return the periodic correlations of a :func:`checkerboard`.

    A lag of ``r = q tile + s`` pixels along one axis crosses q tile edges, and another one with probability ``s / tile``. The axes are
    independent and all phases are equally frequent. Therefore ``f_hk(r)`` is the probability that all axes together cross ``k - h``
    edges modulo N, divided by N.

    Parameters
    ----------
    shape : ints
        Size (*space) in pixels, each a multiple of ``n_phases * tile``.
    tile : int or one int per axis
        Edges of a tile in pixels.
    n_phases : int
        Number of phases N, 1 to 256.

    Returns
    -------
    float64 array (N, N, *space)
        Probabilities of the pairs of phases, lags in FFT order.

    Raises
    ------
    TypeError
        If a size, an edge or n_phases is not an integer.
    ValueError
        As for :func:`checkerboard`, and if shape does not consist of whole periods.

    References
    ----------
    Cai et al., eq. (1).

    Examples
    --------
    >>> from twopoint.synthetic import checkerboard_statistics
    >>> checkerboard_statistics((8,), 2)[0, 0]
    array([0.5 , 0.25, 0.  , 0.25, 0.5 , 0.25, 0.  , 0.25])
    """
    space, edges, n_phases = _board(shape, tile, n_phases)
    periods = tuple(n_phases * edge for edge in edges)
    if any(size % period for size, period in zip(space, periods, strict=True)):
        raise ValueError(f"shape must be whole periods of {periods} pixels, got {space}")
    phases = np.arange(n_phases)
    total = (phases == 0).astype(np.float64)  # probability of each number of crossed edges, modulo N
    for size, edge in zip(space, edges, strict=True):
        crossed = _crossings(size, edge, n_phases)  # (N, lags of this axis)
        total = np.stack([sum((total[d - a][..., None] * crossed[a] for a in phases), np.zeros(())) for d in phases])
    return total[(phases - phases[:, None]) % n_phases] / n_phases


def _crossings(size: int, edge: int, n_phases: int) -> np.ndarray:
    """Return the probability of each number of tile edges, modulo N, that a lag along one axis crosses, (N, lags)."""
    r = np.arange(size)
    q, s = np.divmod(r, edge)
    probability = np.zeros((n_phases, size))
    probability[q % n_phases, r] += 1 - s / edge
    probability[(q + 1) % n_phases, r] += s / edge
    return probability


def _board(shape: Iterable[int], tile: int | Iterable[int], n_phases: int) -> tuple[tuple[int, ...], tuple[int, ...], int]:
    """Return the sizes, the edges of a tile, and the number of phases."""
    space = checks.sizes(shape)
    edges = tuple(checks.integer("tile", n, 1) for n in (tile if isinstance(tile, Iterable) else (tile,) * len(space)))
    if len(edges) != len(space):
        raise ValueError(f"tile must be one integer or {len(space)}, one per axis, got {edges}")
    return space, edges, checks.integer("n_phases", n_phases, 1, checks.LABELS)
