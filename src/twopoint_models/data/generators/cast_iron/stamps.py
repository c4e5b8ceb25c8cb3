"""Pixels in discs and in discs with irregular outlines, computed for all particles at once in windows about their centres."""

from collections.abc import Iterator

import numpy as np

ENTRIES = 1 << 20  # window pixels at a time, which bounds the memory
Hits = tuple[np.ndarray, np.ndarray]  # flat pixels, and the particle of each


def discs(centres: np.ndarray, radii: np.ndarray, shape: tuple[int, int]) -> Hits:
    """Return the pixels within radii (n,) of the centres (n, 2), with periodic boundary, small discs first."""
    parts = []
    half = (radii + 0.5).astype(int)
    for size in np.unique(half):  # small discs in small windows
        members = np.flatnonzero(half == size)
        squares = radii[members] ** 2
        for at, y, x, pixels in _windows(centres[members], float(size), shape):
            inside = (y * y)[:, :, None] + (x * x)[:, None, :] <= squares[at, None, None]
            parts.append((pixels[inside], members[at][np.nonzero(inside)[0]]))
    return _joined(parts)


def blobs(centres: np.ndarray, radii: np.ndarray, waves: np.ndarray, shape: tuple[int, int]) -> Hits:
    """Return the pixels within ``radii * outline(angle, waves)`` of the centres, in the order of the particles."""
    parts = []
    reach = float((radii * (1 + np.abs(waves).sum(1))).max(initial=0.0))
    for at, y, x, pixels in _windows(centres, reach, shape):
        z = x[:, None, :] + 1j * y[:, :, None]
        distance = np.abs(z)
        unit = z / np.maximum(distance, 1e-12)
        inside = distance <= radii[at, None, None] * outline(unit, waves[at, :, None, None])
        parts.append((pixels[inside], np.nonzero(inside)[0] + at.start))
    return _joined(parts)


def outline(unit: np.ndarray, waves: np.ndarray) -> np.ndarray:
    """Return ``1 + Re sum_k w_k u^(k + 2)`` for directions u on the unit circle and waves (n, k, ...)."""
    total: np.ndarray = waves[:, -1]
    for k in range(waves.shape[1] - 2, -1, -1):
        total = total * unit + waves[:, k]
    return 1 + (total * unit * unit).real


def _windows(centres: np.ndarray, reach: float, shape: tuple[int, int]) -> Iterator[tuple[slice, np.ndarray, np.ndarray, np.ndarray]]:
    """Yield a slice of particles, the offsets (n, w) of rows and columns of their windows from the centres, and flat pixels (n, w, w)."""
    half = int(reach + 0.5)  # relative to the pixel nearest to the centre, at most half a pixel away
    span = np.arange(-half, half + 1)
    count = max(1, ENTRIES // len(span) ** 2)
    for start in range(0, len(centres), count):
        at = slice(start, min(start + count, len(centres)))
        near = np.rint(centres[at]).astype(np.intp)[:, :, None] + span  # (n, 2, w)
        offset = near - centres[at, :, None]
        rows, columns = near[:, 0] % shape[0], near[:, 1] % shape[1]
        yield at, offset[:, 0], offset[:, 1], (rows * shape[1])[:, :, None] + columns[:, None, :]


def _joined(parts: list[Hits]) -> Hits:
    """Concatenate the hits of all blocks."""
    if len(parts) == 1:
        return parts[0]
    none = [np.zeros(0, np.intp)]
    return np.concatenate(none + [pixels for pixels, _ in parts]), np.concatenate(none + [which for _, which in parts])
