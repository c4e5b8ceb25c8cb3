"""File formats: a file is opened by its header only, so that its size can be checked first and a part of it can be read."""

import logging
import math
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..terminal import InputError
from .names import HDF5, Ranges, Source
from .spacing import Spacing, spacing_of_hdf5, spacing_of_tiff

TIFF = (".tif", ".tiff")
# The formats that Pillow may try; its others need programs of their own, or do not hold pictures.
_PICTURE_FORMATS = ("PNG", "JPEG", "BMP", "GIF", "WEBP", "PPM", "TGA", "JPEG2000", "TIFF")
_GRAY = ("1", "L", "I;16", "I;16L", "I;16B", "I;16N", "I", "F")  # read as they are; other modes are converted to one of _CHANNELS
_CHANNELS = {"LA": 2, "RGB": 3, "RGBA": 4}
_MOST_COMPRESSION = 5000  # pixels per byte of a file; deflate reaches 1000 bytes per byte, each of 8 pixels in a bilevel picture
_SMALL = 10**7  # pixels that are decoded quickly and need no check of the compression
_MOST_CHANNELS = 4  # along axis C of a TIFF; a longer axis is taken as slices that were mislabelled
_MOST_NAMES = 8  # of datasets that an error lists


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
        Whether the last axis holds colour channels; None if only its length can tell.
    whole : bool
        Whether reading a part decodes the whole array.
    spacing : Spacing or None
        The spacing in the file, one step for each of the last axes.
    """

    shape: tuple[int, ...]
    dtype: np.dtype
    take: Callable[[Ranges], np.ndarray]
    channels: bool | None = None
    whole: bool = False
    spacing: Spacing | None = None


@contextmanager
def open_picture(source: Source) -> Iterator[OpenArray]:
    """Open an image, or several frames of one size as a stack, with Pillow."""
    from PIL import Image, UnidentifiedImageError

    limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None  # read_part checks the memory that is needed
    try:
        with Image.open(source.path, formats=_PICTURE_FORMATS) as image:
            frames = int(getattr(image, "n_frames", 1))
            mode = _mode(image)
            width, height = image.size
            _refuse_bombs(source, frames * width * height)
            channels = (_CHANNELS[mode],) if mode in _CHANNELS else ()
            shape = ((frames,) if frames > 1 else ()) + (height, width, *channels)
            dtype = np.dtype(_dtype(mode))
            yield OpenArray(shape, dtype, lambda part: _pixels(image, mode, shape)[part], channels=bool(channels), whole=True)
    except UnidentifiedImageError as error:
        raise InputError(f"{source} cannot be read: it is damaged, or not a PNG, JPEG, BMP, GIF, WebP, PPM or TIFF image") from error
    finally:
        Image.MAX_IMAGE_PIXELS = limit


def _mode(image: Any) -> str:
    """Return the mode in which an image is read."""
    if image.mode in _GRAY or image.mode in _CHANNELS:
        return str(image.mode)
    if image.mode in ("La", "PA", "RGBa") or "transparency" in image.info:
        return "LA" if image.mode == "La" else "RGBA"
    return "RGB"


def _dtype(mode: str) -> str:
    """Return the dtype of a mode."""
    return {"1": "bool", "I": "int32", "F": "float32"}.get(mode, "uint16" if mode.startswith("I;16") else "uint8")


def _refuse_bombs(source: Source, pixels: int) -> None:
    """Raise an error for a header with more pixels than a file of this size can hold."""
    if pixels > max(_SMALL, _MOST_COMPRESSION * source.path.stat().st_size):
        raise InputError(f"{source} cannot be read: {source.path.stat().st_size} bytes cannot hold its {pixels:.1e} pixels; it is damaged")


def _pixels(image: Any, mode: str, shape: tuple[int, ...]) -> np.ndarray:
    """Decode all frames of an image."""
    size, frames = image.size, []
    for frame in range(int(getattr(image, "n_frames", 1))):
        if frame:
            image.seek(frame)
        if image.size != size:
            raise InputError(
                f"frame {frame} has size {image.size}, the first frame {size}; they must be equal, so save this frame as a file of its own"
            )
        frames.append(np.asarray(image if image.mode == mode else image.convert(mode)))
    return np.stack(frames).reshape(shape)


@contextmanager
def open_tiff(source: Source) -> Iterator[OpenArray]:
    """Open a TIFF or a stack with tifffile, or with Pillow if it has a palette or tifffile lacks its codec."""
    import tifffile

    with _damage_is_an_error(), tifffile.TiffFile(source.path) as file:
        if not file.series:
            raise InputError(f"{source} cannot be read: it does not hold an image")
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
        yield OpenArray(
            shape, series.dtype, lambda part: _tiff_part(file, source, part, shape, by_page), at >= 0, not by_page, spacing_of_tiff(file)
        )


def _choose_channel(source: Source, series: Any) -> None:
    """Raise an error if there are several channels and none was chosen."""
    at = series.axes.find("C")
    if at >= len(source.index) and at >= 0 and 1 < series.shape[at] <= _MOST_CHANNELS:
        raise InputError(
            f"{source} holds {series.shape[at]} channels (axes {series.axes}, shape {series.shape}); take one, '{source.path}[0]'"
        )


def _tiff_part(file: Any, source: Source, part: Ranges, shape: tuple[int, ...], by_page: bool) -> np.ndarray:
    """Decode a part: only the pages that it needs, or the whole series if pages are not slices."""
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
    """Decode a part with Pillow, for codecs that tifffile lacks; if 0 means white, Pillow inverts bits and bytes, which is undone here."""
    with open_picture(source) as stored:
        if stored.shape != shape:
            raise InputError(f"{source} is compressed in a way that cannot be read: save it uncompressed, or pip install imagecodecs")
        values = stored.take(part)
    return np.invert(values) if inverted and values.dtype in (np.bool_, np.uint8) else values


class _RaiseOnDamage(logging.Handler):
    """Raise an error where tifffile only logs damage; otherwise a truncated stack would be read as a single image."""

    signs = ("invalid page offset", "failed to reshape", "corrupt", "missing data")

    def emit(self, record: logging.LogRecord) -> None:
        message = record.getMessage()
        if any(sign in message for sign in self.signs):
            raise ValueError(f"it is damaged or cut off: {message}")


@contextmanager
def _damage_is_an_error() -> Iterator[None]:
    """Watch the log of tifffile, and do not print it."""
    log, handler = logging.getLogger("tifffile"), _RaiseOnDamage()
    propagates, log.propagate = log.propagate, False
    log.addHandler(handler)
    try:
        yield
    finally:
        log.removeHandler(handler)
        log.propagate = propagates


@contextmanager
def _open_npy(source: Source) -> Iterator[OpenArray]:
    """Open a .npy file without reading it."""
    array = np.lib.format.open_memmap(source.path, mode="r")
    yield OpenArray(array.shape, array.dtype, lambda part: np.array(array[part]))


@contextmanager
def _open_hdf5(source: Source) -> Iterator[OpenArray]:
    """Open a dataset of an HDF5 file; the only dataset of a file needs no name."""
    import h5py

    with h5py.File(source.path, "r") as file:
        dataset = file.get(source.dataset) if source.dataset else _only_dataset(file, source)
        if not isinstance(dataset, h5py.Dataset):
            raise InputError(f"{source} is not a dataset; {source.path} holds {_listed(_datasets(file))}")
        if dataset.shape is None:
            raise InputError(f"{source} is empty: it has no shape")
        yield OpenArray(dataset.shape, dataset.dtype, lambda part: np.asarray(dataset[part]), spacing=spacing_of_hdf5(dataset.attrs))


def _datasets(file: Any) -> dict[str, Any]:
    """Return the datasets with at least two axes, by path."""
    import h5py

    datasets: dict[str, Any] = {}

    def visit(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset) and item.shape is not None and len(item.shape) >= 2:
            datasets[name] = item

    file.visititems(visit)
    return datasets


def _only_dataset(file: Any, source: Source) -> Any:
    """Return the dataset of a file that holds one only."""
    datasets = _datasets(file)
    if len(datasets) != 1:
        raise InputError(f"{source} needs the name of a dataset, '{source.path}:PATH'; it holds {_listed(datasets)}")
    return next(iter(datasets.values()))


def _listed(datasets: dict[str, Any]) -> str:
    """List datasets with their shapes."""
    names = [f"{name} {item.shape}" for name, item in list(datasets.items())[:_MOST_NAMES]]
    more = f" and {len(datasets) - _MOST_NAMES} more" if len(datasets) > _MOST_NAMES else ""
    return (", ".join(names) or "none with two axes") + more


_Opener = Callable[[Source], AbstractContextManager[OpenArray]]
_OPENERS: dict[str, _Opener] = {".npy": _open_npy, **dict.fromkeys(HDF5, _open_hdf5), **dict.fromkeys(TIFF, open_tiff)}


def open_array(source: Source) -> AbstractContextManager[OpenArray]:
    """Open a file with the reader of its format, chosen by its ending; any other ending is read as a picture."""
    return _OPENERS.get(source.path.suffix.lower(), open_picture)(source)
