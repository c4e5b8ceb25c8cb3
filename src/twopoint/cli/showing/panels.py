"""What the pictures of the command line show: panels as data, which figures.draw draws."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from ..measures import Statistics, numbers_of
from ..reading.segmentation import Segmentation
from ..reading.spacing import Spacing, readable
from ..terminal import printable

_LONGEST = 42  # letters of a name above a panel
_SHOWN = 10  # correlation lengths that a map reaches to
_MOST_MAPS = 4  # autocorrelations that are shown as maps


@dataclass(frozen=True)
class Field:
    """An image over space or over lags; of a volume the middle slice.

    Attributes
    ----------
    values : array (*space)
        Labels, gray values or a statistic.
    title : str
        Above it.
    kind : str
        "phases", "gray", "statistic" (lags, zero in the centre) or "difference" (the same, on a scale symmetric about 0).
    spacing : Spacing
        One step an axis.
    n_phases : int
        Of kind "phases".
    reach : float or None
        The largest lag that is shown, in the unit of spacing; None for all.
    axis : int
        Along which a volume's middle slice is taken.
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
        """The image itself, or the middle of a volume; of statistics that is lag 0 along the axis."""
        return self.values.take(self.values.shape[self.axis] // 2, self.axis) if self.values.ndim == 3 else self.values

    @property
    def steps(self) -> tuple[float, float]:
        """The spacing of what is shown, down and to the right."""
        kept = [step for axis, step in enumerate(self.spacing.steps) if axis != self.axis] if self.values.ndim == 3 else self.spacing.steps
        return kept[0], kept[1]


@dataclass(frozen=True)
class Curve:
    """A line over distances."""

    values: np.ndarray
    name: str  # in the legend; "" for none
    colour: int  # the phase whose colour it has
    dashed: bool = False
    level: float | None = None  # what it tends to, drawn dotted
    mark: float | None = None  # a distance that is marked on it


@dataclass(frozen=True)
class Curves:
    """Lines over distances."""

    r: np.ndarray
    lines: tuple[Curve, ...]
    title: str
    unit: str
    remark: str = ""


@dataclass(frozen=True)
class Histogram:
    """How often gray values occur, and where they were cut."""

    values: np.ndarray = field(repr=False)
    thresholds: tuple[float, ...]
    title: str


Panel = Field | Curves | Histogram


def short(text: str) -> str:
    """Return a name that fits above a panel, its end kept.

    Examples
    --------
    >>> from twopoint.cli.showing.panels import short
    >>> short("photo.png")
    'photo.png'
    """
    text = printable(text)
    return text if len(text) <= _LONGEST else "…" + text[1 - _LONGEST :]


def of_segmentation(values: np.ndarray, found: Segmentation, name: str, spacing: Spacing, mask: np.ndarray | None = None) -> list[Panel]:
    """Return the labels of an image, and where they were cut from gray values those and their histogram first."""
    where = ", middle slice" if values.ndim == 3 else ""
    labels = found.labels if mask is None else np.where(mask, found.labels.astype(np.int16), np.int16(-1))
    phases = Field(labels, ("segmentation" if found.thresholds else short(name)) + where, "phases", spacing, found.n_phases)
    if not found.thresholds:
        return [phases]
    counting = values if mask is None else values[mask]
    return [Field(values, short(name) + where, "gray", spacing), Histogram(counting, found.thresholds, "gray values"), phases]


def of_statistics(statistics: Statistics, lengths: Sequence[float | None]) -> list[Panel]:
    """Return autocorrelations as maps and their radial averages; of two phases one map, as the other's holds the same."""
    n = len(statistics.f)
    shown = [1] if n == 2 else range(min(n, _MOST_MAPS))
    where = ", lag 0 along axis 0" if statistics.ndim == 3 else ""
    reach, part = _view(statistics, lengths)
    maps = [
        Field(statistics.f[h, h], f"autocorrelation of phase {h}{where}{part}", "statistic", statistics.spacing, reach=reach) for h in shown
    ]
    r, averages = statistics.radial()
    lines = tuple(
        Curve(averages[h], f"phase {h}", h, level=float(v) ** 2, mark=lengths[h]) for h, v in enumerate(statistics.fractions.tolist())
    )
    remark = "dotted: volume fraction squared\ndot: correlation length" + _shells(statistics)
    return [*maps, Curves(r, lines, "radial averages of the autocorrelations", statistics.spacing.unit, remark)]


def _view(statistics: Statistics, lengths: Sequence[float | None]) -> tuple[float | None, str]:
    """Return the largest lag that a map shows, some correlation lengths, and words for its title where that leaves some out."""
    known = [length for length in lengths if length is not None]
    furthest = max(n // 2 * step for n, step in zip(statistics.lags, statistics.spacing.steps, strict=True))
    reach = _SHOWN * max(known, default=0.0)
    if len(known) < len(lengths) or reach > 0.8 * furthest or reach < 4 * max(statistics.spacing.steps):
        return None, ""
    factor, unit = readable(statistics.spacing.unit, furthest)
    return reach, f"\nlags to {reach * factor:.3g} of {furthest * factor:.3g} {unit} shown"


def _shells(statistics: Statistics) -> str:
    """Say how wide shells are where that is more than one pixel along some axis."""
    wide = statistics.shell > min(statistics.spacing.steps)
    return f"\nin shells {statistics.shell:g} {statistics.spacing.unit} wide, the largest step" if wide else ""


def of_comparison(a: Statistics, b: Statistics, names: tuple[str, str]) -> list[Panel]:
    """Return the difference of two images' autocorrelations and their radial averages, overlaid."""
    phase = 1
    if len(a.f) > 2:  # where they differ most
        phase = int(np.argmax([np.abs(a.f[h, h] - b.f[h, h]).max() for h in range(len(a.f))]))
    lengths = [row["correlation_length"] for statistics in (a, b) for row in numbers_of(statistics)]
    reach, part = _view(a, lengths)
    title = f"autocorrelation of phase {phase}, B - A{part}"
    difference = Field(b.f[phase, phase] - a.f[phase, phase], title, "difference", a.spacing, reach=reach)
    shown = [1] if len(a.f) == 2 else range(len(a.f))
    (r, of_a), (r_b, of_b) = a.radial(), b.radial()
    m = min(len(r), len(r_b))
    second = 2 if len(a.f) == 2 else 0  # of two phases one is shown, and the other image's has a colour of its own
    lines = [Curve(of_a[h][:m], f"phase {h}" + ", A" * (second > 0), h) for h in shown]
    lines += [Curve(of_b[h][:m], f"phase {h}, B" if second else "", h + second, dashed=True) for h in shown]
    remark = f"solid A: {short(names[0])}\ndashed B: {short(names[1])}" + _shells(a)
    return [difference, Curves(r[:m], tuple(lines), "radial averages of the autocorrelations", a.spacing.unit, remark)]


def _slices(labels: np.ndarray, title: str, spacing: Spacing, n_phases: int) -> list[Panel]:
    """Return labels of an image, or the middle slices of a volume along each axis."""
    if labels.ndim < 3:
        return [Field(labels, title, "phases", spacing, n_phases)]
    return [Field(labels, f"{title}, middle slice across axis {axis}", "phases", spacing, n_phases, axis=axis) for axis in range(3)]


def of_reconstruction(
    target: np.ndarray | None, found: np.ndarray, statistics: tuple[np.ndarray, np.ndarray], n_phases: int, spacing: Spacing
) -> list[Panel]:
    """Return target, where there is an image of it, reconstruction, the target's autocorrelation, and how far the other's is from it.

    Of volumes the middle slices across each axis are shown.

    Parameters
    ----------
    target : int array (*space) or None
        Labels.
    found : int array (*space)
        Labels of the reconstruction.
    statistics : two arrays (*lags)
        Autocorrelation of phase 1, zero lag at the centre, of the target and of the reconstruction.
    n_phases : int
        Number of phases.
    spacing : Spacing
        One step an axis.
    """
    wanted, got = statistics
    images = [] if target is None else _slices(target, "target", spacing, n_phases)
    return [
        *images,
        *_slices(found, "reconstruction", spacing, n_phases),
        Field(wanted, "target's autocorrelation of phase 1", "statistic", spacing),
        Field(got - wanted, "reconstruction's minus target's", "difference", spacing),
    ]
