"""Drawings in SVG for a page: panels one by one, lengths along directions, small multiples, and the spread among images."""

import html
import io
import re
import warnings
from collections.abc import Sequence
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


def multiple_figure(trace: Trace, others: Sequence[Trace], n_phases: int, unit: str) -> Figure:
    """Return one of the small multiples: labels, and the autocovariance over distance among those of the other images."""
    figure = Figure(figsize=(3.4, 1.6), layout="constrained")
    image, curve = figure.subplots(1, 2)
    image.imshow(trace.thumbnail, cmap=phase_colours(n_phases), vmin=-0.5, vmax=n_phases - 0.5, interpolation="nearest")
    image.axis("off")
    reach = _reach([trace, *others])
    factor, unit = readable_unit(unit, reach)
    for other in others:
        curve.plot(other.r * factor, other.values, color="#b9bcc2", lw=0.6)
    curve.plot(trace.r * factor, trace.values, color="#d1495b", lw=1.6)
    curve.set_xlim(0, reach * factor)
    curve.set_ylim(-0.3, 1.02)
    curve.tick_params(labelsize=7)
    curve.set_xlabel(unit, fontsize=7)
    return figure


def _reach(traces: Sequence[Trace]) -> float:
    """Return the distance up to which autocovariances are shown: until all have fallen, or the end of the shortest."""
    last = []
    for trace in traces:
        above = np.flatnonzero(np.abs(trace.values) > 0.1)
        last.append(float(trace.r[above[-1]]) if len(above) else float(trace.r[-1]))
    return max(min(2 * float(np.median(last)), min(float(trace.r[-1]) for trace in traces)), 1e-12)


def spread_figure(values: dict[str, list[list[float | None]]]) -> Figure:
    """Return a figure of the spread of measures: each image a dot, the mean a line, the standard deviation a band.

    Parameters
    ----------
    values : dict of list
        For each measure, by its name with the unit, and each shown phase the value of each image.
    """
    figure = Figure(figsize=(3.2 * len(values), 3.0), layout="constrained")
    for axes, (name, phases) in zip(np.atleast_1d(figure.subplots(1, len(values))), values.items(), strict=True):
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
