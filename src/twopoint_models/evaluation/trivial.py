"""Trivial reconstructions, with which those of networks are compared."""

import math
from collections.abc import Callable

import numpy as np
from scipy.ndimage import gaussian_filter

from ..checks import positive
from .reconstructions import Images, memberships

LATENT = 16  # pixels of the image per pixel of the latent image, along an axis


def constant_gray(images: Images) -> Images:
    """Return images filled with their own volume fractions, which keep no other property of the structure.

    Parameters
    ----------
    images : array (n, 1, H, W), or (n, N, H, W) for more than two phases
        Memberships.

    Returns
    -------
    array like images

    Raises
    ------
    ValueError
        If images have another shape, or are not finite.

    Examples
    --------
    >>> import numpy as np
    >>> from twopoint_models.evaluation.trivial import constant_gray
    >>> constant_gray(np.eye(2)[None, None])[0, 0].tolist()
    [[0.5, 0.5], [0.5, 0.5]]
    """
    images = memberships("images", images)
    return np.broadcast_to(images.mean(axis=(2, 3), keepdims=True), images.shape).copy()


def block_means(images: Images, block: int = LATENT) -> Images:
    """Return images of square blocks filled with their means, the content of a latent image of that resolution without a decoder.

    Parameters
    ----------
    images : array (n, 1, H, W), or (n, N, H, W) for more than two phases
        Memberships.
    block : int
        Edge of a block in pixels; 16 is the latent resolution of :class:`twopoint_models.cess_vae.CESSVAE`.

    Returns
    -------
    array like images

    Raises
    ------
    ValueError
        If images have another shape or are not finite, or their height or width is not divisible by block.

    Examples
    --------
    >>> import numpy as np
    >>> from twopoint_models.evaluation.trivial import block_means
    >>> block_means(np.eye(4)[None, None], 2)[0, 0, 0].tolist()
    [0.5, 0.5, 0.0, 0.0]
    """
    images, block = memberships("images", images), positive("block", block)
    n, channels, height, width = images.shape
    if height % block or width % block:
        raise ValueError(f"images must have a height and width divisible by block={block}, got {(height, width)}")
    means = images.reshape(n, channels, height // block, block, width // block, block).mean(axis=(3, 5), keepdims=True)
    return np.broadcast_to(means, (n, channels, height // block, block, width // block, block)).reshape(images.shape)


def blurred(images: Images, sigma: float = 4.0) -> Images:
    """Return images with periodic blur, which removes small details; soft CESS over all lags favours it.

    Parameters
    ----------
    images : array (n, 1, H, W), or (n, N, H, W) for more than two phases
        Memberships.
    sigma : float
        Standard deviation of the Gaussian in pixels.

    Returns
    -------
    array like images

    Raises
    ------
    ValueError
        If images have another shape or are not finite, or sigma is not above 0.

    Examples
    --------
    >>> import numpy as np
    >>> from twopoint_models.evaluation.trivial import blurred
    >>> blurred(np.eye(4)[None, None], 1.0)[0, 0, 0].round(2).tolist()
    [0.29, 0.25, 0.21, 0.25]
    """
    if not 0 < sigma < math.inf:
        raise ValueError(f"sigma must be above 0, got {sigma!r}")
    return gaussian_filter(memberships("images", images), (0, 0, sigma, sigma), mode="wrap")


TRIVIAL: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "constant gray": constant_gray,
    "block means": block_means,
    "4-px blur": blurred,
}
