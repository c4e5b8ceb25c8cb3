"""The analysis of one image, for ``stats`` on one file and on many, and for ``report``."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .descriptors import Descriptors, measure_descriptors
from .directions import DirectionalLengths, directional_lengths
from .measures import FieldOfView, Statistics, autocovariances, crop_sizes, describe_phases, doubts, field_of_view, measure
from .reading.load import LoadedImage, ReadingOptions, load, recorded_spacing
from .reading.spacing import requested_spacing
from .showing import descriptors, panels, tables
from .showing.panels import Panel
from .terminal import say, working


@dataclass(frozen=True)
class AnalysisOptions:
    """How an image is read, segmented and measured."""

    reading: ReadingOptions
    mask: str | None
    spacing: str | None
    boundary: str
    crop: int | None
    descriptors: tuple[str, ...] = ()

    def typed(self) -> list[str]:
        """Return the options as they are typed."""
        given = {
            "--window": self.reading.window,
            "--threshold": self.reading.threshold,
            "--phases": self.reading.phases,
            "--mask": self.mask,
            "--spacing": self.spacing,
            "--boundary": None if self.boundary == "open" else self.boundary,
            "--crop": self.crop,
            "--descriptors": ",".join(self.descriptors) or None,
        }
        return [word for name, value in given.items() if value is not None for word in (name, str(value))]


@dataclass(frozen=True)
class Analysis:
    """An image and what was measured in it.

    Attributes
    ----------
    loaded : LoadedImage
        The image and its phases.
    statistics : Statistics
        Its 2-point statistics.
    phases : list of dict
        The measures of each phase.
    view : FieldOfView
        Whether the image shows enough of the material.
    directions : DirectionalLengths
        Correlation lengths along directions.
    descriptors : Descriptors or None
        The descriptors beyond two points that were requested.
    """

    loaded: LoadedImage
    statistics: Statistics
    phases: list[dict[str, Any]]
    view: FieldOfView
    directions: DirectionalLengths
    descriptors: Descriptors | None = None

    def summary(self) -> dict[str, Any]:
        """Return all numbers by name, for a .json file."""
        statistics = self.statistics
        r, averages = statistics.radial()
        covariances = _none_for_nan(autocovariances(statistics)[1])
        beyond = {} if self.descriptors is None else {"descriptors": self.descriptors.summary()}
        return self.loaded.summary() | {
            "boundary": statistics.boundary,
            "crop": list(statistics.lags),
            "spacing": statistics.spacing.summary(),
            "phases": self.phases,
            "directions": self.directions.summary(),
            "field_of_view": {"large_enough": self.view.large_enough, "reason": self.view.reason},
            "radial": {"r": r.tolist(), "autocorrelations": averages.tolist(), "autocovariances": covariances},
            **beyond,
        }

    def facts(self) -> list[tuple[str, str]]:
        """Return the rows of the table of facts: size, segmentation, options and verdict."""
        loaded, statistics = self.loaded, self.statistics
        rows = [
            ("size", tables.extent(statistics.space, statistics.spacing)),
            ("phases", loaded.segmentation.method),
            ("boundary", statistics.boundary),
            ("lags kept", " x ".join(map(str, statistics.lags))),
            ("field large enough", f"{tables.verdict(self.view.large_enough)}: {self.view.reason}"),
        ]
        if loaded.mask is not None:
            size = loaded.image.values.size
            rows.insert(1, ("points inside the mask", f"{loaded.n_points} of {size}, {100 * loaded.n_points / size:.1f} %"))
        return rows

    def panels(self) -> list[Panel]:
        """Return panels of the image, its segmentation and its statistics."""
        loaded, statistics = self.loaded, self.statistics
        shown = panels.panels_of_segmentation(loaded.image.values, loaded.segmentation, loaded.title, statistics.spacing, loaded.mask)
        shown += panels.panels_of_statistics(statistics, [row["correlation_length"] for row in self.phases])
        return shown + ([] if self.descriptors is None else descriptors.panels_of_descriptors(self.descriptors))

    def draw(self, picture: Path) -> None:
        """Draw the image, its segmentation and its statistics."""
        from .showing import figures  # imports matplotlib, which --help does not need

        shown, statistics = self.panels(), self.statistics
        size = tables.extent(self.loaded.shape, statistics.spacing)
        title = f"{panels.short(self.loaded.title)}: 2-point statistics, {size}, {statistics.boundary} boundary"
        figures.save(figures.draw(shown, title=title, columns=3 if len(shown) > 4 else 4), picture)


def analyse(file: str, options: AnalysisOptions) -> Analysis:
    """Read, segment and measure an image; print notes on choices and doubts.

    Parameters
    ----------
    file : str
        Name of the image, as :func:`image.read` takes it.
    options : AnalysisOptions
        How it is read and measured.

    Raises
    ------
    InputError
        If it cannot be read, segmented or measured.
    """
    requested = requested_spacing(options.spacing)
    loaded = load(file, options.reading, options.mask, spaced=requested is None or requested.physical)
    n, crop = loaded.segmentation.n_phases, crop_sizes(options.crop, loaded.shape, options.boundary)
    spacing = (requested or recorded_spacing(loaded)).along(len(loaded.shape))
    with working(f"correlating {n} phases of {tables.extent(loaded.shape, spacing)}"):
        labels = loaded.segmentation.labels
        statistics = measure(labels, n, boundary=options.boundary, spacing=spacing, crop=crop, mask=loaded.mask)
        phases = describe_phases(statistics)
        view = field_of_view(statistics, phases)
        directions = directional_lengths(statistics)
    for doubt in doubts(statistics):
        say(f"note: {loaded.name}: {doubt}")
    return Analysis(loaded, statistics, phases, view, directions, _beyond(labels, n, options, statistics))


def _beyond(labels: np.ndarray, n: int, options: AnalysisOptions, statistics: Statistics) -> Descriptors | None:
    """Measure the descriptors beyond two points that were requested; None without any."""
    if not options.descriptors:
        return None
    with working("measuring descriptors"):
        return measure_descriptors(labels, n, options.descriptors, boundary=statistics.boundary, spacing=statistics.spacing)


def _none_for_nan(values: np.ndarray) -> list[list[float | None]]:
    """Return numbers for a .json file, with None for NaN."""
    return [[value if math.isfinite(value) else None for value in row] for row in values.tolist()]
