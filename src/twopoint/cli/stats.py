"""The command ``stats``: what 2-point statistics say about one image."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .measures import FieldOfView, Statistics, autocovariances, crop_sizes, field_of_view, measure, numbers_of
from .reading.load import Input, Reading, load
from .reading.names import parse_source
from .reading.spacing import parse_spacing
from .saved_statistics import save_statistics
from .showing import figures, outputs, panels, tables
from .showing.outputs import FIGURES, PRINTED, Output
from .terminal import working


@dataclass(frozen=True)
class Request:
    """What a person asked of ``stats``."""

    file: str
    how: Reading
    mask: str | None
    spacing: str | None
    boundary: str
    crop: int | None
    picture: Path | None
    figures: Path | None
    saved: Path | None
    force: bool


def run(request: Request) -> None:
    """Measure an image, print the table, draw the picture, write what was asked for."""
    source, spacing = parse_source(request.file), parse_spacing(request.spacing)
    picture = Path(f"{source.output}-stats.png") if request.picture is None else request.picture
    written = [Output(picture, (".png",)), Output(request.figures, FIGURES), Output(request.saved, (".npz",))]
    read = [source.path] + ([] if request.mask is None else [parse_source(request.mask).path])
    outputs.check(written, read, force=request.force)
    given = load(request.file, request.how, request.mask, spaced=spacing.physical)
    space, n = given.image.values.shape, given.found.n_phases
    crop, spacing = crop_sizes(request.crop, space, request.boundary), spacing.along(len(space))
    with working(f"correlating {n} phases of {tables.extent(space, spacing)}"):
        statistics = measure(given.found.labels, n, boundary=request.boundary, spacing=spacing, crop=crop, mask=given.mask)
    numbers = numbers_of(statistics)
    view = field_of_view(statistics, numbers)
    with working("drawing"):
        shown = panels.of_segmentation(given.image.values, given.found, given.title, spacing, given.mask)
        shown += panels.of_statistics(statistics, [row["correlation_length"] for row in numbers])
        title = f"{panels.short(given.title)}: 2-point statistics, {tables.extent(space, spacing)}, {request.boundary} boundary"
        figures.save(figures.draw(shown, title=title, columns=3 if len(shown) > 4 else 4), picture)
    if request.saved is not None:
        save_statistics(request.saved, statistics, source=given.name)
    if request.figures is not None:
        outputs.write_json(request.figures, _figures(given, statistics, numbers, view) | {"picture": str(picture)})
    if request.figures != PRINTED:
        files = [("picture", picture), ("statistics", request.saved), ("figures", request.figures)]
        tables.show(tables.facts(given.name, _facts(given, statistics, view)), tables.phases(numbers, spacing.unit), files=files)


def _figures(given: Input, statistics: Statistics, numbers: list[dict[str, Any]], view: FieldOfView) -> dict[str, Any]:
    """Return all figures, by name."""
    r, averages = statistics.radial()
    return given.figures() | {
        "boundary": statistics.boundary,
        "crop": list(statistics.lags),
        "spacing": statistics.spacing.figures(),
        "phases": numbers,
        "field_of_view": {"large_enough": view.large_enough, "reason": view.reason},
        "radial": {"r": r.tolist(), "autocorrelations": averages.tolist(), "autocovariances": _known(autocovariances(statistics)[1])},
    }


def _known(values: np.ndarray) -> list[list[float | None]]:
    """Return numbers for a file, None for those that cannot be told."""
    return [[value if math.isfinite(value) else None for value in row] for row in values.tolist()]


def _facts(given: Input, statistics: Statistics, view: FieldOfView) -> list[tuple[str, str]]:
    """Return what was read and how it was taken."""
    size = given.image.values.size
    rows = [
        ("size", tables.extent(statistics.space, statistics.spacing)),
        ("phases", given.found.method),
        ("boundary", statistics.boundary),
        ("lags kept", " x ".join(map(str, statistics.lags))),
        ("field large enough", f"{tables.verdict(view.large_enough)}: {view.reason}"),
    ]
    if given.mask is not None:
        points = given.figures()["points"]
        rows.insert(1, ("points that count", f"{points} of {size}, {100 * points / size:.1f} %"))
    return rows
