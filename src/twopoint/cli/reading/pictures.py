"""Pictures that Pillow decodes: PNG, JPEG, BMP, GIF, WebP, PPM, TGA and JPEG 2000, with the numbers that the file declares."""

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from ..terminal import InputError
from .foreign import refuse_foreign
from .names import Source
from .opened import OpenArray, oriented, refuse_bombs

# The formats that Pillow may try; its others need programs of their own, or do not hold pictures.
_PICTURE_FORMATS = ("PNG", "JPEG", "BMP", "GIF", "WEBP", "PPM", "TGA", "JPEG2000")
_GRAY = ("1", "L", "I;16", "I;16L", "I;16B", "I;16N", "I", "F")  # read as they are; other modes are converted to one of _CHANNELS
_CHANNELS = {"LA": 2, "RGB": 3, "RGBA": 4}
_HEAD = 2**16  # bytes in which the header of a JPEG 2000 file lies
_ORIENTATION = 274
_UNBOUNDED = ("WEBP", "JPEG2000")  # formats that hold any number of blank rows in a few bytes
_BYTE, _WORD = 255, 65535  # the values to which Pillow scales those of a PPM file
_ALPHA_IN_PNG = {2: "in colour", 4: "with transparency", 6: "in colour with transparency"}


@contextmanager
def open_picture(source: Source) -> Iterator[OpenArray]:
    """Open an image, or several frames of one size as a stack."""
    from PIL import Image, UnidentifiedImageError

    limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None  # read_part checks the memory that is needed
    try:
        with Image.open(source.path, formats=_PICTURE_FORMATS) as image:
            _refuse_cut_numbers(source, image)
            yield _opened(source, image)
    except UnidentifiedImageError as error:
        refuse_foreign(source)
        raise InputError(
            f"{source} cannot be read: it is damaged, or not a PNG, JPEG, BMP, GIF, WebP, PPM or TIFF image, .npy, .npz, HDF5 or a text"
        ) from error
    finally:
        Image.MAX_IMAGE_PIXELS = limit


def _opened(source: Source, image: Any) -> OpenArray:
    """Return the pixels of an image, which are decoded when they are taken."""
    frames, mode, (width, height) = int(getattr(image, "n_frames", 1)), _mode(image), image.size
    if image.format not in _UNBOUNDED:
        refuse_bombs(source, width * height)
    orientation = image.getexif().get(_ORIENTATION, 1)
    orientation = orientation if orientation in range(2, 9) else 1
    maximum = _maximum(image)
    channels = (_CHANNELS[mode],) if mode in _CHANNELS else ()
    extent = (width, height) if orientation >= 5 else (height, width)
    remarks: tuple[str, ...] = ("CMYK colours converted to RGB",) if image.mode == "CMYK" else ()
    if image.format == "MPO" and frames > 1:
        frames, remarks = 1, (f"the first of {frames} pictures in the file",)
    shape = ((frames,) if frames > 1 else ()) + extent + channels
    if orientation > 1:
        remarks += (f"turned or mirrored as its orientation tag ({orientation}) says",)

    def pixels() -> np.ndarray:
        values = _rescaled(_pixels(image, mode, frames), maximum)
        at = (values.ndim - len(channels) - 2, values.ndim - len(channels) - 1)
        return oriented(values, orientation, at).reshape(shape)

    return OpenArray(shape, np.dtype(_dtype(mode)), lambda part: pixels()[part], channels=bool(channels), whole=True, remarks=remarks)


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


def _pixels(image: Any, mode: str, frames: int) -> np.ndarray:
    """Decode the first frames of an image."""
    size, decoded = image.size, []
    for frame in range(frames):
        if frame:
            image.seek(frame)
        if image.size != size:
            raise InputError(
                f"frame {frame} has size {image.size}, the first frame {size}; they must be equal, so save this frame as a file of its own"
            )
        decoded.append(np.asarray(image if image.mode == mode else image.convert(mode)))
    return np.stack(decoded) if frames > 1 else decoded[0]


def _refuse_cut_numbers(source: Source, image: Any) -> None:
    """Raise an error for an image whose numbers Pillow would cut to 8 bits or shift."""
    head = _head(source)
    if image.format == "PNG" and head[24] == 16 and head[25] in _ALPHA_IN_PNG:
        _refuse(source, f"a 16-bit PNG {_ALPHA_IN_PNG[head[25]]}")
    if image.format == "PPM" and image.mode == "RGB" and (_maximum(image) or 0) > _BYTE:
        _refuse(source, "a 16-bit PPM in colour")
    if image.format == "JPEG2000":
        bits = _bits_of_jpeg2000(head)
        if bits not in ({8}, {16}) or (bits == {16} and image.mode != "I;16"):
            _refuse(source, f"JPEG 2000 of {', '.join(map(str, sorted(bits))) or 'unknown'} bits")


def _refuse(source: Source, kind: str) -> None:
    """Raise an error for a picture that Pillow would change, with the lines that convert it."""
    raise InputError(
        f"{source} cannot be read: it is {kind}, which Pillow would change; pip install imagecodecs and convert it in Python: "
        f"import imagecodecs, tifffile; tifffile.imwrite('image.tif', imagecodecs.imread({str(source.path)!r}))"
    )


def _bits_of_jpeg2000(head: bytes) -> set[int]:
    """Return the bits per sample of a JPEG 2000 header, negative for signed ones; empty if the header is not found."""
    at = head.find(b"\xff\x4f\xff\x51")  # markers SOC and SIZ
    if at < 0:
        return set()
    (components,) = struct.unpack(">H", head[at + 40 : at + 42])
    sizes = head[at + 42 : at + 42 + 3 * components : 3]
    return {(size & 127) + 1 if size < 128 else -(size & 127) - 1 for size in sizes}


def _head(source: Source) -> bytes:
    """Return the first bytes of a file."""
    with source.path.open("rb") as file:
        return file.read(_HEAD)


def _maximum(image: Any) -> int | None:
    """Return the maximum that a PGM or PPM file declares if Pillow scales the values by it; None otherwise."""
    if image.format != "PPM" or image.mode not in ("L", "I", "RGB") or not image.tile:
        return None
    decoder, _, _, args = image.tile[0]
    return int(args[-1]) if decoder in ("ppm", "ppm_plain") and isinstance(args, tuple) else None


def _rescaled(values: np.ndarray, maximum: int | None) -> np.ndarray:
    """Return the numbers of a PPM file, which Pillow has scaled to 255 or 65535."""
    if maximum is None:
        return values
    most = _WORD if values.dtype == np.int32 else _BYTE
    return np.rint(values * (maximum / most)).astype(values.dtype)
