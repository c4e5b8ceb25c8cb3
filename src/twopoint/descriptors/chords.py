"""Chord lengths: the numbers of runs of a phase along each axis, by their lengths."""

import numpy as np
from jaxtyping import Bool, Float, Int

from ..arrays.types import Array
from .indicators import indicators_of
from .runs import run_lengths


def chord_lengths(
    m: Float[Array, "*microstructure"] | Bool[Array, "*microstructure"],
    *,
    ndim: int = 2,
    boundary: str = "periodic",
    implied_phase: bool = False,
) -> Int[Array, "..."]:
    """Count the chords of each phase along each axis by their lengths.

    A chord is a longest run of points of one phase along an axis, with a point outside the phase at both ends. A run that an open border
    cuts is not a chord, and a line of one phase alone has no chord. So the sum over lengths L of ``L * counts[..., L]`` is the number of
    points of a phase, minus those in such runs and lines.

    Parameters
    ----------
    m : array (..., N, *space)
        Indicators of the phases, booleans or 0 and 1 of a floating dtype; with ``implied_phase=True`` phases 1..N-1 only.
    ndim : int
        Number of spatial axes, 1, 2 or 3.
    boundary : "periodic" or "open"
        Whether runs continue at the opposite border.
    implied_phase : bool
        Phase 0 holds the points of none of the phases in m.

    Returns
    -------
    integer array (..., N, ndim, 1 + largest extent)
        The number of chords of lengths 0, 1, 2, ... points; no chord has length 0.

    Raises
    ------
    TypeError
        If m is not an array, is of integers, is traced, or requires a gradient, which counts do not have.
    ValueError
        If m has other values than 0 and 1, if an option is invalid, or if a shape does not fit.

    References
    ----------
    Torquato, Random Heterogeneous Materials (2002), section 2.5.

    Examples
    --------
    >>> import numpy as np, twopoint as tp
    >>> m = tp.one_hot(np.array([0, 1, 1, 0, 0, 1]), 2, ndim=1)
    >>> tp.chord_lengths(m, ndim=1)[:, 0]
    array([[0, 1, 1, 0, 0, 0, 0],
           [0, 1, 1, 0, 0, 0, 0]])
    >>> tp.chord_lengths(m, ndim=1, boundary="open")[:, 0]
    array([[0, 0, 1, 0, 0, 0, 0],
           [0, 0, 1, 0, 0, 0, 0]])
    """
    found = indicators_of(m, "chord_lengths", ndim=ndim, boundary=boundary, implied_phase=implied_phase)
    fields = found.phases.reshape(-1, *found.space)
    counts = np.zeros((len(fields), ndim, 1 + max(found.space)), dtype=np.int64)
    for of_field, field in zip(counts, fields, strict=True):
        for axis, of_axis in enumerate(of_field):
            lengths = run_lengths(np.ascontiguousarray(np.moveaxis(field, axis, -1)), periodic=found.periodic)
            of_axis += np.bincount(lengths, minlength=len(of_axis))
    return found.counts(counts.reshape(*found.phases.shape[:-ndim], ndim, -1))
