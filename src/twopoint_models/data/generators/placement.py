"""Placement of inclusions at the maxima of a field with a least distance, and the pixels that they cover."""

import math

import numpy as np
from scipy import ndimage, signal


def place(order: np.ndarray, shape: tuple[int, int], number: int, excluded: np.ndarray) -> np.ndarray:
    """Return at most ``number`` centres (n, 2): pixels, in a given order, that no earlier centre excludes.

    ``order`` holds flat pixel indices, the best first; ``excluded`` holds the offsets (k, 2) that a centre excludes.
    """
    height, width = shape
    free = np.ones(height * width, dtype=bool)
    rows, columns = excluded[:, 0], excluded[:, 1]
    found: list[int] = []
    at, step = 0, 256
    while at < len(order) and len(found) < number:
        candidates = order[at : at + step]
        for pixel in candidates[free[candidates]].tolist():
            if free[pixel]:
                found.append(pixel)
                if len(found) == number:
                    break
                i, j = divmod(pixel, width)
                free[(rows + i) % height * width + (columns + j) % width] = False
        at += step
    return np.stack(np.divmod(np.array(found, dtype=np.int64), width), axis=-1)


def within(distance: float, aspect: float = 1.0, angle: float = 0.0) -> np.ndarray:
    """Return the offsets (k, 2) within a distance; across a direction in degrees, within aspect times the distance."""
    reach = math.ceil(distance)
    rows, columns = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    cos, sin = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    along, across = cos * rows + sin * columns, (cos * columns - sin * rows) / aspect
    return np.argwhere((along**2 + across**2 < distance**2) | ((rows == 0) & (columns == 0))) - reach


def touching(inclusion: np.ndarray) -> np.ndarray:
    """Return the offsets (k, 2) at which two copies of an inclusion (h, w) overlap or share an edge of a pixel."""
    grown = ndimage.binary_dilation(np.pad(inclusion, 1))
    shared = signal.correlate(grown.astype(float), np.pad(inclusion, 1).astype(float))
    return np.argwhere(shared > 0.5) - (np.array(shared.shape) - 1) // 2


def cover(shape: tuple[int, int], centres: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """Return, for each pixel (H, W), the index of the first inclusion that covers it, or the number of inclusions.

    ``inside`` (n, h, w) holds each inclusion with its centre at [h // 2, w // 2]. The image is periodic.
    """
    which, rows, columns = np.nonzero(inside[::-1])
    which = len(centres) - 1 - which  # the first one is painted last
    rows = (rows - inside.shape[1] // 2 + centres[which, 0]) % shape[0]
    columns = (columns - inside.shape[2] // 2 + centres[which, 1]) % shape[1]
    first = np.full(shape, len(centres))
    first[rows, columns] = which
    return first


def fill(first: np.ndarray, number: int, volume_fraction: float) -> int:
    """Return the least number of inclusions, at least one, that reaches a volume fraction; 0 if all of them do not."""
    covered = np.cumsum(np.bincount(first.ravel(), minlength=number + 1)[:number])
    target = volume_fraction * first.size
    return int(np.searchsorted(covered, target)) + 1 if covered[-1] >= target else 0
