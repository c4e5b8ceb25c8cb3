"""Histograms of scores, with their medians and means."""

from collections.abc import Mapping
from typing import Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter

from .figures import COLOURS

LINES: dict[str, Literal["-", "--", ":"]] = {"median": "-", "mean": "--", "between two modes": ":"}
_BINS = 60
_LEAST = 1e-9  # logarithms take this value for smaller ones, or exact reproductions would take up the whole axis


def histograms(
    values: Mapping[str, Mapping[str, np.ndarray]],
    *,
    log: bool = False,
    valleys: Mapping[str, Mapping[str, float | None]] | None = None,
    quantity: str = "excess CESS, nats",
    title: str = "",
) -> Figure:
    """Draw histograms of scores, a column for each output and a panel for each row, with lines at median and mean.

    Parameters
    ----------
    values : dict of str to dict of str to array (n,)
        Scores of the images, by column, such as "soft" and "thresholded", and row.
    log : bool
        Whether to draw logarithms of all scores. Otherwise the largest fifth of the scores in a column is cut off, and each panel states
        the share that it lacks.
    valleys : dict of str to dict of str to float, optional
        Valleys between two modes, drawn as dotted lines.
    quantity : str
        Name and unit of the scores, written below.
    title : str
        Title of the figure.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If there is no column, rows differ between columns, or scores are missing or not finite.

    References
    ----------
    Cai et al., Figs 9 and 10.

    Examples
    --------
    >>> import numpy as np
    >>> from twopoint_models.evaluation.histograms import histograms
    >>> numbers = np.random.default_rng(0).lognormal(size=100)
    >>> len(histograms({"soft": {"MSE": numbers, "CESS": numbers / 2}}, log=True).axes)
    2
    """
    rows = [list(by) for by in values.values()]
    if not rows or not rows[0] or any(each != rows[0] for each in rows):
        raise ValueError(f"values must be one column or more, all of the same rows, got {rows}")
    if not all(np.size(x) and np.isfinite(x).all() for by in values.values() for x in by.values()):
        raise ValueError("values must be finite, at least one in each row")
    figure = Figure(figsize=(5.2 * len(values), 1.05 * len(rows[0]) + 1.2), layout="constrained")
    figure.suptitle(title, fontsize=11)
    axes = figure.subplots(len(rows[0]), len(values), squeeze=False, sharex="col")
    for j, (column, by) in enumerate(values.items()):
        edges = _edges(np.concatenate([*by.values()]), log)
        for i, (row, found) in enumerate(by.items()):
            between = (valleys or {}).get(column, {}).get(row)
            _histogram(axes[i, j], np.maximum(found, edges[0]) if log else found, edges, COLOURS[i % len(COLOURS)], between)
            axes[i, j].set_ylabel(row if not j else "", fontsize=8, rotation=0, ha="right", va="center")
        axes[0, j].set_title(column, fontsize=10)
        axes[-1, j].set_xlabel(quantity, fontsize=9)
        if log:
            _logarithmic(axes[-1, j], edges[0], edges[-1])
        else:
            axes[-1, j].xaxis.set_major_locator(MaxNLocator(5))
    lines = [Line2D([], [], color="black", linewidth=1.1, linestyle=style, label=name) for name, style in LINES.items()]
    figure.legend(handles=lines[: 3 if valleys else 2], loc="outside lower right", ncols=3, fontsize=8, frameon=False)
    return figure


def _logarithmic(at: Axes, low: float, high: float) -> None:
    """Make x logarithmic without TeX, which may be switched off when the figure is saved."""
    at.set(xscale="log", xlim=(low, high))
    at.xaxis.set_major_locator(LogLocator(subs=(1,) if high > 100 * low else (1, 2, 5)))
    at.xaxis.set_major_formatter("{x:g}")
    at.xaxis.set_minor_formatter(NullFormatter())


def _edges(numbers: np.ndarray, log: bool) -> np.ndarray:
    """Return the bins of all rows: up to the largest score for logarithms, else up to the 80th percentile."""
    top = float(numbers.max() if log else np.percentile(numbers, 80))
    if not log:
        return np.linspace(0, top if top > 0 else 1.0, _BINS + 1)
    low = max(float(numbers.min()), _LEAST)
    return np.geomspace(low, max(top, 2 * low), _BINS + 1)


def _histogram(at: Axes, numbers: np.ndarray, edges: np.ndarray, colour: str, between: float | None) -> None:
    """Draw the histogram of one row with its median and mean, which may lie outside the axes."""
    at.hist(numbers, bins=edges.tolist(), color=colour, alpha=0.75)
    middle, mean, beyond = float(np.median(numbers)), float(np.mean(numbers)), float((numbers > edges[-1]).mean())
    for value, style in zip((middle, mean, between), LINES.values(), strict=True):
        if value is not None and value <= edges[-1]:
            at.axvline(value, color="black", linewidth=1.1, linestyle=style)
    told = f"median {middle:.3g}\nmean {mean:.3g}" + (f"\n{beyond:.0%} beyond" if beyond else "")
    at.text(1.01, 0.5, told, transform=at.transAxes, va="center", fontsize=7)
    at.set(yticks=[], xlim=(edges[0], edges[-1]))
    at.tick_params(labelsize=8)
    at.spines[["top", "right", "left"]].set_visible(False)
