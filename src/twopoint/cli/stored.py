"""An array in a file, known by its header: what is to be taken of it, and whether that fits, before it is read."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from . import memory
from .errors import InputError
from .sources import Ranges, Source, parse_window
from .units import Spacing

_COLOURS = (3, 4)  # red, green, blue, and perhaps alpha


@dataclass(frozen=True)
class Stored:
    """An array whose header has been read.

    Attributes
    ----------
    shape : tuple of int
        Of the whole array, a last axis of colour channels included.
    dtype : numpy.dtype
        Of its numbers.
    take : function
        From one slice an axis to the numbers there.
    channels : bool or None
        Whether the last axis holds colour channels; None where only its length can tell.
    whole : bool
        Whether taking a part reads all.
    spacing : Spacing or None
        What the file says of it, one step for each of the last axes.
    """

    shape: tuple[int, ...]
    dtype: np.dtype
    take: Callable[[Ranges], np.ndarray]
    channels: bool | None = None
    whole: bool = False
    spacing: Spacing | None = None


def take(stored: Stored, source: Source, window: str | None, option: str = "--window") -> tuple[np.ndarray, bool]:
    """Read the part of an array that a source's index and a window name.

    Parameters
    ----------
    stored : Stored
        The array.
    source : Source
        Its name, for errors, and the leading indices.
    window : str or None
        As :func:`parse_window` takes it, of what the index leaves.
    option : str
        What the window is called in errors.

    Returns
    -------
    values : array (H, W) or (D, H, W), with colour channels last where there are any
        Axes of length one are dropped.
    coloured : bool
        Whether the last axis holds colour channels.

    Raises
    ------
    InputError
        If that is no image and no volume, holds no numbers, leaves the array, or does not fit into memory.
    """
    if stored.dtype.kind not in "biuf":
        raise InputError(f"{source} must hold numbers or booleans, got dtype {stored.dtype}")
    if 0 in stored.shape:
        raise InputError(f"{source} is empty: its shape is {stored.shape}")
    shape = stored.shape[len(source.index) :]
    coloured = _coloured(shape) if stored.channels is None else stored.channels
    space = shape[:-1] if coloured else shape
    if len(source.index) > len(stored.shape) - coloured:
        raise InputError(f"{source} has more indices than axes: its shape is {stored.shape}")
    kept = _axes(source, stored.shape, space)
    ranges = dict(zip(kept, _window(window, tuple(space[axis] for axis in kept), source, option), strict=True))
    part = _first(source, stored.shape) + tuple(ranges.get(axis, slice(0, size)) for axis, size in enumerate(shape))
    sizes = tuple(ends.stop - ends.start for ends in part)
    read = math.prod(stored.shape if stored.whole else sizes)
    memory.require(read * stored.dtype.itemsize + math.prod(sizes) * 8, f"reading {source}, shape {sizes if window else stored.shape},")
    values = stored.take(part)
    return values.reshape([ranges[axis].stop - ranges[axis].start for axis in kept] + list(shape[len(space) :])), coloured


def _window(window: str | None, shape: tuple[int, ...], source: Source, option: str) -> Ranges:
    """Return the part that a window names; an error names the file too."""
    try:
        return parse_window(window, shape, option)
    except InputError as error:
        raise InputError(f"{source}: {error}") from error


def _coloured(shape: tuple[int, ...]) -> bool:
    """Tell a colour image from a stack by its shape: three or four channels last, behind axes that are longer."""
    return len(shape) in (3, 4) and shape[-1] in _COLOURS and min(shape[-3:-1]) > max(_COLOURS)


def _axes(source: Source, whole: tuple[int, ...], space: tuple[int, ...]) -> list[int]:
    """Return the axes of an image or a volume among those that an index leaves; those of length one go, but for two."""
    kept = [axis for axis, size in enumerate(space) if size > 1]
    if len(kept) < 2:
        kept = list(range(len(space)))[-2:]
    if not 2 <= len(kept) <= 3:
        wanted = f"{source.path}{':' + source.dataset if source.dataset else ''}"
        what = "an image has 2 axes, a volume 3" if len(kept) < 2 else f"take one image or volume of it, such as '{wanted}[0]'"
        raise InputError(f"{source} must hold an image or a volume, got shape {space if source.index else whole}; {what}")
    return kept


def _first(source: Source, shape: tuple[int, ...]) -> Ranges:
    """Return the leading indices as slices of length one; refuse those that leave the array."""
    for index, size in zip(source.index, shape, strict=False):
        if not -size <= index < size:
            raise InputError(f"{source} does not lie inside the array of shape {shape}; indices begin at 0")
    at = [index % size for index, size in zip(source.index, shape, strict=False)]
    return tuple(slice(index, index + 1) for index in at)
