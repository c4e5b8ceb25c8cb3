"""What is measured of labels: 2-point statistics and their averages over directions."""

from dataclasses import dataclass

import numpy as np

from .. import correlations, one_hot, pair_counts, volume_fractions
from .._namespace import namespace
from ..radial import average_in_shells, shells_of
from . import memory
from .errors import InputError
from .units import Spacing

LEAST_CROP = 3  # lags -1, 0, 1: fewer hold no structure


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
    box : tuple of int or None
        The extent of the points that count, of those under a mask; None where it is that of the labels.
    """

    f: np.ndarray
    count: np.ndarray | None
    fractions: np.ndarray
    space: tuple[int, ...]
    boundary: str
    spacing: Spacing
    box: tuple[int, ...] | None = None

    @property
    def lags(self) -> tuple[int, ...]:
        """The number of lags along each axis."""
        return self.f.shape[2:]

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.space)

    @property
    def shell(self) -> float:
        """The width of the shells of a radial average: the largest step, as a narrower one would miss lags along some axis."""
        return max(self.spacing.steps)

    def radial(self, f: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Return radii in the unit of spacing and the radial averages of the phases' autocorrelations, or of f, weighted by pairs."""
        values = np.stack([self.f[h, h] for h in range(len(self.f))]) if f is None else f
        shells = shells_of(self.lags, tuple(self.spacing.steps), True, self.shell)
        r, average, weight = average_in_shells(values, self.count, shells, self.ndim, namespace(f=values))
        reached = weight.reshape(-1, len(r))[0] > 0
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
    box = None if mask is None else tuple(int(np.ptp(along)) + 1 for along in np.nonzero(mask))
    return Statistics(f, count, fractions, labels.shape, boundary, spacing.along(ndim), box)
