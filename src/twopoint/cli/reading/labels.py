"""Few distinct values: each is the label of a phase, or some lie about the values of fewer phases, as in a JPEG or a resized mask."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from .gray import GrayLevels

_NEAR = 1 / 16  # of the range: values that JPEG makes of one value
_RARE = 0.6  # share of the points that JPEG makes of a value, relative to those that keep it; measured, 0.3 or less
_SOLID = 0.005  # share of a label's points with equal points all around; 0 for values by noise or interpolation
_BETWEEN = 0.85  # share of an interpolated value's points that have both darker and brighter points beside them; measured, 0.9 or more
_FEWER = 0.75  # points of an interpolated value relative to the rarer of the two phases beside it; measured, 0.65 or less
_MAYBE = (0.8, 0.95)  # in place of the two before, for values that may be labels as well
_REACH = 0.9  # share of an interpolated value's points with both phases within two points; labels that are thinner than that are rare
_MANY = 0.5  # points relative to the rarer phase from which the reach alone raises a doubt: structures too fine for their resolution
_UNEVEN = 0.01  # share of the rarest value relative to the most frequent, in noise
_RANDOM = 0.04  # excess of equal neighbours over those of values at random places, of the largest excess, up to which places are random


@dataclass(frozen=True)
class FewValues:
    """What few distinct values are.

    Attributes
    ----------
    cores : tuple of int
        Indices of the values that are phases, in ascending order.
    how : str
        Where the other values lie; "" if all values are labels.
    decided : bool
        Whether the values are known to be labels, or to lie about the cores.
    sure : bool
        Whether there are wide gaps between the values of one phase and those of the next, and no value lies at edges.
    """

    cores: tuple[int, ...]
    how: str = ""
    decided: bool = True
    sure: bool = True


def look(indices: np.ndarray, levels: GrayLevels, mask: np.ndarray | None, *, numbered: bool = True) -> FewValues:
    """Decide whether few distinct values are labels of phases.

    Integers 0, 1, ... or 1, 2, ... are labels, and so are two values. Other values are not labels if they are rare, have no point with
    equal points all around, and lie either next to a more frequent value or at edges between a darker and a brighter one.

    Parameters
    ----------
    indices : uint8 array (*space)
        Index of each point's value.
    levels : GrayLevels
        The distinct values, in ascending order, with their counts.
    mask : boolean array (*space) or None
        Points that are used; None for all.
    numbered : bool
        Whether 0, 1, ... are numbers of phases; numbers of colours may be those of a resized image.

    Returns
    -------
    FewValues
    """
    values, counts = levels.values.astype(np.float64), levels.counts
    every = tuple(range(len(values)))
    if len(values) == 2:
        return FewValues(every)
    random = _at_random(indices, counts, mask)
    labels = FewValues(every, decided=not (random and len(values) > 3 and counts.min() < _UNEVEN * counts.max()))
    if numbered and values[0] in (0, 1) and (np.diff(values) == 1).all():
        return labels
    darkest, brightest = _around(indices, indices, mask, len(values))
    solid = _share(indices, darkest == brightest, mask, counts) > _SOLID
    near = np.abs(values[:, None] - values) <= _NEAR * (values[-1] - values[0])
    noise = (near & (counts[:, None] <= _RARE * counts)).any(axis=1) & ~solid
    between = _share(indices, (darkest < indices) & (brightest > indices), mask, counts)
    rim, maybe_rim = _rims(indices, mask, counts, noise, ~solid & ~noise & (not random), between)
    cores = np.flatnonzero(~noise & ~rim)
    if len(cores) < 2 or (maybe_rim != rim).any() or _doubtful(values, cores, rim, near & ~np.eye(len(values), dtype=bool), solid):
        return FewValues(every, decided=False)
    if len(cores) == len(values):
        return labels
    how = _described(values, cores, int(noise.sum()), int(rim.sum()))
    return FewValues(tuple(cores.tolist()), how, sure=_apart(values, cores) and not bool(rim.any()))


def _described(values: np.ndarray, cores: np.ndarray, near: int, between: int) -> str:
    """Return text on the values that are not phases: so many near these and so many at edges between them."""
    *listed, last = (f"{values[core]:g}" for core in cores)
    places = [f"{near} near"] * (near > 0) + [f"{between} at edges between"] * (between > 0)
    return f"{len(values)} distinct values, {' and '.join(places)} {', '.join(listed)} and {last}"


def _around(darkest: np.ndarray, brightest: np.ndarray, mask: np.ndarray | None, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the smallest and the largest index below n among each point and its neighbours, diagonal ones included, inside the mask."""
    if mask is not None:
        darkest, brightest = np.where(mask, darkest, np.uint8(n)), np.where(mask, brightest, np.uint8(0))
    for axis in range(darkest.ndim):
        darkest, brightest = _along(darkest, axis, np.minimum), _along(brightest, axis, np.maximum)
    return darkest, brightest


def _along(indices: np.ndarray, axis: int, extreme: np.ufunc) -> np.ndarray:
    """Return the extreme of each point and its two neighbours along an axis."""
    found = indices.copy()
    lower, upper = ((slice(None),) * axis + (part,) for part in (slice(None, -1), slice(1, None)))
    extreme(found[lower], indices[upper], out=found[lower])
    extreme(found[upper], indices[lower], out=found[upper])
    return found


def _share(indices: np.ndarray, where: np.ndarray, mask: np.ndarray | None, counts: np.ndarray) -> np.ndarray:
    """Return for each value the share of its points where a condition holds."""
    chosen = where if mask is None else where & mask
    return np.bincount(indices[chosen], minlength=len(counts)) / counts


def _rims(
    indices: np.ndarray, mask: np.ndarray | None, counts: np.ndarray, noise: np.ndarray, inner: np.ndarray, between: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the values at edges between a darker and a brighter phase, and those that may be.

    ``inner`` are values without an interior, and ``between`` is the share of their points beside darker and brighter ones.
    """
    inner = inner.copy()
    inner[[0, -1]] = False
    phases = np.flatnonzero(~inner & ~noise)
    if not inner.any() or len(phases) < 2:
        return np.zeros_like(inner), np.zeros_like(inner)
    above = np.searchsorted(phases, np.arange(len(counts))).clip(1, len(phases) - 1)
    share = counts / np.minimum(counts[phases[above - 1]], counts[phases[above]])
    places = 2 * np.searchsorted(phases, np.arange(len(counts))) - inner  # odd between two phases
    place = places.astype(np.uint8)[indices]
    darkest, brightest = _around(*_around(place, place, mask, 2 * len(counts)), mask, 2 * len(counts))
    reach = _share(indices, (darkest < place) & (brightest > place), mask, counts)
    maybe = (between > _MAYBE[0]) & (share <= _MAYBE[1])
    sure = ((between > _BETWEEN) & (share <= _FEWER)) | (maybe & (reach > _REACH))
    return inner & sure, inner & (sure | maybe | ((reach > _REACH) & (share > _MANY)))


def _doubtful(values: np.ndarray, cores: np.ndarray, rim: np.ndarray, near: np.ndarray, solid: np.ndarray) -> bool:
    """Return whether values may be labels as well: a single value at edges, or two frequent values side by side without an interior."""
    single = any(np.count_nonzero(rim[low:high]) == 1 for low, high in pairwise(cores.tolist()))
    beside = near[np.ix_(cores, cores)].any(axis=1) & ~solid[cores]
    whole = bool((values == np.round(values)).all())
    return single or bool(whole and beside.any() and values[-1] - values[0] >= 1 / _NEAR)


def _apart(values: np.ndarray, cores: np.ndarray) -> bool:
    """Return whether the gaps between values near one core and those near the next are wider than what is near."""
    nearest = np.abs(values[:, None] - values[cores]).argmin(axis=1)
    return bool((np.diff(values)[np.diff(nearest) > 0] > _NEAR * (values[-1] - values[0])).all())


def _at_random(indices: np.ndarray, counts: np.ndarray, mask: np.ndarray | None) -> bool:
    """Return whether values are at random places: neighbours are equal no more often than two points anywhere."""
    equal, pairs = 0, 0
    for axis in range(indices.ndim):
        lower, upper = ((slice(None),) * axis + (part,) for part in (slice(None, -1), slice(1, None)))
        same = indices[lower] == indices[upper]
        inside = None if mask is None else mask[lower] & mask[upper]
        equal += int(np.count_nonzero(same if inside is None else same & inside))
        pairs += same.size if inside is None else int(np.count_nonzero(inside))
    expected = float(((counts / counts.sum()) ** 2).sum())
    return equal - expected * pairs < _RANDOM * (1 - expected) * pairs
