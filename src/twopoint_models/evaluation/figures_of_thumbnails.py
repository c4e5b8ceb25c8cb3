"""A picture of images at their places in an embedding: arrays in, a Figure out; nothing is shown, nothing is saved."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.offsetbox import AnnotationBbox, OffsetImage

from .figures_of_scores import COLOURS

_FINE = 96  # pixels along a thumbnail, beyond which it is thinned


def thumbnail_map(
    points: np.ndarray,
    images: Sequence[np.ndarray],
    *,
    names: Sequence[str] = (),
    width: float = 0.45,
    most: int = 150,
    phases: bool = False,
    title: str = "",
) -> Figure:
    """Draw an embedding in the plane with its images at their points, as many as find room; the others are dots.

    Parameters
    ----------
    points : array (n, 2)
        An embedding.
    images : list of arrays (H, W)
        In [0, 1].
    names : list of str (n,), optional
        Classes, which colour frames and dots.
    width : float
        Of an image, in inches.
    most : int
        Images at most.
    phases : bool
        Whether images are memberships of phase 1, which then is dark.
    title : str
        Above all.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If points, images and names are not as many, points not (n, 2), or a number is not finite.

    Examples
    --------
    >>> import numpy as np
    >>> from twopoint_models.evaluation.figures_of_thumbnails import thumbnail_map
    >>> rng = np.random.default_rng(0)
    >>> len(thumbnail_map(rng.random((5, 2)), rng.random((5, 8, 8)), names=["A", "A", "A", "B", "B"]).axes)
    1
    """
    points = np.asarray(points, dtype=np.float64)
    if points.ndim != 2 or points.shape[1] != 2 or not points.size or not np.isfinite(points).all():
        raise ValueError(f"points must be finite, of the shape (n, 2), got {points.shape}")
    if len(images) != len(points) or len(names) not in (0, len(points)) or any(np.ndim(image) != 2 for image in images):
        raise ValueError(f"images (H, W) and names must be as many as the {len(points)} points, got {len(images)} and {len(names)}")
    side, classes = 9.0, list(dict.fromkeys(names))
    figure = Figure(figsize=(side, side), layout="constrained")
    figure.suptitle(title, fontsize=11)
    at = figure.subplots()
    of = {name: COLOURS[i % len(COLOURS)] for i, name in enumerate(classes)}
    colours = [of[name] for name in names] or [COLOURS[0]] * len(points)
    at.scatter(points[:, 0], points[:, 1], c=colours, s=10, linewidths=0)
    middle, half = (points.min(axis=0) + points.max(axis=0)) / 2, 0.56 * float(np.ptp(points, axis=0).max()) or 1.0
    at.set(xlim=(middle[0] - half, middle[0] + half), ylim=(middle[1] - half, middle[1] + half), xticks=[], yticks=[])
    for i in _with_room(points, 2.2 * half * width / side, most):
        _thumbnail(at, points[i], np.asarray(images[i]), colours[i], width, "gray_r" if phases else "gray")
    if classes:
        handles = [Line2D([], [], marker="s", linestyle="", color=of[name], label=name) for name in classes]
        figure.legend(handles=handles, loc="outside lower center", ncols=5, fontsize=8, frameon=False)
    return figure


def _with_room(points: np.ndarray, apart: float, most: int) -> list[int]:
    """Return points in their order, none of which lies in the square about one before."""
    chosen: list[int] = []
    for i, point in enumerate(points):
        if len(chosen) < most and all(np.abs(point - points[j]).max() > apart for j in chosen):
            chosen.append(i)
    return chosen


def _thumbnail(at: Axes, point: np.ndarray, image: np.ndarray, colour: str, width: float, colours: str) -> None:
    """Draw an image at its point, framed."""
    thin = -(-max(image.shape) // _FINE)
    image = image[::thin, ::thin]
    picture = OffsetImage(image, zoom=72 * width / max(image.shape), cmap=colours, norm=Normalize(0, 1), interpolation="nearest")
    at.add_artist(AnnotationBbox(picture, tuple(point), pad=0.1, bboxprops={"edgecolor": colour, "linewidth": 1.5}))
