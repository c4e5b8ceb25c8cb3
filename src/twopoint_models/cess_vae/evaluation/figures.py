"""Figures of an evaluation, Figs 7 to 12 of Cai et al., and of a sweep: arrays in, a Figure out."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

import twopoint as tp

from ...evaluation.figures import COLOURS, REAL, planes
from ...evaluation.histograms import histograms
from .comparisons import pairwise, valley
from .evaluate import ALL, OUTPUTS, SHARP, SOFT, Scores
from .rates import COMPARED, PRIORS
from .sensitivity import line_sensitivity

Rows = Mapping[str, Callable[[np.ndarray], np.ndarray]]


def figures(
    scores: Mapping[str, Scores],
    rows: Rows,
    image: Callable[[int], np.ndarray],
    names: Sequence[str],
    *,
    trivial: Collection[str] = (),
    worst: int = 6,
    seed: int = 0,
) -> Iterator[tuple[str, Figure]]:
    """Draw all figures of an evaluation of two phases: scores, and reconstructions soft and thresholded.

    Parameters
    ----------
    scores : dict of str to Scores
        Scores by row, for two phases.
    rows : dict of str to callable
        Functions by the same names, from images (k, 1, H, W) to reconstructions of the same shape.
    image : callable
        Function from the index of an image in the scores to the image (1, H, W).
    names : list of str (n,)
        The class of each image.
    trivial : list of str
        Rows that are shown for comparison only: without outliers, and not in the linear histograms, where a bad row would set the scale.
        Ignored if all rows are trivial.
    worst : int
        Number of outliers to draw for each row.
    seed : int
        Seed that chooses the image of each class.

    Yields
    ------
    name : str
        ``histograms`` (Fig. 9), ``log_histograms`` (Fig. 10), ``pairwise`` (Fig. 11), ``line_sensitivity`` (Fig. 8), ``outliers/ROW``
        (Fig. 7), ``reconstructions/CLASS_soft`` and ``reconstructions/CLASS_thresholded`` (Fig. 12).
    figure : matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If scores, rows and names do not match.

    References
    ----------
    Cai et al., section 4.

    Examples
    --------
    >>> import numpy as np
    >>> from twopoint_models.cess_vae.evaluation.figures import figures
    >>> from twopoint_models.cess_vae import score_rows
    >>> from twopoint_models.evaluation.trivial import TRIVIAL
    >>> image = np.eye(32)[None]
    >>> scores, items = score_rows(TRIVIAL, [{"image": image, "name": "A"}])
    >>> [name for name, figure in figures(scores, TRIVIAL, lambda i: image, ["A"])][-2:]
    ['reconstructions/A_soft', 'reconstructions/A_thresholded']
    """
    if not names or not scores or list(scores) != list(rows) or any(len(s.excess[SOFT][ALL]) != len(names) for s in scores.values()):
        raise ValueError(f"scores, rows and names must fit, got scores of {list(scores)}, rows {list(rows)} and {len(names)} names")
    models = [row for row in rows if row not in trivial] or list(rows)
    yield from _of_scores(scores, models)
    yield "line_sensitivity", line_sensitivity_chart({f"blurred by {s} px" if s else "sharp": line_sensitivity(sigma=s) for s in (0, 1, 4)})
    for row in models:
        excess = scores[row].excess[SOFT][ALL]
        chosen = np.argsort(-excess)[:worst].tolist()
        images, told = np.stack([image(i) for i in chosen]), [f"{excess[i]:.3g}" for i in chosen]
        title = f"{row}: the highest soft excess CESS over all lags"
        yield f"outliers/{row}", outliers(images, rows[row](images), told, names=[names[i] for i in chosen], title=title)
    for name in dict.fromkeys(names):
        at = int(np.random.default_rng(seed).choice([i for i, each in enumerate(names) if each == name]))
        shown = image(at)
        made = {row: reconstruct(shown[None]) for row, reconstruct in rows.items()}
        for output in (SOFT, SHARP):
            notes = {row: f"{s.excess[output][ALL][at]:.3g}" for row, s in scores.items()}
            found = {row: OUTPUTS[output](x)[0, 0] for row, x in made.items()}
            title = f"{name}, {output}, with excess CESS over all lags"
            yield f"reconstructions/{name}_{output}", reconstructions(shown[0], found, notes=notes, title=title)


def _of_scores(scores: Mapping[str, Scores], models: Sequence[str]) -> Iterator[tuple[str, Figure]]:
    """Draw the histograms and the pairwise comparisons."""
    values = {output: {row: s.excess[output][ALL] for row, s in scores.items()} for output in (SOFT, SHARP)}
    shown = {output: {row: by[row] for row in models} for output, by in values.items()}
    title = "excess CESS over all lags"
    yield "histograms", histograms(shown, title=f"{title}; the largest fifth of all numbers is cut off")
    valleys = {output: {row: valley(x) for row, x in by.items()} for output, by in values.items()}
    yield "log_histograms", histograms(values, log=True, valleys=valleys, title=f"{title}, logarithmic")
    first = next(iter(scores.values()))
    pairs = [(output, lags) for output, by in first.excess.items() for lags in by]
    matrices = {f"{output}, {lags}": pairwise({row: s.excess[output][lags] for row, s in scores.items()}) for output, lags in pairs}
    yield "pairwise", pairwise_chart(matrices, list(scores), columns=len(first.excess[SOFT]))


FLOOR = 1e-6  # floor of the logarithm of statistics, as in CESS


def outliers(
    images: np.ndarray, reconstructions: np.ndarray, notes: Sequence[str], *, names: Sequence[str] = (), title: str = ""
) -> Figure:
    """Draw images above their reconstructions with a note below each pair: the outliers of a model.

    Parameters
    ----------
    images, reconstructions : arrays (k, H, W), or (k, 1, H, W)
        Membership of phase 1, drawn dark.
    notes : list of str (k,)
        Text below each pair, such as its CESS.
    names : list of str (k,), optional
        Text above each pair.
    title : str
        Title of the figure.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If there is no image, or arrays, notes and names differ in number.

    References
    ----------
    Cai et al., Fig. 7.

    Examples
    --------
    >>> import numpy as np
    >>> from twopoint_models.cess_vae.evaluation.figures import outliers
    >>> images = np.stack([np.eye(8)] * 3)
    >>> len(outliers(images, images / 2, ["1", "2", "3"]).axes)
    6
    """
    blocks = [planes("images", images), planes("reconstructions", reconstructions)]
    count = len(blocks[0])
    if {len(blocks[1]), len(notes), len(names) or count} != {count}:
        found = f"{count}, {len(blocks[1])}, {len(notes)} and {len(names)}"
        raise ValueError(f"images, reconstructions, notes and names must have equal numbers, got {found}")
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
    """Draw two horizontal lines at several distances, and below them the excess CESS relative to the lines at a reference distance.

    Parameters
    ----------
    curves : dict of str to two arrays (k,)
        Distances in pixels and the excess CESS, by kind of reconstruction.
    size : int
        Edge of the images in pixels.
    spacing : int
        Reference distance of the lines.
    shown : list of int
        Other distances to show as images.

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
    >>> from twopoint_models.cess_vae.evaluation.figures import line_sensitivity_chart
    >>> from twopoint_models.cess_vae import line_sensitivity
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
    """Draw an image and its reconstructions, their autocorrelations of phase 1, and the differences of the logarithms of these.

    Zero lag is in the middle. All autocorrelations have the scale of the image. All differences have one scale, symmetric about zero: the
    median over rows of the 95th percentile of their magnitudes, so that one bad row does not hide the others.

    Parameters
    ----------
    image : array (H, W), or (1, H, W)
        Membership of phase 1, drawn dark.
    found : dict of str to array of this shape
        Reconstructions, by row.
    notes : dict of str to str, optional
        Text below a reconstruction, such as its CESS.
    title : str
        Title of the figure.

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
    >>> from twopoint_models.cess_vae.evaluation.figures import reconstructions
    >>> len(reconstructions(np.eye(8), {"MSE": np.eye(8) / 2, "CESS": np.eye(8)}).axes)  # nine panels, one of them empty
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
    reach = float(np.median([np.percentile(np.abs(f - logs[0]), 95) for f in logs[1:]])) or 1.0  # equal images still need a scale
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


def _image(at: Axes, image: np.ndarray) -> None:
    """Draw memberships of phase 1, dark for 1."""
    at.imshow(image, cmap="gray_r", vmin=0, vmax=1, interpolation="nearest")
    at.set(xticks=[], yticks=[])


def _lags(at: Axes, field: np.ndarray, colours: str, scale: Normalize) -> None:
    """Draw a field over lags, zero lag in the middle."""
    at.imshow(field, cmap=colours, norm=scale, interpolation="nearest")
    at.set(xticks=[], yticks=[])


def pairwise_chart(matrices: Mapping[str, np.ndarray], names: Sequence[str], *, columns: int = 2) -> Figure:
    """Draw the share of images on which one row has a lower CESS than another, a matrix for each output and choice of lags.

    Parameters
    ----------
    matrices : dict of str to array (k, k)
        Results of :func:`twopoint_models.cess_vae.evaluation.comparisons.pairwise`, by title.
    names : list of str (k,)
        Names of the rows.
    columns : int
        Matrices in a row of the figure.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If there is no matrix, or one is not (k, k).

    References
    ----------
    Cai et al., Fig. 11.

    Examples
    --------
    >>> import numpy as np
    >>> from twopoint_models.cess_vae.evaluation.figures import pairwise_chart
    >>> len(pairwise_chart({"soft": np.array([[0.5, 0.9], [0.1, 0.5]])}, ["CESS", "MSE"]).axes)
    1
    """
    k = len(names)
    if not matrices or any(np.shape(matrix) != (k, k) for matrix in matrices.values()):
        raise ValueError(f"matrices must be one or more of the shape {(k, k)}, got {[np.shape(matrix) for matrix in matrices.values()]}")
    columns = min(columns, len(matrices))
    side, rows = 0.62 * k + 1.6, -(-len(matrices) // columns)
    figure = Figure(figsize=(side * columns, side * rows), layout="constrained")
    places = figure.subplots(rows, columns, squeeze=False).ravel()
    for at in places[len(matrices) :]:
        figure.delaxes(at)
    for at, (title, matrix) in zip(places, matrices.items(), strict=False):
        at.imshow(np.where(np.eye(k, dtype=bool), np.nan, matrix), cmap="RdBu", vmin=0, vmax=1)
        for (a, b), share in np.ndenumerate(matrix):
            if a != b:
                at.text(b, a, f"{share:.2f}", ha="center", va="center", fontsize=8, color="white" if abs(share - 0.5) > 0.35 else "black")
        at.set_xticks(range(k), names, rotation=45, ha="right", rotation_mode="anchor", fontsize=8)
        at.set_yticks(range(k), names, fontsize=8)
        at.set_title(title, fontsize=10)
        at.set_ylabel("lower CESS", fontsize=8)
        at.set_xlabel("than", fontsize=8)
    return figure


def rates_figure(rows: Mapping[str, dict[str, Any]]) -> Figure:
    """Draw the excess of reconstructions and the distance of samples over the rate.

    Parameters
    ----------
    rows : dict of str to dict
        Rates of :func:`twopoint_models.cess_vae.evaluation.rates.rate_of`, by name.

    Returns
    -------
    Figure
    """
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    left, right = figure.subplots(1, 2)
    rates = [row["nats_of_a_latent"] for row in rows.values()]
    for name in COMPARED:
        medians = np.array([row[name]["median"] for row in rows.values()])
        ends = np.array([row[name]["interval"] for row in rows.values()])
        left.errorbar(rates, medians, np.abs(ends - medians[:, None]).T, fmt="o-", capsize=2, label=name)
    for prior in PRIORS:
        right.plot(rates, [max(row["distances"][prior].values()) for row in rows.values()], "o-", label=f"{prior} prior")
    left.set(title="median excess CESS of reconstructions")
    right.set(title="largest distance of samples, in halves of the data")
    for axis in (left, right):
        axis.set(xlabel="nats of a latent number", xscale="log", yscale="log")
        axis.legend()
    return figure
