"""Plausibility of designs: the distance of their statistics from those of the nearest known microstructure."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Real

from ..evaluation.reconstructions import excess_cess, labels_of_two

QUANTILE = 0.95


class Plausibility(NamedTuple):
    """Plausibility of images.

    Attributes
    ----------
    distance : float64 array (m,)
        Excess CESS relative to the nearest known image, in nats.
    limit : float
        The distance that 95 % of known images do not exceed from the nearest other one.
    """

    distance: np.ndarray
    limit: float

    @property
    def counts(self) -> Bool[np.ndarray, " m"]:
        """Whether the distance of each image is within the limit."""
        return self.distance <= self.limit


def plausibility_of(
    images: Real[np.ndarray, "m 1 height width"],
    known: Real[np.ndarray, "n 1 height width"],
    *,
    progress: Callable[[int, int], object] | None = None,
) -> Plausibility:
    """Compare the statistics of images with those of known images, and of known images with each other.

    Parameters
    ----------
    images, known : arrays (m, 1, H, W), (n, 1, H, W)
        Images of 0 and 1, of the same size; n >= 2.
    progress : callable, optional
        Called with the number of images compared and the total, including known ones.

    Returns
    -------
    Plausibility

    Raises
    ------
    ValueError
        If sizes differ, there are fewer than two known images, or images are not of 0 and 1.

    Examples
    --------
    >>> import numpy as np
    >>> from twopoint_models.design import plausibility_of
    >>> known = np.stack([np.eye(16), np.eye(16)[::-1], np.tile([0.0, 1.0], (16, 8))])[:, None]
    >>> plausibility_of(np.roll(known[:1], 3, axis=3), known).distance.round(6)
    array([0.])
    """
    if len(known) < 2 or images.shape[1:] != known.shape[1:]:
        raise ValueError(f"images and known must have one size, and known be two at least, got {images.shape} and {known.shape}")
    images, known = (labels_of_two(name, np.asarray(x, dtype=np.float32)) for name, x in (("images", images), ("known", known)))
    done, total = 0, len(images) + len(known)

    def nearest(image: np.ndarray, others: np.ndarray) -> float:
        nonlocal done
        found = float(excess_cess(np.broadcast_to(image, others.shape), others).min())
        done += 1
        if progress:
            progress(done, total)
        return found

    own = [nearest(image, np.delete(known, i, axis=0)) for i, image in enumerate(known)]
    return Plausibility(np.array([nearest(image, known) for image in images]), float(np.quantile(own, QUANTILE)))
