"""The lineal path: the probability that a segment lies wholly in one phase."""

from collections.abc import Iterable

import numpy as np
from jaxtyping import Bool, Float

from ..arrays import checks
from ..arrays.namespace import namespace
from ..arrays.types import Array
from .evaluation import evaluate
from .fields import Fields, fields_of, finish_descriptor
from .indicators import Indicators, indicators_of, known_booleans
from .runs import lineal_path_of_runs
from .segments import Segments


def lineal_path(
    m: Float[Array, "*microstructure"] | Bool[Array, "*microstructure"],
    *,
    ndim: int = 2,
    boundary: str = "periodic",
    mask: Array | None = None,
    implied_phase: bool = False,
    lengths: Iterable[int] | None = None,
) -> Float[Array, "*batch phases axes lengths"]:
    """Return the lineal path ``L[h, axis](r) = mean over segments of the product of m[h] over the r + 1 points of a segment``.

    It is the probability that a segment of r + 1 points along an axis lies wholly in phase h. For soft phases the product is the
    probability that all points belong to the phase if each is drawn independently, and it is differentiable.

    Parameters
    ----------
    m : array (..., N, *space)
        Microstructure function, the probability of each phase at each point; with ``implied_phase=True`` phases 1..N-1 only.
    ndim : int
        Number of spatial axes, 1, 2 or 3.
    boundary : "periodic" or "open"
        Whether segments wrap around. With "open" the mean runs over the segments inside the space.
    mask : array (*space) or (..., *space), optional
        The points that are used, booleans or confidences w from 0 to 1: ``sum of prod(w m) / sum of prod(w)`` over the segments, which for
        booleans is the mean over the segments inside the mask. Where w is 0, m may hold any value. No gradient by the mask is given.
    implied_phase : bool
        Phase 0 is one minus the sum of the phases in m.
    lengths : ints, optional
        The lengths r, from 0 to the smallest extent minus 1; by default all of them. A few lengths, such as 1, 2, 4, 8, take a fraction
        of the time of all, except of booleans, whose runs are counted once.

    Returns
    -------
    array (..., N, ndim, L)
        Dimensionless probabilities for each phase, axis and length r in points; 0 without a segment inside the mask.

    Raises
    ------
    TypeError
        If m or mask is not an array, if their libraries differ, or if m is complex or of integers.
    ValueError
        If an option is invalid, a shape does not fit, or a length exceeds the smallest extent minus 1.

    Notes
    -----
    m between 0 and 1 cannot overflow. The product over n values above 1 can, as their power n. Products below 1e-19 in float32, or 1e-154
    in float64, may count as 0.

    References
    ----------
    Lu and Torquato (1992), doi:10.1103/PhysRevA.45.922, eq. (2.1).

    Examples
    --------
    >>> import numpy as np, twopoint as tp
    >>> stripes = tp.one_hot(np.array([0, 0, 0, 1, 1, 1]), 2, ndim=1)
    >>> tp.lineal_path(stripes, ndim=1, lengths=[0, 1, 2, 3])[0, 0].round(3)
    array([0.5  , 0.333, 0.167, 0.   ])
    """
    if mask is None and known_booleans(m, namespace(m=m)):
        return _of_runs(indicators_of(m, "lineal_path", ndim=ndim, boundary=boundary, implied_phase=implied_phase), lengths)
    fields = fields_of(m, ndim, boundary, mask, implied_phase=implied_phase)
    values, _ = evaluate(segments_of(fields, lengths), fields)
    return finish_descriptor(values, m, fields.xp)


def _of_runs(found: Indicators, lengths: Iterable[int] | None) -> Array:
    """Return the lineal path of booleans from their runs, at a cost that does not grow with the lengths."""
    chosen, fields = resolve_lengths(lengths, found.space), found.phases.reshape(-1, *found.space)
    values = [
        lineal_path_of_runs(np.ascontiguousarray(np.moveaxis(field, axis, -1)), chosen, periodic=found.periodic)
        for field in fields
        for axis in range(found.ndim)
    ]
    return found.numbers(np.reshape(values, (*found.phases.shape[: -found.ndim], found.ndim, len(chosen))))


def segments_of(fields: Fields, lengths: Iterable[int] | None) -> Segments:
    """Return the segments of lengths r, of r + 1 points each; raise if one does not fit."""
    return Segments.of(fields.space, fields.periodic, (r + 1 for r in resolve_lengths(lengths, fields.space)))


def resolve_lengths(lengths: Iterable[int] | None, space: tuple[int, ...]) -> tuple[int, ...]:
    """Return the lengths as ints, by default all; raise if one does not fit into the space."""
    if lengths is None:
        return tuple(range(min(space)))
    if isinstance(lengths, (str, bytes)) or not hasattr(lengths, "__iter__"):
        raise TypeError(f"lengths must be a list of integers, got {lengths!r}")
    found = tuple(checks.integer("lengths", r, 0, min(space) - 1) for r in lengths)
    if not found:
        raise ValueError("lengths must hold at least one length, got none")
    return found
