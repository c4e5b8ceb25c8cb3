"""Pages of a TIFF in LZW with numbers of any type: Pillow's libtiff decodes bytes, and the type, samples and predictor are undone here.

Pillow has no mode for 16-bit colours, 64-bit numbers and half floats, so that each row is given to it as a row of bytes.
"""

import io
import struct
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

_LZW, _MOST = 5, 2**32 - 2**20  # bytes of a TIFF with offsets of 32 bits
_DIFFERENCES, _FLOATS = 2, 3  # predictors


def can_decode(page: Any) -> bool:
    """Return whether a page is in LZW, with whole bytes, and small enough."""
    whole = page.dtype is not None and page.bitspersample == 8 * page.dtype.itemsize and int(page.imagedepth) == 1
    return bool(whole and int(page.compression) == _LZW and sum(page.databytecounts) < _MOST and int(page.predictor) in (1, 2, 3))


def decode(page: Any, keyframe: Any) -> np.ndarray:
    """Decode a page; a keyframe has the tags that pages of a stack share."""
    separate = int(keyframe.planarconfig) == 2 and int(keyframe.samplesperpixel) > 1
    planes = int(keyframe.samplesperpixel) if separate else 1
    n = len(page.databytecounts) // planes
    decoded = [_plane(page, keyframe, slice(i * n, (i + 1) * n), 1 if separate else int(keyframe.samplesperpixel)) for i in range(planes)]
    return np.stack(decoded).reshape(keyframe.shape)


def _plane(page: Any, keyframe: Any, segments: slice, samples: int) -> np.ndarray:
    """Decode the strips or tiles of one plane."""
    height, width, dtype = int(keyframe.imagelength), int(keyframe.imagewidth), keyframe.dtype
    if keyframe.is_tiled:
        rows, columns = int(keyframe.tilelength), int(keyframe.tilewidth)
        down, across = -(-height // rows), -(-width // columns)
        shape = down * rows, across * columns
    else:
        rows, columns, across, shape = min(int(keyframe.rowsperstrip), height), width, 1, (height, width)
    a_row = columns * samples * dtype.itemsize  # bytes
    data = _segments(page, segments)
    values = _bytes(data, (shape[0], across * a_row), (rows, a_row), tiled=bool(keyframe.is_tiled))
    values = _unpredicted(values.reshape(shape[0], across, a_row), int(keyframe.predictor), dtype, samples, page.parent.byteorder)
    return values.reshape(*shape, samples)[:height, :width]


def _segments(page: Any, segments: slice) -> list[bytes]:
    """Read the compressed strips or tiles of a page."""
    file, data = page.parent.filehandle, []
    for offset, count in zip(page.dataoffsets[segments], page.databytecounts[segments], strict=True):
        file.seek(offset)
        data.append(file.read(count))
        if len(data[-1]) < count:
            raise ValueError("it is cut off")
    return data


def _bytes(data: list[bytes], shape: tuple[int, int], segment: tuple[int, int], *, tiled: bool) -> np.ndarray:
    """Decode strips or tiles as an image of bytes, through a TIFF in memory."""
    from PIL import Image

    counts = [len(part) for part in data]
    starts = np.cumsum([8, *counts])
    tags: list[tuple[int, Sequence[int]]] = [(256, shape[1:]), (257, shape[:1]), (258, (8,)), (259, (_LZW,))]
    tags += [(262, (1,)), (277, (1,)), (317, (1,))]
    tags += [(322, segment[1:]), (323, segment[:1])] if tiled else [(278, segment[:1])]
    tags += [(324 if tiled else 273, starts[:-1].tolist()), (325 if tiled else 279, counts)]
    entries, after, end = b"", b"", int(starts[-1]) + 2 + 12 * len(tags) + 4
    for tag, numbers in sorted(tags):
        packed = struct.pack(f"<{len(numbers)}I", *numbers)
        entries += struct.pack("<HHI", tag, 4, len(numbers)) + (packed if len(packed) == 4 else struct.pack("<I", end + len(after)))
        after += packed if len(packed) > 4 else b""
    directory = struct.pack("<H", len(tags)) + entries + bytes(4) + after
    file = io.BytesIO(b"".join([b"II*\0", struct.pack("<I", starts[-1]), *data, directory]))
    limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
    try:
        with Image.open(file, formats=("TIFF",)) as image:
            return np.asarray(image)
    finally:
        Image.MAX_IMAGE_PIXELS = limit


def _unpredicted(rows: np.ndarray, predictor: int, dtype: np.dtype, samples: int, order: Literal["<", ">"]) -> np.ndarray:
    """Return the numbers of rows of bytes (rows, segments across, bytes), without the predictor of TIFF 6.0 or of its Technical Note 3."""
    n, across, size = rows.shape
    if predictor == _FLOATS:  # bytes of equal weight, the highest first, lie beside each other, as differences
        summed = np.cumsum(rows.reshape(n, across, size // samples, samples), axis=2, dtype=np.uint8)
        planes = np.moveaxis(summed.reshape(n, across, dtype.itemsize, -1), 2, -1)
        return np.ascontiguousarray(planes).view(dtype.newbyteorder(">")).astype(dtype.newbyteorder("="))
    values = rows.view(dtype.newbyteorder(order)).astype(dtype.newbyteorder("="))
    if predictor == _DIFFERENCES:
        pixels = values.reshape(n, across, -1, samples)
        unsigned = pixels.view(f"u{dtype.itemsize}")
        values = np.cumsum(unsigned, axis=2, dtype=unsigned.dtype).view(values.dtype)
    return values
