"""Panels of the pictures, as data: fields, curves and histograms, which figures.draw draws."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from ..measures import Statistics, describe_phases
from ..reading.segmentation import Segmentation
from ..reading.spacing import Spacing, readable_unit
from ..terminal import printable

_LONGEST = 42  # letters of a name in a title
_SHOWN = 10  # correlation lengths from the centre of a map to its edge
_MOST_MAPS = 4  # of autocorrelations


@dataclass(frozen=True)
class Field:
    """An image over space or over lags; a volume is shown by its middle slice.

    Attributes
    ----------
    values : array (*space)
        Labels, gray values or a statistic.
    title : str
        Title of the panel.
    kind : str
        "phases", "gray", "statistic" (over lags, zero lag in the centre) or "difference" (over lags, on a scale symmetric about 0).
    spacing : Spacing
        One step per axis.
    n_phases : int
        Number of phases, of kind "phases".
    reach : float or None
        The longest lag that is shown, in the unit of spacing; None for all.
    axis : int
        Axis along which the middle slice of a volume is taken.
    """

    values: np.ndarray
    title: str
    kind: str
    spacing: Spacing
    n_phases: int = 0
    reach: float | None = None
    axis: int = 0

    @property
    def over_lags(self) -> bool:
        """Whether its axes are lags."""
        return self.kind in ("statistic", "difference")

    @property
    def slice(self) -> np.ndarray:
        """The image, or the middle slice of a volume, which in statistics is lag 0 along the axis."""
        return self.values.take(self.values.shape[self.axis] // 2, self.axis) if self.values.ndim == 3 else self.values

    @property
    def steps(self) -> tuple[float, float]:
        """The spacing of the slice, down and to the right."""
        kept = [step for axis, step in enumerate(self.spacing.steps) if axis != self.axis] if self.values.ndim == 3 else self.spacing.steps
        return kept[0], kept[1]


@dataclass(frozen=True)
class Curve:
    """One line over distances."""

    values: np.ndarray
    name: str  # in the legend; "" for none
    colour: int  # a phase, whose colour the line has
    dashed: bool = False
    limit: float | None = None  # value at long distances, drawn dotted
    mark: float | None = None  # a distance that is marked on the line


@dataclass(frozen=True)
class Curves:
    """Several lines over distances."""

    r: np.ndarray
    lines: tuple[Curve, ...]
    title: str
    unit: str
    remark: str = ""


@dataclass(frozen=True)
class Histogram:
    """A histogram of gray values, with the thresholds."""

    values: np.ndarray = field(repr=False)
    thresholds: tuple[float, ...]
    title: str


Panel = Field | Curves | Histogram


def short(text: str) -> str:
    """Shorten a name at its beginning so that it fits into a title.

    Examples
    --------
    >>> from twopoint.cli.showing.panels import short
    >>> short("photo.png")
    'photo.png'
    """
    text = printable(text)
    return text if len(text) <= _LONGEST else "…" + text[1 - _LONGEST :]


def panels_of_segmentation(
    values: np.ndarray, segmentation: Segmentation, name: str, spacing: Spacing, mask: np.ndarray | None = None
) -> list[Panel]:
    """Return panels of the labels of an image, after its gray values without outliers and their histogram if thresholds cut them."""
    where = ", middle slice" if values.ndim == 3 else ""
    labels = segmentation.labels if mask is None else np.where(mask, segmentation.labels.astype(np.int16), np.int16(-1))
    phases = Field(labels, ("segmentation" if segmentation.thresholds else short(name)) + where, "phases", spacing, segmentation.n_phases)
    if not segmentation.thresholds:
        return [phases]
    values = values if segmentation.gray_range is None else np.clip(values, *segmentation.gray_range)
    kept = values if mask is None else values[mask]
    return [Field(values, short(name) + where, "gray", spacing), Histogram(kept, segmentation.thresholds, "gray values"), phases]


def panels_of_statistics(statistics: Statistics, lengths: Sequence[float | None]) -> list[Panel]:
    """Return panels of the autocorrelations, as maps, and of their radial averages; one map shows both of two phases."""
    n = len(statistics.f)
    shown = [1] if n == 2 else range(min(n, _MOST_MAPS))
    where = ", lag 0 along axis 0" if statistics.ndim == 3 else ""
    reach, part = _view(statistics, lengths)
    maps = [
        Field(statistics.f[h, h], f"autocorrelation of phase {h}{where}{part}", "statistic", statistics.spacing, reach=reach) for h in shown
    ]
    r, averages = statistics.radial()
    lines = tuple(
        Curve(averages[h], f"phase {h}", h, limit=float(v) ** 2, mark=lengths[h]) for h, v in enumerate(statistics.fractions.tolist())
    )
    remark = "dotted: volume fraction squared\ndot: correlation length" + _shells(statistics)
    return [*maps, Curves(r, lines, "radial averages of the autocorrelations", statistics.spacing.unit, remark)]


def _view(statistics: Statistics, lengths: Sequence[float | None]) -> tuple[float | None, str]:
    """Return the longest lag that a map shows, ten correlation lengths, and text for its title; None and "" if the map shows all lags."""
    finite = [length for length in lengths if length is not None]
    furthest = max(n // 2 * step for n, step in zip(statistics.lags, statistics.spacing.steps, strict=True))
    reach = _SHOWN * max(finite, default=0.0)
    if len(finite) < len(lengths) or reach > 0.8 * furthest or reach < 4 * max(statistics.spacing.steps):
        return None, ""
    factor, unit = readable_unit(statistics.spacing.unit, furthest)
    return reach, f"\nlags to {reach * factor:.3g} of {furthest * factor:.3g} {unit} shown"


def _shells(statistics: Statistics) -> str:
    """Return text on the width of the shells if it exceeds one pixel along some axis."""
    wide = statistics.shell > min(statistics.spacing.steps)
    return f"\nin shells {statistics.shell:g} {statistics.spacing.unit} wide, the largest step" if wide else ""


def panels_of_comparison(a: Statistics, b: Statistics, names: tuple[str, str]) -> list[Panel]:
    """Return panels of the difference between the autocorrelations of two images, and of their radial averages in one plot."""
    phase = 1
    if len(a.f) > 2:  # show the phase that differs most
        phase = int(np.argmax([np.abs(a.f[h, h] - b.f[h, h]).max() for h in range(len(a.f))]))
    lengths = [row["correlation_length"] for statistics in (a, b) for row in describe_phases(statistics)]
    reach, part = _view(a, lengths)
    title = f"autocorrelation of phase {phase}, B - A{part}"
    difference = Field(b.f[phase, phase] - a.f[phase, phase], title, "difference", a.spacing, reach=reach)
    shown = [1] if len(a.f) == 2 else range(len(a.f))
    (r, of_a), (r_b, of_b) = a.radial(), b.radial()
    m = min(len(r), len(r_b))
    second = 2 if len(a.f) == 2 else 0  # of two phases one is shown, in another colour for the second image
    lines = [Curve(of_a[h][:m], f"phase {h}" + ", A" * (second > 0), h) for h in shown]
    lines += [Curve(of_b[h][:m], f"phase {h}, B" if second else "", h + second, dashed=True) for h in shown]
    remark = f"solid A: {short(names[0])}\ndashed B: {short(names[1])}" + _shells(a)
    return [difference, Curves(r[:m], tuple(lines), "radial averages of the autocorrelations", a.spacing.unit, remark)]


def _slices(labels: np.ndarray, title: str, spacing: Spacing, n_phases: int) -> list[Panel]:
    """Return panels of the labels of an image, or of the middle slices of a volume across each axis."""
    if labels.ndim < 3:
        return [Field(labels, title, "phases", spacing, n_phases)]
    return [Field(labels, f"{title}, middle slice across axis {axis}", "phases", spacing, n_phases, axis=axis) for axis in range(3)]


def panels_of_reconstruction(
    target: np.ndarray | None, result: np.ndarray, statistics: tuple[np.ndarray, np.ndarray], n_phases: int, spacing: Spacing
) -> list[Panel]:
    """Return panels of the target, if it is an image, of the reconstruction, and of the target's autocorrelation and the difference to it.

    A volume is shown by its middle slices across each axis.

    Parameters
    ----------
    target : int array (*space) or None
        Labels of the target.
    result : int array (*space)
        Labels of the reconstruction.
    statistics : two arrays (*lags)
        Autocorrelation of phase 1, zero lag at the centre, of the target and of the reconstruction.
    n_phases : int
        Number of phases.
    spacing : Spacing
        One step per axis.
    """
    of_target, of_result = statistics
    images = [] if target is None else _slices(target, "target", spacing, n_phases)
    return [
        *images,
        *_slices(result, "reconstruction", spacing, n_phases),
        Field(of_target, "target's autocorrelation of phase 1", "statistic", spacing),
        Field(of_result - of_target, "reconstruction's minus target's", "difference", spacing),
    ]
