"""Resizing of binary images."""

import bisect
import math
from functools import lru_cache
from typing import Any

import numpy as np

from ..checks import positive

BLOCK = 32  # largest period in pixels for which a matrix product is faster than gathering the pixels of each new one


def resize(images: np.ndarray, size: int | tuple[int, int]) -> np.ndarray:
    """Resize binary images to binary images of the same volume fraction, to half a pixel.

    The share of phase 1 in each new pixel is computed exactly, in integers. The pixels with the largest shares become phase 1, as many as
    the volume fraction requires. The threshold is near one half; a threshold of exactly one half would favour one phase if a structure is
    as fine as the pixels. Among pixels with equal shares those whose centre lies in phase 1 come first.

    Parameters
    ----------
    images : array (..., H, W) of uint8
        Images; each value other than 0 counts as 1.
    size : int or (int, int)
        The new H and W in pixels.

    Returns
    -------
    array (..., *size) of uint8

    Raises
    ------
    TypeError, ValueError
        If size is not positive, images are not numbers, or they have fewer than two axes or no pixels.

    Examples
    --------
    >>> import numpy as np
    >>> from twopoint_models.data import resize
    >>> resize(np.array([[1, 1, 1, 0], [1, 1, 1, 0], [1, 1, 0, 0], [1, 1, 0, 0]], np.uint8), 2)
    array([[1, 0],
           [1, 0]], dtype=uint8)
    """
    images = np.asarray(images)
    if images.dtype.kind not in "biuf":
        raise TypeError(f"images must be numbers, got {images.dtype}")
    if images.ndim < 2 or not images.shape[-2] or not images.shape[-1]:
        raise ValueError(f"images must have the shape (..., H, W), at least one pixel each, got {images.shape}")
    old = (int(images.shape[-2]), int(images.shape[-1]))
    new = tuple(positive("size", n) for n in (size if isinstance(size, tuple) else (size, size)))
    if len(new) != 2:
        raise ValueError(f"size must be a number of pixels, or the new H and W, got {size!r}")
    filled = np.ascontiguousarray(images != 0)
    if old != new:
        found = np.empty((*images.shape[:-2], *new), bool)
        for at in np.ndindex(images.shape[:-2]):  # one at a time, so that an image and its shares stay in the processor's cache
            found[at] = _resized(filled[at], new)
        filled = found
    return filled.view(np.uint8)


def _resized(image: np.ndarray, new: tuple[int, ...]) -> np.ndarray:
    """Return one image (H, W) of booleans in another size."""
    area = math.prod(
        _length(a, b) for a, b in zip(image.shape, new, strict=True)
    )  # area of a new pixel, in units in which all areas are integers
    shares = image.astype(np.float32 if area < 1 << 24 else np.float64)  # integers, which are exact in both types
    shares = _combine(_combine(shares, new[0], 0), new[1], 1)
    number = round(float(np.count_nonzero(image)) * new[0] * new[1] / image.size)
    level = bisect.bisect_right(range(1, area + 1), -number, key=lambda level: -int(np.count_nonzero(shares >= level)))
    found, ties = shares > level, np.flatnonzero(shares == level)
    found.ravel()[_first_of(ties, image, new, number - int(np.count_nonzero(found)))] = True
    return found


def _first_of(ties: np.ndarray, image: np.ndarray, new: tuple[int, ...], number: int) -> np.ndarray:
    """Return a number of the pixels with equal shares: first those whose centre lies in phase 1, then in a pseudorandom order."""
    row, column = (_centres(a, b)[at] for a, b, at in zip(image.shape, new, np.divmod(ties, new[1]), strict=True))
    rank = (ties * 0x9E3779B1) % (1 << 32) + (~image[row, column]).astype(np.int64) * (1 << 32)
    return ties[np.argsort(rank)[:number]]


def _combine(x: np.ndarray, new: int, axis: int) -> Any:
    """Sum old pixels into new ones along one axis."""
    old, other = x.shape[axis], x.shape[1 - axis]
    if _length(old, new) > BLOCK:
        shape = (-1, 1) if axis == 0 else (-1,)
        return sum(np.take(x, index, axis=axis) * covered.astype(x.dtype).reshape(shape) for index, covered in _taps(old, new))
    block = _block(old, new).astype(x.dtype)  # many small products, for which the BLAS does not start threads
    if axis == 0:
        return (block.T @ x.reshape(-1, len(block), other)).reshape(new, other)
    return (x.reshape(other, -1, len(block)) @ block).reshape(other, new)


def _length(old: int, new: int) -> int:
    """Return the length of a new pixel in units in which old and new lengths are integers; it is also the period in old pixels."""
    return old // math.gcd(old, new)


@lru_cache(maxsize=64)
def _taps(old: int, new: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return, for each tap, the old pixel that contributes to each new one and the length of their overlap."""
    long, short = _length(old, new), _length(new, old)  # lengths of a new and of an old pixel
    starts, taps = np.arange(new) * long, []
    for tap in range(-(-long // short) + 1):
        index = starts // short + tap
        covered = np.minimum(starts + long, (index + 1) * short) - np.maximum(starts, index * short)
        if (covered > 0).any():
            taps.append((np.minimum(index, old - 1), np.clip(covered, 0, None)))
    return taps


@lru_cache(maxsize=64)
def _block(old: int, new: int) -> np.ndarray:
    """Return the overlaps of old and new pixels in one period, after which the grids coincide again: (old pixels, new pixels)."""
    long, short = _length(old, new), _length(new, old)
    block = np.zeros((long, short))
    for index, covered in _taps(long, short):
        block[index, np.arange(short)] += covered
    return block


@lru_cache(maxsize=64)
def _centres(old: int, new: int) -> np.ndarray:
    """Return the old pixel in which the centre of each new one lies; on an edge, the following one."""
    return ((2 * np.arange(new) + 1) * old) // (2 * new)
