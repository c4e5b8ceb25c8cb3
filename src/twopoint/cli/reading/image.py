"""Images and volumes: a part is read from a file, and colours become labels or gray values."""

import math
import warnings
from dataclasses import dataclass, replace

import numpy as np

from .. import memory
from ..terminal import InputError, decoding
from .formats import open_array
from .names import Ranges, Source, parse_source, parse_window
from .opened import OpenArray
from .spacing import Spacing

_COLOURS = (3, 4)  # red, green, blue, and perhaps alpha
MOST_LABELS = 8
_WEIGHTS = (0.299, 0.587, 0.114)  # of red, green and blue in brightness: ITU-R BT.601

COLOURS_AS_LABELS = "colours taken as labels, from dark to bright"  # the remark by which has_colours() knows them


@dataclass(frozen=True)
class Image:
    """An image or a volume as it was read.

    Attributes
    ----------
    source : Source
        The file, dataset and index.
    values : array (H, W) or (D, H, W)
        Numbers or booleans, in native byte order.
    remarks : tuple of str
        What was done to the values.
    array : bool
        Whether the file holds arrays, where a dozen distinct integers are more likely labels than gray values.
    spacing : Spacing or None
        The spacing in the file.
    """

    source: Source
    values: np.ndarray
    remarks: tuple[str, ...]
    array: bool
    spacing: Spacing | None = None


def read(text: str, window: str | None = None, option: str = "--window") -> Image:
    """Read an image or a volume.

    Parameters
    ----------
    text : str
        A file, ``stack.tif[3]``, ``file.h5:path[index]``.
    window : str or None
        The part that is read, ``"128"`` or ``"0:128,64:192"``.
    option : str
        Name of the window's option in errors.

    Returns
    -------
    Image

    Raises
    ------
    InputError
        If the file cannot be read, or does not hold an image or a volume.
    """
    source = parse_source(text)
    with decoding(source), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the decoders; read_part makes the checks that matter
        with open_array(source) as stored:
            values, coloured = read_part(stored, source, window, option)
        exact = np.dtype(np.float32) if values.dtype == np.float16 else values.dtype.newbyteorder("=")  # sums of half floats overflow
        values = np.ascontiguousarray(values, dtype=exact)
    values, remarks = to_gray(values) if coloured else (values, ())
    spacing = None if stored.spacing is None else stored.spacing.last(values.ndim)
    return Image(source, values, tuple(f"{source}: {remark}" for remark in (*stored.remarks, *remarks)), stored.array, spacing)


def read_part(stored: OpenArray, source: Source, window: str | None, option: str = "--window") -> tuple[np.ndarray, bool]:
    """Read the part of an array that an index and a window select.

    Parameters
    ----------
    stored : OpenArray
        The array.
    source : Source
        Its name, for errors, and the indices of its leading axes.
    window : str or None
        As :func:`parse_window` takes it, of the axes that the index leaves.
    option : str
        Name of the window's option in errors.

    Returns
    -------
    values : array (H, W) or (D, H, W), with an axis of colour channels last if there is one
        Axes of length one are dropped.
    coloured : bool
        Whether the last axis holds colour channels.

    Raises
    ------
    InputError
        If the part is neither an image nor a volume, does not hold numbers, lies outside the array, or does not fit into memory.
    """
    if stored.dtype.kind not in "biuf":
        raise InputError(f"{source} must hold numbers or booleans, got dtype {stored.dtype}")
    if 0 in stored.shape:
        raise InputError(f"{source} is empty: its shape is {stored.shape}")
    shape = stored.shape[len(source.index) :]
    coloured = _coloured(shape, stored.dtype) if stored.channels is None else stored.channels
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
    """Return the slices of a window; an error names the file too."""
    try:
        return parse_window(window, shape, option)
    except InputError as error:
        raise InputError(f"{source}: {error}") from error


def _coloured(shape: tuple[int, ...], dtype: np.dtype) -> bool:
    """Return whether an array is a colour image: three or four channels last, after longer axes, in bytes or unsigned 16-bit numbers."""
    return (
        dtype.kind == "u" and dtype.itemsize <= 2 and len(shape) in (3, 4) and shape[-1] in _COLOURS and min(shape[-3:-1]) > max(_COLOURS)
    )


def _axes(source: Source, whole: tuple[int, ...], space: tuple[int, ...]) -> list[int]:
    """Return the axes of an image or a volume among those that an index leaves: those longer than one, and at least two."""
    kept = [axis for axis, size in enumerate(space) if size > 1]
    if len(kept) < 2:
        kept = list(range(len(space)))[-2:]
    if not 2 <= len(kept) <= 3:
        hint = "an image has 2 axes, a volume 3"
        if len(kept) > 3:
            one = replace(source, index=(*source.index, *[0] * (kept[-3])))
            hint = f"take one image or volume of it, such as '{one}'"
        raise InputError(f"{source} must hold an image or a volume, got shape {space if source.index else whole}; {hint}")
    return kept


def _first(source: Source, shape: tuple[int, ...]) -> Ranges:
    """Return the leading indices as slices of length one; raise an error for an index outside the array."""
    for index, size in zip(source.index, shape, strict=False):
        if not -size <= index < size:
            raise InputError(f"{source} does not lie inside the array of shape {shape}; indices begin at 0")
    at = [index % size for index, size in zip(source.index, shape, strict=False)]
    return tuple(slice(index, index + 1) for index in at)


def to_gray(values: np.ndarray) -> tuple[np.ndarray, tuple[str, ...]]:
    """Convert colours to labels or gray values.

    Parameters
    ----------
    values : array (..., channels)
        Gray and alpha, or red, green, blue and perhaps alpha.

    Returns
    -------
    gray : array (...)
        The channel itself if all channels are equal; labels 0..n-1 from dark to bright if there are at most 8 colours; otherwise the
        brightness 0.299 R + 0.587 G + 0.114 B, in the range of the channels.
    remarks : tuple of str
        What was done to the values.
    """
    values, remarks = _without_alpha(values)
    if values.shape[-1] == 1 or (values == values[..., :1]).all():
        return values[..., 0], remarks
    with np.errstate(all="ignore"):  # segment raises for NaN and infinity inside the mask
        gray = values.astype(np.float64) @ np.array(_WEIGHTS)
    labels = _few_colours(values, gray)
    if labels is not None:
        return labels, (*remarks, f"{int(labels.max()) + 1} {COLOURS_AS_LABELS}")
    return gray, (*remarks, "colour image converted to gray, 0.299 R + 0.587 G + 0.114 B")


def _without_alpha(values: np.ndarray) -> tuple[np.ndarray, tuple[str, ...]]:
    """Drop an alpha channel, with a remark if it is not constant."""
    if values.shape[-1] not in (2, 4):
        return values, ()
    alpha, values = values[..., -1], values[..., :-1]
    if (alpha == alpha.flat[0]).all():
        return values, ()
    return values, ("transparency is ignored: each pixel has the colour of its other channels",)


def _few_colours(values: np.ndarray, gray: np.ndarray) -> np.ndarray | None:
    """Return labels from dark to bright of at most 8 colours in integers; None if there are more."""
    if values.dtype.kind not in "iu":
        return None
    flat, brightness = values.reshape(-1, values.shape[-1]), gray.reshape(-1)
    left = np.ones(len(flat), dtype=bool)
    colours: list[tuple[float, list[int], np.ndarray]] = []
    while left.any():
        if len(colours) == MOST_LABELS:
            return None
        first = int(left.argmax())
        same = (flat == flat[first]).all(axis=-1)
        colours.append((float(brightness[first]), flat[first].tolist(), same))
        left &= ~same
    labels = np.zeros(len(flat), dtype=np.uint8)
    for label, (_, _, same) in enumerate(sorted(colours, key=lambda colour: colour[:2])):
        labels[same] = label
    return labels.reshape(gray.shape)
