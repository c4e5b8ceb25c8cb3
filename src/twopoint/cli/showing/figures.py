"""Figures: draw turns panels into a matplotlib Figure, and save writes it; nothing opens a window."""

import math
import warnings
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from matplotlib import patheffects, rc_context
from matplotlib.axes import Axes
from matplotlib.colors import BoundaryNorm, Colormap, ListedColormap, Normalize
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.ticker import MaxNLocator

from ... import __version__
from ..reading.collect import OWN_SOFTWARE
from ..reading.segmentation import format_threshold
from ..reading.spacing import readable_unit
from .panels import Curve, Curves, Field, Histogram, Panel

# Distinct in gray and to colour-blind readers; N phases take the first N.
_PHASES = ("#1d2f4f", "#f2c14e", "#3a9188", "#d1495b", "#8ea8c3", "#7b4b94", "#e8e1d0", "#6b705c")
_LEFT_OUT = "#ffffff"
_MAPS = {"gray": "gray", "statistic": "viridis", "difference": "RdBu_r"}
_FINE = 1200  # pixels along an axis above which an image is thinned; the picture has fewer
_WIDTH, _PLAIN, _MARGIN, _DPI = 4.4, 3.2, 0.95, 110  # width of a panel, height of a plot, height of title and labels, all in inches
_FLAT, _TALL = 0.35, 1.6  # bounds on the height of an image relative to its width
_BINS = 128
_COMPRESSION = 3  # of a PNG: higher ones take longer and make it hardly smaller
_MOST_TICKS, _MOST_INSIDE = 5, 4  # ticks along an axis; lines up to which the legend is inside the axes
_ROUNDING = 1e-12  # largest difference of statistics that count as equal
_THICK, _THIN, OUTLINE = 2.8, 1.6, "#333333"


def draw(panels: Sequence[Panel], *, title: str, columns: int = 4) -> Figure:
    """Draw panels in rows; curves in the last place take the rest of their row.

    Parameters
    ----------
    panels : sequence of Field, Curves and Histogram
        The panels.
    title : str
        Title of the figure.
    columns : int
        Number of panels in a row.

    Returns
    -------
    matplotlib.figure.Figure

    Examples
    --------
    >>> import numpy as np
    >>> from twopoint.cli.showing.figures import draw
    >>> from twopoint.cli.showing.panels import Field
    >>> from twopoint.cli.reading.spacing import Spacing
    >>> len(draw([Field(np.eye(4), "four pixels", "gray", Spacing().along(2))], title="an image").axes)
    1
    """
    columns = min(columns, len(panels))
    rows = [max(map(_height, panels[at : at + columns])) for at in range(0, len(panels), columns)]
    with rc_context({"text.parse_math": False}):  # a file name may hold dollar signs
        figure = Figure(figsize=(_WIDTH * columns, sum(rows) + 0.5), layout="constrained")
        figure.suptitle(title, fontsize=13)
        grid = figure.add_gridspec(len(rows), columns, height_ratios=rows)
        for at, panel in enumerate(panels):
            row, column = divmod(at, columns)
            last = columns if at == len(panels) - 1 and isinstance(panel, Curves) else column + 1
            _draw(figure.add_subplot(grid[row, column:last]), panel)
    return figure


def save(figure: Figure, path: Path) -> None:
    """Write a figure as PNG; a letter that the font lacks becomes a box, without a warning."""
    with warnings.catch_warnings(), rc_context({"text.parse_math": False}):
        warnings.simplefilter("ignore")
        software = {"Software": f"{OWN_SOFTWARE} {__version__}"}  # by which the picture is not taken for an image in a folder
        figure.savefig(path, dpi=_DPI, format="png", metadata=software, pil_kwargs={"compress_level": _COMPRESSION})


def _height(panel: Panel) -> float:
    """Return the height of a panel in inches."""
    if not isinstance(panel, Field):
        return _PLAIN + _MARGIN
    (height, width), (down, right) = panel.slice.shape, panel.steps
    if panel.reach is not None:
        height, width = (min(n, 2 * panel.reach / step) for n, step in zip((height, width), (down, right), strict=True))
    return _PLAIN * min(max(height * down / (width * right), _FLAT), _TALL) + _MARGIN


def _draw(axes: Axes, panel: Panel) -> None:
    """Draw one panel."""
    axes.set_title(panel.title, fontsize=11)
    if isinstance(panel, Curves):
        _curves(axes, panel)
    elif isinstance(panel, Histogram):
        _histogram(axes, panel)
    else:
        _field(axes, panel)


def _field(axes: Axes, panel: Field) -> None:
    """Draw an image with its colour bar, and axes in the unit of spacing."""
    values, (height, width) = panel.slice, panel.slice.shape
    factor, unit = readable_unit(panel.spacing.unit, _longest(panel))
    down, right = (step * factor for step in panel.steps)
    top, left = ((-(n // 2) - 0.5) * step if panel.over_lags else 0.0 for n, step in zip(values.shape, (down, right), strict=True))
    extent = (left, left + width * right, top + height * down, top)
    colours, norm = _scale(panel, values)
    thin = math.ceil(max(values.shape) / _FINE)
    image = axes.imshow(values[::thin, ::thin], cmap=colours, norm=norm, extent=extent, interpolation="nearest")
    if panel.reach is not None:
        reach = panel.reach * factor
        axes.set_xlim(max(left, -reach), min(left + width * right, reach))
        axes.set_ylim(min(top + height * down, reach), max(top, -reach))
    tall = abs(np.diff(axes.get_ylim())[0] / np.diff(axes.get_xlim())[0])
    axes.xaxis.set_major_locator(_ticks(1 / tall))
    axes.yaxis.set_major_locator(_ticks(tall))
    axes.set_xlabel(f"lag, {unit}" if panel.over_lags else unit)
    _colour_bar(axes, image, panel, tall)


def _colour_bar(axes: Axes, image: AxesImage, panel: Field, tall: float) -> None:
    """Draw a colour bar next to an image; tall is the height of the image relative to its width."""
    bar = axes.figure.colorbar(image, cax=axes.inset_axes((1 + 0.03 * max(tall, 1), 0.0, 0.045 * max(tall, 1), 1.0)))
    if panel.kind == "phases":
        bar.set_ticks(list(range(panel.n_phases)), labels=[f"phase {h}" for h in range(panel.n_phases)])
        bar.minorticks_off()
    elif panel.kind == "difference" and not _largest_difference(panel.slice):
        bar.set_ticks([0.0], labels=["0: equal"])
    else:
        bar.locator = _ticks(tall)
        bar.update_ticks()
        if panel.over_lags:
            bar.ax.ticklabel_format(axis="y", scilimits=(-2, 3))


def _longest(panel: Field) -> float:
    """Return the longest distance along a panel's axes, in the unit of its spacing."""
    if panel.reach is not None:
        return panel.reach
    return max(n * step for n, step in zip(panel.slice.shape, panel.steps, strict=True)) / (2 if panel.over_lags else 1)


def _largest_difference(values: np.ndarray) -> float:
    """Return the largest absolute value; 0 if it is rounding."""
    finite = values[np.isfinite(values)]
    largest = float(np.abs(finite).max(initial=0.0))
    return largest if largest > _ROUNDING else 0.0


def _ticks(length: float) -> MaxNLocator:
    """Return ticks for an axis, as many as fit; length is relative to the longer axis."""
    return MaxNLocator(max(1, round(_MOST_TICKS * min(length, 1))), steps=[1, 2, 2.5, 5, 10])


def _scale(panel: Field, values: np.ndarray) -> tuple[Colormap | str, Normalize]:
    """Return the colour map and its scale: one colour per phase, and symmetric about 0 for a difference."""
    if panel.kind == "phases":
        return phase_colours(panel.n_phases), BoundaryNorm(np.arange(panel.n_phases + 1) - 0.5, panel.n_phases)
    finite = values[np.isfinite(values)].astype(float)
    if panel.kind == "difference":
        reach = _largest_difference(values) or 1.0  # equal statistics need a scale too
        return _MAPS[panel.kind], Normalize(-reach, reach)
    return _MAPS[panel.kind], Normalize(float(finite.min()), float(finite.max()))


def phase_colour(phase: int) -> str:
    """Return the colour of a phase."""
    return _PHASES[phase]


def phase_colours(n_phases: int) -> Colormap:
    """Return one colour per phase, and another for points that are left out."""
    return ListedColormap(_PHASES[:n_phases]).with_extremes(under=_LEFT_OUT)


def _curves(axes: Axes, panel: Curves) -> None:
    """Draw lines over distances; the first is the thickest, so that it stays visible under the others."""
    factor, unit = readable_unit(panel.unit, float(panel.r[-1]))
    r = panel.r * factor
    for at, curve in enumerate(panel.lines):
        curve = curve if curve.mark is None else replace(curve, mark=curve.mark * factor)
        _curve(axes, r, curve, _THICK - (_THICK - _THIN) * at / max(len(panel.lines) - 1, 1))
    axes.set_xlim(0, float(r[-1]) if len(r) > 1 else 1)
    axes.set_ylim(bottom=min(0.0, *(float(curve.values.min()) for curve in panel.lines)))
    axes.set_xlabel(f"distance, {unit}")
    axes.set_ylabel("probability")
    axes.grid(alpha=0.25)
    several = sum(bool(curve.name) for curve in panel.lines) > _MOST_INSIDE
    place = {"loc": "upper left", "bbox_to_anchor": (1.01, 1.0)} if several else {"loc": "best"}
    axes.legend(title=panel.remark or None, fontsize=9, title_fontsize=8, **place)


def _curve(axes: Axes, r: np.ndarray, curve: Curve, width: float) -> None:
    """Draw one line with its limit and its mark; an outline makes light colours visible."""
    colour = _PHASES[curve.colour]
    outline = [patheffects.withStroke(linewidth=width + 1.2, foreground=OUTLINE)]
    name = curve.name or "_nolegend_"
    axes.plot(r, curve.values, color=colour, lw=width, ls="--" if curve.dashed else "-", label=name, path_effects=outline)
    if curve.limit is not None:
        axes.axhline(curve.limit, color=OUTLINE, lw=1, ls=":")
    if curve.mark is not None:
        height = float(np.interp(curve.mark, r, curve.values))
        axes.plot([curve.mark], [height], "o", color=colour, mec=OUTLINE, ms=8, zorder=3)


def _histogram(axes: Axes, panel: Histogram) -> None:
    """Draw a histogram of gray values in the colours of the phases, with the thresholds between them."""
    values = np.ravel(panel.values).astype(float)
    count, edges = np.histogram(values, bins=_bins(panel.values))
    phase = np.searchsorted(panel.thresholds, (edges[:-1] + edges[1:]) / 2)
    share = count / max(count.sum(), 1)
    for h in range(len(panel.thresholds) + 1):
        axes.stairs(np.where(phase == h, share, 0.0), edges, fill=True, color=_PHASES[h])
    for threshold in panel.thresholds:
        axes.axvline(threshold, color="#d1495b", lw=1.5)
        axes.annotate(
            " " + format_threshold(threshold, panel.values.dtype),
            (threshold, 0.97),
            xycoords=("data", "axes fraction"),
            color="#d1495b",
            va="top",
        )
    axes.set_xlabel("gray value")
    axes.set_ylabel("share of pixels")


def _bins(values: np.ndarray) -> np.ndarray:
    """Return the edges of bins; for integers their width is an integer, so that none is empty by rounding."""
    low, high = float(values.min()), float(values.max())
    if values.dtype.kind in "iu":
        step = max(1, math.ceil((high - low + 1) / _BINS))
        return np.arange(low - 0.5, high + step, step)
    return np.linspace(low, high, _BINS + 1)
