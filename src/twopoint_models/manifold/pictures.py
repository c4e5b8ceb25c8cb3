"""Figures that show images, Figs 1, 3 and 4 of Lubbers et al., and thumbnails in an embedding: arrays in, a Figure out."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.offsetbox import AnnotationBbox, OffsetImage

import twopoint as tp

from ..evaluation.figures import COLOURS, REAL, gallery


def textures(images: np.ndarray, rows: Sequence[str], columns: Sequence[str], *, title: str = "") -> Figure:
    """Draw a grid of textures over two parameters.

    Parameters
    ----------
    images : array (r, c, H, W)
        Images in [0, 1]; 1 is dark.
    rows, columns : list of str (r,) and (c,)
        Labels of rows and columns.
    title : str
        Title of the figure.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If shapes do not fit, or two rows or columns have the same label.

    References
    ----------
    Lubbers et al., Fig. 3 and row (a) of Fig. 4.

    Examples
    --------
    >>> import numpy as np
    >>> from twopoint_models.manifold.pictures import textures
    >>> len(textures(np.zeros((2, 3, 8, 8)), ["A = 1", "A = 2"], ["k = 5", "k = 10", "k = 15"]).axes)
    6
    """
    images = np.asarray(images)
    if images.ndim != 4 or not images.size or images.shape[:2] != (len(set(rows)), len(set(columns))):
        raise ValueError(
            f"images must have the shape (r, c, H, W) for r rows and c columns of different names, "
            f"got {images.shape}, {list(rows)} and {list(columns)}"
        )
    return gallery({row: {name: [images[i, j]] for j, name in enumerate(columns)} for i, row in enumerate(rows)}, title=title)


def spectra(images: np.ndarray, names: Sequence[str], *, reach: int = 32, title: str = "") -> Figure:
    """Draw images above their power spectra around zero frequency, each scaled to the same darkest value.

    Parameters
    ----------
    images : array (n, H, W)
        Gray values of any range, which are rescaled to [-1, 1]; no image may be constant.
    names : list of str (n,)
        Text above each image.
    reach : int
        Largest frequency, in waves along a side.
    title : str
        Title of the figure.

    Returns
    -------
    matplotlib.figure.Figure
        The figure; the factor relative to the first spectrum is printed below each.

    Raises
    ------
    ValueError
        If shapes do not fit, or an image is constant or not finite.

    References
    ----------
    Lubbers et al., eq. (6) and Fig. 4.

    Examples
    --------
    >>> import numpy as np
    >>> from twopoint_models.manifold.pictures import spectra
    >>> len(spectra(np.random.default_rng(0).random((3, 16, 16)), ["A = 1", "A = 2", "A = 4"]).axes)
    6
    """
    images = np.asarray(images, dtype=np.float64)
    if images.ndim != 3 or not images.size or len(images) != len(names):
        raise ValueError(f"images must have the shape (n, H, W), one or more for as many names, got {images.shape} and {len(names)} names")
    low, high = images.min(axis=(1, 2), keepdims=True), images.max(axis=(1, 2), keepdims=True)
    if not np.isfinite(high - low).all() or not (high > low).all():
        raise ValueError("images must be finite and none constant")
    found = np.fft.fftshift(tp.power_spectrum(2 * (images - low) / (high - low) - 1), axes=(1, 2))
    middle, reach = [n // 2 for n in images.shape[1:]], min(reach, *((n - 1) // 2 for n in images.shape[1:]))
    found = found[:, middle[0] - reach : middle[0] + reach + 1, middle[1] - reach : middle[1] + reach + 1]
    waves = found.copy()
    waves[:, reach, reach] = 0  # without the mean
    largest = waves.max(axis=(1, 2))
    figure = Figure(figsize=(1.8 * len(images) + 0.4, 3.9 + (0.3 if title else 0)), layout="constrained")
    figure.suptitle(title, fontsize=11)
    axes = figure.subplots(2, len(images), squeeze=False)
    edge = reach + 0.5
    for j, name in enumerate(names):
        axes[0, j].imshow(images[j], cmap="gray_r", vmin=low[j, 0, 0], vmax=high[j, 0, 0])
        axes[0, j].set(xticks=[], yticks=[])
        axes[0, j].set_title(name, fontsize=9)
        axes[1, j].imshow(found[j] / (largest[j] or 1), cmap="gray_r", vmin=0, vmax=1, extent=(-edge, edge, edge, -edge))
        axes[1, j].tick_params(labelsize=7)
        axes[1, j].set_xlabel(f"x {largest[0] / largest[j]:.3g}" if largest[j] else "no wave", fontsize=8)
    axes[1, 0].set_ylabel("power spectrum,\nwaves along a side", fontsize=8)
    return figure


def syntheses(rows: Mapping[str, tuple[np.ndarray, np.ndarray, np.ndarray]], *, title: str = "") -> Figure:
    """Draw images, synthesised textures, the autocovariances of both, and the losses, in a row for each image.

    Parameters
    ----------
    rows : dict of str to (array (H, W) or (N, H, W), array (h, w) or (N, h, w), array (k,))
        The image, the synthesised one and the losses, by name. Images are gray values in [0, 1] or memberships of phases, which are drawn
        as gray values, the first one dark.
    title : str
        Title of the figure.

    Returns
    -------
    matplotlib.figure.Figure
        The figure. Zero lag is in the middle; both autocovariances of a row have the same scale.

    Raises
    ------
    ValueError
        If there is no row, images are not (H, W) and finite, or losses are missing or not finite.

    References
    ----------
    Lubbers et al., Fig. 1.

    Examples
    --------
    >>> import numpy as np
    >>> from twopoint_models.manifold.pictures import syntheses
    >>> image = np.random.default_rng(0).random((8, 8))
    >>> len(syntheses({"noise": (image, image.T, np.array([1.0, 0.1]))}).axes)
    6
    """
    if not rows:
        raise ValueError("rows must be one or more, got none")
    figure = Figure(figsize=(10.5, 2.1 * len(rows) + 0.5), layout="constrained")
    figure.suptitle(title, fontsize=11)
    axes = figure.subplots(len(rows), 5, squeeze=False, width_ratios=(1, 1, 1, 1, 1.2))
    for at, (name, (image, made, history)) in zip(axes, rows.items(), strict=True):
        pair, losses = [_gray(each) for each in (image, made)], np.asarray(history, dtype=np.float64)
        if any(each.ndim != 2 or not each.size or not np.isfinite(each).all() for each in pair):
            raise ValueError(f"rows[{name!r}] must hold finite images (H, W), got the shapes {pair[0].shape} and {pair[1].shape}")
        if losses.ndim != 1 or not losses.size or not np.isfinite(losses).all():
            raise ValueError(f"rows[{name!r}] must hold finite losses (k,), one or more, got the shape {losses.shape}")
        lags = [tp.autocorrelation(each, centered=True) - each.mean() ** 2 for each in pair]  # on the same scale even if fractions differ
        scale = {"vmin": float(lags[0].min()), "vmax": float(lags[0].max())}
        for j in range(2):
            at[j].imshow(pair[j], cmap="gray", vmin=0, vmax=1, interpolation="nearest")
            drawn = at[2 + j].imshow(lags[j], cmap="viridis", interpolation="nearest", **scale)
        figure.colorbar(drawn, ax=at[3], fraction=0.05).ax.tick_params(labelsize=6)
        for each in at[:4]:
            each.set(xticks=[], yticks=[])
        at[0].set_ylabel(name, fontsize=9)
        at[4].semilogy(losses, color=REAL, linewidth=1.2)
        at[4].yaxis.set_major_formatter("{x:g}")
        at[4].tick_params(labelsize=7)
    for each, label in zip(axes[0], ("image", "synthesised", "autocovariance", "of the synthesised", "loss"), strict=True):
        each.set_title(label, fontsize=9)
    axes[-1, 4].set_xlabel("iterations", fontsize=8)
    return figure


def _gray(image: np.ndarray) -> np.ndarray:
    """Return gray values (H, W); with N phases, the mean phase over N - 1."""
    found = np.asarray(image, dtype=np.float64)
    return found if found.ndim != 3 else np.tensordot(np.linspace(0, 1, len(found)), found, axes=1)


_FINE = 96  # largest number of pixels along a thumbnail; larger ones are subsampled


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
    """Draw an embedding in the plane with images at their points as far as there is room; the others are dots.

    Parameters
    ----------
    points : array (n, 2)
        Points of the embedding.
    images : list of arrays (H, W)
        Images in [0, 1].
    names : list of str (n,), optional
        Classes, which determine the colours of frames and dots.
    width : float
        Width of an image in inches.
    most : int
        Largest number of images.
    phases : bool
        Whether images are memberships of phase 1, which is then drawn dark.
    title : str
        Title of the figure.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If the numbers of points, images and names differ, points are not (n, 2), or a number is not finite.

    Examples
    --------
    >>> import numpy as np
    >>> from twopoint_models.manifold.pictures import thumbnail_map
    >>> rng = np.random.default_rng(0)
    >>> len(thumbnail_map(rng.random((5, 2)), rng.random((5, 8, 8)), names=["A", "A", "A", "B", "B"]).axes)
    1
    """
    points = np.asarray(points, dtype=np.float64)
    if points.ndim != 2 or points.shape[1] != 2 or not points.size or not np.isfinite(points).all():
        raise ValueError(f"points must be finite, of the shape (n, 2), got {points.shape}")
    if len(images) != len(points) or len(names) not in (0, len(points)) or any(np.ndim(image) != 2 for image in images):
        raise ValueError(
            f"images (H, W) and names must have one entry for each of the {len(points)} points, got {len(images)} and {len(names)}"
        )
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
    """Return indices of points in order, leaving out those within a square about an earlier one."""
    chosen: list[int] = []
    for i, point in enumerate(points):
        if len(chosen) < most and all(np.abs(point - points[j]).max() > apart for j in chosen):
            chosen.append(i)
    return chosen


def _thumbnail(at: Axes, point: np.ndarray, image: np.ndarray, colour: str, width: float, colours: str) -> None:
    """Draw an image with a frame at its point."""
    thin = -(-max(image.shape) // _FINE)
    image = image[::thin, ::thin]
    picture = OffsetImage(image, zoom=72 * width / max(image.shape), cmap=colours, norm=Normalize(0, 1), interpolation="nearest")
    at.add_artist(AnnotationBbox(picture, tuple(point), pad=0.1, bboxprops={"edgecolor": colour, "linewidth": 1.5}))
