"""Binary images in another size."""

import math
from functools import lru_cache
from typing import Any

import numpy as np

from .._check import positive


def resize(images: np.ndarray, size: int | tuple[int, int]) -> np.ndarray:
    """Return binary images in another size, binary again, of the same volume fraction to half a pixel.

    Of each new pixel the share that phase 1 fills is taken, areas weighed exactly in whole numbers, and phase 1 is given to the pixels with
    the largest shares, as many as its volume fraction asks for. That is a cut near one half; a cut at one half itself would favour one
    phase where a structure is as fine as the pixels. Of pixels with equal shares those come first whose centre lies in phase 1.

    Parameters
    ----------
    images : array (..., H, W) of uint8
        0 and 1, by whatever is not 0.
    size : int or (int, int)
        The new H and W in pixels.

    Returns
    -------
    array (..., *size) of uint8

    Raises
    ------
    ValueError
        If size is not positive, or images have fewer than two axes.

    Examples
    --------
    >>> import numpy as np
    >>> from twopoint_models.data import resize
    >>> resize(np.array([[1, 1, 1, 0], [1, 1, 1, 0], [1, 1, 0, 0], [1, 1, 0, 0]], np.uint8), 2)
    array([[1, 0],
           [1, 0]], dtype=uint8)
    """
    if images.ndim < 2:
        raise ValueError(f"images must have the shape (..., H, W), got {images.shape}")
    height, width = (positive("size", n) for n in (size if isinstance(size, tuple) else (size, size)))
    if images.shape[-2:] == (height, width):
        return (images != 0).astype(np.uint8)
    rows, columns = _taps(images.shape[-2], height), _taps(images.shape[-1], width)
    signed = np.where(images != 0, np.float32(1), np.float32(-1))
    shares = _combine(_combine(signed, rows, -2), columns, -1)  # area of phase 1 less that of phase 0: whole numbers, exact in float32
    centres = np.take(np.take(images, _centres(images.shape[-2], height), axis=-2), _centres(images.shape[-1], width), axis=-1) != 0
    found = np.empty(shares.shape, np.uint8)
    for at in np.ndindex(images.shape[:-2]):
        number = round(float(np.count_nonzero(images[at])) * height * width / images[at].size)
        found[at] = _largest(shares[at], centres[at], number)
    return found


def _largest(shares: np.ndarray, centres: np.ndarray, number: int) -> np.ndarray:
    """Return 1 at so many pixels, those of the largest shares."""
    values = shares.astype(np.int64).ravel()
    low = int(values.min())
    above = np.cumsum(np.bincount(values - low)[::-1])[::-1]  # pixels of at least each share
    level = max(int(np.count_nonzero(above >= number)) - 1, 0)
    found = values > level + low
    ties = np.flatnonzero(values == level + low)
    scattered = (ties * 0x9E3779B1) % (1 << 32)  # no order that a structure has
    ties = ties[np.lexsort((scattered, ~centres.ravel()[ties]))]
    found[ties[: number - np.count_nonzero(found)]] = True
    return found.reshape(shares.shape).astype(np.uint8)


@lru_cache(maxsize=64)
def _taps(old: int, new: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return by tap the old pixel that each new one draws from, and what of it it covers, in a unit in which all lengths are whole."""
    unit = math.gcd(old, new)
    long, short = old // unit, new // unit  # lengths of a new and of an old pixel
    starts, taps = np.arange(new) * long, []
    for tap in range(-(-long // short) + 1):
        index = starts // short + tap
        covered = np.minimum(starts + long, (index + 1) * short) - np.maximum(starts, index * short)
        if (covered > 0).any():
            taps.append((np.minimum(index, old - 1), np.clip(covered, 0, None).astype(np.float32)))
    return taps


def _combine(x: np.ndarray, taps: list[tuple[np.ndarray, np.ndarray]], axis: int) -> Any:
    """Sum old pixels into new ones along one of the last two axes."""
    shape = (-1, 1) if axis == -2 else (-1,)
    return sum(np.take(x, index, axis=axis) * covered.reshape(shape) for index, covered in taps)


def _centres(old: int, new: int) -> np.ndarray:
    """Return the old pixel that the centre of each new one lies in; on an edge the one behind it."""
    return ((2 * np.arange(new) + 1) * old) // (2 * new)
