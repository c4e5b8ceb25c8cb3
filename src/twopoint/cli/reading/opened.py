"""An array in an open file, as every reader of a format gives it, and the check of headers with too large sizes."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..terminal import InputError
from .names import Ranges, Source
from .spacing import Spacing

_MOST_COMPRESSION = 10_500  # pixels per byte of a file; LZW reaches 1280 bytes per byte, each of 8 pixels in a bilevel picture
_SMALL = 10**7  # pixels that are decoded quickly and need no check of the compression


@dataclass(frozen=True)
class OpenArray:
    """An array in an open file, of which the header has been read.

    Attributes
    ----------
    shape : tuple of int
        Shape of the whole array, including a last axis of colour channels.
    dtype : numpy.dtype
        Type of its numbers.
    take : function
        Reads the numbers inside one slice per axis.
    channels : bool or None
        Whether the last axis holds colour channels; None if only its length and the type can show it.
    whole : bool
        Whether reading a part decodes the whole array.
    spacing : Spacing or None
        The spacing in the file, one step for each of the last axes.
    array : bool
        Whether the file holds arrays, where a dozen distinct integers are more likely labels than gray values.
    remarks : tuple of str
        What was done to the numbers, for the user.
    """

    shape: tuple[int, ...]
    dtype: np.dtype
    take: Callable[[Ranges], np.ndarray]
    channels: bool | None = None
    whole: bool = False
    spacing: Spacing | None = None
    array: bool = False
    remarks: tuple[str, ...] = ()


def refuse_bombs(source: Source, pixels: int) -> None:
    """Raise an error for a header with more pixels than a file of this size can hold."""
    if pixels > max(_SMALL, _MOST_COMPRESSION * source.path.stat().st_size):
        raise InputError(f"{source} cannot be read: {source.path.stat().st_size} bytes cannot hold its {pixels:.1e} pixels; it is damaged")


def oriented(values: np.ndarray, orientation: int, axes: tuple[int, int], *, inverse: bool = False) -> np.ndarray:
    """Return an image as its orientation tag shows it (1 to 8, as in TIFF and EXIF), or the reverse; axes are those of rows and columns."""
    rows, columns = (orientation in flipped for flipped in ((3, 4, 7, 8), (2, 3, 6, 7)))
    flips = tuple(axis for axis, flip in zip(axes, (rows, columns), strict=True) if flip)
    turned = orientation >= 5
    if inverse:
        values = np.flip(values, flips)
        return np.swapaxes(values, *axes) if turned else values
    return np.flip(np.swapaxes(values, *axes) if turned else values, flips)
