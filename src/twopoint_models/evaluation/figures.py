"""Figures that several systems use: arrays in, a Figure out."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

REAL, MADE = "#1d2f4f", "#d1495b"


def gallery(rows: Mapping[str, Mapping[str, Sequence[np.ndarray]]], *, title: str = "", width: float = 1.6) -> Figure:
    """Draw images in columns by class and blocks of rows.

    Parameters
    ----------
    rows : dict of str to dict of str to list of arrays (H, W)
        Images, (H, W) or (1, H, W), by block ("real", "generated") and class. Phase 1 is dark.
    title : str
        Title of the figure.
    width : float
        Width of an image in inches.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If there is no block or no image, or classes differ between blocks.

    Examples
    --------
    >>> import numpy as np
    >>> from twopoint_models.evaluation.figures import gallery
    >>> len(gallery({"real": {"A": [np.eye(8)], "B": [np.eye(8)]}}).axes)
    2
    """
    columns = _same_keys("rows", rows)
    depth = [max(len(images) for images in block.values()) for block in rows.values()]
    if not all(depth):
        raise ValueError(f"rows must have an image in each block, got {depth}")
    narrow = ConstrainedLayoutEngine(w_pad=0.02, h_pad=0.02, wspace=0.01, hspace=0.01)
    figure = Figure(figsize=(width * len(columns), width * 1.02 * sum(depth) + 0.7), layout=narrow)
    figure.suptitle(title, fontsize=12)
    axes = figure.subplots(sum(depth), len(columns), squeeze=False)
    top = 0
    for (block, found), high in zip(rows.items(), depth, strict=True):
        for j, name in enumerate(columns):
            for i in range(high):
                at = axes[top + i, j]
                at.set_xticks([])
                at.set_yticks([])
                if i < len(found[name]):
                    image = np.asarray(found[name][i])
                    at.imshow(image[0] if image.ndim == 3 else image, cmap="gray_r", vmin=0, vmax=1, interpolation="nearest")
                else:
                    at.axis("off")
        axes[top, 0].set_ylabel(block, fontsize=10)
        top += high
    for j, name in enumerate(columns):
        axes[0, j].set_title(name, fontsize=8)
    return figure


def distributions(
    real: Mapping[str, Mapping[str, np.ndarray]],
    made: Mapping[str, Mapping[str, np.ndarray]],
    *,
    title: str = "",
    notes: Mapping[str, Mapping[str, str]] | None = None,
) -> Figure:
    """Draw cumulative distributions, a row for each measure and a column for each class.

    Parameters
    ----------
    real, made : dict of str to dict of str to array (n,)
        Samples by measure and class.
    title : str
        Title of the figure.
    notes : dict of str to dict of str to str, optional
        Text in the panels, by measure and class.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If there is no measure, classes differ between measures, or a sample is empty or not finite.

    Examples
    --------
    >>> import numpy as np
    >>> from twopoint_models.evaluation.figures import distributions
    >>> numbers = {"volume fraction": {"A": np.array([0.1, 0.2]), "B": np.array([0.3])}}
    >>> len(distributions(numbers, numbers).axes)
    2
    """
    columns = _same_keys("real", real)
    if list(made) != list(real) or _same_keys("made", made) != columns:
        raise ValueError(f"made must have the measures and classes of real, got {list(made)} and {list(real)}")
    for sample in (x[m][k] for x in (real, made) for m in real for k in columns):
        if not np.size(sample) or not np.isfinite(sample).all():
            raise ValueError("real and made must have finite numbers, at least one for each measure and class")
    figure = Figure(figsize=(1.9 * len(columns), 1.75 * len(real) + 0.8), layout="constrained")
    figure.suptitle(title, fontsize=12)
    axes = figure.subplots(len(real), len(columns), squeeze=False)
    for i, measure in enumerate(real):
        for j, name in enumerate(columns):
            at = axes[i, j]
            for values, colour, label in ((real[measure][name], REAL, "real"), (made[measure][name], MADE, "generated")):
                at.ecdf(values, color=colour, label=label, linewidth=1.4)
            at.tick_params(labelsize=7)
            at.set_xlabel(measure, fontsize=7)
            if notes:
                at.text(0.97, 0.05, notes[measure][name], transform=at.transAxes, ha="right", fontsize=8)
            if not i:
                at.set_title(name, fontsize=8)
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside upper right", ncols=2, fontsize=9, frameon=False)
    axes[0, 0].set_ylabel("share of images", fontsize=8)
    return figure


def confusion(matrices: Mapping[str, np.ndarray], names: Sequence[str]) -> Figure:
    """Draw confusion matrices side by side, with a row for each true and a column for each predicted class.

    Parameters
    ----------
    matrices : dict of str to array (k, k)
        Counts by title.
    names : list of str
        Names of the k classes.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If there is no matrix, or one is not (k, k).

    Examples
    --------
    >>> import numpy as np
    >>> from twopoint_models.evaluation.figures import confusion
    >>> len(confusion({"one": np.eye(2), "two": np.eye(2)}, ["A", "B"]).axes)
    2
    """
    if not matrices:
        raise ValueError("matrices must hold at least one matrix, got none")
    matrices = {title: np.asarray(matrix) for title, matrix in matrices.items()}
    figure = Figure(figsize=(5.2 * len(matrices), 5.0), layout="constrained")
    for at, (title, matrix) in zip(figure.subplots(1, len(matrices), squeeze=False)[0], matrices.items(), strict=True):
        if matrix.shape != (len(names), len(names)):
            raise ValueError(f"matrices must have the shape {(len(names), len(names))}, got {matrix.shape} for {title!r}")
        at.imshow(matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1), cmap="Blues", vmin=0, vmax=1)
        for (i, j), value in np.ndenumerate(matrix):
            if value:
                at.text(j, i, f"{value:g}", ha="center", va="center", fontsize=7, color="white" if value > matrix[i].sum() / 2 else "black")
        at.set_xticks(range(len(names)), names, rotation=90, fontsize=7)
        at.set_yticks(range(len(names)), names, fontsize=7)
        at.set(xlabel="predicted", ylabel="true")
        at.set_title(title, fontsize=10)
    return figure


def _same_keys(name: str, found: Mapping[str, Mapping[str, object]]) -> list[str]:
    """Return the keys of the inner mappings; refuse mappings with different keys."""
    keys = [list(inner) for inner in found.values()]
    if not keys or not keys[0] or any(other != keys[0] for other in keys):
        raise ValueError(f"{name} must have one block or more, all with the same classes, got {dict(zip(found, keys, strict=True))}")
    return keys[0]


COLOURS = ("#1d2f4f", "#3a9188", "#d1495b", "#f2a541", "#7b4b94", "#6b705c", "#8ea8c3", "#a44a3f")


def planes(name: str, values: np.ndarray) -> np.ndarray:
    """Return images (k, H, W) without an axis of phases or channels; a single image becomes a batch of one."""
    values = np.asarray(values)
    values = values[:, 0] if values.ndim == 4 and values.shape[1] == 1 else values[None] if values.ndim == 2 else values
    if values.ndim != 3 or not values.size or not np.isfinite(values).all():
        raise ValueError(f"{name} must be finite images (H, W), one or more, got {values.shape}")
    return values


def grid(images: Sequence[np.ndarray], names: Sequence[str], *, columns: int = 8, width: float = 1.6) -> Figure:
    """Draw images in rows, each with its name above it.

    Parameters
    ----------
    images : list of arrays (H, W)
        Values in [0, 1]; 1 is dark.
    names : list of str
        Names of the images; long ones are cut.
    columns : int
        Images in a row.
    width : float
        Width of an image in inches.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If there is no image, or another number of names.

    Examples
    --------
    >>> import numpy as np
    >>> from twopoint_models.evaluation.figures import grid
    >>> len(grid([np.eye(8)] * 3, ["a", "b", "c"]).axes)
    3
    """
    if not len(images) or len(images) != len(names):
        raise ValueError(f"images must be one or more, with a name each, got {len(images)} and {len(names)} names")
    columns = min(columns, len(images))
    rows = -(-len(images) // columns)
    figure = Figure(figsize=(width * columns, 1.15 * width * rows), layout="constrained")
    for i, (image, name) in enumerate(zip(images, names, strict=True)):
        at = figure.add_subplot(rows, columns, i + 1)
        at.imshow(image, cmap="gray_r", vmin=0, vmax=1, interpolation="nearest")
        at.set_title(name if len(name) <= LONGEST else f"…{name[-LONGEST:]}", fontsize=7)
        at.axis("off")
    return figure


LONGEST = 24  # letters of a name above an image
