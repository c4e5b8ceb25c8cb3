"""TIFF files byte by byte, for codecs and tags that neither tifffile nor Pillow writes."""

import struct
import zlib

import numpy as np

LZW, DEFLATE = 5, 8


def lzw(data):
    """Return bytes in the LZW of TIFF, as literals with a clear code after every 250."""
    bits = [code for at in range(0, len(data), 250) for code in (256, *data[at : at + 250])] + [257]
    text = "".join(f"{code:09b}" for code in bits)
    return int(text.ljust(-(-len(text) // 8) * 8, "0"), 2).to_bytes(-(-len(text) // 8), "big")


def differences(segment, predictor):
    """Return a strip or tile (rows, columns, samples) as predictor 2 or 3 stores it."""
    if predictor == 2:
        unsigned = segment.view(f"u{segment.dtype.itemsize}")
        return np.diff(unsigned, axis=1, prepend=np.zeros_like(unsigned[:, :1])).astype(unsigned.dtype)
    if predictor == 3:
        rows, _, samples = segment.shape
        planes = np.moveaxis(
            segment.astype(segment.dtype.newbyteorder(">")).view(np.uint8).reshape(rows, -1, segment.dtype.itemsize), -1, 1
        )
        planes = planes.reshape(rows, -1, samples)
        return np.diff(planes, axis=1, prepend=np.zeros_like(planes[:, :1]))
    return segment


def segments_of(plane, rows, tile):
    """Yield the strips or the padded tiles of a plane (height, width, samples)."""
    if tile is None:
        yield from (plane[at : at + rows] for at in range(0, len(plane), rows))
        return
    padded = np.pad(plane, [(0, -plane.shape[0] % tile), (0, -plane.shape[1] % tile), (0, 0)])
    for row in range(0, padded.shape[0], tile):
        yield from (np.ascontiguousarray(padded[row : row + tile, at : at + tile]) for at in range(0, padded.shape[1], tile))


def write(
    path,
    values,
    compression=LZW,
    *,
    bits=None,
    predictor=1,
    photometric=1,
    encoded=None,
    planar=1,
    rows=None,
    tile=None,
    order="<",
    extra=(),
):
    """Write values (height, width) or (height, width, samples), planes first if planar is 2, with the tags of TIFF."""
    height, width, *samples = values.shape if planar == 1 else (*values.shape[1:], values.shape[0])
    n, rows = samples[0] if samples else 1, rows or height
    encode = {LZW: lzw, DEFLATE: zlib.compress}.get(compression, bytes)
    parts = []
    for plane in [values.reshape(height, width, -1)] if planar == 1 else values[..., None]:
        for segment in segments_of(plane, rows, tile):
            stored = differences(segment, predictor)
            parts.append(encode(stored.astype(stored.dtype.newbyteorder(order)).tobytes()))
    parts = parts if encoded is None else [encoded]
    offsets = [8 + sum(map(len, parts[:at])) for at in range(len(parts))]
    kind = {"u": 1, "i": 2, "f": 3, "b": 1}[values.dtype.kind]
    tags = [(256, 4, [width]), (257, 4, [height]), (258, 3, [bits or 8 * values.dtype.itemsize] * n), (259, 3, [compression])]
    tags += [(262, 3, [photometric]), (277, 3, [n]), (284, 3, [planar]), (317, 3, [predictor]), (339, 3, [kind] * n), *extra]
    tags += [(278, 4, [rows])] if tile is None else [(322, 4, [tile]), (323, 4, [tile])]
    tags += [(273 if tile is None else 324, 4, offsets), (279 if tile is None else 325, 4, [len(part) for part in parts])]
    path.write_bytes(_assembled(b"".join(parts), tags, order))


def _assembled(body, tags, order):
    """Return a file of a body and the directory that describes it."""
    start = 8 + len(body)
    entries, after, at = b"", b"", start + 2 + 12 * len(tags) + 4
    for tag, form, numbers in sorted(tags):
        packed = struct.pack(f"{order}{len(numbers)}{'HI'[form == 4]}", *numbers)
        if len(packed) > 4:
            entries += struct.pack(f"{order}HHII", tag, form, len(numbers), at + len(after))
            after += packed
        else:
            entries += struct.pack(f"{order}HHI", tag, form, len(numbers)) + packed.ljust(4, b"\0")
    sign = b"II*\0" if order == "<" else b"MM\0*"
    return sign + struct.pack(f"{order}I", start) + body + struct.pack(f"{order}H", len(tags)) + entries + b"\0\0\0\0" + after
