"""What is measured of labels: 2-point statistics, and the numbers that a person reads off them."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import correlations, one_hot, pair_counts, radial_average, volume_fractions
from . import memory
from .errors import InputError
from .units import Spacing

LEAST_CROP = 3  # lags -1, 0, 1: fewer hold no structure
# Interface per volume from the share of neighbours that lie across it: 2, pi and 4 in one, two and three dimensions.
_INTERFACE = {1: 2.0, 2: math.pi, 3: 4.0}
_CORRELATED = 0.1  # autocovariance, relative to lag 0, beyond which far points still know of each other


@dataclass(frozen=True)
class Statistics:
    """2-point statistics of labels under an open or a periodic boundary, lags centred.

    Attributes
    ----------
    f : array (N, N, *lags)
        Probabilities that x is of phase h and x + r of phase k.
    count : array (*lags) or None
        Pairs of points behind each lag; None where all lags span all points.
    fractions : array (N,)
        Volume fractions.
    space : tuple of int
        Of the labels.
    boundary : str
        "open" or "periodic".
    spacing : Spacing
        One step an axis.
    """

    f: np.ndarray
    count: np.ndarray | None
    fractions: np.ndarray
    space: tuple[int, ...]
    boundary: str
    spacing: Spacing

    @property
    def lags(self) -> tuple[int, ...]:
        """The number of lags along each axis."""
        return self.f.shape[2:]

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.space)

    def radial(self, f: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Return radii in the unit of spacing and the radial averages of the phases' autocorrelations, or of f, weighted by pairs."""
        values = np.stack([self.f[h, h] for h in range(len(self.f))]) if f is None else f
        options: dict[str, Any] = dict(ndim=self.ndim, centered=True, spacing=self.spacing.steps)
        r, average = radial_average(values, count=self.count, **options)
        if self.count is None:
            return r, average
        reached = radial_average(self.count, **options)[1] > 0
        return r[reached], average[..., reached]


def crop_sizes(crop: int | None, space: tuple[int, ...], boundary: str) -> tuple[int, ...]:
    """Return the number of lags kept along each axis: as many as pixels, so that the furthest is half the image, unless said otherwise."""
    if crop is None:
        return space
    totals = [2 * size - 1 if boundary == "open" else size for size in space]
    if not LEAST_CROP <= crop <= max(totals):
        raise InputError(
            f"--crop must be {LEAST_CROP} to {max(totals)} lags for an image of shape {space}, {boundary} boundary, got {crop}"
        )
    return tuple(min(crop, total) for total in totals)


def measure(
    labels: np.ndarray, n_phases: int, *, boundary: str, spacing: Spacing, crop: tuple[int, ...], mask: np.ndarray | None = None
) -> Statistics:
    """Measure the statistics of labels.

    Parameters
    ----------
    labels : int array (*space)
        Phases 0..n_phases-1.
    n_phases : int
        Number of phases.
    boundary, mask, crop
        As in :func:`twopoint.correlations`.
    spacing : Spacing
        Of the labels.

    Returns
    -------
    Statistics

    Raises
    ------
    InputError
        If that needs more memory than there is.
    """
    ndim = labels.ndim
    memory.require(memory.for_statistics(labels.shape, n_phases, boundary, crop), f"correlating {n_phases} phases of shape {labels.shape}")
    m = one_hot(labels, n_phases, ndim=ndim)
    f = correlations(m, ndim=ndim, boundary=boundary, mask=mask, crop=crop, centered=True)  # (N, N, *lags)
    counting = np.ones(labels.shape, dtype=bool) if mask is None else mask
    closed = boundary == "periodic" and mask is None
    count = None if closed else pair_counts(counting, ndim=ndim, boundary=boundary, crop=crop, centered=True)
    fractions = volume_fractions(m, ndim=ndim, mask=mask)
    return Statistics(f, count, fractions, labels.shape, boundary, spacing.along(ndim))


def numbers_of(statistics: Statistics) -> list[dict[str, Any]]:
    """Return for each phase volume fraction, specific surface, correlation length, and whether the field of view is large enough.

    The specific surface is ``c / d * sum over axes i of P_i / a_i``, P_i the share of neighbours along axis i of which one is of the phase
    and the other not, halved, a_i the spacing, and c = 2, pi, 4 in d = 1, 2, 3 dimensions: for isotropic interfaces the slope of S2 at 0
    (S2'(0) = -s/2, -s/pi, -s/4) and Cauchy's formula of intercepts. It is an estimate from pixels. The correlation length is the distance
    at which the radially averaged autocovariance ``(S2(r) - v^2) / (v - v^2)`` has fallen to 1/e. The field of view is large enough if
    that autocovariance stays below 0.1 in the outer half of the lags.

    Parameters
    ----------
    statistics : Statistics
        Of N phases.

    Returns
    -------
    list of dict
        One a phase; None where a number cannot be told.

    References
    ----------
    Debye, Anderson, Brumberger, J. Appl. Phys. 28, 679 (1957); Torquato, *Random Heterogeneous Materials* (2002), section 2.2.
    """
    r, averages = statistics.radial()
    return [
        {
            "phase": h,
            "volume_fraction": float(v),
            "specific_surface": specific_surface(statistics, h),
            **_decay(r, averages[h], float(v)),
        }
        for h, v in enumerate(statistics.fractions)
    ]


def specific_surface(statistics: Statistics, phase: int) -> float | None:
    """Return the interface of a phase per area or volume, in one over the unit of spacing; None where no neighbours are known."""
    total, axes = 0.0, 0
    for axis, (n, step) in enumerate(zip(statistics.lags, statistics.spacing.steps, strict=True)):
        at = tuple(size // 2 - (i == axis) for i, size in enumerate(statistics.lags))
        if n < 2 or (statistics.count is not None and statistics.count[at] == 0):
            continue
        neighbour: Any = (..., *at)
        f = statistics.f[neighbour]  # (N, N)
        across = f[phase].sum() + f[:, phase].sum() - 2 * f[phase, phase]
        total, axes = total + float(across) / 2 / step, axes + 1
    return _INTERFACE[statistics.ndim] * max(total, 0.0) / axes if axes else None


def _decay(r: np.ndarray, average: np.ndarray, v: float) -> dict[str, Any]:
    """Return correlation length, the largest autocovariance in the outer half of the lags, and whether that is small."""
    if len(r) < 4 or not 0 < v < 1:
        return {"correlation_length": None, "tail": None, "large_enough": None}
    decay = (average - v**2) / (v - v**2)
    below = np.flatnonzero(decay <= math.exp(-1))
    length = None
    if len(below) and below[0] > 0:
        last, first = decay[below[0] - 1], decay[below[0]]
        length = float(r[below[0] - 1] + (r[below[0]] - r[below[0] - 1]) * (last - math.exp(-1)) / (last - first))
    tail = float(np.abs(decay[r >= r[-1] / 2]).max())
    return {"correlation_length": length, "tail": tail, "large_enough": length is not None and tail < _CORRELATED}
