"""The page of ``report``: what each image gives in a process of its own, and one self-contained file of all."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ... import __version__
from ..analysis import Analysis, AnalysisOptions, analyse
from ..measures import autocovariances
from ..reading.collect import Input
from ..reading.segmentation import format_threshold
from ..showing import descriptors, outputs
from ..showing.panels import Curves, Histogram, Panel
from ..showing.tables import number, verdict
from ..terminal import collecting
from .distances import thumbnail
from .pool import work_on_all
from .rows import MEASURES, Record, by_kind, kind_text, light, spread
from .statistics import notes_of

_MOST_MULTIPLES = 200  # images up to which a page has small multiples, which need a moment each


@dataclass(frozen=True)
class Drawing:
    """A drawing in SVG and what is written below it."""

    drawing: str
    caption: str


@dataclass(frozen=True)
class ReportSection:
    """The part of a page on one image.

    Attributes
    ----------
    record : dict
        Its numbers without curves.
    facts : list of (name, value)
        Size, segmentation, options and verdict.
    figures : list of Drawing
        Its drawings.
    r : array (shells,)
        Distances.
    covariance : array (shells,)
        Autocovariance of the phase that overviews show.
    thumbnail : uint8 array (H, W)
        Its labels, thinned.
    """

    record: Record
    facts: list[tuple[str, str]]
    figures: list[Drawing]
    r: np.ndarray
    covariance: np.ndarray
    thumbnail: np.ndarray


@dataclass(frozen=True)
class _PageTask:
    image: Input
    options: AnalysisOptions
    dpi: int


def sections_of(images: list[Input], options: AnalysisOptions, jobs: int | None) -> tuple[list[ReportSection], list[Record]]:
    """Return the section of each image, and source and reason of those that were refused."""
    from ..showing import vector  # imports matplotlib, which --help does not need

    found: dict[int, ReportSection] = {}
    refused: dict[int, Record] = {}
    tasks = [_PageTask(image, options, vector.resolution(len(images))) for image in images]
    for at, outcome in work_on_all(_section, tasks, jobs, f"measuring {len(images)} images"):
        if outcome.result is not None:
            found[at] = outcome.result
        else:
            refused[at] = {"source": images[at].text, "reason": outcome.reason}
    return [found[at] for at in sorted(found)], [refused[at] for at in sorted(refused)]


def _section(task: _PageTask) -> ReportSection:
    """Measure one image and draw it."""
    from ..showing import vector

    with collecting() as notes:
        analysis = analyse(task.image.text, task.options)
    name, unit = task.image.name, analysis.statistics.spacing.unit
    record = light(analysis.summary()) | {"name": name, "notes": notes_of(notes, analysis), "picture": None}
    drawings = []
    for at, panel in enumerate(analysis.panels()):
        alt = alt_text(panel, analysis)
        drawings.append(Drawing(vector.panel_svg(panel, alt, f"{name}-{at}", task.dpi), alt))
    alt = _directions_alt(analysis)
    figure = vector.directions_figure(analysis.directions, unit)
    drawings.append(Drawing(vector.svg_of(figure, alt, f"{name}-directions"), alt))
    r, covariances = autocovariances(analysis.statistics)
    phase = shown_phases(len(analysis.phases))[0]
    facts = analysis.facts() + ([] if analysis.descriptors is None else descriptors.facts(analysis.descriptors))
    return ReportSection(record, facts, drawings, r, covariances[phase], thumbnail(analysis.loaded.segmentation.labels))


def shown_phases(n_phases: int) -> list[int]:
    """Return the phases that overviews show: of two, whose numbers follow from each other, phase 1."""
    return [1] if n_phases == 2 else list(range(n_phases))


def alt_text(panel: Panel, analysis: Analysis) -> str:
    """Return what a panel shows, for those who do not see it."""
    statistics, phases = analysis.statistics, analysis.phases
    name, unit, size = analysis.loaded.title, statistics.spacing.unit, " by ".join(map(str, statistics.space))
    if isinstance(panel, Histogram):
        cuts = ", ".join(format_threshold(value, panel.values.dtype) for value in panel.thresholds)
        return f"Histogram of the gray values, from {panel.values.min():.4g} to {panel.values.max():.4g}, cut at {cuts}"
    if isinstance(panel, Curves) and panel.title in descriptors.TITLES.values():
        ends = [f"{line.name} from {line.values[0]:.3g} to {line.values[-1]:.3g}" for line in panel.lines]
        return f"Curves of the {panel.title}, for distances from {panel.r[0]:.3g} to {panel.r[-1]:.3g} {panel.unit}: {', '.join(ends)}"
    if isinstance(panel, Curves):
        parts = [f"phase {line.colour} from {line.values[0]:.3g} at distance 0 to {line.values[-1]:.3g}" for line in panel.lines]
        lengths = [f"phase {row['phase']} {number(row['correlation_length'])} {unit}" for row in phases]
        return f"Autocorrelations averaged over directions: {', '.join(parts)}; correlation lengths: {', '.join(lengths)}"
    if panel.kind == "phases":
        shares = ", ".join(f"phase {row['phase']} {100 * row['volume_fraction']:.1f} %" for row in phases)
        return f"Segmentation of {name} into {len(phases)} phases: {shares}"
    if panel.kind == "gray":
        return f"Gray values of {name}, {size} pixels"
    title = ", ".join(panel.title.splitlines())
    return f"Map of the {title}: {np.nanmax(panel.values):.3g} at lag 0, {np.nanmin(panel.values):.3g} at least"


def _directions_alt(analysis: Analysis) -> str:
    """Return what the figure of lengths along directions shows."""
    directions, unit, parts = analysis.directions, analysis.statistics.spacing.unit, []
    along = [f"{angle:g}°" for angle in directions.angles] if directions.angles is not None else [f"axis {i}" for i in range(3)]
    for h in shown_phases(len(directions.lengths)):
        known = [(length, where) for length, where in zip(directions.lengths[h], along, strict=True) if length is not None]
        if known:
            (least, at), (most, where) = min(known), max(known)
            parts.append(f"phase {h} from {least:.4g} {unit} at {at} to {most:.4g} {unit} at {where}")
    return "Correlation lengths along directions: " + ("; ".join(parts) or "unknown, distant points are still correlated")


def write_page(path: Path, sections: list[ReportSection], refused: list[Record], *, title: str, boundary: str, command: str) -> None:
    """Write the page.

    Parameters
    ----------
    path : Path
        The .html file.
    sections : list of ReportSection
        The images.
    refused : list of dict
        Source and reason of each image that was refused.
    title, boundary, command : str
        The title, the boundary, and the command that made the page.
    """
    from jinja2 import Environment, PackageLoader

    environment = Environment(loader=PackageLoader("twopoint.cli", "showing/templates"), autoescape=True, trim_blocks=True)
    number_of = len(sections)
    context = {
        "title": title,
        "version": __version__,
        "boundary": boundary,
        "command": command,
        "count": f"{number_of} image{'s' * (number_of != 1)}",
        "groups": _overviews(sections) if number_of > 1 else [],
        "sections": [_context(at, section) for at, section in enumerate(sections)],
        "refused": refused,
    }
    stream = environment.get_template("page.html").stream(context)
    outputs.write_whole(path, lambda part: stream.dump(str(part), encoding="utf-8", errors="backslashreplace"))


def _context(at: int, section: ReportSection) -> dict[str, Any]:
    """Return one section for the template."""
    record, unit = section.record, section.record["spacing"]["unit"]
    rows = [
        [
            str(row["phase"]),
            *(number(row[name]) for name in MEASURES),
            number(row["tail"], 2),
            number(record["directions"]["anisotropy"][h], 3),
        ]
        for h, row in enumerate(record["phases"])
    ]
    return {
        "anchor": _anchor(at),
        "name": record["source"],
        "facts": section.facts,
        "notes": record["notes"],
        "columns": ["phase", *_columns(unit), "covariance far away", "anisotropy"],
        "rows": rows,
        "figures": _marked(section.figures),
    }


def _marked(figures: list[Drawing]) -> list[dict[str, Any]]:
    """Return drawings whose text the template does not escape again."""
    from markupsafe import Markup

    return [{"drawing": Markup(figure.drawing), "caption": figure.caption} for figure in figures]


def _columns(unit: str) -> list[str]:
    """Return the names of measures with their units."""
    return ["volume fraction", f"specific surface, 1/{unit}", f"correlation length, {unit}"]


def _anchor(at: int) -> str:
    """Return the name of a section in links."""
    return f"image-{at + 1}"


def _overviews(sections: list[ReportSection]) -> list[dict[str, Any]]:
    """Return the overview of each kind of images for the template."""
    places = {id(section.record): at for at, section in enumerate(sections)}
    groups = []
    for records in by_kind([section.record for section in sections]):
        members = [places[id(record)] for record in records]
        groups.append(_overview([(at, sections[at]) for at in members]))
    return groups


def _overview(members: list[tuple[int, ReportSection]]) -> dict[str, Any]:
    """Return the table, the spread and the small multiples of images of one kind."""
    records = [section.record for _, section in members]
    n, unit, several = len(records[0]["phases"]), records[0]["spacing"]["unit"], len(records) > 1
    shown, measures = shown_phases(n), dict(zip(MEASURES, _columns(unit), strict=True))
    of = ["" if n == 2 else f" of phase {h}" for h in range(n)]
    columns = ["image", "size, px", *(f"{text}{of[h]}" for text in measures.values() for h in shown)]
    rows = []
    for at, section in members:
        record = section.record
        cells = [{"text": " x ".join(map(str, record["shape"])), "value": str(int(np.prod(record["shape"])))}]
        cells += [_cell(record["phases"][h][name]) for name in MEASURES for h in shown]
        cells += [_cell(record["directions"]["anisotropy"][h], 3) for h in shown]
        large = record["field_of_view"]["large_enough"]
        cells += [
            {"text": verdict(large), "value": verdict(large)},
            {"text": str(len(record["notes"])), "value": str(len(record["notes"]))},
        ]
        rows.append({"anchor": _anchor(at), "name": record["name"], "cells": cells})
    columns += [f"anisotropy{of[h]}" for h in shown] + ["field large enough", "notes"]
    return {
        "title": kind_text(records[0], len(records)),
        "caption": ("Measures of phase 1. " if n == 2 else "") + ("A click on a heading sorts." if several else ""),
        "columns": columns,
        "rows": rows,
        "foot": _foot(records, shown, len(columns)) if several else [],
        "spread": _spread(records, shown, measures) if several else [],
        "multiples": _multiples(members, n, unit) if several and len(members) <= _MOST_MULTIPLES else [],
    }


def _cell(value: float | None, digits: int = 4) -> dict[str, str]:
    """Return a number as it is shown, and in full for sorting."""
    return {"text": number(value, digits), "value": "" if value is None else repr(float(value))}


def _foot(records: list[Record], shown: list[int], columns: int) -> list[dict[str, Any]]:
    """Return mean, standard deviation and range for the foot of a table."""
    found = spread(records)["phases"]
    rows = []
    for key in ("mean", "standard_deviation", "least", "most"):
        cells = ["", *(number(found[h][name][key]) for name in MEASURES for h in shown)]
        rows.append({"name": key.replace("_", " "), "cells": cells + [""] * (columns - 1 - len(cells))})
    return rows


def _spread(records: list[Record], shown: list[int], measures: dict[str, str]) -> list[dict[str, Any]]:
    """Return a drawing of the spread among images for each measure."""
    from ..showing import vector

    found, drawings = spread(records)["phases"], []
    for name, text in measures.items():
        values = [[record["phases"][h][name] for record in records] for h in shown]
        parts = [f"phase {h} {number(found[h][name]['mean'], 3)} ± {number(found[h][name]['standard_deviation'], 2)}" for h in shown]
        alt = f"{text}, mean ± standard deviation among {len(records)} images: {', '.join(parts)}"
        salt = f"spread-{kind_text(records[0], len(records))}-{name}"
        drawings.append(Drawing(vector.svg_of(vector.spread_figure(text, values), alt, salt), alt))
    return _marked(drawings)


def _multiples(members: list[tuple[int, ReportSection]], n_phases: int, unit: str) -> list[dict[str, Any]]:
    """Return the small multiples."""
    from ..showing import vector

    traces = [vector.Trace(section.r, section.covariance, section.thumbnail) for _, section in members]
    figures = vector.multiple_figures(traces, n_phases, unit)
    found = []
    for (at, section), figure in zip(members, figures, strict=True):
        length = number(section.record["phases"][shown_phases(n_phases)[0]]["correlation_length"])
        alt = f"{section.record['name']}: segmentation and autocovariance, correlation length {length} {unit}"
        drawing = Drawing(vector.svg_of(figure, alt, f"small-{at}"), section.record["name"])
        found += [{"anchor": _anchor(at)} | marked for marked in _marked([drawing])]
    return found
