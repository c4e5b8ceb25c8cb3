"""Discs at random positions, and their expected statistics."""

import math
from collections.abc import Iterable

import numpy as np
from jaxtyping import Float64, UInt8

from ..arrays import checks
from .grid import squared_distance


def circles(
    shape: Iterable[int] = (224, 224),
    *,
    rng: np.random.Generator,
    n_circles: int = 5,
    radius: float = 20.0,
    periodic: bool = True,
) -> UInt8[np.ndarray, "*space"]:
    """Place discs of equal radius at random: label 1 where ``|x - c| <= radius`` for one of the centres c, 0 elsewhere.

    The centres are distributed uniformly over the image, with real coordinates, and discs may overlap. :func:`circles_statistics` is the
    expected autocorrelation of periodic images.

    Parameters
    ----------
    shape : ints
        Size (*space) in pixels; the discs are intervals in 1-D and balls in 3-D.
    rng : numpy.random.Generator
        Source of the centres; ``n_circles * len(shape)`` numbers are drawn.
    n_circles : int
        Number of discs; 0 gives an image of label 0.
    radius : float
        In pixels.
    periodic : bool
        Whether a disc that crosses an edge continues at the opposite edge; otherwise it is cut off.

    Returns
    -------
    uint8 array (*space)
        Labels 0 and 1, for ``one_hot(labels, 2)``.

    Raises
    ------
    TypeError
        If rng is not a Generator, or if a size or n_circles is not an integer.
    ValueError
        If shape does not have 1, 2 or 3 sizes of at least 1, if n_circles is negative, or if radius is not a finite number above 0.

    References
    ----------
    Cai et al., section 3.2, with 5 circles of radius 20 px at random locations of a 224x224 image.

    Examples
    --------
    >>> import numpy as np
    >>> from twopoint.synthetic import circles
    >>> labels = circles((8, 8), n_circles=1, radius=1.0, rng=np.random.default_rng(0))
    >>> labels.shape, int(labels.sum())
    ((8, 8), 3)
    """
    space = checks.sizes(shape)
    checks.generator(rng)
    n_circles = checks.integer("n_circles", n_circles, 0)
    radius = checks.finite("radius", radius, 0.0)
    labels = np.zeros(space, dtype=np.uint8)
    for centre in rng.uniform(0.0, space, (n_circles, len(space))):
        labels[squared_distance(space, centre, periodic) <= radius**2] = 1
    return labels


def circles_statistics(shape: Iterable[int] = (224, 224), *, n_circles: int = 5, radius: float = 20.0) -> Float64[np.ndarray, "*space"]:
    """Return the expected periodic autocorrelation of label 1 of :func:`circles`, over all positions of the centres.

    Each of K discs D on the torus of volume V, independently of the others, leaves a point uncovered with probability
    ``q = 1 - |D| / V``, and both this point and the point at lag r with ``q(r) = 1 - (2 |D| - |D n D_r|) / V``. Therefore
    ``E f_11(r) = 1 - 2 q^K + q(r)^K``. The intersection of the disc with itself shifted by r is computed for the nearest image of r,
    which is exact if each size is at least 4 radii. A realisation fluctuates about this mean. The other pairs follow from
    ``f_01 = f_11(0) - f_11``.

    Parameters
    ----------
    shape : ints
        Size (*space) in pixels, with 1 to 3 axes.
    n_circles : int
        Number of discs K.
    radius : float
        In pixels, at most a quarter of the smallest size.

    Returns
    -------
    float64 array (*space)
        Probability that both points have label 1, lags in FFT order.

    Raises
    ------
    TypeError
        If a size or n_circles is not an integer, or if radius is not a number.
    ValueError
        If shape does not have 1, 2 or 3 sizes of at least 1, if n_circles is negative, or if radius is not above 0 or exceeds a quarter of
        a size.

    References
    ----------
    Chiu, Stoyan, Kendall and Mecke, *Stochastic Geometry and its Applications* (2013), chapter 3: the covariance of the Boolean model,
    here with a fixed number of grains.

    Examples
    --------
    >>> from twopoint.synthetic import circles_statistics
    >>> circles_statistics((8,), n_circles=1, radius=1.0)
    array([0.25 , 0.125, 0.   , 0.   , 0.   , 0.   , 0.   , 0.125])
    """
    space = checks.sizes(shape)
    n_circles = checks.integer("n_circles", n_circles, 0)
    radius = checks.finite("radius", radius, 0.0)
    if 4 * radius > min(space):
        raise ValueError(f"radius must be at most a quarter of the smallest size of shape {space}, got {radius!r}")
    volume = math.prod(space)
    distance = np.sqrt(squared_distance(space, (0.0,) * len(space), periodic=True))
    both = _intersection(distance, radius, len(space)) / volume
    ball = both[(0,) * len(space)]
    return 1 - 2 * (1 - ball) ** n_circles + (1 - 2 * ball + both) ** n_circles


def _intersection(distance: np.ndarray, radius: float, ndim: int) -> np.ndarray:
    """Return the length, area or volume that two balls of equal radius share, as a function of the distance of their centres."""
    d = np.minimum(distance, 2 * radius)  # balls that are farther apart share nothing
    if ndim == 1:
        return 2 * radius - d
    if ndim == 2:
        return 2 * radius**2 * np.arccos(d / (2 * radius)) - d / 2 * np.sqrt((2 * radius - d) * (2 * radius + d))
    return math.pi / 12 * (4 * radius + d) * (2 * radius - d) ** 2
