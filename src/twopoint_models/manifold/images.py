"""The images of the tasks, marble textures of known angle, scale and noise; and checks of stacks of images."""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from twopoint.synthetic import marble

from ..checks import positive


class Marbles(NamedTuple):
    """Marble textures and their parameters.

    Attributes
    ----------
    images : float32 array (n, size, size)
        ``(1 + phi) / 2``, gray values in [0, 1].
    angle : float64 array (n,)
        Angle theta in radians, in [0, pi).
    k : float64 array (n,)
        Number of waves along a side.
    noise : float64 array (n,)
        The amplitude A.
    """

    images: np.ndarray
    angle: np.ndarray
    k: np.ndarray
    noise: np.ndarray


def angle_images(count: int, noise: float, *, size: int = 256, seed: int = 0, k: float = 15.0, **options: Any) -> Marbles:
    """Draw the images of the angle task: ``theta_i = i pi / count``, with one scale and one amplitude of noise.

    Parameters
    ----------
    count : int
        Number N of images.
    noise : float
        Amplitude A.
    size : int
        Size of an image in pixels.
    seed : int
        Seed of the noise. The noise of image i does not depend on the count.
    k : float
        Number of waves along a side.
    **options
        Options of the noise: ``octaves``, ``persistence``, ``base_frequency`` and ``displacement`` of :func:`twopoint.synthetic.marble`.

    Returns
    -------
    Marbles

    Raises
    ------
    TypeError, ValueError
        If count or size is not an integer above 0, or :func:`twopoint.synthetic.marble` refuses an option.

    References
    ----------
    Lubbers et al., section IV.B, eq. (9).

    Examples
    --------
    >>> from twopoint_models.manifold import angle_images
    >>> found = angle_images(4, 2.5, size=32)
    >>> found.images.shape, (found.angle / 3.141592653589793).tolist()
    ((4, 32, 32), [0.0, 0.25, 0.5, 0.75])
    """
    count = positive("count", count)
    return _draw(np.arange(count) * math.pi / count, np.full(count, float(k)), np.full(count, float(noise)), size, seed, options)


def three_parameters(per_axis: int = 10, *, size: int = 256, seed: int = 0, **options: Any) -> Marbles:
    """Draw the images of the three-parameter task: theta in [0, pi), k in [5, 15), A in [0.5, 2), each in equal steps.

    Parameters
    ----------
    per_axis : int
        Number of steps of each parameter; its third power is the number of images.
    size : int
        Size of an image in pixels.
    seed : int
        Different seeds give different noise.
    **options
        Options of the noise, as for :func:`angle_images`.

    Returns
    -------
    Marbles
        Images in the order of a grid; the angle varies slowest, the noise fastest.

    Raises
    ------
    TypeError, ValueError
        As :func:`angle_images`.

    References
    ----------
    Lubbers et al., section IV.C, eq. (9) and Fig. 3.

    Examples
    --------
    >>> from twopoint_models.manifold import three_parameters
    >>> found = three_parameters(2, size=32)
    >>> found.images.shape, found.k.tolist(), found.noise[:2].tolist()
    ((8, 32, 32), [5.0, 5.0, 10.0, 10.0, 5.0, 5.0, 10.0, 10.0], [0.5, 1.25])
    """
    steps = positive("per_axis", per_axis)
    axes = [np.linspace(low, high, steps, endpoint=False) for low, high in ((0.0, math.pi), (5.0, 15.0), (0.5, 2.0))]
    angle, k, noise = (grid.ravel() for grid in np.meshgrid(*axes, indexing="ij"))
    return _draw(angle, k, noise, size, seed, options)


def _draw(angle: np.ndarray, k: np.ndarray, noise: np.ndarray, size: int, seed: int, options: dict[str, Any]) -> Marbles:
    """Draw one image for each triple of parameters."""
    space = (positive("size", size),) * 2
    images = np.empty((len(angle), *space), dtype=np.float32)
    for i, rng in enumerate(np.random.default_rng(seed).spawn(len(angle))):
        phi = marble(space, k=float(k[i]), angle=float(angle[i]), noise=float(noise[i]), rng=rng, **options)
        images[i] = (1 + phi) / 2
    return Marbles(images, angle, k, noise)


def stack(images: np.ndarray | Sequence[np.ndarray], *, unit: bool) -> np.ndarray:
    """Return images as (n, H, W); refuse different sizes, constant images, and numbers not finite or, if ``unit``, not in [0, 1]."""
    if isinstance(images, (list, tuple)):
        shapes = [np.shape(each) for each in images]
        for i, shape in enumerate(shapes):
            if shape != shapes[0]:
                raise ValueError(f"images must be of one size, image 0 has the shape {shapes[0]} and image {i} has {shape}")
    found = np.asarray(images)
    if found.ndim == 4 and found.shape[1] == 1:
        found = found[:, 0]
    if found.ndim == 2:
        raise ValueError(f"images must be a stack (n, H, W), got one image only, {found.shape}; write images[None]")
    if found.ndim != 3 or not found.size:
        raise ValueError(f"images must have the shape (n, H, W) or (n, 1, H, W), got {np.shape(images)}")
    if found.dtype.kind not in "biuf":
        raise TypeError(f"images must be of real numbers, got {found.dtype}")
    for i, image in enumerate(found):  # one at a time, because the stack may be as large as memory or lie in a file
        contrast(f"image {i} of images", image, unit=unit)
    return found


def contrast(name: str, image: np.ndarray, *, unit: bool) -> None:
    """Refuse an image that is not finite, is constant or, if ``unit``, leaves [0, 1]."""
    low, high = float(image.min()), float(image.max())  # NaN if one value is NaN
    if not np.isfinite(high - low):
        raise ValueError(f"{name} must be finite, got numbers from {low} to {high}")
    if unit and (low < 0 or high > 1):
        raise ValueError(f"{name} must be in [0, 1], got numbers from {low:g} to {high:g}")
    if low == high:
        raise ValueError(f"{name} must not be constant, got {low:g} everywhere: there is no texture to characterise")
