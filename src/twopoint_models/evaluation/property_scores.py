"""Predictions of properties judged, and the descriptions that a network's latents must beat."""

from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Float

import twopoint as tp

from .components import principal_axes
from .trivial import block_means

THUMBNAIL = 16  # pixels of the image to one of the thumbnail, as to one of the CESS VAE's latent image


def property_scores(
    predicted: Float[np.ndarray, "n p"], wanted: Float[np.ndarray, "n p"], properties: Sequence[str]
) -> dict[str, dict[str, float]]:
    """Return by property the coefficient of determination and the normalised error.

    Parameters
    ----------
    predicted, wanted : arrays (n, p)
    properties : p names

    Returns
    -------
    dict of str to dict of str to float
        "r2", 1 at best, and "nrmse", the root mean square of the difference over the standard deviation of what is wanted: 1 for always
        the mean.

    Raises
    ------
    ValueError
        If shapes do not fit, or a property that is wanted does not vary.

    References
    ----------
    Cai et al., section 4.3, whose designs have a normalised error of 0.65.

    Examples
    --------
    >>> import numpy as np
    >>> from twopoint_models.evaluation.property_scores import property_scores
    >>> wanted = np.array([[1.0], [3.0]])
    >>> property_scores(wanted + 0.5, wanted, ["E_x"])
    {'E_x': {'r2': 0.75, 'nrmse': 0.5}}
    """
    predicted, wanted = np.asarray(predicted, dtype=np.float64), np.asarray(wanted, dtype=np.float64)
    if predicted.shape != wanted.shape or wanted.ndim != 2 or wanted.shape[1] != len(properties):
        raise ValueError(f"predicted and wanted must be (n, {len(properties)}), got {predicted.shape} and {wanted.shape}")
    found = {}
    for name, a, b in zip(properties, predicted.T, wanted.T, strict=True):
        if not b.std() > 0:
            raise ValueError(f"wanted values of {name} must vary, all {b.size} are {b[0]:g}")
        error = float(np.sqrt(np.mean((a - b) ** 2)) / b.std())
        found[name] = {"r2": 1 - error**2, "nrmse": error}
    return found


def thumbnails(images: Float[np.ndarray, "n 1 height width"], block: int = THUMBNAIL) -> Float[np.ndarray, "n d"]:
    """Return images at a latent image's resolution, by the means of blocks, as rows.

    Parameters
    ----------
    images : array (n, 1, H, W)
        Memberships of phase 1.
    block : int
        Edge of a block in pixels.

    Returns
    -------
    array (n, H W / block^2)

    Raises
    ------
    ValueError
        As :func:`twopoint_models.evaluation.trivial.block_means`.

    References
    ----------
    Cai et al., section 4.3: the 14 x 14 control.
    """
    return block_means(images, block)[:, 0, ::block, ::block].reshape(len(images), -1)


def statistics_components(
    known: Float[np.ndarray, "n 1 height width"], count: int
) -> Callable[[Float[np.ndarray, "m 1 height width"]], Float[np.ndarray, "m count"]]:
    """Return a function that gives images' coordinates on principal components of the 2-point statistics of known images.

    Parameters
    ----------
    known : array (n, 1, H, W)
        Memberships of phase 1, more images than components.
    count : int
        How many components: as many numbers as what they are compared with.

    Returns
    -------
    function: array (m, 1, H, W) -> array (m, count)

    Raises
    ------
    ValueError
        If there are too few images.
    """
    mean, axes = principal_axes(_statistics(known), count)
    return lambda images: (_statistics(images) - mean) @ axes.T


def _statistics(images: np.ndarray) -> np.ndarray:
    """Return autocorrelations of phase 1 as rows."""
    found: np.ndarray = tp.autocorrelation(images[:, 0].astype(np.float32)).reshape(len(images), -1)
    return found
