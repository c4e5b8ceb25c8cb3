"""Checks of input that several parts share."""

from typing import Any

import numpy as np


class NotFiniteError(ArithmeticError):
    """A loss is not a finite number. Training stops at once; the last checkpoint stays."""


def positive(name: str, value: Any, *, zero: bool = False) -> int:
    """Return an integer above 0, or of 0 or more if zero is allowed; refuse anything else."""
    try:
        number = int(value.__index__())
    except (AttributeError, TypeError):
        number = -1
    if number < (0 if zero else 1) or isinstance(value, bool):
        raise ValueError(f"{name} must be an integer {'of 0 or more' if zero else 'above 0'}, got {value!r}")
    return number


def names(name: str, value: Any) -> tuple[str, ...]:
    """Return names; refuse a single string and anything else that is not a list of strings."""
    if isinstance(value, str):
        raise TypeError(f"{name} must be a list of names, got the one string {value!r}; write [{value!r}]")
    found = tuple(value) if hasattr(value, "__iter__") else (value,)
    if not all(isinstance(each, str) for each in found):
        raise TypeError(f"{name} must be a list of names, got {value!r}")
    return found


def item(at: Any, length: int) -> int:
    """Return the index of an item of a dataset; a negative one counts from the end."""
    try:
        number = int(at.__index__())
    except (AttributeError, TypeError):
        raise TypeError(f"an item is chosen by an integer, got {type(at).__name__}") from None
    if not -length <= number < length:
        raise IndexError(f"item {number} of {length}")
    return number % length


SHAPES = {True: "(..., H, W)", False: "(..., {0}, H, W)"}


def as_images(images: Any, channels: int, *, multiple: int = 1, pad: bool = False) -> tuple[np.ndarray, tuple[int, ...]]:
    """Return images of the user's as a float32 array (B, channels, H, W), and their own shape.

    Parameters
    ----------
    images : array (..., H, W) if channels is 1, otherwise (..., channels, H, W)
        Labels 0 and 1, memberships, or gray values, in [0, 1].
    channels : int
        Channels of the network.
    multiple : int
        Number that divides height and width of what is returned, if pad is set.
    pad : bool
        Continue images periodically at the lower and right edges up to a multiple.

    Raises
    ------
    ValueError
        If images have another shape, are empty, or hold values outside [0, 1].
    """
    found = np.asarray(images)
    shape, expected = found.shape, SHAPES[positive("channels", channels) == 1].format(channels)
    if found.dtype.kind not in "bfiu" or not found.size or found.ndim < 2 + (channels > 1) or (channels > 1 and shape[-3] != channels):
        raise ValueError(f"images must be numbers of the shape {expected}, got {found.dtype} of {shape}")
    low, high = found.min(), found.max()
    if not (low >= 0 and high <= 1):
        raise ValueError(f"images must be labels 0 and 1, memberships or gray values in [0, 1], got values from {low:g} to {high:g}")
    flat = np.array(found, dtype=np.float32).reshape(-1, channels, *shape[-2:])
    beyond = [(0, -n % multiple if pad else 0) for n in shape[-2:]]
    return np.pad(flat, [(0, 0), (0, 0), *beyond], mode="wrap") if any(n for _, n in beyond) else flat, shape


def as_latents(latents: Any, axes: int) -> tuple[np.ndarray, tuple[int, ...]]:
    """Return latents (..., *axes) as a float32 array (B, *axes), and their batch axes; raise ValueError for NaN and other shapes."""
    found = np.asarray(latents)
    if found.dtype.kind not in "fiu" or found.ndim < axes or not found.size or not np.isfinite(found).all():
        raise ValueError(f"latents must be finite numbers with {axes} axes or more, got {found.dtype} of {found.shape}")
    split = found.ndim - axes
    return found.astype(np.float32).reshape(-1, *found.shape[split:]), found.shape[:split]
