"""Figures of embeddings, Figs 5 to 12 of Lubbers et al.: arrays in, a Figure out."""

from collections.abc import Mapping, Sequence
from itertools import product

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

from ..evaluation.figures import COLOURS

METHODS = (COLOURS[2], COLOURS[0], COLOURS[1], *COLOURS[3:])  # the first method is red, the second blue, as in the paper
MARKERS = "os^Dv"
STYLES = ("-", "--", ":", "-.")
_SPREAD = (10, 90)  # percentiles over trials; a band of standard deviations could reach below zero


def angles(
    angle: np.ndarray, points: Mapping[str, Mapping[str, np.ndarray]], recovered: Mapping[str, Mapping[str, np.ndarray]], *, title: str = ""
) -> Figure:
    """Draw embeddings in the plane with arrows in the direction 2 theta, and below them the angles read from them.

    Parameters
    ----------
    angle : array (n,)
        Angles theta of the images, in radians.
    points : dict of str to dict of str to array (n, 2)
        Embeddings by method (rows) and by column, such as the amplitude of noise.
    recovered : dict of str to dict of str to array (n,)
        Angles in radians from :func:`twopoint_models.manifold.angle_error`, for the same methods and columns.
    title : str
        Title of the figure.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If there is no method or column, columns differ between methods, or shapes do not fit.

    References
    ----------
    Lubbers et al., Fig. 5.

    Examples
    --------
    >>> import numpy as np
    >>> from twopoint_models.manifold.figures import angles
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
    """Draw means over trials as lines and the range of 80 % of the trials as bands: errors and stresses against A, N or D*.

    Parameters
    ----------
    x : array (k,)
        Values of the abscissa.
    values : dict of str to dict of str to array (k,) or (k, trials)
        Values by method (colours) and by line, such as the number of images; "" for a single line.
    x_label, y_label : str
        Labels of the axes.
    log, log_x : bool
        Whether y and x are logarithmic.
    level : float, optional
        Height of a reference line, such as the error of random guesses.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If there is no line, a line does not have one row for each x, or a number is not finite.

    References
    ----------
    Lubbers et al., Figs 6 to 8.

    Examples
    --------
    >>> import numpy as np
    >>> from twopoint_models.manifold.figures import curves
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
    """Make axes logarithmic without TeX, which may be switched off when the figure is saved; a linear y starts at zero."""
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
    """Draw points of an embedding with arrows, with equal scales of both axes."""
    at.plot(*points.T, ".", color=colour, markersize=3)
    at.quiver(*points.T, np.cos(2 * angle), np.sin(2 * angle), color=colour, angles="xy", scale=14, width=0.006)
    at.set_aspect("equal", adjustable="datalim")
    at.set(xticks=[], yticks=[])


Periods = Mapping[str, float] | None


def spaces(
    points: np.ndarray,
    parameters: Mapping[str, np.ndarray],
    *,
    periods: Periods = None,
    held: int = 0,
    elevation: float = 20.0,
    azimuth: float = -60.0,
    title: str = "",
) -> Figure:
    """Draw an embedding in three dimensions, a column for each parameter by which it is coloured.

    Parameters
    ----------
    points : array (n, 3)
        An embedding, or the projection of one by :func:`twopoint_models.manifold.project`.
    parameters : dict of str to array (n,)
        Parameters of the images, by label.
    periods : dict of str to float, optional
        Periods of periodic parameters, such as pi for an angle, which get cyclic colours.
    held : int
        With 1 or more, a second row shows only the points at this number of values of the parameter, the surfaces on which it is constant.
    elevation, azimuth : float
        Angles of the view in degrees.
    title : str
        Title of the figure.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If points are not (n, 3), there is no parameter, a parameter is not (n,), or a number is not finite.

    References
    ----------
    Lubbers et al., Figs 9 and 11.

    Examples
    --------
    >>> import numpy as np
    >>> from twopoint_models.manifold.figures import spaces
    >>> points = np.random.default_rng(0).random((20, 3))
    >>> len(spaces(points, {"A": points[:, 0], "k": points[:, 1]}).axes)  # two panels and two colour bars
    4
    """
    points = _checked(points, parameters, 3)
    if points.shape[1] != 3:
        raise ValueError(f"points must have the shape (n, 3), got {points.shape}")
    rows = 2 if held else 1
    figure = Figure(figsize=(3.8 * len(parameters), 3.4 * rows + 0.2), layout="constrained")
    figure.suptitle(title, fontsize=11)
    for j, (name, values) in enumerate(parameters.items()):
        numbers = np.asarray(values, dtype=np.float64)
        colours, low, high = _colours(name, numbers, periods)
        for row in range(rows):
            at = figure.add_subplot(rows, len(parameters), 1 + j + row * len(parameters), projection="3d")
            shown = np.isin(numbers, _few(numbers, held)) if row else np.full(len(points), True)
            drawn = at.scatter(*points[shown].T, c=numbers[shown], cmap=colours, vmin=low, vmax=high, s=7, depthshade=False)
            at.view_init(elev=elevation, azim=azimuth)
            at.set(xticklabels=[], yticklabels=[], zticklabels=[])
            for axis, ends in zip("xyz", zip(points.min(axis=0), points.max(axis=0), strict=True), strict=True):
                at.set(**{f"{axis}lim": ends})
            if not row:
                at.set_title(name, fontsize=10)
                figure.colorbar(drawn, ax=at, shrink=0.6, pad=0.02).ax.tick_params(labelsize=7)
    return figure


def views(
    points: np.ndarray,
    parameters: Mapping[str, np.ndarray],
    *,
    axes: Sequence[tuple[int, int]] = ((0, 1),),
    labels: Sequence[str] = (),
    periods: Periods = None,
    title: str = "",
) -> Figure:
    """Draw an embedding along its axes, a panel for each parameter by which it is coloured and each pair of axes.

    Parameters
    ----------
    points : array (n, D)
        An embedding, or the projection of one by :func:`twopoint_models.manifold.project`.
    parameters : dict of str to array (n,)
        Parameters of the images, by label.
    axes : list of two ints
        Pairs of axes to draw; ((0, 1), (0, 2), (1, 2)) for all pairs of three.
    labels : list of str (D,), optional
        Labels of the axes.
    periods : dict of str to float, optional
        Periods of periodic parameters, such as pi for an angle.
    title : str
        Title of the figure.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If shapes do not fit, there are no axes or axes exceed D, or a number is not finite.

    References
    ----------
    Lubbers et al., Figs 10 and 12.

    Examples
    --------
    >>> import numpy as np
    >>> from twopoint_models.manifold.figures import views
    >>> points = np.random.default_rng(0).random((20, 3))
    >>> len(views(points, {"A": points[:, 0]}, axes=[(0, 1), (0, 2), (1, 2)]).axes)  # three panels and three colour bars
    6
    """
    points = _checked(points, parameters, 2)
    dimensions = points.shape[1]
    if not len(axes) or not all(0 <= min(pair) <= max(pair) < dimensions for pair in axes):
        raise ValueError(f"axes must be pairs of numbers from 0 to {dimensions - 1}, one or more, got {list(axes)}")
    if len(labels) not in (0, dimensions):
        raise ValueError(f"labels must be {dimensions}, one per axis, got {list(labels)}")
    rows = len(parameters) if len(axes) > 1 else 1
    columns = len(parameters) * len(axes) // rows
    figure = Figure(figsize=(3.7 * columns, 3.2 * rows + 0.3), layout="constrained")
    figure.suptitle(title, fontsize=11)
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    for at, ((name, values), (i, j)) in zip(panels, product(parameters.items(), axes), strict=True):
        colours, low, high = _colours(name, np.asarray(values, dtype=np.float64), periods)
        drawn = at.scatter(points[:, i], points[:, j], c=values, cmap=colours, vmin=low, vmax=high, s=9, linewidths=0)
        figure.colorbar(drawn, ax=at).ax.tick_params(labelsize=7)
        at.set_aspect("equal", adjustable="datalim")
        at.set_title(name, fontsize=10)
        at.set_xlabel(labels[i] if labels else f"axis {i + 1}", fontsize=8)
        at.set_ylabel(labels[j] if labels else f"axis {j + 1}", fontsize=8)
        at.tick_params(labelsize=7)
    return figure


def _checked(points: np.ndarray, parameters: Mapping[str, np.ndarray], least: int) -> np.ndarray:
    """Return points; refuse missing parameters, and parameters without one number for each point."""
    points = np.asarray(points, dtype=np.float64)
    if points.ndim != 2 or not points.size or points.shape[1] < least or not np.isfinite(points).all():
        raise ValueError(f"points must be finite, of the shape (n, {least}) or more, got {points.shape}")
    shapes = {name: np.shape(values) for name, values in parameters.items()}
    if not shapes or set(shapes.values()) != {points.shape[:1]} or not all(np.isfinite(values).all() for values in parameters.values()):
        raise ValueError(f"parameters must be finite, one or more of the shape {points.shape[:1]}, got {shapes}")
    return points


def _colours(name: str, values: np.ndarray, periods: Periods) -> tuple[str, float, float]:
    """Return the colour map and its limits."""
    period = (periods or {}).get(name)
    return ("viridis", float(values.min()), float(values.max())) if period is None else ("hsv", 0.0, period)


def _few(values: np.ndarray, number: int) -> np.ndarray:
    """Return a number of the distinct values, evenly spaced from the least to the largest."""
    distinct = np.unique(values)
    return distinct[np.linspace(0, len(distinct) - 1, min(number, len(distinct))).round().astype(int)]
