"""Figures of properties and of fields: arrays in, a Figure out."""

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

from .figures import MADE, REAL


def parity(
    pairs: Mapping[str, tuple[np.ndarray, np.ndarray]], *, names: tuple[str, str] = ("known", "computed"), log: bool = False
) -> Figure:
    """Draw computed against known values with the line of equality, a panel for each property.

    Parameters
    ----------
    pairs : dict of str to two arrays (n,)
        Known and computed values, by property.
    names : two str
        Labels of the axes.
    log : bool
        Whether axes are logarithmic; for numbers above 0.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If there is no property, its two arrays differ in shape or are empty, or a number is not finite, or on logarithmic axes not above 0.

    Examples
    --------
    >>> import numpy as np
    >>> from twopoint_models.evaluation.fields import parity
    >>> len(parity({"k_x": (np.arange(3.0), np.arange(3.0) + 0.1), "k_y": (np.arange(3.0), np.arange(3.0))}).axes)
    2
    """
    if not pairs:
        raise ValueError("pairs must have one property or more, got none")
    figure = Figure(figsize=(4.2 * len(pairs), 4.6), layout="constrained")
    for at, (name, (known, computed)) in zip(figure.subplots(1, len(pairs), squeeze=False)[0], pairs.items(), strict=True):
        both = np.stack([np.ravel(known), np.ravel(computed)]) if np.shape(known) == np.shape(computed) else np.empty((2, 0))
        if not both.size or not np.isfinite(both).all() or (log and both.min() <= 0):
            what = "finite numbers above 0" if log else "finite numbers"
            raise ValueError(f"pairs[{name!r}] must be two arrays of one shape, of {what}, got {np.shape(known)} and {np.shape(computed)}")
        ends = [both.min(), both.max()]
        at.plot(ends, ends, color=MADE, linewidth=1)
        at.scatter(*both, s=7, color=REAL, alpha=0.5, linewidths=0)
        if log:
            at.set(xscale="log", yscale="log")
            for axis in (at.xaxis, at.yaxis):  # the default labels use TeX, which may be switched off when the figure is saved
                axis.set_major_locator(LogLocator(subs=(1, 2, 5)))  # the range may lack a power of ten
                axis.set_major_formatter("{x:g}")
                axis.set_minor_formatter(NullFormatter())
        at.tick_params(labelsize=7)
        at.tick_params(axis="x", rotation=45)
        at.set(xlabel=names[0], ylabel=names[1], aspect="equal")
        at.set_title(name, fontsize=10)
    return figure


def field_maps(maps: Mapping[str, np.ndarray], *, columns: int = 3, title: str = "", cut: float = 0.5) -> Figure:
    """Draw fields of a microstructure side by side, each with its own scale; x points down, y to the right.

    Parameters
    ----------
    maps : dict of str to array (H, W)
        Microstructures of 0 and 1, drawn in gray, or fields, by title.
    columns : int
        Number of maps in a row.
    title : str
        Title of the figure.
    cut : float
        Percentage of pixels that the scale cuts off at each end, because peaks of fields at corners would hide the rest.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If there is no map, or one is not finite or not (H, W).

    Examples
    --------
    >>> import numpy as np
    >>> from twopoint_models.evaluation.fields import field_maps
    >>> len(field_maps({"phase 1": np.eye(8), "strain": np.arange(64.0).reshape(8, 8)}).axes)  # and a colour bar
    3
    """
    if not maps or not all(np.ndim(field) == 2 and np.isfinite(field).all() for field in maps.values()):
        raise ValueError(
            f"maps must be one or more finite arrays (H, W), got { ({name: np.shape(field) for name, field in maps.items()}) }"
        )
    columns = min(columns, len(maps))
    rows = -(-len(maps) // columns)
    figure = Figure(figsize=(3.4 * columns, 2.9 * rows + (0.4 if title else 0)), layout="constrained")
    figure.suptitle(title, fontsize=12)
    places = figure.subplots(rows, columns, squeeze=False).ravel()
    for at in places[len(maps) :]:
        figure.delaxes(at)
    for at, (name, field) in zip(places, maps.items(), strict=False):
        binary = bool(((field == 0) | (field == 1)).all())
        low, high = (0, 1) if binary else np.percentile(field, [cut, 100 - cut])
        shown = at.imshow(field, cmap="gray_r" if binary else "viridis", vmin=low, vmax=high, interpolation="nearest")
        if not binary:
            figure.colorbar(shown, ax=at, shrink=0.85).ax.tick_params(labelsize=7)
        at.set(xticks=[], yticks=[])
        at.set_title(name, fontsize=9)
    places[0].set_xlabel("y", fontsize=8)
    places[0].set_ylabel("x", fontsize=8)
    return figure
