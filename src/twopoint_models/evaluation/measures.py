"""Measures of microstructures, and distances between distributions of them."""

import math

import numpy as np
from jaxtyping import Float64, Shaped
from scipy.stats import wasserstein_distance

import twopoint as tp


def specific_interface_length(images: Shaped[np.ndarray, "*batch height width"], *, spacing: float = 1.0) -> Float64[np.ndarray, "*batch"]:
    """Return the length of the interface per area, ``pi/4 (N_0 + N_1) / (HW spacing)`` with N_i the changes of phase along axis i.

    This is the Cauchy-Crofton formula for lines along the two axes. It is exact on average over directions of the interface; an interface
    along an axis counts pi/4 of its length, a diagonal one 1.11. Images are periodic.

    Parameters
    ----------
    images : array (..., H, W)
        Images of two phases, of any two values each.
    spacing : float
        Edge of a pixel.

    Returns
    -------
    float64 array (...)
        Length per area, in the inverse unit of spacing.

    Raises
    ------
    ValueError
        If images have fewer than two axes, one has more than two values or NaN, or spacing is not above 0.

    References
    ----------
    Santaló, *Integral Geometry and Geometric Probability* (2004), chapter 3. Torquato, *Random Heterogeneous Materials* (2002), section
    2.2: specific surface.

    Examples
    --------
    >>> import numpy as np
    >>> from twopoint_models.evaluation.measures import specific_interface_length
    >>> round(float(specific_interface_length(np.eye(4) < 0)), 3), round(float(specific_interface_length(np.tile([0, 1], (4, 2)))), 3)
    (0.0, 0.785)
    """
    images = _two_axes(images)
    if not 0 < spacing < math.inf:
        raise ValueError(f"spacing must be above 0, got {spacing!r}")
    extremes = [f(images, axis=(-2, -1), keepdims=True) for f in (np.min, np.max)]
    if not ((images == extremes[0]) | (images == extremes[1])).all():
        raise ValueError("images must have two values each, got more, or NaN")
    changes = sum((images != np.roll(images, 1, axis=axis)).mean(axis=(-2, -1)) for axis in (-2, -1))
    return np.asarray(np.pi / 4 * changes / spacing, dtype=np.float64)


def first_zero(images: Shaped[np.ndarray, "*batch height width"]) -> Float64[np.ndarray, "*batch"]:
    """Return the lag in pixels at which the covariance of phase 1, averaged over directions, is first zero.

    The covariance is ``f_11(r) - v^2`` on the torus, averaged over shells one pixel wide and interpolated linearly between them. If it has
    no zero, half the smaller side is returned.

    Parameters
    ----------
    images : array (..., H, W)
        Indicator or probability of phase 1.

    Returns
    -------
    float64 array (...)
        Lags in pixels; 0 for an image of one phase.

    Raises
    ------
    ValueError
        If images have fewer than two axes, or are not finite.

    References
    ----------
    Cai et al., eq. (1). Torquato, *Random Heterogeneous Materials* (2002), section 2.2: autocovariance.

    Examples
    --------
    >>> import numpy as np
    >>> from twopoint_models.evaluation.measures import first_zero
    >>> stripes = np.tile(np.repeat([0, 1], 8), (64, 4))
    >>> round(float(first_zero(stripes)), 2)
    6.18
    """
    values = _two_axes(images).astype(np.float64)
    if not np.isfinite(values).all():
        raise ValueError("images must be finite, got NaN or infinity")
    values = values.reshape(-1, *values.shape[-2:])
    found = np.array([_zero(tp.radial_average(tp.autocorrelation(one - one.mean()))[1]) for one in values])
    return found.reshape(np.shape(images)[:-2])


def distance_in_halves(reference: np.ndarray, other: np.ndarray, *, splits: int = 200, seed: int = 0) -> float:
    """Return the Wasserstein distance of two samples over the mean distance between two halves of the reference.

    Parameters
    ----------
    reference : array (n,)
        Reference sample of at least 4 numbers.
    other : array (m,)
        Other sample.
    splits : int
        Number of random halvings of the reference.
    seed : int
        Seed of the halvings.

    Returns
    -------
    float
        About 0.7 for samples of the same distribution and large m. Infinite if all numbers of the reference are equal and the others
        differ.

    Raises
    ------
    ValueError
        If the reference has fewer than 4 numbers, the other sample is empty, a number is not finite, or splits is not above 0.

    Examples
    --------
    >>> import numpy as np
    >>> from twopoint_models.evaluation.measures import distance_in_halves
    >>> rng = np.random.default_rng(0)
    >>> same, moved = (distance_in_halves(rng.normal(size=50), rng.normal(size=500) + shift) for shift in (0, 3))
    >>> same < 1.5, moved > 5
    (True, True)
    """
    reference, other = np.asarray(reference), np.asarray(other)
    if reference.ndim != 1 or other.ndim != 1:
        raise ValueError(f"reference and other must have the shapes (n,) and (m,), got {reference.shape} and {other.shape}")
    if splits < 1:
        raise ValueError(f"splits must be above 0, got {splits!r}")
    if len(reference) < 4 or not len(other):
        raise ValueError(f"reference must hold at least 4 numbers, and other at least one, got {len(reference)} and {len(other)}")
    if not (np.isfinite(reference).all() and np.isfinite(other).all()):
        raise ValueError("reference and other must be finite, got NaN or infinity")
    rng, half = np.random.default_rng(seed), len(reference) // 2
    within = []
    for _ in range(splits):
        mixed = rng.permutation(reference)
        within.append(wasserstein_distance(mixed[:half], mixed[half:]))
    between, scale = wasserstein_distance(reference, other), float(np.mean(within))
    if scale == 0:
        return 0.0 if between == 0 else math.inf
    return float(between / scale)


def _zero(covariance: np.ndarray) -> float:
    """Return the first zero of values at 0, 1, 2 ..."""
    below = np.flatnonzero(covariance <= 1e-15)
    if not len(below):
        return float(len(covariance) - 1)
    k = int(below[0])
    return k - 1 + float(covariance[k - 1] / (covariance[k - 1] - covariance[k])) if k else 0.0


def _two_axes(images: np.ndarray) -> np.ndarray:
    """Return images as an array; refuse fewer than two axes."""
    images = np.asarray(images)
    if images.ndim < 2:
        raise ValueError(f"images must have the shape (..., H, W), got {images.shape}")
    return images
