"""TIFF: the numbers that a file declares, by tifffile, or by Pillow for codecs that tifffile lacks; samples become colours or channels."""

import logging
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any

import numpy as np

from ..terminal import InputError
from .lzw import can_decode, decode
from .names import Ranges, Source
from .opened import OpenArray, oriented, refuse_bombs
from .recorded import spacing_of_tiff
from .series import Layout, choose_series, refuse_missing, refuse_unchosen

_ORIENTATION = 274
_ZSTD = (34926, 50000)
_FAX = (2, 3, 4)
_BOUNDED = (1, 5, 6, 7, 8, 32773, 32946)  # compressions with a largest ratio; the others hold any number of blank rows in a few bits
_BY_LIBTIFF = (1, *_FAX, 5, 6, 7, 8, 32946)  # compressions that Pillow's libtiff has: none, fax, LZW, JPEG and deflate
# What libtiff decodes without a change of the bits: the mode in Pillow, and the declared dtypes that have these bits.
_SAME_BITS = {
    "1": ("bool",),
    "L": ("uint8", "int8"),
    "P": ("uint8",),
    "I;16": ("uint16",),
    "I;16B": ("uint16",),
    "I": ("int32", "uint32"),
    "F": ("float32",),
    **dict.fromkeys(("LA", "RGB", "RGBA", "CMYK"), ("uint8",)),
}
_COLOURS = {2: "RGB", 3: "palette", 5: "CMYK", 6: "YCbCr"}  # by photometric interpretation
_GRAY = (0, 1, 4)  # white is zero, black is zero, transparency mask
_RGB, _PALETTE, _CMYK, _YCBCR = _COLOURS


@contextmanager
def open_tiff(source: Source) -> Iterator[OpenArray]:
    """Open one series of a TIFF: an image, a stack, or images of several channels and times, from which an index takes one."""
    import tifffile

    with _damage_is_an_error(), tifffile.TiffFile(source.path) as file:
        number, remarks = choose_series(file, source)
        series = file.series[number]
        refuse_missing(file, series, source)
        page = series.keyframe
        if int(page.compression) in _BOUNDED:
            refuse_bombs(source, math.prod(series.shape))
        _refuse_colours(source, page)
        layout = Layout.of(series, coloured=int(page.photometric) in (_RGB, _CMYK, _YCBCR))
        refuse_unchosen(source, series, layout)
        yield _opened(file, number, source, layout, remarks)


def _refuse_colours(source: Source, page: Any) -> None:
    """Raise an error for colours that cannot be converted to gray, such as CIELAB or the mosaic of a sensor."""
    kind = int(page.photometric)
    inks = page.tags.valueof(332, 1)  # InkSet: 1 means CMYK
    if (kind not in _COLOURS and kind not in _GRAY) or (kind == _CMYK and (page.samplesperpixel < 4 or inks != 1)):
        name = getattr(page.photometric, "name", kind)
        raise InputError(f"{source} cannot be read: its colours are {name}; save it in gray or RGB")
    if kind == _CMYK and int(page.compression) in (6, 7):
        raise InputError(f"{source} cannot be read: programs differ in the sign of JPEG colours in CMYK; save it in gray or RGB")


def _opened(file: Any, number: int, source: Source, layout: Layout, remarks: tuple[str, ...]) -> OpenArray:
    """Return the array of a series, with colours last, turned as the orientation tag says."""
    series = file.series[number]
    page = series.keyframe
    kind, turn = int(page.photometric), page.tags.valueof(_ORIENTATION, 1)
    turn = turn if turn in range(2, 9) else 1
    by_page = layout.by_page and turn == 1
    take = _pages(file, series, source, layout) if by_page else _whole(series, source, layout, turn)
    shape, dtype, spacing = layout.shape, series.dtype, spacing_of_tiff(file, number)
    if turn >= 5:
        rows = len(shape) - 2 - layout.colours
        shape = (*shape[:rows], shape[rows + 1], shape[rows], *shape[rows + 2 :])
        spacing = None if spacing is None else spacing.turned()
    if "C" in layout.axes[layout.chosen :]:
        remarks += (f"the {layout.shape[0]} channels of this ImageJ stack are taken as slices of a volume",)
    if turn > 1:
        remarks += (f"turned or mirrored as its orientation tag ({turn}) says",)
    colours = layout.colours
    if kind == _PALETTE:
        table = (np.asarray(page.colormap) >> 8).astype(np.uint8)
        shape, dtype, colours, take = (*shape, 3), table.dtype, True, _through(table, take)
    elif kind == _CMYK and colours:
        shape, take, remarks = (*shape[:-1], 3), _from_cmyk(take, dtype), (*remarks, "CMYK colours converted to RGB")
    return OpenArray(shape, dtype, take, colours, not by_page, spacing, remarks=remarks)


_Take = Callable[[Ranges], np.ndarray]


def _through(table: np.ndarray, take: _Take) -> _Take:
    """Return a reader of the colours of a palette."""
    return lambda part: np.moveaxis(table[:, take(part[:-1])], 0, -1)[..., part[-1]]


def _from_cmyk(take: _Take, dtype: np.dtype) -> _Take:
    """Return a reader of red, green and blue: each ink and black darken the white of paper."""
    if dtype.kind != "u":
        raise InputError("CMYK colours must be unsigned integers; save the image in gray or RGB")
    white = int(np.iinfo(dtype).max)

    def rgb(part: Ranges) -> np.ndarray:
        inks = take((*part[:-1], slice(0, 4))).astype(np.float64) / white
        return np.rint((1 - inks[..., :3]) * (1 - inks[..., 3:]) * white).astype(dtype)[..., part[-1]]

    return rgb


def _pages(file: Any, series: Any, source: Source, layout: Layout) -> _Take:
    """Return a reader that decodes only the pages that a part needs."""

    def take(part: Ranges) -> np.ndarray:
        indices = layout.pages[part[:-2]]
        key = [int(index) for index in indices.reshape(-1)]
        values = _decode(source, series, key, lambda: file.asarray(key=key, series=series))
        return values.reshape(*indices.shape, *layout.shape[-2:])[..., part[-2], part[-1]]

    return take


def _whole(series: Any, source: Source, layout: Layout, turn: int) -> _Take:
    """Return a reader that decodes the whole series."""
    rows = len(layout.shape) - 2 - layout.colours

    def take(part: Ranges) -> np.ndarray:
        values = _decode(source, series, None, series.asarray).reshape(layout.stored)
        return oriented(values.transpose(layout.order), turn, (rows, rows + 1))[part]

    return take


def _decode(source: Source, series: Any, key: list[int] | None, by_tifffile: Callable[[], np.ndarray]) -> np.ndarray:
    """Decode pages with the dtype that the file declares; raise an error that names the codec if it is missing."""
    page = series.keyframe
    if int(page.photometric) == _YCBCR:
        return _by_pillow(source, series, key)
    if int(page.compression) in _ZSTD and find_spec("imagecodecs") is None and find_spec("compression") is None:  # of Python 3.14
        raise _missing(source, page)
    try:
        values = np.asarray(by_tifffile())
    except (ValueError, NotImplementedError, KeyError) as error:
        if not _lacks_codec(error):
            raise
        if can_decode(page):
            return np.stack([decode(one, page) for one in _chosen(series, key)])
        return _by_pillow(source, series, key)
    if values.dtype.newbyteorder("=") != series.dtype.newbyteorder("="):
        raise InputError(f"{source} cannot be read: it declares {series.dtype} and was decoded as {values.dtype}")
    return values


def _chosen(series: Any, key: list[int] | None) -> list[Any]:
    """Return the pages of a series, or some of them."""
    return list(series) if key is None else [series[index] for index in key]


def _lacks_codec(error: BaseException) -> bool:
    """Return whether an exception of tifffile is about a missing codec, not about damage."""
    signs = "imagecodecs", "not supported", "not a known COMPRESSION"
    return isinstance(error, NotImplementedError | KeyError) or any(sign in str(error) for sign in signs)


def _by_pillow(source: Source, series: Any, key: list[int] | None) -> np.ndarray:
    """Decode pages with Pillow, which must give the declared shape, dtype and range; refuse anything else by the name of its codec."""
    from PIL import Image, UnidentifiedImageError

    page = series.keyframe
    if int(page.compression) not in _BY_LIBTIFF:
        raise _missing(source, page)
    limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None  # read_part checks the memory that is needed
    try:
        with Image.open(source.path, formats=("TIFF",)) as image:
            return np.stack([_stored(source, image, one, page) for one in _chosen(series, key)])
    except (UnidentifiedImageError, KeyError) as error:
        raise _missing(source, page) from error
    finally:
        Image.MAX_IMAGE_PIXELS = limit


def _stored(source: Source, image: Any, page: Any, keyframe: Any) -> np.ndarray:
    """Decode one page with Pillow and return the numbers that are stored."""
    if not isinstance(page.index, int):
        raise _missing(source, keyframe)
    image.seek(page.index)
    mode, kind, dtype = image.mode, int(keyframe.photometric), keyframe.dtype
    values = oriented(np.asarray(image), keyframe.tags.valueof(_ORIENTATION, 1), (0, 1), inverse=True)
    if kind == 0 and values.dtype in (np.bool_, np.uint8):
        values = np.invert(values)  # Pillow inverts bits and bytes where 0 means white, and the stored numbers count
    bits = keyframe.bitspersample
    if mode == "L" and bits < 8:
        values = values // (255 // (2**bits - 1))  # Pillow scales 2 and 4 bits to a byte
    if mode == "I" and dtype == np.int16:
        values = values.astype(np.int16)
    planar = values.ndim == 3 and int(keyframe.planarconfig) == 2
    values = np.moveaxis(values, -1, 0) if planar else values
    if dtype.kind == "u" and bits < 8 * dtype.itemsize and values.max() >= 2**bits:
        raise _missing(source, keyframe)
    same = dtype.name == values.dtype.name or dtype.name in _SAME_BITS.get(mode, ())
    if not same or values.shape != keyframe.shape or (mode == "RGB" and kind == _CMYK):
        raise _missing(source, keyframe)
    return np.ascontiguousarray(values).astype(values.dtype.newbyteorder("=")).view(dtype.newbyteorder("="))


def _missing(source: Source, page: Any) -> InputError:
    """Return the error for a codec that is missing, by its name."""
    compression = getattr(page.compression, "name", page.compression)
    how = [f"compression {compression}"] * (int(page.compression) != 1)
    how += [f"{page.bitspersample} bits per sample"] * (page.bitspersample not in (8, 16, 32, 64) or int(page.samplesperpixel) > 1)
    how += [f"predictor {int(page.predictor)}"] * (int(page.predictor) not in (1, 2))
    kind = ", ".join(how) or f"dtype {page.dtype}"
    return InputError(
        f"{source} cannot be read without a codec for {kind}; pip install imagecodecs, or save it uncompressed with 8, 16 or 32 bits"
    )


class _RaiseOnDamage(logging.Handler):
    """Raise an error where tifffile only logs damage; otherwise a truncated stack would be read as a single image."""

    signs = ("invalid page offset", "failed to reshape", "corrupt", "missing data")

    def emit(self, record: logging.LogRecord) -> None:
        message = record.getMessage()
        if "OME series" not in message and any(sign in message for sign in self.signs):  # refuse_missing names files of OME
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
