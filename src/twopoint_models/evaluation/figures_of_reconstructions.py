"""Pictures of reconstructions, after Figs 7, 8 and 12 of the CESS paper: arrays in, a Figure out; nothing is shown, nothing is saved."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

import twopoint as tp

from .figures import REAL
from .figures_of_scores import COLOURS

FLOOR = 1e-6  # of a logarithm of statistics, as of CESS


def outliers(
    images: np.ndarray, reconstructions: np.ndarray, notes: Sequence[str], *, names: Sequence[str] = (), title: str = ""
) -> Figure:
    """Draw images above their reconstructions, a number below each pair: those that a model is worst at.

    Parameters
    ----------
    images, reconstructions : arrays (k, H, W), or (k, 1, H, W)
        Membership of phase 1, which is dark.
    notes : list of str (k,)
        What stands below each, such as its CESS.
    names : list of str (k,), optional
        What stands above each.
    title : str
        Above all.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If there is no image, or arrays, notes or names differ in number.

    References
    ----------
    Cai et al., Fig. 7.

    Examples
    --------
    >>> import numpy as np
    >>> from twopoint_models.evaluation.figures_of_reconstructions import outliers
    >>> images = np.stack([np.eye(8)] * 3)
    >>> len(outliers(images, images / 2, ["1", "2", "3"]).axes)
    6
    """
    blocks = [planes("images", images), planes("reconstructions", reconstructions)]
    count = len(blocks[0])
    if {len(blocks[1]), len(notes), len(names) or count} != {count}:
        found = f"{count}, {len(blocks[1])}, {len(notes)} and {len(names)}"
        raise ValueError(f"images, reconstructions, notes and names must be as many, got {found}")
    figure = Figure(figsize=(1.7 * count + 0.4, 3.75 + (0.4 if title else 0)), layout="constrained")
    figure.suptitle(title, fontsize=11)
    axes = figure.subplots(2, count, squeeze=False)
    for j in range(count):
        for i, block in enumerate(blocks):
            _image(axes[i, j], block[j])
        axes[1, j].set_xlabel(notes[j], fontsize=9)
        axes[0, j].set_title(names[j] if names else "", fontsize=8)
    axes[0, 0].set_ylabel("original", fontsize=9)
    axes[1, 0].set_ylabel("reconstruction", fontsize=9)
    return figure


def line_sensitivity_chart(
    curves: Mapping[str, tuple[np.ndarray, np.ndarray]], *, size: int = 224, spacing: int = 100, shown: Sequence[int] = (101, 112, 200)
) -> Figure:
    """Draw pictures of two horizontal lines at several distances, and below them the excess CESS to those at one distance.

    Parameters
    ----------
    curves : dict of str to two arrays (k,)
        By what the reconstructions are: distances in pixels, and the excess CESS.
    size : int
        Edge of the images in pixels.
    spacing : int
        Distance of the lines that are reconstructed.
    shown : list of int
        Other distances to draw.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If there is no curve, or its arrays differ in shape, are empty or not finite.

    References
    ----------
    Cai et al., Fig. 8.

    Examples
    --------
    >>> from twopoint_models.evaluation.figures_of_reconstructions import line_sensitivity_chart
    >>> from twopoint_models.evaluation.line_sensitivity import line_sensitivity
    >>> len(line_sensitivity_chart({"sharp": line_sensitivity(32, 10)}, size=32, spacing=10, shown=(11, 16)).axes)
    4
    """
    if not curves:
        raise ValueError("curves must be one or more, got none")
    figure = Figure(figsize=(8.4, 5.2), layout="constrained")
    grid = figure.add_gridspec(2, 1 + len(shown), height_ratios=[1, 1.7])
    for j, distance in enumerate((spacing, *shown)):
        at = figure.add_subplot(grid[0, j])
        middle = (size - distance) / 2
        at.hlines([middle, middle + distance], 0, size, color=REAL, linewidth=1)
        at.set(xlim=(0, size), ylim=(size, 0), xticks=[], yticks=[], aspect="equal")
        at.set_title(f"{distance} px" if j else f"reconstructed: {distance} px", fontsize=9)
    at = figure.add_subplot(grid[1, :])
    for (name, (distances, excess)), colour in zip(curves.items(), COLOURS * len(curves), strict=False):
        if np.shape(distances) != np.shape(excess) or not np.size(excess) or not np.isfinite([distances, excess]).all():
            raise ValueError(f"curves[{name!r}] must be two finite arrays of one shape, got {np.shape(distances)} and {np.shape(excess)}")
        at.plot(distances, excess, color=colour, label=name, linewidth=1.2, marker=".", markersize=3)
    for distance in (spacing, *shown):
        at.axvline(distance, color="#999999", linewidth=0.7, linestyle=":")
    at.set(xlabel="distance of the lines, px", ylabel="excess CESS, nats", ylim=(0, None))
    at.tick_params(labelsize=8)
    at.legend(fontsize=8, frameon=False)
    return figure


def reconstructions(
    image: np.ndarray, found: Mapping[str, np.ndarray], *, notes: Mapping[str, str] | None = None, title: str = ""
) -> Figure:
    """Draw an image and its reconstructions, below each the autocorrelation of phase 1, and below that how its logarithm differs.

    Zero lag is in the middle. All autocorrelations have one scale, that of the image, and all differences another, symmetric about zero: up
    to what the middle one of the rows reaches at 19 of 20 lags, so that one bad row does not hide the others.

    Parameters
    ----------
    image : array (H, W), or (1, H, W)
        Membership of phase 1, which is dark.
    found : dict of str to array of this shape
        Reconstructions by row.
    notes : dict of str to str, optional
        What stands below a reconstruction, such as its CESS.
    title : str
        Above all.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If there is no reconstruction, or shapes differ.

    References
    ----------
    Cai et al., Fig. 12.

    Examples
    --------
    >>> import numpy as np
    >>> from twopoint_models.evaluation.figures_of_reconstructions import reconstructions
    >>> len(reconstructions(np.eye(8), {"MSE": np.eye(8) / 2, "CESS": np.eye(8)}).axes)  # 9 places, one of them empty
    8
    """
    image, rows = planes("image", image)[0], {name: planes(f"found[{name!r}]", x)[0] for name, x in found.items()}
    if not rows or any(x.shape != image.shape for x in rows.values()):
        raise ValueError(f"found must be one or more of the image's shape {image.shape}, got { ({n: x.shape for n, x in rows.items()}) }")
    shown = {"original": image, **rows}
    figure = Figure(figsize=(1.65 * len(shown) + 1.0, 5.7 + (0.3 if title else 0)), layout="constrained")
    figure.suptitle(title, fontsize=11)
    axes = figure.subplots(3, len(shown), squeeze=False)
    statistics = [tp.autocorrelation(x.astype(np.float64), centered=True) for x in shown.values()]
    logs = [np.log(np.maximum(f, FLOOR)) for f in statistics]
    reach = float(np.median([np.percentile(np.abs(f - logs[0]), 95) for f in logs[1:]])) or 1.0  # equal ones still need a scale
    scales = ("viridis", Normalize(0, float(statistics[0].max()) or 1.0)), ("RdBu_r", Normalize(-reach, reach))
    for j, (name, picture) in enumerate(shown.items()):
        _image(axes[0, j], picture)
        axes[0, j].set_title(name, fontsize=8)
        axes[0, j].set_xlabel((notes or {}).get(name, ""), fontsize=8)
        _lags(axes[1, j], statistics[j], *scales[0])
        _lags(axes[2, j], logs[j] - logs[0], *scales[1])
    figure.delaxes(axes[2, 0])
    for i, label in ((1, "autocorrelation\nof phase 1"), (2, "log of it less\nthat of the original")):
        axes[i, i - 1].set_ylabel(label, fontsize=8)
        bar = figure.colorbar(axes[i, -1].images[0], cax=axes[i, -1].inset_axes((1.05, 0, 0.06, 1)), extend="both" if i == 2 else "max")
        bar.ax.tick_params(labelsize=7)
    return figure


def planes(name: str, values: np.ndarray) -> np.ndarray:
    """Return images (k, H, W), without an axis for phase or channel; one image is a batch of one."""
    values = np.asarray(values)
    values = values[:, 0] if values.ndim == 4 and values.shape[1] == 1 else values[None] if values.ndim == 2 else values
    if values.ndim != 3 or not values.size or not np.isfinite(values).all():
        raise ValueError(f"{name} must be finite images (H, W), one or more, got {values.shape}")
    return values


def _image(at: Axes, image: np.ndarray) -> None:
    """Draw memberships of phase 1, which is dark."""
    at.imshow(image, cmap="gray_r", vmin=0, vmax=1, interpolation="nearest")
    at.set(xticks=[], yticks=[])


def _lags(at: Axes, field: np.ndarray, colours: str, scale: Normalize) -> None:
    """Draw numbers over lags, zero lag in the middle."""
    at.imshow(field, cmap=colours, norm=scale, interpolation="nearest")
    at.set(xticks=[], yticks=[])
