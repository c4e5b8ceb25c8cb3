"""Pictures of the manifold's tasks, after Figs 5 to 8 of Lubbers et al.: arrays in, a Figure out; nothing is shown, nothing is saved."""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

from .figures_of_scores import COLOURS

METHODS = (COLOURS[2], COLOURS[0], COLOURS[1], *COLOURS[3:])  # the first red, the second blue, as in the paper
MARKERS = "os^Dv"
STYLES = ("-", "--", ":", "-.")
_SPREAD = (10, 90)  # percentiles over trials; a band of standard deviations may reach below zero


def angles(
    angle: np.ndarray, points: Mapping[str, Mapping[str, np.ndarray]], recovered: Mapping[str, Mapping[str, np.ndarray]], *, title: str = ""
) -> Figure:
    """Draw embeddings in the plane, with arrows in the direction 2 theta, and below them the angles that were read from them.

    Parameters
    ----------
    angle : array (n,)
        theta, that images were made with, in radians.
    points : dict of str to dict of str to array (n, 2)
        By method, a row each, then by column, such as the amplitude of noise.
    recovered : dict of str to dict of str to array (n,)
        Angles in radians, as of :func:`twopoint_models.manifold.angle_error`, for the same methods and columns.
    title : str
        Above all.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If there is no method or column, methods differ in columns, or shapes do not fit.

    References
    ----------
    Lubbers et al., Fig. 5.

    Examples
    --------
    >>> import numpy as np
    >>> from twopoint_models.evaluation.figures_of_manifolds import angles
    >>> theta = np.arange(8) * np.pi / 8
    >>> ring = np.stack([np.cos(2 * theta), np.sin(2 * theta)], axis=1)
    >>> len(angles(theta, {"CNN": {"A = 1": ring, "A = 4": ring}}, {"CNN": {"A = 1": theta, "A = 4": theta}}).axes)
    4
    """
    angle, columns = np.asarray(angle, dtype=np.float64), list(next(iter(points.values()), {}))
    if not columns or any(list(by) != columns for by in (*points.values(), *recovered.values())) or list(points) != list(recovered):
        raise ValueError(
            f"points and recovered must be of the same methods and columns, got {list(points)}, {list(recovered)} and {columns}"
        )
    for method, column in ((m, c) for m in points for c in columns):
        if points[method][column].shape != (*angle.shape, 2) or recovered[method][column].shape != angle.shape or angle.ndim != 1:
            found = f"{points[method][column].shape}, {recovered[method][column].shape} and {angle.shape} for {method!r}, {column!r}"
            raise ValueError(f"points, recovered and angle must have the shapes (n, 2), (n,) and (n,), got {found}")
    figure = Figure(figsize=(2.7 * len(columns) + 0.5, 2.6 * (len(points) + 1) + 0.3), layout="constrained")
    figure.suptitle(title, fontsize=11)
    axes = figure.subplots(len(points) + 1, len(columns), squeeze=False)
    for j, column in enumerate(columns):
        axes[0, j].set_title(column, fontsize=10)
        below = axes[-1, j]
        below.plot([0, np.pi], [0, np.pi], color="#999999", linewidth=0.8)
        for i, method in enumerate(points):
            _ring(axes[i, j], points[method][column], angle, METHODS[i % len(METHODS)])
            style = {"color": METHODS[i % len(METHODS)], "marker": MARKERS[i % len(MARKERS)], "markersize": 3.5, "linestyle": ""}
            below.plot(angle, recovered[method][column], markerfacecolor="none", label=method, **style)
            axes[i, 0].set_ylabel(method, fontsize=10)
        below.set_xlabel("θ", fontsize=9)
        below.set(xticks=[0, np.pi / 2, np.pi], yticks=[0, np.pi / 2, np.pi], ylim=(-np.pi / 2, 1.5 * np.pi))
        below.set_xticklabels(["0", "π/2", "π"])
        below.set_yticklabels(["0", "π/2", "π"])
    axes[-1, 0].set_ylabel("reconstructed", fontsize=10)
    axes[-1, 0].legend(fontsize=7, frameon=False)
    return figure


def curves(
    x: np.ndarray,
    values: Mapping[str, Mapping[str, np.ndarray]],
    *,
    x_label: str,
    y_label: str,
    log: bool = False,
    log_x: bool = False,
    level: float | None = None,
) -> Figure:
    """Draw means over trials as lines, and where 80 % of the trials lie as bands: errors and stresses against A, N or D*.

    Parameters
    ----------
    x : array (k,)
        What numbers are drawn against.
    values : dict of str to dict of str to array (k,) or (k, trials)
        By method, a colour each, then by line of it, such as the number of images; "" says nothing more than the method.
    x_label, y_label : str
        Of the axes.
    log, log_x : bool
        Whether y and x are logarithmic.
    level : float, optional
        A height that means something, such as a guess's error.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If there is no line, or a line has not one row for each x, or numbers are not finite.

    References
    ----------
    Lubbers et al., Figs 6 to 8.

    Examples
    --------
    >>> import numpy as np
    >>> from twopoint_models.evaluation.figures_of_manifolds import curves
    >>> figure = curves(np.array([1.0, 2.5, 4.0]), {"CNN": {"N = 50": np.ones((3, 20))}}, x_label="A", y_label="RMSE")
    >>> len(figure.axes[0].lines)
    1
    """
    x = np.asarray(x, dtype=np.float64)
    if x.ndim != 1 or not any(map(len, values.values())):
        raise ValueError(f"x must be one axis, and values one line or more, got {x.shape} and {list(values)}")
    figure = Figure(figsize=(5.4, 3.7), layout="constrained")
    at = figure.subplots()
    for i, (method, lines) in enumerate(values.items()):
        for j, (name, numbers) in enumerate(lines.items()):
            found = np.asarray(numbers, dtype=np.float64)
            if found.ndim not in (1, 2) or len(found) != len(x) or not found.size or not np.isfinite(found).all():
                raise ValueError(
                    f"values[{method!r}][{name!r}] must be finite, one row for each of {len(x)} x, got the shape {found.shape}"
                )
            look = {"color": METHODS[i % len(METHODS)], "marker": MARKERS[i % len(MARKERS)], "linestyle": STYLES[j % len(STYLES)]}
            rows = found.reshape(len(x), -1)
            (line,) = at.plot(x, rows.mean(axis=1), label=", ".join(filter(None, (method, name))), markersize=4, linewidth=1.3)
            line.set(**look)
            if rows.shape[1] > 1:
                at.fill_between(x, *np.percentile(rows, _SPREAD, axis=1), color=look["color"], alpha=0.15, linewidth=0)
    if level is not None:
        at.axhline(level, color="#999999", linewidth=0.8, linestyle=":")
    _scales(at, x, log, log_x)
    at.set_xlabel(x_label)
    at.set_ylabel(y_label)
    at.grid(alpha=0.25)
    at.legend(fontsize=8, frameon=False)
    return figure


def _scales(at: Axes, x: np.ndarray, log: bool, log_x: bool) -> None:
    """Make axes logarithmic without TeX, which whoever saves may have switched off; a linear y begins at zero."""
    if log:
        at.set_yscale("log")
        at.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        at.yaxis.set_major_formatter("{x:g}")
        at.yaxis.set_minor_formatter(NullFormatter())
    else:
        at.set_ylim(bottom=0)
    if log_x:
        at.set_xscale("log")
        at.set_xticks(x.tolist(), [f"{each:g}" for each in x])
        at.xaxis.set_minor_formatter(NullFormatter())


def _ring(at: Axes, points: np.ndarray, angle: np.ndarray, colour: str) -> None:
    """Draw points of an embedding with arrows, one scale for both axes."""
    at.plot(*points.T, ".", color=colour, markersize=3)
    at.quiver(*points.T, np.cos(2 * angle), np.sin(2 * angle), color=colour, angles="xy", scale=14, width=0.006)
    at.set_aspect("equal", adjustable="datalim")
    at.set(xticks=[], yticks=[])
