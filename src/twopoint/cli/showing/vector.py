"""Drawings in SVG for a page: panels one by one, lengths along directions, small multiples, and the spread among images."""

import html
import io
import re
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure

from ..directions import DirectionalLengths
from ..reading.spacing import readable_unit
from .figures import OUTLINE, draw, phase_colour, phase_colours
from .panels import Panel

_FINE, _COARSE = 120, 80  # dots per inch of images in drawings of one image, and of many
_MANY = 10  # images from which drawings are coarse
_POINTS = 60  # of a curve of the small multiples
_HIDDEN = re.compile(r"\s*<metadata>.*?</metadata>", re.DOTALL)


@dataclass(frozen=True)
class Trace:
    """The autocovariance of one image over distance, and its labels, thinned."""

    r: np.ndarray
    values: np.ndarray
    thumbnail: np.ndarray


def resolution(images: int) -> int:
    """Return the dots per inch of drawings on a page of this number of images."""
    return _FINE if images < _MANY else _COARSE


def svg_of(figure: Figure, alt: str, salt: str, dpi: int = _COARSE) -> str:
    """Return a figure as an element of a page: without a size of its own, with a text for those who do not see it.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        The figure.
    alt : str
        What it shows.
    salt : str
        Makes the names inside of it differ from those of the page's other drawings.
    dpi : int
        Dots per inch of images in it.
    """
    stream = io.StringIO()
    with warnings.catch_warnings(), rc_context({"svg.fonttype": "none", "svg.hashsalt": salt, "text.parse_math": False}):
        warnings.simplefilter("ignore")  # of letters that the font lacks; the reader's font may have them
        figure.savefig(
            stream, format="svg", dpi=dpi, transparent=True, metadata={"Date": None, "Creator": None, "Format": None, "Type": None}
        )
    text = stream.getvalue()
    text = _HIDDEN.sub("", text[text.index("<svg") :])
    head, body = text.split(">", 1)
    head = re.sub(r'\s(width|height)="[^"]*"', "", head)
    return f'{head} role="img" aria-label="{html.escape(alt, quote=True)}">{body}'


def panel_svg(panel: Panel, alt: str, salt: str, dpi: int) -> str:
    """Return one panel as a drawing."""
    return svg_of(draw([panel], title=""), alt, salt, dpi)


def directions_figure(directions: DirectionalLengths, unit: str) -> Figure:
    """Return a figure of correlation lengths along directions: in an image around the centre, in a volume one bar per axis."""
    known = [length for lengths in directions.lengths for length in lengths if length is not None]
    factor, unit = readable_unit(unit, max(known, default=1.0))
    n = len(directions.lengths)
    figure = Figure(figsize=(4.4, 4.1), layout="constrained")
    shown = [1] if n == 2 else range(n)
    if directions.angles is None:
        axes = figure.add_subplot()
        for h in shown:
            lengths = [np.nan if length is None else length * factor for length in directions.lengths[h]]
            axes.bar(np.arange(len(lengths)) + 0.8 * (h - (n - 1) / 2) / n, lengths, 0.7 / n, color=phase_colour(h), edgecolor=OUTLINE)
        axes.set_xticks(range(len(directions.vectors)), [f"axis {axis}" for axis in range(len(directions.vectors))])
        axes.set_ylabel(f"correlation length, {unit}")
    else:
        axes = figure.add_subplot(projection="polar")
        around = np.radians([*directions.angles, *(angle + 180 for angle in directions.angles), directions.angles[0]])
        for h in shown:
            lengths = [np.nan if length is None else length * factor for length in directions.lengths[h]]
            axes.plot(around, [*lengths, *lengths, lengths[0]], "o-", color=phase_colour(h), mec=OUTLINE, ms=4, lw=1.6)
        axes.set_ylim(bottom=0)
        axes.tick_params(labelsize=8)
    axes.set_title(f"correlation length along directions, {unit}", fontsize=11)
    return figure


def multiple_figures(traces: Sequence[Trace], n_phases: int, unit: str) -> Iterator[Figure]:
    """Yield small multiples: the labels of each image, and its autocovariance over distance in the range of those of all images."""
    reach = _reach(traces)
    r = np.linspace(0, reach, _POINTS)
    found = [np.interp(r, trace.r[known], trace.values[known]) for trace in traces for known in [np.isfinite(trace.values)]]
    least, most = np.min(found, axis=0), np.max(found, axis=0)
    factor, unit = readable_unit(unit, reach)
    for trace, values in zip(traces, found, strict=True):
        figure = Figure(figsize=(3.4, 1.6), layout="constrained")
        image, curve = figure.subplots(1, 2)
        image.imshow(trace.thumbnail, cmap=phase_colours(n_phases), vmin=-0.5, vmax=n_phases - 0.5, interpolation="nearest")
        image.axis("off")
        curve.fill_between(r * factor, least, most, color="#d3d6db", lw=0)
        curve.plot(r * factor, values, color="#d1495b", lw=1.6)
        curve.set_xlim(0, reach * factor)
        curve.set_ylim(min(-0.3, float(least.min())), 1.02)
        curve.tick_params(labelsize=7)
        curve.set_xlabel(unit, fontsize=7)
        yield figure


def _reach(traces: Sequence[Trace]) -> float:
    """Return the distance up to which autocovariances are shown: until all have fallen, or the end of the shortest."""
    last = []
    for trace in traces:
        above = np.flatnonzero(np.abs(trace.values) > 0.1)
        last.append(float(trace.r[above[-1]]) if len(above) else float(trace.r[-1]))
    return max(min(2 * float(np.median(last)), min(float(trace.r[-1]) for trace in traces)), 1e-12)


def spread_figure(name: str, phases: list[list[float | None]]) -> Figure:
    """Return a figure of the spread of a measure: each image a dot, the mean a line, the standard deviation a band.

    Parameters
    ----------
    name : str
        Name of the measure, with the unit.
    phases : list of list
        Of each shown phase the value of each image.
    """
    figure = Figure(figsize=(3.2, 3.0), layout="constrained")
    axes = figure.add_subplot()
    for at, found in enumerate(phases):
        known = np.array([value for value in found if value is not None])
        if not len(known):
            continue
        shift = 0.25 * (np.arange(len(known)) * 0.618034 % 1 - 0.5)  # an even spread without chance
        mean, deviation = float(known.mean()), float(known.std(ddof=1)) if len(known) > 1 else 0.0
        axes.fill_between([at - 0.3, at + 0.3], mean - deviation, mean + deviation, color="#8ea8c3", alpha=0.35, lw=0)
        axes.plot([at - 0.3, at + 0.3], [mean, mean], color=OUTLINE, lw=1.4)
        axes.plot(at + shift, known, "o", ms=4, color="#2f4b8f", alpha=0.7, mew=0)
    axes.set_title(name, fontsize=10)
    axes.set_xlim(-0.6, len(phases) - 0.4)
    first = 1 if len(phases) == 1 else 0
    axes.set_xticks(range(len(phases)), [f"phase {at + first}" for at in range(len(phases))], fontsize=8)
    axes.tick_params(labelsize=8)
    return figure
