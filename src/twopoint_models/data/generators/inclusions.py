"""Inclusions gathered by a field: discs, ellipses and cells of Voronoi tessellations.

Inclusions are placed one after the other where a field is highest, at least a spacing apart, until phase 1 reaches its volume fraction.
Each function takes the shape (H, W), the arrangement of the field, a Generator, and lengths in pixels. It returns the image (H, W) of 0
and 1, the number of inclusions and the spacing that was kept. The field is averaged over a window of size ``smooth``. A fine second field
of length ``grain`` and relative strength ``disorder`` keeps inclusions from lying in rows.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from scipy.spatial import cKDTree

from .arrangement import Arrangement
from .placement import cover, fill, place, touching, within

FINE = 4.0  # pixels: for smaller discs a gap of a pixel would be too large
NEIGHBOURS = 12  # nearest neighbours that may bound a cell
REACH = 1.7  # largest distance of a cell from its nucleus, in periods of the lattice
RELAX = 0.97  # factor of the spacing each time that there is not enough room
Shapes = Callable[[int], np.ndarray]  # returns n inclusions (n, h, w), each about its centre
Told = dict[str, Any]


class Gathering(NamedTuple):
    """Placement of inclusions."""

    spacing: float
    disorder: float
    grain: float
    smooth: float

    def order(self, shape: tuple[int, int], arrangement: Arrangement, rng: np.random.Generator) -> np.ndarray:
        """Return the flat indices of all pixels in order of decreasing field."""
        field = arrangement.smoothed(self.smooth).field(shape, rng=rng)
        field += self.disorder * Arrangement(self.grain, self.grain).field(shape, rng=rng)
        return np.argsort(-field.astype(np.float32).ravel())


def discs(
    shape: tuple[int, int],
    arrangement: Arrangement,
    *,
    rng: np.random.Generator,
    volume_fraction: float,
    radii: Sequence[float],
    **gathering: float,
) -> tuple[np.ndarray, Told]:
    """Return discs with radii drawn uniformly from a list. With one radius and the full spacing, no two discs share an edge of a pixel."""
    rows, columns = _window(max(radii))
    each = np.stack([rows**2 + columns**2 <= radius**2 for radius in radii])
    meeting = touching(each[0]) if len(radii) == 1 and radii[0] >= FINE else np.empty((0, 2), dtype=int)

    def shapes(n: int) -> np.ndarray:
        return each[rng.integers(len(each), size=n)]

    def excluded(spacing: float) -> np.ndarray:
        near = within(spacing)
        return near if spacing < how.spacing else np.unique(np.concatenate([near, meeting]), axis=0)

    how = Gathering(**gathering)
    order = how.order(shape, arrangement, rng)
    return _gather(order, shape, volume_fraction, float(each.sum(axis=(1, 2)).mean()), how.spacing, excluded, shapes)


def ellipses(
    shape: tuple[int, int],
    arrangement: Arrangement,
    *,
    rng: np.random.Generator,
    volume_fraction: float,
    half_length: float,
    half_width: float,
    direction: float | None = None,
    **gathering: float,
) -> tuple[np.ndarray, Told]:
    """Return ellipses of random directions or of one direction in degrees; across it the spacing is less by the difference of the axes."""
    if not 0 < half_width <= half_length:
        raise ValueError(f"half_width must be above 0 and no more than half_length, {half_length}, got {half_width}")
    rows, columns = _window(half_length)
    how = Gathering(**gathering)
    aspect = max(how.spacing - 2 * (half_length - half_width), 0.5) / how.spacing  # at least half a pixel

    def shapes(n: int) -> np.ndarray:
        angles = rng.uniform(0, np.pi, n) if direction is None else np.full(n, math.radians(direction))
        cos, sin = np.cos(angles)[:, None, None], np.sin(angles)[:, None, None]
        return np.asarray(((cos * rows + sin * columns) / half_length) ** 2 + ((cos * columns - sin * rows) / half_width) ** 2 <= 1)

    def excluded(spacing: float) -> np.ndarray:
        return within(spacing) if direction is None else within(spacing, aspect, direction)

    order = how.order(shape, arrangement, rng)
    return _gather(order, shape, volume_fraction, math.pi * half_length * half_width, how.spacing, excluded, shapes)


def voronoi_cells(
    shape: tuple[int, int],
    arrangement: Arrangement,
    *,
    rng: np.random.Generator,
    volume_fraction: float,
    area: float,
    irregularity: float,
    **gathering: float,
) -> tuple[np.ndarray, Told]:
    """Return Voronoi cells of a mean area. Nuclei are displaced from a square lattice by up to half its period times the irregularity."""

    def shapes(n: int) -> np.ndarray:
        return _cells(n, math.sqrt(area), irregularity, rng)

    how = Gathering(**gathering)
    order = how.order(shape, arrangement, rng)
    return _gather(order, shape, volume_fraction, area, how.spacing, within, shapes)


def _gather(
    order: np.ndarray,
    shape: tuple[int, int],
    volume_fraction: float,
    area: float,
    spacing: float,
    excluded: Callable[[float], np.ndarray],
    shapes: Shapes,
) -> tuple[np.ndarray, Told]:
    """Return the image; reduce the spacing if there is not enough room."""
    number, target = math.ceil(1.1 * volume_fraction * order.size / max(area, 1)) + 2, spacing
    while True:
        centres = place(order, shape, number, excluded(spacing))
        first = cover(shape, centres, shapes(len(centres)))
        count = fill(first, len(centres), volume_fraction)
        if count:
            return (first < count).astype(np.uint8), {"inclusions": count, "spacing": spacing, "wanted_spacing": target}
        if len(centres) < number:
            spacing *= RELAX
        else:
            number = math.ceil(1.4 * number)


def _window(reach: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the offsets of rows (h, w) and columns (h, w) about a middle pixel."""
    n = math.ceil(reach)
    rows, columns = np.mgrid[-n : n + 1, -n : n + 1]
    return rows, columns


def _cells(n: int, period: float, irregularity: float, rng: np.random.Generator) -> np.ndarray:
    """Return n different cells (n, h, w) of a periodic tessellation, each about its nucleus."""
    side = max(5, math.ceil(math.sqrt(n)))
    lattice = np.indices((side, side)).reshape(2, -1).T
    nuclei = (lattice + 0.5 + rng.uniform(-0.5, 0.5, lattice.shape) * irregularity) % side
    chosen = nuclei[rng.permutation(len(nuclei))[:n]]
    _, near = cKDTree(nuclei, boxsize=side).query(chosen, k=NEIGHBOURS + 1)
    away = (nuclei[near[:, 1:]] - chosen[:, None] + side / 2) % side - side / 2  # (n, neighbours, 2)
    middle = (away**2).sum(axis=-1) / 2
    reach = math.ceil(REACH * period)
    points = np.arange(-reach, reach + 1) / period
    inside = np.ones((n, len(points), len(points)), dtype=bool)
    for k in range(NEIGHBOURS):  # pixels nearer to the nucleus than to this neighbour
        inside &= (away[:, k, 0, None] * points)[:, :, None] <= (middle[:, k, None] - away[:, k, 1, None] * points)[:, None, :]
    return inside
