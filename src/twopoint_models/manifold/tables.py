"""Tables of the tasks in Markdown, with the values of the paper for comparison."""

from collections.abc import Mapping
from typing import Any

from ..evaluation.tables import markdown_table, rounded

PAPER = {  # Table I, CNN; the angle in degrees is that of eq. (14)
    "r2_k": {2: 0.532, 3: 0.720, 4: 0.901, 5: 0.916, 6: 0.916, 10: 0.930, 50: 0.980},
    "r2_noise": {2: 0.183, 3: 0.231, 4: 0.908, 5: 0.950, 6: 0.951, 10: 0.972, 50: 0.983},
    "regression_angle": {6: 91.0},
    "stress": {},
}
MEASURES = {"r2_k": "R2 of k", "r2_noise": "R2 of A", "regression_angle": "angle of the vectors, degrees", "stress": "stress"}


def off_paper(row: Mapping[str, Any]) -> float:
    """Return by how much a coefficient of determination in a row of Table I differs from the paper's at most, from four dimensions on.

    Parameters
    ----------
    row : dict
        ``dimensions``, among those of the paper's table, and ``r2_k`` and ``r2_noise``, a number for each.

    Returns
    -------
    float

    References
    ----------
    Lubbers et al., Table I.

    Examples
    --------
    >>> from twopoint_models.manifold.tables import off_paper
    >>> round(off_paper({"dimensions": [2, 4], "r2_k": [0.0, 0.9], "r2_noise": [0.0, 0.808]}), 3)
    0.1
    """
    pairs = ((measure, d, value) for measure in ("r2_k", "r2_noise") for d, value in zip(row["dimensions"], row[measure], strict=True))
    return max(abs(value - PAPER[measure][d]) for measure, d, value in pairs if d >= 4)


def table_of_angles(summary: Mapping[str, Any], *, measure: str = "rmse") -> str:
    """Return the means over trials of the angle task: a row for each method and number of images, a column for each amplitude of noise.

    Parameters
    ----------
    summary : dict
        Summary of :func:`twopoint_models.manifold.angle_task`.
    measure : "rmse" or "stress"
        Measure of the table.

    Returns
    -------
    str

    Raises
    ------
    ValueError
        If the measure is unknown.

    References
    ----------
    Lubbers et al., Figs 6 and 7.

    Examples
    --------
    >>> from twopoint_models.manifold.tables import table_of_angles
    >>> summary = {"counts": [50], "noises": [1.0], "trials": 2, "methods": {"CNN": {"mean_rmse": [[0.031]]}}}
    >>> print(table_of_angles(summary), end="")
    | RMSE, rad   | A = 1 |
    |-------------|------:|
    | CNN, N = 50 | 0.031 |
    """
    if measure not in ("rmse", "stress"):
        raise ValueError(f"measure must be 'rmse' or 'stress', got {measure!r}")
    lines = [
        [f"{name}, N = {count}", *map(rounded, row)]
        for name, found in summary["methods"].items()
        for count, row in zip(summary["counts"], found[f"mean_{measure}"], strict=True)
    ]
    return markdown_table(["RMSE, rad" if measure == "rmse" else "stress", *(f"A = {a:g}" for a in summary["noises"])], lines)


def table_of_parameters(summary: Mapping[str, Any]) -> str:
    """Return Table I for each method and the paper, the angles between regression vectors, and the stress.

    Parameters
    ----------
    summary : dict
        Summary of :func:`twopoint_models.manifold.three_parameter_task`.

    Returns
    -------
    str

    References
    ----------
    Lubbers et al., Table I, eq. (14) and Fig. 8.

    Examples
    --------
    >>> from twopoint_models.manifold.tables import table_of_parameters
    >>> row = {"r2_k": [0.95], "r2_noise": [0.93], "regression_angle": [90.2], "stress": [0.08]}
    >>> row |= {"seconds": {"vectors": 250.0, "distances": 12.0}, "embedding_seconds": [1.5]}
    >>> summary = {"images": 1000, "dimensions": [4], "methods": {"CNN": row}, "seconds": {"drawing": 20.0, "whole": 290.0}}
    >>> print(table_of_parameters(summary | {"peak_gigabytes": 3.2}), end="")
    |                               |            |     4 |
    |-------------------------------|-----------:|------:|
    | R2 of k                       | the paper: | 0.901 |
    |                               |        CNN |  0.95 |
    | R2 of A                       | the paper: | 0.908 |
    |                               |        CNN |  0.93 |
    | angle of the vectors, degrees |        CNN |  90.2 |
    | stress                        |        CNN |  0.08 |
    <BLANKLINE>
    | seconds, of 1000 images | vectors | distances | longest embedding |
    |-------------------------|--------:|----------:|------------------:|
    | CNN                     |     250 |        12 |               1.5 |
    <BLANKLINE>
    Drawing took 20 s, all 290 s; the process held 3.2 GB at most.
    """
    lines = []
    for measure, label in MEASURES.items():
        theirs = [rounded(PAPER[measure].get(d)) for d in summary["dimensions"]]
        rows = [["the paper:", *theirs]] if any(theirs) else []
        rows += [[name, *map(rounded, found[measure])] for name, found in summary["methods"].items()]
        lines += [["" if i else label, *row] for i, row in enumerate(rows)]
    found, took = markdown_table(["", "", *map(str, summary["dimensions"])], lines), []
    for name, row in summary["methods"].items():
        took.append([name, *map(rounded, (*row["seconds"].values(), max(row["embedding_seconds"])))])
    times = markdown_table([f"seconds, of {summary['images']} images", "vectors", "distances", "longest embedding"], took)
    drawing, whole, peak = summary["seconds"]["drawing"], summary["seconds"]["whole"], summary["peak_gigabytes"]
    held = f"; the process held {peak:.1f} GB at most" if peak else ""
    return f"{found}\n{times}\nDrawing took {drawing:.3g} s, all {whole:.3g} s{held}.\n"


def table_of_classes(summary: Mapping[str, Any]) -> str:
    """Return the share of nearest neighbours of the same class, in the embedding and by the distances themselves.

    Parameters
    ----------
    summary : dict
        Summary of :func:`twopoint_models.manifold.classification_task`.

    Returns
    -------
    str

    Examples
    --------
    >>> from twopoint_models.manifold.tables import table_of_classes
    >>> row = {"accuracy": 0.9, "accuracy_of_other_indices": 0.92, "accuracy_of_distances": 0.95, "stress": 0.1}
    >>> summary = {"dimensions": 6, "images": 499, "left_out": [{"name": "GRF", "index": 7}], "methods": {"CNN": row}}
    >>> print(table_of_classes(summary), end="")
    | nearest neighbour of the class | D* = 6 | of another index | all distances | stress |
    |--------------------------------|-------:|-----------------:|--------------:|-------:|
    | CNN                            |    0.9 |             0.92 |          0.95 |    0.1 |
    <BLANKLINE>
    499 images; left out, as they are constant: GRF 7.
    """
    keys = ("accuracy", "accuracy_of_other_indices", "accuracy_of_distances", "stress")
    lines = [[name, *(rounded(found[key]) for key in keys)] for name, found in summary["methods"].items()]
    heads = ["nearest neighbour of the class", f"D* = {summary['dimensions']}", "of another index", "all distances", "stress"]
    table = markdown_table(heads, lines)
    left = ", ".join(f"{each['name']} {each['index']}" for each in summary["left_out"]) or "none"
    return f"{table}\n{summary['images']} images; left out, as they are constant: {left}.\n"


def table_of_shifts(summary: Mapping[str, Any]) -> str:
    """Return the changes by shifts of each layer's part of a texture vector and of the whole vector.

    Parameters
    ----------
    summary : dict
        Summary of :func:`twopoint_models.manifold.shift_task`.

    Returns
    -------
    str

    Examples
    --------
    >>> from twopoint_models.manifold.tables import table_of_shifts
    >>> summary = {"shifts": [[16, 0]], "layers": {"conv1_1": [1e-7]}, "whole": [2e-7], "batch": 16, "batches": 3e-7}
    >>> print(table_of_shifts(summary), end="")
    | relative change | (16, 0) |
    |-----------------|--------:|
    | conv1_1         |   1e-07 |
    | whole           |   2e-07 |
    <BLANKLINE>
    Between batches of 1 and 16: 3e-07.
    """
    rows = {**summary["layers"], "whole": summary["whole"]}
    heads = ["relative change", *(f"({i}, {j})" for i, j in summary["shifts"])]
    table = markdown_table(heads, [[name, *map(rounded, row)] for name, row in rows.items()])
    return f"{table}\nBetween batches of 1 and {summary['batch']}: {rounded(summary['batches'])}.\n"
