"""Correlation lengths along directions, which show whether a structure is drawn out."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from .measures import Statistics, covariance_map, decay_length

_STEP = 15  # degrees between two directions of an image
_ROUNDING = 1e-9


@dataclass(frozen=True)
class DirectionalLengths:
    """Correlation lengths along directions.

    Attributes
    ----------
    angles : tuple of float or None
        Degrees, counterclockwise from the direction of a row, as a picture shows it; None for a volume.
    vectors : array (directions, ndim)
        Directions of length 1, rows (or slices) first.
    lengths : list of list of float or None
        For each phase and direction, in the unit of the spacing; None if the autocovariance does not fall to 1/e within half the image.
    """

    angles: tuple[float, ...] | None
    vectors: np.ndarray
    lengths: list[list[float | None]]

    @property
    def anisotropy(self) -> list[float | None]:
        """The longest over the shortest length of each phase; None if a length is unknown."""
        found = []
        for lengths in self.lengths:
            finite = [length for length in lengths if length]
            found.append(max(finite) / min(finite) if len(finite) == len(lengths) else None)
        return found

    def summary(self) -> dict[str, Any]:
        """Return angles (of an image), vectors and lengths for a .json file."""
        angles = {} if self.angles is None else {"angles": list(self.angles)}
        vectors = np.round(self.vectors, 12).tolist()
        return angles | {"vectors": vectors, "correlation_lengths": self.lengths, "anisotropy": self.anisotropy}


def directional_lengths(statistics: Statistics) -> DirectionalLengths:
    """Return the distance at which the autocovariance of each phase has fallen to 1/e, along directions.

    The autocovariance at each lag is that of :func:`measures.autocovariances`, here without the average over directions. Between lags it
    is interpolated linearly. An image has a direction every 15 degrees, a volume its three axes.

    Parameters
    ----------
    statistics : Statistics
        Statistics of N phases.
    """
    angles: tuple[float, ...] | None = None
    if statistics.ndim == 2:
        turned = np.radians(np.arange(0, 180, _STEP))
        angles = tuple(range(0, 180, _STEP))
        vectors = np.stack([-np.sin(turned), np.cos(turned)], axis=1)  # rows count downward
    else:
        vectors = np.eye(statistics.ndim)
    covariance, spread = covariance_map(statistics)
    lengths = [[_along(vector, c, s, statistics) for vector in vectors] for c, s in zip(covariance, spread, strict=True)]
    return DirectionalLengths(angles, vectors, lengths)


def _along(vector: np.ndarray, covariance: np.ndarray, spread: np.ndarray, statistics: Statistics) -> float | None:
    """Return the correlation length along one direction."""
    from scipy.ndimage import map_coordinates

    steps = np.array(statistics.spacing.steps)
    extent = statistics.box or statistics.space
    most = np.array([min((n - 1) // 2, (size - 1) // 2) for n, size in zip(statistics.lags, extent, strict=True)])
    moved = np.abs(vector) / steps  # lags per unit of length, along each axis
    used = moved > _ROUNDING
    reach, step = float((most[used] / moved[used]).min()), 1 / float(moved.max())
    r = step * np.arange(math.floor(reach / step * (1 + _ROUNDING)) + 1)
    centre = np.array(statistics.lags) // 2
    at = centre[:, None] + (vector / steps)[:, None] * r
    value, scale = (map_coordinates(x, at, order=1, mode="nearest") for x in (covariance, spread))
    defined = scale > _ROUNDING
    return decay_length(r[defined], value[defined] / scale[defined])
