"""How the excess CESS of two thin lines depends on their distance."""

import math

import numpy as np
from jaxtyping import Float64, Int64
from scipy.ndimage import gaussian_filter

import twopoint as tp

from ...checks import positive


def two_lines(size: int, spacing: int) -> Float64[np.ndarray, "height width"]:
    """Return a square image of two horizontal lines one pixel wide.

    Parameters
    ----------
    size : int
        Edge of the image in pixels.
    spacing : int
        Distance of the lines in pixels, below size; on the torus it is also size - spacing.

    Returns
    -------
    float64 array (size, size)
        1 on the lines and 0 elsewhere.

    Raises
    ------
    ValueError
        If size or spacing is not an integer above 0, or spacing is not below size.

    Examples
    --------
    >>> from twopoint_models.cess_vae.evaluation.sensitivity import two_lines
    >>> two_lines(5, 3)[:, 0].tolist()
    [1.0, 0.0, 0.0, 1.0, 0.0]
    """
    size, spacing = positive("size", size), positive("spacing", spacing)
    if spacing >= size:
        raise ValueError(f"spacing must be below size={size}, got {spacing}")
    image = np.zeros((size, size))
    image[[0, spacing]] = 1
    return image


def line_sensitivity(
    size: int = 224, spacing: int = 100, *, sigma: float = 0.0, crop: int | None = None
) -> tuple[Int64[np.ndarray, " distances"], Float64[np.ndarray, " distances"]]:
    """Return the excess CESS of :func:`two_lines` at all distances, as reconstructions of those at a given distance.

    Parameters
    ----------
    size : int
        Edge of the images in pixels.
    spacing : int
        Distance in the image that is reconstructed.
    sigma : float
        Blur of the reconstructions in pixels; the image is sharp.
    crop : int, optional
        Number of central lags to compare; by default all.

    Returns
    -------
    distances : int64 array (size - 1,)
        1 to size - 1 pixels.
    excess : float64 array (size - 1,)
        Excess CESS in nats.

    Raises
    ------
    ValueError
        If size or spacing is not an integer above 0, spacing is not below size, or sigma is below 0.

    References
    ----------
    Cai et al., Fig. 8.

    Examples
    --------
    >>> from twopoint_models.cess_vae import line_sensitivity
    >>> distances, excess = line_sensitivity(8, 2)
    >>> excess.round(3).tolist()  # 6 px are 2 px on the torus
    [0.448, 0.0, 0.448, 1.204, 0.448, 0.0, 0.448]
    """
    if not 0 <= sigma < math.inf:
        raise ValueError(f"sigma must be 0 or more, got {sigma!r}")
    image, distances = two_lines(size, spacing)[:, 0], np.arange(1, size)
    found = np.stack([two_lines(size, int(d))[:, 0] for d in distances])[:, None]  # (distances, 1, height): constant along the lines
    found = gaussian_filter(found, (0, 0, sigma), mode="wrap") if sigma else found
    target = np.broadcast_to(image, found.shape)
    return distances, tp.cess(found, target, ndim=1, crop=crop, implied_phase=True, excess=True, reduction="none")
