"""The picture of a comparison of many images: a dendrogram, the images beside it, and the matrix of distances in its order."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.offsetbox import AnnotationBbox, OffsetImage

from .figures import phase_colours
from .panels import short

_CLUSTERS = ("#3a9188", "#d1495b", "#2f4b8f", "#c98a12", "#7b4b94", "#6b705c", "#1b7fa6", "#a63d7f")
_PLAIN = "#777777"
_ROW, _LEAST, _MOST = 0.42, 3.0, 40.0  # height of an image's row, of the shortest and of the tallest picture, in inches
_THUMBNAILS, _NAMED = 80, 15  # rows up to which images are shown, and columns up to which they are named
_LETTER = 9.0
_WIDTHS = (3.6, 0.5, 4.6)  # of dendrogram, images and matrix


@dataclass(frozen=True)
class Dendrogram:
    """Images of one kind in the order of their dendrogram.

    Attributes
    ----------
    names : list of str
        Name of each image.
    thumbnails : list of int array (H, W)
        Labels of each image.
    links : array (n - 1, 4)
        The dendrogram as scipy has it.
    clusters : list of int
        Number of the cluster of each image, from 1 on.
    cut : float or None
        Height of the dendrogram between clusters.
    distance : array (n, n)
        Distances.
    title, unit : str
        Title, and name of the distance.
    """

    names: list[str]
    thumbnails: list[np.ndarray]
    links: np.ndarray
    clusters: list[int]
    cut: float | None
    distance: np.ndarray
    title: str
    unit: str


def draw_dendrograms(groups: Sequence[Dendrogram], title: str) -> Figure:
    """Draw each group below the other; a group of a single image is only named in the title of the next.

    Parameters
    ----------
    groups : sequence of Dendrogram
        Groups of at least two images.
    title : str
        Title of the figure.

    Returns
    -------
    matplotlib.figure.Figure
    """
    heights = [max(_ROW * len(group.names), _LEAST) + 1.2 for group in groups]
    total = sum(heights) + 0.5
    with rc_context({"text.parse_math": False}):
        figure = Figure(figsize=(13.0, min(total, _MOST * len(groups))), layout="constrained")
        figure.suptitle(title, fontsize=13)
        grid = figure.add_gridspec(len(groups), 3, width_ratios=_WIDTHS, height_ratios=heights)
        for row, group in enumerate(groups):
            scale = min(1.0, _MOST * len(groups) / total)
            _draw_group(figure, [figure.add_subplot(grid[row, column]) for column in range(3)], group, _LETTER * max(scale, 0.3))
    return figure


def cluster_colour(cluster: int, clusters: Sequence[int]) -> str:
    """Return the colour of a cluster; gray if there is only one."""
    return _PLAIN if max(clusters) < 2 else _CLUSTERS[(cluster - 1) % len(_CLUSTERS)]


def _draw_group(figure: Figure, axes: list[Axes], group: Dendrogram, letter: float) -> None:
    """Draw one group: dendrogram, images, matrix."""
    tree, images, matrix = axes
    _draw_tree(tree, group)
    n, colours = len(group.names), [cluster_colour(cluster, group.clusters) for cluster in group.clusters]
    images.set_xlim(0, 1)
    images.set_ylim(10 * n, 0)
    images.axis("off")
    if n <= _THUMBNAILS:
        for at, thumbnail in enumerate(group.thumbnails):
            _thumbnail(images, thumbnail, 10 * at + 5, colours[at])
    extent = (0, 10 * n, 10 * n, 0)
    shown = matrix.imshow(group.distance, cmap="viridis", extent=extent, aspect="auto", interpolation="nearest")
    places = [10 * at + 5 for at in range(n)]
    matrix.set_yticks(places, [short(name) for name in group.names], fontsize=letter)
    matrix.yaxis.tick_right()
    few = n <= _NAMED
    matrix.set_xticks(places if few else [], [short(name) for name in group.names] if few else [], fontsize=letter, rotation=90)
    for label, colour in zip(matrix.get_yticklabels(), colours, strict=True):
        label.set_color(colour)
    matrix.set_title("distance of every two", fontsize=11)
    figure.colorbar(shown, ax=matrix, location="bottom", label=group.unit, shrink=0.6, aspect=40, pad=0.02)


def _draw_tree(axes: Axes, group: Dendrogram) -> None:
    """Draw a dendrogram with its leaves at the right, the first at the top, each cluster in its colour."""
    from scipy.cluster.hierarchy import dendrogram

    n = len(group.names)
    members: dict[int, set[int]] = {at: {group.clusters[at]} for at in range(n)}
    for at, (a, b, *_) in enumerate(group.links.tolist()):
        members[n + at] = members[int(a)] | members[int(b)]
    found = dendrogram(group.links, no_plot=True, distance_sort=False, count_sort=False, link_color_func=lambda k: _link(members[k], group))
    for x, y, colour in zip(found["icoord"], found["dcoord"], found["color_list"], strict=True):
        axes.plot(y, x, color=colour, lw=1.6)
    if group.cut is not None:
        axes.axvline(group.cut, color=_PLAIN, lw=1, ls=":")
    axes.set_xlim(max(float(group.links[:, 2].max()) * 1.05, 1e-12), 0)
    axes.set_ylim(10 * n, 0)
    axes.set_yticks([])
    axes.set_xlabel(group.unit)
    axes.set_title(group.title, fontsize=11)
    for side in ("left", "right", "top"):
        axes.spines[side].set_visible(False)


def _link(clusters: set[int], group: Dendrogram) -> str:
    """Return the colour of a merge: that of its cluster, or gray above the clusters."""
    return cluster_colour(min(clusters), group.clusters) if len(clusters) == 1 else _PLAIN


def _thumbnail(axes: Axes, labels: np.ndarray, height: float, colour: str) -> None:
    """Draw an image in its row, in a frame of the colour of its cluster."""
    n = max(int(labels.max()) + 1, 2)
    image = OffsetImage(labels, zoom=26 / max(labels.shape), cmap=phase_colours(n), interpolation="nearest")
    image.image.set_clim(-0.5, n - 0.5)
    frame = AnnotationBbox(image, (0.5, height), pad=0.12, bboxprops={"edgecolor": colour, "linewidth": 1.6})
    axes.add_artist(frame)
