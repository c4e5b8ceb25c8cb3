"""Synthetic microstructures from a numpy Generator."""

import math
from collections.abc import Iterable

import numpy as np
from jaxtyping import UInt8


def circles(
    shape: Iterable[int] = (224, 224),
    *,
    rng: np.random.Generator,
    n_circles: int = 5,
    radius: float = 20.0,
    periodic: bool = True,
) -> UInt8[np.ndarray, "*space"]:
    """Place discs of one radius at random: label 1 where ``|x - c| <= radius`` for one of the centres c, 0 elsewhere.

    Centres are uniform over the image, each coordinate a real number; discs may overlap.

    Parameters
    ----------
    shape : ints
        Size (*space) in pixels; intervals in 1-D, discs in 2-D, balls in 3-D.
    rng : numpy.random.Generator
        Source of the centres; ``n_circles * len(shape)`` numbers are drawn.
    n_circles : int
        Number of discs; 0 gives an image of label 0.
    radius : float
        In pixels.
    periodic : bool
        Whether a disc that leaves the image comes in again on the other side; otherwise it is cut off.

    Returns
    -------
    uint8 array (*space)
        Labels 0 and 1, for ``one_hot(labels, 2)``.

    Raises
    ------
    TypeError
        If rng is no Generator, or a size or n_circles no integer.
    ValueError
        If shape has not 1, 2 or 3 sizes of at least 1, n_circles is negative, or radius is not a finite number above 0.

    References
    ----------
    Cai et al., section 3.2: 5 circles of radius 20 px at random locations of a 224x224 image.

    Examples
    --------
    >>> import numpy as np
    >>> from twopoint.synthetic import circles
    >>> labels = circles((8, 8), n_circles=1, radius=1.0, rng=np.random.default_rng(0))
    >>> labels.shape, int(labels.sum())
    ((8, 8), 3)
    """
    space = tuple(_whole("shape", n, 1) for n in shape)
    if not 1 <= len(space) <= 3:
        raise ValueError(f"shape must have 1, 2 or 3 sizes, got {space}")
    if not isinstance(rng, np.random.Generator):
        raise TypeError(f"rng must be a numpy.random.Generator, as numpy.random.default_rng(0) gives it, got {type(rng).__name__}")
    n_circles = _whole("n_circles", n_circles, 0)
    if not 0 < radius < math.inf:
        raise ValueError(f"radius must be a finite number above 0, got {radius!r}")
    labels = np.zeros(space, dtype=np.uint8)
    for centre in rng.uniform(0.0, space, (n_circles, len(space))):
        labels[_squared_distance(space, centre, periodic) <= radius**2] = 1
    return labels


def _squared_distance(space: tuple[int, ...], centre: np.ndarray, periodic: bool) -> np.ndarray:
    """Return the squared distance of every pixel to a centre, (*space)."""
    total = np.zeros(space)
    for axis, (size, c) in enumerate(zip(space, centre, strict=True)):
        distance = np.abs(np.arange(size) - c)
        distance = np.minimum(distance, size - distance) if periodic else distance
        total += (distance**2).reshape((-1,) + (1,) * (len(space) - axis - 1))
    return total


def _whole(name: str, value: int, least: int) -> int:
    """Return a Python int not below the least."""
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise TypeError(f"{name} must be an integer, got {type(value).__name__}")
    if value.__index__() < least:
        raise ValueError(f"{name} must be at least {least}, got {value}")
    return int(value)
