"""The nearest training image in statistics, which a network must beat: it needs no network."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

import twopoint as tp

from ...evaluation.nearest import nearest_rows
from ...evaluation.reconstructions import Images, memberships

NEAREST = "nearest training image"
_BLOCK = 256  # images at a time


def nearest_training_image(
    known: Sequence[Mapping[str, Any]], *, crop: int | tuple[int, int] | None = None, progress: Callable[[int], object] | None = None
) -> Callable[[Images], Images]:
    """Return a function that reconstructs images by the training images with the nearest 2-point statistics.

    Statistics are compared by the mean squared error of the autocorrelations of all phases, so a shifted copy has the distance 0.

    Parameters
    ----------
    known : sequence of dict
        Training images: items with ``image``, (1, H, W) or (N, H, W), such as a :class:`twopoint_models.data.MICRO2D`.
    crop : int or two int, optional
        Number of central lags that are compared, as for :func:`twopoint.cess`; by default all. Statistics of all training images are kept,
        in float32.
    progress : callable, optional
        Called with the number of training images done.

    Returns
    -------
    callable
        Function from images (k, 1, H, W), or (k, N, H, W) for more than two phases, to training images of this shape.

    Raises
    ------
    ValueError
        If there is no training image, or crop does not fit.

    Examples
    --------
    >>> import numpy as np
    >>> from twopoint_models.cess_vae.evaluation.nearest import nearest_training_image
    >>> known = [{"image": np.eye(8)[None]}, {"image": np.ones((1, 8, 8))}]
    >>> bool((nearest_training_image(known)(np.roll(np.eye(8), 3, 0)[None, None]) == np.eye(8)).all())
    True
    """
    rows = []
    for start in range(0, len(known), _BLOCK):
        block = np.stack([known[i]["image"] for i in range(start, min(start + _BLOCK, len(known)))])
        rows.append(_statistics(block, crop))
        if progress:
            progress(min(start + _BLOCK, len(known)))
    if not rows:
        raise ValueError("known must hold one image or more, got none")

    def reconstruct(images: Images) -> Images:
        at, _ = nearest_rows(_statistics(memberships("images", images), crop), rows)
        return np.stack([known[int(i)]["image"] for i in at]).astype(images.dtype)

    return reconstruct


def _statistics(images: np.ndarray, crop: Any) -> np.ndarray:
    """Return a row of autocorrelations for each image, in float32."""
    found = tp.autocorrelation(images.astype(np.float32), crop=crop)
    return np.asarray(found).reshape(len(images), -1)
