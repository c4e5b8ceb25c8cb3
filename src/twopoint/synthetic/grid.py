"""Points and lags of a grid."""

from collections.abc import Iterable

import numpy as np


def along(values: np.ndarray, axis: int, ndim: int) -> np.ndarray:
    """Reshape an array (..., n) so that its last axis becomes one axis of space, (..., 1, n, 1)."""
    return values.reshape((*values.shape[:-1], *(-1 if i == axis else 1 for i in range(ndim))))


def lags(size: int, boundary: str) -> np.ndarray:
    """Return the lags of one axis in FFT order: 0..S-1 (periodic, where r and r-S are equal) or 0..S-1, -(S-1)..-1 (open)."""
    forth = np.arange(size)
    return forth if boundary == "periodic" else np.concatenate([forth, np.arange(1 - size, 0)])


def squared_distance(space: tuple[int, ...], centre: Iterable[float], periodic: bool) -> np.ndarray:
    """Return the squared distance of every pixel to a centre, (*space); if periodic, the shortest distance on the torus."""
    total = np.zeros(space)
    for axis, (size, c) in enumerate(zip(space, centre, strict=True)):
        distance = np.abs(np.arange(size) - c)
        distance = np.minimum(distance, size - distance) if periodic else distance
        total += along(distance**2, axis, len(space))
    return total
