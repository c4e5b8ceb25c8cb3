"""Measures of labels: 2-point statistics, volume fractions, interface, correlation lengths, and a verdict on the field of view."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import correlations, one_hot, pair_counts, volume_fractions
from ..arrays.namespace import namespace
from ..statistics.radial import average_in_shells, shells_of
from . import memory, surface
from .reading.spacing import Spacing, readable_unit
from .terminal import InputError

LEAST_CROP = 3  # lags -1, 0, 1: fewer show no structure
_CORRELATED = 0.1  # autocovariance relative to lag 0 above which distant points are still correlated
_ROUNDING = 1e-9


@dataclass(frozen=True)
class Statistics:
    """2-point statistics of labels under an open or a periodic boundary, lags centred.

    Attributes
    ----------
    f : array (N, N, *lags)
        Probabilities that x is in phase h and x + r in phase k.
    count : array (*lags) or None
        Number of pairs of points at each lag; None if every lag spans all points.
    fractions : array (N,)
        Volume fractions.
    space : tuple of int
        Shape of the labels.
    boundary : str
        "open" or "periodic".
    spacing : Spacing
        One step per axis.
    box : tuple of int or None
        Extent of the points that the mask keeps; None without a mask.
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
        """The width of the shells of a radial average: the largest step, because narrower shells would miss lags along some axis."""
        return max(self.spacing.steps)

    def radial(self, f: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Return radii in the unit of spacing, and the radial averages of the autocorrelations, or of f, weighted by pairs of points."""
        values = np.stack([self.f[h, h] for h in range(len(self.f))]) if f is None else f
        shells = shells_of(self.lags, tuple(self.spacing.steps), True, self.shell)
        r, average, weight = average_in_shells(values, self.count, shells, self.ndim, namespace(f=values))
        reached = weight.reshape(-1, len(r))[0] > 0
        return r[reached], average[..., reached]


def crop_sizes(crop: int | None, space: tuple[int, ...], boundary: str) -> tuple[int, ...]:
    """Return the number of lags along each axis: crop, or as many as there are pixels, so that the longest lag is half the image."""
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
        Spacing of the labels.

    Returns
    -------
    Statistics

    Raises
    ------
    InputError
        If the statistics need more memory than is available.
    """
    ndim = labels.ndim
    memory.require(memory.for_statistics(labels.shape, n_phases, boundary, crop), f"correlating {n_phases} phases of shape {labels.shape}")
    m = one_hot(labels, n_phases, ndim=ndim)
    f = correlations(m, ndim=ndim, boundary=boundary, mask=mask, crop=crop, centered=True)  # (N, N, *lags)
    point_mask = np.ones(labels.shape, dtype=bool) if mask is None else mask
    periodic_unmasked = boundary == "periodic" and mask is None
    count = None if periodic_unmasked else pair_counts(point_mask, ndim=ndim, boundary=boundary, crop=crop, centered=True)
    fractions = volume_fractions(m, ndim=ndim, mask=mask)
    box = None if mask is None else tuple(int(np.ptp(along)) + 1 for along in np.nonzero(mask))
    return Statistics(f, count, fractions, labels.shape, boundary, spacing.along(ndim), box)


@dataclass(frozen=True)
class FieldOfView:
    """Verdict on whether an image shows enough of a material.

    Attributes
    ----------
    large_enough : bool or None
        None if there is no verdict.
    reason : str
        The reason, for the user.
    """

    large_enough: bool | None
    reason: str


def autocovariances(statistics: Statistics) -> tuple[np.ndarray, np.ndarray]:
    """Return radii and the autocovariance of each phase, averaged over directions and normalised to 1 at lag 0.

    At each lag r the autocovariance is ``f_hh(r) - a(r) b(r)``, where a and b are the means of m_h over the first points x and over the
    second points x + r of the pairs that r spans: a(r) is the sum over k of f_hk(r), and b(r) the sum of f_kh(r). Under an open boundary or
    a mask they differ from the volume fraction. With the volume fraction in their place, two phases would have two autocovariances instead
    of one. The radial average is divided by that of ``sqrt(a (1 - a) b (1 - b))``; a shell where this is 0 holds NaN.

    Parameters
    ----------
    statistics : Statistics
        Statistics of N phases that fill space.

    Returns
    -------
    r : array (shells,)
        In the unit of spacing.
    values : array (N, shells)
    """
    covariance, spread = covariance_map(statistics)
    r, averages = statistics.radial(covariance)
    scale = statistics.radial(spread)[1]
    defined = scale > _ROUNDING
    return r, np.where(defined, averages / np.where(defined, scale, 1), np.nan)


def covariance_map(statistics: Statistics) -> tuple[np.ndarray, np.ndarray]:
    """Return the autocovariance of each phase at each lag, and what it is divided by, each (N, *lags); see :func:`autocovariances`."""
    f = statistics.f
    first, second = f.sum(axis=1), f.sum(axis=0)  # (N, *lags)
    own = np.stack([f[h, h] for h in range(len(f))])
    return own - first * second, np.sqrt(np.clip(first * (1 - first) * second * (1 - second), 0, None))


def describe_phases(statistics: Statistics) -> list[dict[str, Any]]:
    """Return the volume fraction, specific surface, correlation length, and autocovariance at long distances of each phase.

    The specific surface is Crofton's sum of the crossings of the interface along many directions, :func:`specific_surface`. The correlation
    length is the distance at which the radially averaged autocovariance has fallen to 1/e. Long distances are those from a quarter to half
    of the smallest extent of the image.

    Parameters
    ----------
    statistics : Statistics
        Statistics of N phases.

    Returns
    -------
    list of dict
        One per phase; a number that cannot be determined is None.
    """
    r, decays = autocovariances(statistics)
    return [
        {
            "phase": h,
            "volume_fraction": float(v),
            "specific_surface": specific_surface(statistics, h).value,
            "correlation_length": _length(r, decays[h], statistics),
            "tail": _tail(r, decays[h], statistics),
        }
        for h, v in enumerate(statistics.fractions)
    ]


def specific_surface(statistics: Statistics, phase: int) -> surface.Surface:
    """Return the interface of a phase per area or volume, from the lags near 0, and what limits its accuracy."""
    steps = tuple(statistics.spacing.steps)
    kept = [min(n // 2, longest) for n, longest in zip(statistics.lags, surface.reach(steps), strict=True)]
    near: Any = tuple(slice(n // 2 - k, n // 2 + k + 1) for n, k in zip(statistics.lags, kept, strict=True))
    f = statistics.f[(..., *near)]  # (N, N, *near)
    crossings = (f[phase].sum(axis=0) + f[:, phase].sum(axis=0)) - 2 * f[phase, phase]
    if statistics.count is not None:
        crossings = np.where(statistics.count[near] > 0, crossings, np.nan)
    return surface.specific_surface(crossings, float(statistics.fractions[phase]), steps)


def doubts(statistics: Statistics) -> Iterator[str]:
    """Yield remarks on specific surfaces that may be off by more than 3 %.

    Parameters
    ----------
    statistics : Statistics
        Statistics of N phases.
    """
    found = [specific_surface(statistics, h) for h in range(len(statistics.f))]
    enough = 2 * surface.LONGEST * statistics.shell
    thin = {h: row.thickness for h, row in enumerate(found) if row.thickness < enough}
    factor, unit = readable_unit(statistics.spacing.unit, enough)
    if thin:
        yield (
            f"phase{'s' * (len(thin) > 1)} {', '.join(map(str, thin))}, or the gaps in between, are on average "
            f"{min(thin.values()) * factor:.2g} {unit} wide in some direction, less than {enough * factor:.2g} {unit}; "
            "the specific surface may be off by more than 3 %, and an image with finer pixels gives it more exactly"
        )
    coarse = max((row.largest_error for h, row in enumerate(found) if h not in thin and row.value), default=0.0)
    if coarse > surface.ACCURATE:
        yield (
            f"the lags that are kept have few directions, so that the specific surface may be off by {100 * coarse:.0f} %; "
            "a larger --crop gives more"
        )


def field_of_view(statistics: Statistics, phases: list[dict[str, Any]]) -> FieldOfView:
    """Return one verdict for all phases, on a fixed range of lags; without these lags there is no verdict, so it never depends on the crop.

    Parameters
    ----------
    statistics : Statistics
        Statistics of N phases.
    phases : list of dict
        Their measures, as :func:`describe_phases` returns them.
    """
    tails = [row["tail"] for row in phases]
    reach, kept = _reach(statistics), _longest_lag(statistics.lags, statistics.spacing)
    factor, unit = readable_unit(statistics.spacing.unit, reach)
    if _cropped(statistics):
        return FieldOfView(
            None, f"it needs lags up to {reach * factor:.4g} {unit}, half of the image, and --crop keeps {kept * factor:.4g} {unit}"
        )
    if any(tail is None for tail in tails):
        return FieldOfView(None, "too few pairs of points are far apart")
    largest = max(tails)
    far = f"covariance {largest:.2g} from {reach / 2 * factor:.4g} to {reach * factor:.4g} {unit}"
    if largest >= _CORRELATED or any(row["correlation_length"] is None for row in phases):
        return FieldOfView(False, f"distant points are still correlated, {far}; another image of the material may give other numbers")
    return FieldOfView(True, f"distant points are nearly uncorrelated, {far}")


def _longest_lag(sizes: tuple[int, ...], spacing: Spacing) -> float:
    """Return the longest distance that these numbers of centred lags reach along both directions of every axis."""
    return min((n - 1) // 2 * step for n, step in zip(sizes, spacing.steps, strict=True))


def _reach(statistics: Statistics) -> float:
    """Return half the smallest extent of the points inside the mask; longer lags have few pairs of points."""
    return _longest_lag(statistics.box or statistics.space, statistics.spacing)


def _cropped(statistics: Statistics) -> bool:
    """Return whether the crop is too small for the verdict."""
    return _longest_lag(statistics.lags, statistics.spacing) < _reach(statistics) * (1 - _ROUNDING)


def _inside(r: np.ndarray, statistics: Statistics) -> np.ndarray:
    """Return which shells are complete up to half the image; a larger crop adds none."""
    margin = (statistics.shell - min(statistics.spacing.steps)) / 2
    return r <= (_reach(statistics) - margin) * (1 + _ROUNDING)


def _length(r: np.ndarray, decay: np.ndarray, statistics: Statistics) -> float | None:
    """Return the distance at which an autocovariance has fallen to 1/e; None if it does not within half the image."""
    inside = _inside(r, statistics)
    return decay_length(r[inside], decay[inside])


def decay_length(r: np.ndarray, decay: np.ndarray) -> float | None:
    """Return the distance at which an autocovariance has fallen to 1/e, between two distances linearly; None if it does not."""
    below = np.flatnonzero(decay <= math.exp(-1))
    if len(r) < 2 or not len(below) or below[0] == 0:
        return None
    last, first = decay[below[0] - 1], decay[below[0]]
    length = r[below[0] - 1] + (r[below[0]] - r[below[0] - 1]) * (last - math.exp(-1)) / (last - first)
    return float(length) if math.isfinite(length) else None


def _tail(r: np.ndarray, decay: np.ndarray, statistics: Statistics) -> float | None:
    """Return the largest autocovariance from a quarter to half of the image; None if too few lags were kept."""
    far = decay[_inside(r, statistics) & (r >= _reach(statistics) / 2 * (1 - _ROUNDING)) & np.isfinite(decay) & (r > 0)]
    return None if _cropped(statistics) or len(far) < 2 else float(np.abs(far).max())
