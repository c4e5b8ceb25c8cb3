"""Reports of the tasks: all tables and figures of a task, Figs 3 to 12 of Lubbers et al."""

import math
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.figure import Figure

from ..evaluation.figures import confusion
from .figures import angles, curves, spaces, views
from .measures import project
from .micrographs import Classification
from .pictures import spectra, textures, thumbnail_map
from .tables import table_of_angles, table_of_classes, table_of_parameters, table_of_shifts
from .tasks import AngleTask, ShiftTask, ThreeParameterTask

RANDOM = math.pi / math.sqrt(12)  # RMSE of random angles
PERIODS = {"θ": math.pi}
_SHOWN = 3  # number of values of a parameter in a grid


class Report(NamedTuple):
    """Summary, table and figures of a task.

    Attributes
    ----------
    summary : dict
        Values for JSON.
    table : str
        Table in Markdown.
    figures : iterator of (str, matplotlib.figure.Figure)
        Names and figures, drawn on iteration.
    embeddings : dict of str to array (n, D)
        Embeddings by method, and by dimension if there are several.
    """

    summary: dict[str, Any]
    table: str
    figures: Iterator[tuple[str, Figure]]
    embeddings: dict[str, np.ndarray]


def report(found: AngleTask | ThreeParameterTask | Classification | ShiftTask) -> Report:
    """Return the table and the figures of a task.

    Parameters
    ----------
    found : AngleTask, ThreeParameterTask, Classification or ShiftTask
        Result of the task.

    Returns
    -------
    Report

    Examples
    --------
    >>> from twopoint_models.manifold.reports import report
    >>> from twopoint_models.manifold import ShiftTask
    >>> told = report(ShiftTask({"shifts": [[16, 0]], "layers": {"conv1_1": [1e-7]}, "whole": [2e-7], "batch": 16, "batches": 3e-7}))
    >>> told.table.splitlines()[-1], list(told.figures)
    ('Between batches of 1 and 16: 3e-07.', [])
    """
    told = found.summary
    if isinstance(found, AngleTask):
        both = table_of_angles(told) + "\n" + table_of_angles(told, measure="stress")
        return Report(told, both, figures_of_angles(found), {})
    if isinstance(found, ThreeParameterTask):
        points = {f"{name}, {d}": x for name, by in found.points.items() for d, x in by.items()}
        return Report(told, table_of_parameters(told), figures_of_parameters(found), points)
    if isinstance(found, Classification):
        return Report(told, table_of_classes(told), figures_of_classes(found), found.points)
    return Report(told, table_of_shifts(told), iter(()), {})


def figures_of_angles(task: AngleTask) -> Iterator[tuple[str, Figure]]:
    """Draw Figs 4 to 7: spectra, embeddings in the plane, and errors and stresses against A and, with several counts, against N.

    Parameters
    ----------
    task : AngleTask
        Result of :func:`twopoint_models.manifold.angle_task`.

    Yields
    ------
    str, matplotlib.figure.Figure
        Names and figures: "spectra", "angles", "rmse", "stress" and, with several counts, "rmse_by_count" and "stress_by_count".

    References
    ----------
    Lubbers et al., Figs 4 to 7.

    Examples
    --------
    >>> from twopoint_models.manifold.reports import figures_of_angles
    >>> from twopoint_models.manifold import Descriptor, angle_task
    >>> task = angle_task({"spectrum": Descriptor("spectrum")}, counts=[6], noises=[2.5], trials=1, size=32)
    >>> [name for name, _ in figures_of_angles(task)]
    ['spectra', 'angles', 'rmse', 'stress']
    """
    told = task.summary
    counts, noises, methods = told["counts"], told["noises"], told["methods"]
    shown = [noises[i] for i in _spread(len(noises))]
    yield "spectra", spectra(np.stack([task.images[a] for a in shown]), [f"A = {a:g}" for a in shown])
    count = counts[-1]
    columns = [{name: {f"A = {a:g}": by[count, a] for a in shown} for name, by in found.items()} for found in (task.points, task.recovered)]
    yield "angles", angles(task.angles[count], *columns, title=f"N = {count}")
    for measure, label, level in (("rmse", "RMSE of the angle, rad", RANDOM), ("stress", "stress", None)):
        found = {name: np.array(by[measure]) for name, by in methods.items()}  # (counts, noises, trials)
        lines = {name: {f"N = {n}": x[i] for i, n in enumerate(counts)} for name, x in found.items()}
        yield measure, curves(np.array(noises), lines, x_label="noise amplitude A", y_label=label, log=measure == "rmse", level=level)
        if len(counts) > 1:
            lines = {name: {f"A = {a:g}": x[:, noises.index(a)] for a in shown} for name, x in found.items()}
            options: dict[str, Any] = {"x_label": "images N", "y_label": label, "log": measure == "rmse", "log_x": True, "level": level}
            yield f"{measure}_by_count", curves(np.array(counts), lines, **options)


def figures_of_parameters(task: ThreeParameterTask) -> Iterator[tuple[str, Figure]]:
    """Draw Figs 3 and 8 to 12: textures, stress against D*, and, for each method, its embeddings in 3, 4 and 6 dimensions.

    Parameters
    ----------
    task : ThreeParameterTask
        Result of :func:`twopoint_models.manifold.three_parameter_task`.

    Yields
    ------
    str, matplotlib.figure.Figure
        Names and figures: "textures", "stress_by_dimension" and, by method, as "CNN/spaces": "spaces" and "views" (D* = 3), "cylinder" (D*
        = 4, three angles or more) and "plane" (D* = 6).

    References
    ----------
    Lubbers et al., Figs 3 and 8 to 12.

    Examples
    --------
    >>> from twopoint_models.manifold.reports import figures_of_parameters
    >>> from twopoint_models.manifold import Descriptor, three_parameter_task
    >>> task = three_parameter_task({"spectrum": Descriptor("spectrum")}, per_axis=2, dimensions=[2, 3], size=32)
    >>> [name for name, _ in figures_of_parameters(task)]
    ['textures', 'stress_by_dimension', 'spectrum/spaces', 'spectrum/views']
    """
    made, dimensions = task.marbles, task.summary["dimensions"]
    yield "textures", _textures(task)
    stress = {name: {"": np.array(found["stress"])} for name, found in task.summary["methods"].items()}
    yield "stress_by_dimension", curves(np.array(dimensions), stress, x_label="dimensions D*", y_label="stress", log=True, log_x=True)
    parameters = {"A": made.noise, "k": made.k, "θ": made.angle}
    for method, points in task.points.items():
        if 3 in points:
            title = f"{method}, D* = 3"
            yield f"{method}/spaces", spaces(points[3], parameters, periods=PERIODS, held=_SHOWN, title=title)
            every = [(0, 1), (0, 2), (1, 2)]
            yield f"{method}/views", views(points[3], {"θ": made.angle}, axes=every, periods=PERIODS, title=title)
        if 4 in points and len(np.unique(made.angle)) > 2:  # with two angles the sine is constant
            along = project(points[4], np.cos(2 * made.angle), np.sin(2 * made.angle), made.noise)
            title = f"{method}, D* = 4, along cos 2θ, sin 2θ and, upright, A"
            yield f"{method}/cylinder", spaces(along, parameters, periods=PERIODS, title=title)
        if 6 in points:
            along, labels = project(points[6], made.k, made.noise), ["regression vector of k", "what that of A adds"]
            yield f"{method}/plane", views(along, {"k": made.k, "A": made.noise}, labels=labels, title=f"{method}, D* = 6")


def figures_of_classes(found: Classification) -> Iterator[tuple[str, Figure]]:
    """Draw the confusion of nearest neighbours and, for each method, the images in the leading plane of its embedding.

    Parameters
    ----------
    found : Classification
        Result of :func:`twopoint_models.manifold.classification_task` for two phases.

    Yields
    ------
    str, matplotlib.figure.Figure
        Names and figures: "confusion" and, with two dimensions or more, "CNN/thumbnails" and so on by method.

    Examples
    --------
    >>> import numpy as np
    >>> from twopoint_models.manifold.reports import figures_of_classes
    >>> from twopoint_models.manifold import Descriptor, classification_task
    >>> items = [{"image": np.random.default_rng(i).random((8, 8)) < 0.5, "name": "AB"[i % 2], "index": i} for i in range(6)]
    >>> found = classification_task({"lags": Descriptor("two_point")}, items, dimensions=2)
    >>> [name for name, _ in figures_of_classes(found)]
    ['confusion', 'lags/thumbnails']
    """
    rows = found.summary["methods"]
    matrices = {f"{name}: {row['accuracy']:.3f}": np.array(row["confusion"]) for name, row in rows.items()}
    yield "confusion", confusion(matrices, found.summary["classes"])
    for name, points in found.points.items():
        if points.shape[1] > 1:
            title = f"{name}: the leading two of {points.shape[1]} dimensions"
            yield f"{name}/thumbnails", thumbnail_map(points[:, :2], list(found.images), names=found.names, phases=True, title=title)


def _textures(task: ThreeParameterTask) -> Figure:
    """Draw images over angle and scale, at the least and the largest noise."""
    made, n = task.marbles, round(len(task.marbles.images) ** (1 / 3))
    images = made.images.reshape(n, n, n, *made.images.shape[1:])
    angle, k, noise = (np.unique(each) for each in (made.angle, made.k, made.noise))
    shown, ends = _spread(n), [0, n - 1][: min(n, 2)]
    rows = [f"θ = {math.degrees(angle[i]):.0f}°" for i in shown]
    columns = [f"A = {noise[a]:.2g}, k = {k[j]:.3g}" for a in ends for j in shown]
    return textures(np.stack([[images[i, j, a] for a in ends for j in shown] for i in shown]), rows, columns)


def _spread(number: int) -> Sequence[int]:
    """Return a few evenly spaced indices from the first to the last."""
    return np.linspace(0, number - 1, min(number, _SHOWN)).round().astype(int).tolist()
