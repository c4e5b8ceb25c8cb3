"""Pictures of embeddings, after Figs 9 to 12 of Lubbers et al.: arrays in, a Figure out; nothing is shown, nothing is saved."""

from collections.abc import Mapping, Sequence
from itertools import product

import numpy as np
from matplotlib.figure import Figure

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
    """Draw an embedding in three dimensions, a column for each parameter that colours it.

    Parameters
    ----------
    points : array (n, 3)
        An embedding, or one of more dimensions projected, as by :func:`twopoint_models.manifold.project`.
    parameters : dict of str to array (n,)
        What images were made with, by label.
    periods : dict of str to float, optional
        Of parameters that come round, such as pi of an angle; these get colours that do too.
    held : int
        With 1 or more a second row, of the points alone at which the parameter has one of so many of its values: the surfaces on which it
        is held fixed.
    elevation, azimuth : float
        Of the view, in degrees.
    title : str
        Above all.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If points are not (n, 3), or parameters none, or not (n,), or numbers are not finite.

    References
    ----------
    Lubbers et al., Figs 9 and 11.

    Examples
    --------
    >>> import numpy as np
    >>> from twopoint_models.evaluation.figures_of_embeddings import spaces
    >>> points = np.random.default_rng(0).random((20, 3))
    >>> len(spaces(points, {"A": points[:, 0], "k": points[:, 1]}).axes)  # two, and two bars of colours
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
    """Draw an embedding along its axes, a panel for each parameter that colours it and each pair of axes.

    Parameters
    ----------
    points : array (n, D)
        An embedding, or one that was projected, as by :func:`twopoint_models.manifold.project`.
    parameters : dict of str to array (n,)
        What images were made with, by label.
    axes : list of two ints
        Which of the D to draw against which, ((0, 1), (0, 2), (1, 2)) for all of three.
    labels : list of str (D,), optional
        Of the axes.
    periods : dict of str to float, optional
        Of parameters that come round, such as pi of an angle.
    title : str
        Above all.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If shapes do not fit, axes are none or beyond D, or numbers are not finite.

    References
    ----------
    Lubbers et al., Figs 10 and 12.

    Examples
    --------
    >>> import numpy as np
    >>> from twopoint_models.evaluation.figures_of_embeddings import views
    >>> points = np.random.default_rng(0).random((20, 3))
    >>> len(views(points, {"A": points[:, 0]}, axes=[(0, 1), (0, 2), (1, 2)]).axes)  # three, and three bars of colours
    6
    """
    points = _checked(points, parameters, 2)
    dimensions = points.shape[1]
    if not len(axes) or not all(0 <= min(pair) <= max(pair) < dimensions for pair in axes):
        raise ValueError(f"axes must be pairs of numbers from 0 to {dimensions - 1}, one or more, got {list(axes)}")
    if len(labels) not in (0, dimensions):
        raise ValueError(f"labels must be {dimensions}, one an axis, got {list(labels)}")
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
    """Return points; refuse parameters that are none, or not one number a point."""
    points = np.asarray(points, dtype=np.float64)
    if points.ndim != 2 or not points.size or points.shape[1] < least or not np.isfinite(points).all():
        raise ValueError(f"points must be finite, of the shape (n, {least}) or more, got {points.shape}")
    shapes = {name: np.shape(values) for name, values in parameters.items()}
    if not shapes or set(shapes.values()) != {points.shape[:1]} or not all(np.isfinite(values).all() for values in parameters.values()):
        raise ValueError(f"parameters must be finite, one or more of the shape {points.shape[:1]}, got {shapes}")
    return points


def _colours(name: str, values: np.ndarray, periods: Periods) -> tuple[str, float, float]:
    """Return the map of colours and its ends."""
    period = (periods or {}).get(name)
    return ("viridis", float(values.min()), float(values.max())) if period is None else ("hsv", 0.0, period)


def _few(values: np.ndarray, number: int) -> np.ndarray:
    """Return so many of the distinct values, from the least to the largest."""
    distinct = np.unique(values)
    return distinct[np.linspace(0, len(distinct) - 1, min(number, len(distinct))).round().astype(int)]
