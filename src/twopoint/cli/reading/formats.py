"""Formats of files: each is opened by its header alone, so that a part can be read and its size is checked first."""

import logging
import math
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..terminal import InputError
from .names import HDF5, Ranges, Source
from .spacing import Spacing, of_hdf5, of_tiff

TIFF = (".tif", ".tiff")
# What Pillow may take a file for; its other formats need helpers of their own, or hold no pictures.
_FORMATS = ("PNG", "JPEG", "BMP", "GIF", "WEBP", "PPM", "TGA", "JPEG2000", "TIFF")
_GRAY = ("1", "L", "I;16", "I;16L", "I;16B", "I;16N", "I", "F")  # as they are; all else becomes one of the next
_CHANNELS = {"LA": 2, "RGB": 3, "RGBA": 4}
_MOST_COMPRESSION = 5000  # pixels a byte of file; deflate reaches 1000, 8 pixels a byte in a picture of one bit
_SMALL = 10**7  # pixels that are decoded in a moment, however few bytes they come from
_MOST_CHANNELS = 4  # of a TIFF whose axis says C; more are slices that were labelled so
_MOST_NAMES = 8  # of datasets in an error


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


@contextmanager
def open_picture(source: Source) -> Iterator[Stored]:
    """Open an image, or several frames of one size as a stack, through Pillow."""
    from PIL import Image, UnidentifiedImageError

    limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None  # the memory that is needed is checked by stored.take
    try:
        with Image.open(source.path, formats=_FORMATS) as image:
            frames = int(getattr(image, "n_frames", 1))
            mode = _mode(image)
            width, height = image.size
            _refuse_bombs(source, frames * width * height)
            channels = (_CHANNELS[mode],) if mode in _CHANNELS else ()
            shape = ((frames,) if frames > 1 else ()) + (height, width, *channels)
            dtype = np.dtype(_dtype(mode))
            yield Stored(shape, dtype, lambda part: _pixels(image, mode, shape)[part], channels=bool(channels), whole=True)
    except UnidentifiedImageError as error:
        raise InputError(f"{source} cannot be read: it is damaged, or no PNG, JPEG, BMP, GIF, WebP, PPM or TIFF image") from error
    finally:
        Image.MAX_IMAGE_PIXELS = limit


def _mode(image: Any) -> str:
    """Return the mode in which an image is taken."""
    if image.mode in _GRAY or image.mode in _CHANNELS:
        return str(image.mode)
    if image.mode in ("La", "PA", "RGBa") or "transparency" in image.info:
        return "LA" if image.mode == "La" else "RGBA"
    return "RGB"


def _dtype(mode: str) -> str:
    """Return the dtype of a mode's numbers."""
    return {"1": "bool", "I": "int32", "F": "float32"}.get(mode, "uint16" if mode.startswith("I;16") else "uint8")


def _refuse_bombs(source: Source, pixels: int) -> None:
    """Refuse a header that speaks of more pixels than so small a file can hold."""
    if pixels > max(_SMALL, _MOST_COMPRESSION * source.path.stat().st_size):
        raise InputError(f"{source} cannot be read: {source.path.stat().st_size} bytes cannot hold its {pixels:.1e} pixels; it is damaged")


def _pixels(image: Any, mode: str, shape: tuple[int, ...]) -> np.ndarray:
    """Decode all frames."""
    size, frames = image.size, []
    for frame in range(int(getattr(image, "n_frames", 1))):
        if frame:
            image.seek(frame)
        if image.size != size:
            raise InputError(
                f"its frame {frame} has another size than the first, {image.size} instead of {size}; save it as a file of its own"
            )
        frames.append(np.asarray(image if image.mode == mode else image.convert(mode)))
    return np.stack(frames).reshape(shape)


@contextmanager
def open_tiff(source: Source) -> Iterator[Stored]:
    """Open a TIFF or a stack through tifffile; where tifffile lacks the codec, or for a palette, through Pillow."""
    import tifffile

    with _damage_is_an_error(), tifffile.TiffFile(source.path) as file:
        if not file.series:
            raise InputError(f"{source} cannot be read: it holds no image")
        series = file.series[0]
        _refuse_bombs(source, math.prod(series.shape))
        _choose_channel(source, series)
        if series.keyframe.photometric == tifffile.PHOTOMETRIC.PALETTE:
            with open_picture(source) as stored:
                yield stored
            return
        shape = tuple(int(n) for n in series.shape)
        at = series.axes.find("S")
        shape = shape if at < 0 else shape[:at] + shape[at + 1 :] + (shape[at],)
        by_page = at < 0 and len(shape) == 3 and len(series.pages) == shape[0]
        yield Stored(shape, series.dtype, lambda part: _numbers(file, source, part, shape, by_page), at >= 0, not by_page, of_tiff(file))


def _choose_channel(source: Source, series: Any) -> None:
    """Refuse several channels, of which none is the image, unless one was chosen."""
    at = series.axes.find("C")
    if at >= len(source.index) and at >= 0 and 1 < series.shape[at] <= _MOST_CHANNELS:
        raise InputError(
            f"{source} holds {series.shape[at]} channels (axes {series.axes}, shape {series.shape}); take one, '{source.path}[0]'"
        )


def _numbers(file: Any, source: Source, part: Ranges, shape: tuple[int, ...], by_page: bool) -> np.ndarray:
    """Decode a part: the pages that it needs, or all where pages are not slices."""
    series = file.series[0]
    try:
        if by_page:
            pages = file.asarray(key=part[0], series=0)
            return np.asarray(pages).reshape((part[0].stop - part[0].start, *shape[1:]))[(slice(None), *part[1:])]
        whole = np.asarray(series.asarray())
    except ValueError as error:
        if "imagecodecs" not in str(error):
            raise
        return _by_pillow(source, part, shape, inverted=series.keyframe.photometric == 0)
    at = series.axes.find("S")
    return (whole if at < 0 else np.moveaxis(whole, at, -1))[part]


def _by_pillow(source: Source, part: Ranges, shape: tuple[int, ...], *, inverted: bool) -> np.ndarray:
    """Decode what tifffile has no codec for; where 0 means white, Pillow turns bits and bytes over, and they are turned back."""
    with open_picture(source) as stored:
        if stored.shape != shape:
            raise InputError(f"{source} is compressed in a way that cannot be read: save it uncompressed, or pip install imagecodecs")
        values = stored.take(part)
    return np.invert(values) if inverted and values.dtype in (np.bool_, np.uint8) else values


class _Damage(logging.Handler):
    """Raise what tifffile only logs: a stack that has lost its end would pass for a single image."""

    signs = ("invalid page offset", "failed to reshape", "corrupt", "missing data")

    def emit(self, record: logging.LogRecord) -> None:
        message = record.getMessage()
        if any(sign in message for sign in self.signs):
            raise ValueError(f"it is damaged or cut off: {message}")


@contextmanager
def _damage_is_an_error() -> Iterator[None]:
    """Listen to tifffile's log, and keep it from the terminal."""
    log, handler = logging.getLogger("tifffile"), _Damage()
    propagates, log.propagate = log.propagate, False
    log.addHandler(handler)
    try:
        yield
    finally:
        log.removeHandler(handler)
        log.propagate = propagates


@contextmanager
def _open_npy(source: Source) -> Iterator[Stored]:
    """Open a .npy file without reading it."""
    array = np.lib.format.open_memmap(source.path, mode="r")
    yield Stored(array.shape, array.dtype, lambda part: np.array(array[part]))


@contextmanager
def _open_hdf5(source: Source) -> Iterator[Stored]:
    """Open a dataset of an HDF5 file; where the file holds a single one, it needs no name."""
    import h5py

    with h5py.File(source.path, "r") as file:
        found = file.get(source.dataset) if source.dataset else _only(file, source)
        if not isinstance(found, h5py.Dataset):
            raise InputError(f"{source} names no dataset; {source.path} holds {_listed(_datasets(file))}")
        if found.shape is None:
            raise InputError(f"{source} is empty: it has no shape")
        yield Stored(found.shape, found.dtype, lambda part: np.asarray(found[part]), spacing=of_hdf5(found.attrs))


def _datasets(file: Any) -> dict[str, Any]:
    """Return the datasets with two axes and more, by path."""
    import h5py

    found: dict[str, Any] = {}

    def visit(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset) and item.shape is not None and len(item.shape) >= 2:
            found[name] = item

    file.visititems(visit)
    return found


def _only(file: Any, source: Source) -> Any:
    """Return the one dataset of a file."""
    found = _datasets(file)
    if len(found) != 1:
        raise InputError(f"{source} must be named with a dataset, '{source.path}:PATH'; it holds {_listed(found)}")
    return next(iter(found.values()))


def _listed(found: dict[str, Any]) -> str:
    """Name datasets and their shapes."""
    names = [f"{name} {item.shape}" for name, item in list(found.items())[:_MOST_NAMES]]
    more = f" and {len(found) - _MOST_NAMES} more" if len(found) > _MOST_NAMES else ""
    return (", ".join(names) or "none with two axes") + more


_Opener = Callable[[Source], AbstractContextManager[Stored]]
_OPENERS: dict[str, _Opener] = {".npy": _open_npy, **dict.fromkeys(HDF5, _open_hdf5), **dict.fromkeys(TIFF, open_tiff)}


def open_array(source: Source) -> AbstractContextManager[Stored]:
    """Open a file by the reader of its format; all that is no array and no TIFF is a picture."""
    return _OPENERS.get(source.path.suffix.lower(), open_picture)(source)
