"""The specific surface of a phase from crossings of its interface along many directions of the lattice (Crofton's formula)."""

import math
from dataclasses import dataclass
from functools import lru_cache
from itertools import product

import numpy as np

SHORTEST, LONGEST = math.sqrt(3), math.sqrt(10)  # reach of the directions for thin and for thick phases, in the largest step
ACCURATE = 0.03  # largest relative error for one orientation of the interface that goes without a remark
_FINEST = 4  # lags per largest step along an axis of small steps; more would add directions without need
_APART = 0.12  # angle in radians between directions, below which the longer one adds nothing
_ORIENTATIONS = {1: 1, 2: 360, 3: 600}  # normals for which the weights are fitted
_AXES = 3.0  # weight of normals along the axes in this fit, so that faces along the axes, the most frequent ones, are nearly exact
_EQUAL = 0.01  # pull towards equal weights, because few directions would be sensitive to the discrete edges of a single object


@dataclass(frozen=True)
class Surface:
    """The specific surface of a phase, and what limits its accuracy.

    Attributes
    ----------
    value : float or None
        Interface per area or volume, in one over the unit of the steps; None if no pair of points is near.
    thickness : float
        Mean chord of the phase or of what is between it, whichever is smaller, in the direction in which it is smallest; infinite without
        an interface.
    largest_error : float
        Largest relative error for flat interfaces of one orientation.
    """

    value: float | None
    thickness: float
    largest_error: float


def reach(steps: tuple[float, ...]) -> tuple[int, ...]:
    """Return the longest lag along each axis that :func:`specific_surface` needs."""
    return tuple(2 * int(LONGEST * max(steps) / step) for step in steps)


def specific_surface(crossings: np.ndarray, fraction: float, steps: tuple[float, ...]) -> Surface:
    """Return the interface per area or volume from the shares of pairs of points that it separates.

    At a lag r the share P(r) of pairs of which exactly one point is in the phase is ``|r|`` times the number L(r) of crossings per length
    along r, minus the second crossings at corners, which grow as ``|r|^2``. ``L = (2 P(r) - P(2 r) / 2) / |r|`` is without them. A flat
    interface of area s with the normal n has ``L = s |n . r| / |r|``, so that a sum ``sum w_r L(r)`` is s if ``sum w_r |n . r| / |r|`` is
    1 for every n. The weights w are fitted to this, which makes the sum a quadrature of Crofton's formula, ``s = pi/2`` or 2 times the
    mean of L over all directions in 2 or 3 dimensions, and bounds its error for every distribution of orientations. The lags 2 r are no
    longer than the mean chord of the phase, because longer ones miss interfaces.

    Parameters
    ----------
    crossings : array (*lags)
        P, zero lag at index L//2; NaN where no pair of points is kept.
    fraction : float
        Volume fraction of the phase.
    steps : tuple of float
        Spacing along each axis.

    Returns
    -------
    Surface

    References
    ----------
    Santaló, *Integral Geometry and Geometric Probability* (2004), chapters 3 and 14; Ohser, Schladitz, *3D Images of Materials Structures*
    (2009), chapter 4.
    """
    vectors, lengths = _directions(crossings.shape, steps)
    once, twice = _at(crossings, vectors), _at(crossings, 2 * vectors)
    kept = np.isfinite(once)
    if not kept.any():
        return Surface(None, math.inf, math.inf)
    shortest = max(SHORTEST * max(steps) * (1 + 1e-9), float(lengths[kept].min()))
    near = kept & (lengths <= shortest)
    per_length = float((once[near] / lengths[near]).max())
    thickness = 2 * min(fraction, 1 - fraction) / per_length if per_length > 0 else math.inf
    kept &= lengths <= max(thickness / 2, shortest)
    doubled = np.isfinite(twice) & (2 * lengths <= thickness)
    density = np.where(doubled, 2 * once - twice / 2, once) / lengths
    weights, error = _weights(tuple(tuple(r) for r in vectors[kept].tolist()), steps)
    return Surface(max(float(weights @ density[kept]), 0.0), thickness, error)


def _at(values: np.ndarray, lags: np.ndarray) -> np.ndarray:
    """Return centred values at lags r, or at -r, where P is the same; NaN beyond the lags that are kept."""
    sizes, found = np.array(values.shape), np.full(len(lags), np.nan)
    for signed in (lags, -lags):
        index = signed + sizes // 2
        inside = ((index >= 0) & (index < sizes)).all(axis=1)
        found[inside] = values[tuple(index[inside].T)]
    return found


@lru_cache
def _directions(sizes: tuple[int, ...], steps: tuple[float, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Return the shortest lag of each direction, one of r and -r, and their lengths, in ascending order."""
    largest = max(steps)
    strides = [max(1, int(largest / step / _FINEST)) for step in steps]
    most = [min(int(LONGEST * largest / step), n // 2) // stride for n, step, stride in zip(sizes, steps, strides, strict=True)]
    vectors = np.array(list(product(*(range(-k, k + 1) for k in most)))) * strides
    vectors = vectors[len(vectors) // 2 + 1 :]  # without 0 and -r
    lengths = np.linalg.norm(vectors * steps, axis=1)
    order = np.argsort(lengths, kind="stable")[: np.count_nonzero(lengths <= LONGEST * largest * (1 + 1e-9))]
    along = vectors * steps / lengths[:, None]
    kept: list[int] = []
    for i in order:
        if not kept or np.abs(along[kept] @ along[i]).max() < math.cos(_APART):
            kept.append(i)
    return vectors[kept], lengths[kept]


@lru_cache
def _weights(vectors: tuple[tuple[int, ...], ...], steps: tuple[float, ...]) -> tuple[np.ndarray, float]:
    """Return weights w >= 0 with ``sum w |n . r| / |r|`` near 1 for all n, with the mean 1, and the largest difference from 1."""
    from scipy.optimize import nnls

    along = np.array(vectors) * np.array(steps)
    along = along / np.linalg.norm(along, axis=1, keepdims=True)
    seen = np.abs(_normals(len(steps)) @ along.T)  # (normals, directions)
    faces = np.abs(along.T)[: len(steps) if along.any(axis=0).all() else 0]  # an axis without lags counts as the others on average
    scale, count = math.sqrt(len(seen)), len(along)
    equal = np.full(count, 1 / seen.mean(axis=0).sum())
    pull = _EQUAL * math.sqrt(count)
    matrix = np.concatenate([seen / scale, _AXES * faces, pull * np.eye(count)])
    target = np.concatenate([np.full(len(seen), 1 / scale), np.full(len(faces), _AXES), pull * equal])
    weights = nnls(matrix, target)[0]
    response = seen @ weights
    return weights / response.mean(), float(np.abs(response / response.mean() - 1).max())


def _normals(ndim: int) -> np.ndarray:
    """Return unit vectors that cover half the circle, or half the sphere in a spiral, evenly."""
    i = np.arange(_ORIENTATIONS[ndim]) + 0.5
    if ndim == 1:
        return np.ones((1, 1))
    if ndim == 2:
        angle = np.pi * i / len(i)
        return np.stack([np.cos(angle), np.sin(angle)], axis=1)
    height, turned = 1 - i / len(i), np.pi * (3 - math.sqrt(5)) * i
    radius = np.sqrt(1 - height**2)
    return np.stack([height, radius * np.cos(turned), radius * np.sin(turned)], axis=1)
