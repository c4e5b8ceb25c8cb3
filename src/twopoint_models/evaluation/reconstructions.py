"""Reconstructions of microstructures: phases from soft memberships, and errors of 2-point statistics."""

import math
from typing import Any

import numpy as np
import scipy.fft
from jaxtyping import Float, Float64, Shaped

import twopoint as tp

from ..checks import positive

_AT_ONCE = 1 << 22  # numbers in float64 at a time
Images = Float[np.ndarray, "batch channels height width"]


def thresholded(reconstructions: Images) -> Images:
    """Return the most likely phase at each pixel.

    Parameters
    ----------
    reconstructions : array (n, 1, H, W), or (n, N, H, W) for more than two phases
        Memberships.

    Returns
    -------
    array like reconstructions
        Labels, 0 and 1. A single channel is thresholded at one half, inclusively. The largest of N channels becomes 1; of equal ones, the
        first.

    Raises
    ------
    ValueError
        If reconstructions have another shape, or are not finite.

    Examples
    --------
    >>> import numpy as np
    >>> from twopoint_models.evaluation.reconstructions import thresholded
    >>> thresholded(np.array([[[[0.2, 0.5, 0.9]]]])).tolist()
    [[[[0.0, 1.0, 1.0]]]]
    """
    reconstructions = memberships("reconstructions", reconstructions)
    if reconstructions.shape[1] == 1:
        return (reconstructions >= 0.5).astype(reconstructions.dtype)
    first = reconstructions.argmax(axis=1)[:, None]
    return (first == np.arange(reconstructions.shape[1])[:, None, None]).astype(reconstructions.dtype)


def thresholded_at_fraction(reconstructions: Images) -> Images:
    """Threshold each image at the level that keeps the volume fraction of its memberships.

    A threshold of one half can remove thin, blurred lines. Equal values stay together, so the volume fraction is the nearest one that a
    threshold can reach.

    Parameters
    ----------
    reconstructions : array (n, 1, H, W)
        Membership of phase 1 of two phases.

    Returns
    -------
    array like reconstructions
        Labels, 0 and 1.

    Raises
    ------
    ValueError
        If reconstructions have another shape, or are not finite.

    Examples
    --------
    >>> import numpy as np
    >>> from twopoint_models.evaluation.reconstructions import thresholded_at_fraction
    >>> thresholded_at_fraction(np.array([[[[0.1, 0.2, 0.4, 0.3]]]])).tolist()
    [[[[0.0, 0.0, 1.0, 0.0]]]]
    """
    reconstructions = memberships("reconstructions", reconstructions)
    if reconstructions.shape[1] != 1:
        raise ValueError(f"reconstructions must have one channel, the membership of phase 1, got {reconstructions.shape}")
    falling = -np.sort(-reconstructions.reshape(len(reconstructions), -1), axis=1)  # (n, pixels)
    ends = np.ones((len(falling), 1), dtype=bool)
    between = np.concatenate([ends, falling[:, 1:] != falling[:, :-1], ends], axis=1)  # whether a threshold can separate the k highest
    counts = np.arange(between.shape[1])
    target = falling.sum(axis=1, dtype=np.float64)[:, None]
    count = np.where(between, np.abs(counts - target), np.inf).argmin(axis=1)
    levels = np.concatenate([np.full(ends.shape, np.inf), falling], axis=1)[np.arange(len(falling)), count]
    return (reconstructions >= levels[:, None, None, None]).astype(reconstructions.dtype)


def excess_cess(
    reconstructions: Images, images: Images, crop: int | tuple[int, int] | None = None, *, cumulative: bool = False
) -> Float64[np.ndarray, " batch"]:
    """Return the excess CESS of each reconstruction, computed in float64 and in blocks that bound the memory.

    Parameters
    ----------
    reconstructions, images : arrays (n, 1, H, W), or (n, N, H, W) for more than two phases
        Memberships; with one channel phase 0 is implied.
    crop : int or two int, optional
        Number of central lags to compare, as for :func:`twopoint.cess`; by default all.
    cumulative : bool
        Compare cumulative statistics, as :func:`twopoint.cess` does.

    Returns
    -------
    float64 array (n,)
        Excess CESS in nats; 0 at a match.

    Raises
    ------
    ValueError
        If shapes are invalid or differ, numbers are not finite, or crop does not fit.

    References
    ----------
    Cai et al., eq. (8), and section 4.1.

    Examples
    --------
    >>> import numpy as np
    >>> from twopoint_models.evaluation.reconstructions import excess_cess
    >>> images = np.eye(4)[None, None]
    >>> excess_cess(images, images).tolist(), excess_cess(np.full((1, 1, 4, 4), 0.25), images).round(6).tolist()
    ([0.0], [0.204296])
    """
    reconstructions, images = memberships("reconstructions", reconstructions), memberships("images", images)
    if reconstructions.shape != images.shape:
        raise ValueError(f"reconstructions and images must have one shape, got {reconstructions.shape} and {images.shape}")
    each = max(1, _AT_ONCE // math.prod(images.shape[1:]))
    parts = [np.empty(0)]
    options: dict[str, Any] = dict(crop=crop, cumulative=cumulative, implied_phase=images.shape[1] == 1)
    for start in range(0, len(images), each):
        pair = (x[start : start + each].astype(np.float64) for x in (reconstructions, images))
        parts.append(tp.cess(*pair, **options, excess=True, reduction="none"))
    return np.concatenate(parts)


def centre_crop(size: int) -> int:
    """Return the number of lags of the centre crop along an axis: 50 of 224, scaled with the image.

    Parameters
    ----------
    size : int
        Size of the image along the axis, in pixels.

    Returns
    -------
    int
        At least 1.

    Raises
    ------
    ValueError
        If size is not an integer above 0.

    References
    ----------
    Cai et al., eq. (11).

    Examples
    --------
    >>> from twopoint_models.evaluation.reconstructions import centre_crop
    >>> centre_crop(224), centre_crop(64)
    (50, 14)
    """
    return max(1, round(50 / 224 * positive("size", size)))


def labels_of_two(name: str, values: np.ndarray) -> np.ndarray:
    """Return memberships of 0 and 1; refuse gray values, and all that :func:`memberships` refuses."""
    values = memberships(name, values)
    if not ((values == 0) | (values == 1)).all():
        raise ValueError(f"{name} must be of 0 and 1, got values from {values.min():g} to {values.max():g}")
    return values


def memberships(name: str, values: np.ndarray) -> np.ndarray:
    """Return memberships as an array (n, channels, H, W); refuse other shapes, numbers that are not floats, and NaN."""
    values = np.asarray(values)
    if values.ndim != 4 or not all(values.shape[1:]):
        raise ValueError(f"{name} must have the shape (n, channels, H, W), got {values.shape}")
    if values.dtype.kind != "f" or not np.isfinite(values).all():
        raise ValueError(f"{name} must be finite floats, got {values.dtype if values.dtype.kind != 'f' else 'NaN or infinity'}")
    return values


def periodic_overlap(a: Shaped[np.ndarray, "height width"], b: Shaped[np.ndarray, "height width"]) -> float:
    """Return the largest intersection over union of two phases over all periodic shifts and the inversion of one.

    2-point statistics determine a microstructure up to these.

    Parameters
    ----------
    a, b : array (H, W)
        Indicators: 1 in the phase, 0 elsewhere.

    Returns
    -------
    float
        From 0 to 1, which is a shifted copy, inverted or not.

    Raises
    ------
    ValueError
        If the shapes differ, or if both phases are empty.

    Examples
    --------
    >>> import numpy as np
    >>> from twopoint_models.evaluation.reconstructions import periodic_overlap
    >>> a = np.eye(8) * (np.arange(8) < 3)
    >>> round(periodic_overlap(a, np.roll(a, (2, 5), (0, 1))), 6)
    1.0
    """
    if a.shape != b.shape or not (a.any() or b.any()):
        raise ValueError(f"a and b must have one shape and not both be empty, got {a.shape} and {b.shape}")
    a, b = a.astype(np.float64), b.astype(np.float64)
    found = []
    for c in (b, b[::-1, ::-1]):
        shared = scipy.fft.irfft2(scipy.fft.rfft2(a).conj() * scipy.fft.rfft2(c), s=a.shape).max()
        found.append(shared / (a.sum() + b.sum() - shared))
    return float(max(found))
