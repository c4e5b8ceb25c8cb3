"""The command ``stats``: the 2-point statistics of one image."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .descriptors import Descriptors, measure_descriptors, requested_descriptors, write_csv
from .measures import FieldOfView, Statistics, autocovariances, crop_sizes, describe_phases, doubts, field_of_view, measure
from .options import (
    Boundary,
    Crop,
    DescriptorNames,
    DescriptorsCsv,
    File,
    Force,
    Json,
    MaskOption,
    OpenBoundary,
    Out,
    Phases,
    Save,
    SpacingOption,
    Threshold,
    Window,
)
from .reading.load import LoadedImage, ReadingOptions, load, recorded_spacing
from .reading.names import Source, parse_source
from .reading.spacing import requested_spacing
from .saved_statistics import save_statistics
from .showing import descriptors, outputs, panels, tables
from .showing.outputs import JSON, PRINTED, OutputFile
from .terminal import InputError, clear_errors, say, working


def command(
    file: File,
    out: Out = None,
    spacing: SpacingOption = None,
    boundary: OpenBoundary = Boundary.open,
    window: Window = None,
    threshold: Threshold = None,
    phases: Phases = None,
    mask: MaskOption = None,
    crop: Crop = None,
    save: Save = None,
    descriptor_names: DescriptorNames = None,
    csv_file: DescriptorsCsv = None,
    json_file: Json = None,
    force: Force = False,
) -> None:
    """Measure volume fractions, interface, correlation lengths and 2-point statistics of an image or a volume."""
    with clear_errors():
        options = ReadingOptions(window, threshold, phases)
        run(StatsRequest(file, options, mask, spacing, boundary.value, crop, out, json_file, save, force, descriptor_names, csv_file))


@dataclass(frozen=True)
class StatsRequest:
    """The arguments of ``stats``."""

    file: str
    options: ReadingOptions
    mask: str | None
    spacing: str | None
    boundary: str
    crop: int | None
    picture: Path | None
    json_file: Path | None
    saved: Path | None
    force: bool
    descriptors: str | None = None
    csv_file: Path | None = None


def run(request: StatsRequest) -> None:
    """Measure an image, print the table, draw the picture, and write the files."""
    source, requested = parse_source(request.file), requested_spacing(request.spacing)
    names = requested_descriptors(request.descriptors, masked=request.mask is not None)
    picture = _check_files(request, source)
    loaded = load(request.file, request.options, request.mask, spaced=requested is None or requested.physical)
    n, crop = loaded.segmentation.n_phases, crop_sizes(request.crop, loaded.shape, request.boundary)
    spacing = (requested or recorded_spacing(loaded)).along(len(loaded.shape))
    with working(f"correlating {n} phases of {tables.extent(loaded.shape, spacing)}"):
        labels = loaded.segmentation.labels
        statistics = measure(labels, n, boundary=request.boundary, spacing=spacing, crop=crop, mask=loaded.mask)
    phases = describe_phases(statistics)
    view = field_of_view(statistics, phases)
    for doubt in doubts(statistics):
        say(f"note: {loaded.name}: {doubt}")
    beyond = _measure_descriptors(loaded, names, statistics)
    with working("drawing"):
        _draw(loaded, statistics, phases, beyond, picture)
    if request.saved is not None:
        save_statistics(request.saved, statistics, source=loaded.name)
    if request.csv_file is not None and beyond is not None:
        write_csv(request.csv_file, beyond)
    if request.json_file is not None:
        outputs.write_json(request.json_file, _summary(loaded, statistics, phases, view, beyond) | {"picture": str(picture)})
    if request.json_file != PRINTED:
        files = [("picture", picture), ("statistics", request.saved), ("descriptors", request.csv_file), ("numbers", request.json_file)]
        shown = [] if beyond is None else [descriptors.descriptor_table(beyond)]
        tables.show(tables.facts(loaded.name, _facts(loaded, statistics, view)), tables.phases(phases, spacing.unit), *shown, files=files)


def _check_files(request: StatsRequest, source: Source) -> Path:
    """Return the picture's path; raise an error for files that cannot be read or written."""
    if request.csv_file is not None and request.descriptors is None:
        raise InputError(f"--csv {request.csv_file} needs --descriptors, whose numbers it holds")
    picture = Path(f"{source.output}-stats.png") if request.picture is None else request.picture
    files = [OutputFile(picture, (".png",)), OutputFile(request.json_file, JSON), OutputFile(request.saved, (".npz",))]
    files.append(OutputFile(request.csv_file, (".csv",)))
    sources = [source.path] + ([] if request.mask is None else [parse_source(request.mask).path])
    outputs.check(files, sources, force=request.force)
    return picture


def _measure_descriptors(loaded: LoadedImage, names: tuple[str, ...], statistics: Statistics) -> Descriptors | None:
    """Measure the descriptors beyond two points that were requested; None without any."""
    if not names:
        return None
    segmentation = loaded.segmentation
    with working("measuring descriptors"):
        return measure_descriptors(
            segmentation.labels, segmentation.n_phases, names, boundary=statistics.boundary, spacing=statistics.spacing
        )


def _draw(loaded: LoadedImage, statistics: Statistics, phases: list[dict[str, Any]], beyond: Descriptors | None, picture: Path) -> None:
    """Draw the image, its segmentation and its statistics."""
    from .showing import figures  # imports matplotlib, which --help does not need

    spacing = statistics.spacing
    shown = panels.panels_of_segmentation(loaded.image.values, loaded.segmentation, loaded.title, spacing, loaded.mask)
    shown += panels.panels_of_statistics(statistics, [row["correlation_length"] for row in phases])
    shown += [] if beyond is None else descriptors.panels_of_descriptors(beyond)
    size = tables.extent(loaded.shape, spacing)
    title = f"{panels.short(loaded.title)}: 2-point statistics, {size}, {statistics.boundary} boundary"
    figures.save(figures.draw(shown, title=title, columns=3 if len(shown) > 4 else 4), picture)


def _summary(
    loaded: LoadedImage, statistics: Statistics, phases: list[dict[str, Any]], view: FieldOfView, beyond: Descriptors | None
) -> dict[str, Any]:
    """Return all numbers by name, for a .json file."""
    r, averages = statistics.radial()
    covariances = _none_for_nan(autocovariances(statistics)[1])
    return loaded.summary() | {
        "boundary": statistics.boundary,
        "crop": list(statistics.lags),
        "spacing": statistics.spacing.summary(),
        "phases": phases,
        "field_of_view": {"large_enough": view.large_enough, "reason": view.reason},
        "radial": {"r": r.tolist(), "autocorrelations": averages.tolist(), "autocovariances": covariances},
        **({} if beyond is None else {"descriptors": beyond.summary()}),
    }


def _none_for_nan(values: np.ndarray) -> list[list[float | None]]:
    """Return numbers for a .json file, with None for NaN."""
    return [[value if math.isfinite(value) else None for value in row] for row in values.tolist()]


def _facts(loaded: LoadedImage, statistics: Statistics, view: FieldOfView) -> list[tuple[str, str]]:
    """Return the rows of the table of facts: size, segmentation, options and verdict."""
    rows = [
        ("size", tables.extent(statistics.space, statistics.spacing)),
        ("phases", loaded.segmentation.method),
        ("boundary", statistics.boundary),
        ("lags kept", " x ".join(map(str, statistics.lags))),
        ("field large enough", f"{tables.verdict(view.large_enough)}: {view.reason}"),
    ]
    if loaded.mask is not None:
        size = loaded.image.values.size
        rows.insert(1, ("points inside the mask", f"{loaded.n_points} of {size}, {100 * loaded.n_points / size:.1f} %"))
    return rows
