"""Descriptors beyond two points of labels, in the unit of their spacing: numbers and curves, of one image and of two compared."""

import csv
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .. import (
    chord_lengths,
    cluster_correlation,
    euler_number,
    lineal_path,
    one_hot,
    pair_counts,
    radial_average,
    three_point,
)
from ..descriptors.components import boxes_of, label_clusters
from . import memory
from .reading.spacing import Spacing
from .terminal import InputError

ALL = "all"
_LEGS = 16  # legs of right angles for three points
_BYTES = 120  # for each point and phase: labels, points and boxes of clusters, and their lags


@dataclass(frozen=True)
class Quantity:
    """One number about a phase; axis is None if it belongs to none, unit is "" for pure numbers."""

    descriptor: str
    name: str
    phase: int
    axis: int | None
    value: float | None
    unit: str = ""

    @property
    def title(self) -> str:
        """The name with the axis and the unit."""
        return self.name + ("" if self.axis is None else f", axis {self.axis}") + (f", {self.unit}" if self.unit else "")


@dataclass(frozen=True)
class Series:
    """A curve of one phase over distances in the unit of spacing."""

    descriptor: str
    phase: int
    axis: int | None
    r: np.ndarray
    values: np.ndarray


@dataclass(frozen=True)
class Descriptors:
    """Descriptors of an image, and the unit of its distances."""

    quantities: tuple[Quantity, ...]
    series: tuple[Series, ...]
    unit: str

    def summary(self) -> dict[str, Any]:
        """Return all numbers by descriptor, for a .json file."""
        names = [quantity.descriptor for quantity in self.quantities] + [series.descriptor for series in self.series]
        found: dict[str, Any] = {name: {"quantities": [], "curves": []} for name in names}
        for quantity in self.quantities:
            found[quantity.descriptor]["quantities"].append(_without(asdict(quantity)))
        for series in self.series:
            curve = asdict(series) | {"r": series.r.tolist(), "values": series.values.tolist(), "unit": self.unit}
            found[series.descriptor]["curves"].append(_without(curve))
        return found


@dataclass(frozen=True)
class _Labels:
    """The phases of an image as booleans (N, *space), and how to measure them."""

    m: np.ndarray
    boundary: str
    spacing: Spacing

    @property
    def space(self) -> tuple[int, ...]:
        """The shape of the image."""
        return self.m.shape[1:]

    @property
    def options(self) -> dict[str, Any]:
        """The options that all descriptors share."""
        return {"ndim": len(self.space), "boundary": self.boundary}


Found = tuple[list[Quantity], list[Series]]


def _lineal_path(labels: _Labels) -> Found:
    """Lineal paths along each axis, and the mean distance along it to the end of the phase."""
    name, quantities, series = "lineal_path", [], []
    for (h, axis), path in _by_phase_and_axis(lineal_path(labels.m, **labels.options)):
        step = labels.spacing.steps[axis]
        mean = step * float(path.sum() / path[0]) if path[0] else None
        quantities.append(Quantity(name, "mean distance to the end of the phase", h, axis, mean, labels.spacing.unit))
        series.append(Series(name, h, axis, step * np.arange(len(path)), path))
    return quantities, series


def _chord_lengths(labels: _Labels) -> Found:
    """Shares of the chords of each length along each axis, their number, and their mean."""
    name, quantities, series = "chord_lengths", [], []
    for (h, axis), counts in _by_phase_and_axis(chord_lengths(labels.m, **labels.options)):
        number, step = int(counts.sum()), labels.spacing.steps[axis]
        lengths = np.arange(len(counts))
        mean = step * float(counts @ lengths) / number if number else None
        quantities += [Quantity(name, "chords", h, axis, number), Quantity(name, "mean chord", h, axis, mean, labels.spacing.unit)]
        series.append(Series(name, h, axis, step * lengths, counts / max(number, 1)))
    return quantities, series


def _cluster_correlation(labels: _Labels) -> Found:
    """Radial averages of the cluster function, and the number, the largest and the spanning ones of the clusters."""
    name, ndim, quantities, series = "cluster_correlation", len(labels.space), [], []
    crop = tuple(labels.space)
    f = cluster_correlation(labels.m, crop=crop, **labels.options)
    count = pair_counts(np.ones(labels.space), crop=crop, **labels.options)
    r, averages = radial_average(f, ndim=ndim, centered=True, spacing=labels.spacing.steps, count=count)
    for h, phase in enumerate(labels.m):
        clusters = label_clusters(phase, periodic=labels.boundary == "periodic", connectivity="faces")
        points = np.flatnonzero(clusters.labels)
        of = clusters.of_label[clusters.labels.ravel()[points] - 1]
        sizes, total = np.bincount(of, minlength=clusters.number), max(len(points), 1)
        quantities.append(Quantity(name, "clusters", h, None, clusters.number))
        quantities.append(Quantity(name, "share of the phase in its largest cluster", h, None, float(sizes.max(initial=0)) / total))
        spanning = boxes_of(clusters, points, of).extent == np.array(labels.space)
        for axis in range(ndim):
            share = float(sizes[spanning[:, axis]].sum()) / total
            quantities.append(Quantity(name, "share of the phase in clusters that span the image", h, axis, share))
        series.append(Series(name, h, None, r, averages[h]))
    return quantities, series


def _three_point(labels: _Labels) -> Found:
    """Probabilities that a point and two others, at the ends of a right angle with equal legs, or of a line, are in one phase."""
    name, size, ndim = "three_point", min(labels.space), len(labels.space)
    legs = np.unique(np.geomspace(1, max(size // (2 if ndim > 1 else 3), 1), _LEGS).astype(int))
    legs = np.append(0, legs[legs < size])
    rest = (0,) * max(ndim - 2, 0)
    lags = [((n, 0, *rest), (0, n, *rest)) if ndim > 1 else ((n,), (2 * n,)) for n in legs.tolist()]
    series = []
    for h, phase in enumerate(labels.m):
        values = np.asarray(three_point(phase[None].astype(float), lags, **labels.options))[0, 0, 0]
        series.append(Series(name, h, None, labels.spacing.steps[0] * legs, values))
    return [], series


def _euler_number(labels: _Labels) -> Found:
    """Euler numbers by faces and by corners, and for each unit of area or volume."""
    name, quantities, unit = "euler_number", [], labels.spacing.unit
    volume = float(np.prod(labels.spacing.steps)) * labels.m[0].size
    per = {1: f"1/{unit}", 2: f"1/{unit}²", 3: f"1/{unit}³"}[len(labels.space)]
    for connectivity in ("faces", "corners"):
        numbers = np.asarray(euler_number(labels.m, connectivity=connectivity, **labels.options)).tolist()
        for h, number in enumerate(numbers):
            quantities.append(Quantity(name, f"Euler number by {connectivity}", h, None, round(number)))
            quantities.append(Quantity(name, f"Euler number density by {connectivity}", h, None, number / volume, per))
    return quantities, []


_MEASURES: dict[str, Callable[[_Labels], Found]] = {
    "lineal_path": _lineal_path,
    "chord_lengths": _chord_lengths,
    "cluster_correlation": _cluster_correlation,
    "three_point": _three_point,
    "euler_number": _euler_number,
}
NAMES = tuple(_MEASURES)


def requested_descriptors(text: str | None, *, masked: bool = False) -> tuple[str, ...]:
    """Return the names in --descriptors; raise an error for unknown ones, or if there is a mask.

    Examples
    --------
    >>> from twopoint.cli.descriptors import requested_descriptors
    >>> requested_descriptors("euler_number, lineal_path")
    ('lineal_path', 'euler_number')
    """
    if text is None:
        return ()
    found = NAMES if text.strip().lower() == ALL else tuple(part.strip() for part in text.split(","))
    unknown = [name for name in found if name not in NAMES]
    if unknown:
        raise InputError(f"--descriptors must be {ALL}, or names from {', '.join(NAMES)}, separated by commas, got {text!r}")
    if masked:
        raise InputError("--descriptors cannot be used with --mask, which chords, clusters and Euler numbers do not have")
    return tuple(name for name in NAMES if name in found)


def measure_descriptors(labels: np.ndarray, n_phases: int, names: Iterable[str], *, boundary: str, spacing: Spacing) -> Descriptors:
    """Measure descriptors of the labels of one image.

    Parameters
    ----------
    labels : int array (*space)
        Phases 0..n_phases-1.
    n_phases : int
        Number of phases.
    names : names
        Descriptors, from NAMES.
    boundary : "open" or "periodic"
        As in the descriptors' functions.
    spacing : Spacing
        Spacing of the labels.

    Returns
    -------
    Descriptors

    Raises
    ------
    InputError
        If they need more memory than is available.
    """
    memory.require(labels.size * (_BYTES + 2 * n_phases), f"measuring descriptors of shape {labels.shape}")
    m = one_hot(labels, n_phases, ndim=labels.ndim, dtype=np.float32) == 1
    prepared = _Labels(m, boundary, spacing.along(labels.ndim))
    found = [_MEASURES[name](prepared) for name in names]
    quantities, series = (tuple(part for parts in side for part in parts) for side in zip(*found, strict=True))
    return Descriptors(quantities, series, spacing.unit)


def compare_descriptors(a: Descriptors, b: Descriptors) -> list[dict[str, Any]]:
    """Return the differences between two images: of each number, and the largest of each curve where both have it."""
    rows = []
    for of_a, of_b in zip(a.quantities, b.quantities, strict=True):
        difference = None if of_a.value is None or of_b.value is None else of_b.value - of_a.value
        row = _without(asdict(of_a)) | {"a": of_a.value, "b": of_b.value, "difference": difference}
        rows.append({name: value for name, value in row.items() if name != "value"})
    for curve_a, curve_b in zip(a.series, b.series, strict=True):
        r = curve_a.r[curve_a.r <= curve_b.r[-1] * (1 + 1e-9)]
        gap = float(np.abs(np.interp(r, curve_b.r, curve_b.values) - curve_a.values[: len(r)]).max())
        row = {"descriptor": curve_a.descriptor, "name": "largest difference of the curves", "phase": curve_a.phase, "axis": curve_a.axis}
        rows.append(_without(row) | {"difference": gap})
    return rows


def write_csv(path: Path, found: Descriptors) -> None:
    """Write all numbers and curves, one number per row."""
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(["descriptor", "quantity", "phase", "axis", f"distance, {found.unit}", "value", "unit"])
        for q in found.quantities:
            rows.writerow([q.descriptor, q.name, q.phase, _cell(q.axis), "", _cell(q.value), q.unit])
        for s in found.series:
            rows.writerows([s.descriptor, "curve", s.phase, _cell(s.axis), r, v, ""] for r, v in zip(s.r, s.values, strict=True))


def _cell(value: float | None) -> float | str:
    """Return an empty cell for None."""
    return "" if value is None else value


def _without(row: dict[str, Any]) -> dict[str, Any]:
    """Leave out an axis or a unit that is not there."""
    return {name: value for name, value in row.items() if not (name in ("axis", "unit") and value in (None, ""))}


def _by_phase_and_axis(values: np.ndarray) -> list[tuple[tuple[int, int], np.ndarray]]:
    """Return the curves (N, ndim, L) with their phase and axis."""
    return [((h, axis), values[h, axis]) for h in range(values.shape[0]) for axis in range(values.shape[1])]
