"""Figures of a texture VAE, Figs 4 to 7 of Sardeshmukh et al.: arrays in, a Figure out."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import cycle
from typing import Any

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..evaluation.figures import MADE, REAL, planes
from .evaluate import Coded, correlations_with, parameters_of
from .network import TextureVAE
from .regressions import leave_one_out
from .tables import named_latents

VALUES = np.linspace(-4, 4, 10)  # values of a traversal
TRAVERSED, CHARTED = 4, 16  # latents
SAMPLES = (3, 8)
SILENT = 0.01  # nats; a latent with less divergence is inactive


def summarise_latents(coded: Coded, made_by: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Summarise the information in latents.

    Parameters
    ----------
    coded : Coded
        Codes of patches.
    made_by : list of dict (n,)
        Parameters of the micrograph of each patch; empty if it was not generated.

    Returns
    -------
    dict
        ``kl`` of each latent in nats; ``active``, the number of latents above 0.01; ``named``, by latent, the parameters with a correlation
        of at least 0.7 in magnitude.
    """
    known = parameters_of(made_by)
    named = named_latents(correlations_with(coded.mean, known), list(known)) if known else {}
    return {"kl": coded.kl.tolist(), "active": int((coded.kl > SILENT).sum()), "named": named}


def figures_of_texture_vae(
    model: TextureVAE, coded: Coded, patches: np.ndarray, names: Sequence[str], made_by: Sequence[Mapping[str, Any]], *, seed: int = 0
) -> Iterator[tuple[str, Figure]]:
    """Draw originals beside reconstructions, random samples, correlations with parameters, and traversals.

    Parameters
    ----------
    model : TextureVAE
    coded : Coded
        Codes of the patches.
    patches : array (n, 1, size, size)
        Gray values in [0, 1].
    names : list of str (n,)
        Names of the micrographs of the patches. One patch of each is shown; traversals start from the first and the last.
    made_by : list of dict (n,)
        As for :func:`summarise_latents`; without parameters there is no chart of correlations.
    seed : int
        Seed of the random samples.

    Yields
    ------
    str, matplotlib.figure.Figure

    References
    ----------
    Sardeshmukh et al., Figs 4, 5 and 6.
    """
    first = [list(names).index(name) for name in dict.fromkeys(names)]
    yield "halves", halves(patches[first], coded.reconstructions[first], [names[i] for i in first])
    drawn = model.sample(SAMPLES[0] * SAMPLES[1], seed=seed).detach().numpy().reshape(*SAMPLES, *patches.shape[2:])
    yield "samples", patch_rows({str(i + 1): row for i, row in enumerate(drawn)}, title="from the prior")
    known, weights = parameters_of(made_by), coded.kl
    if known:
        correlations = correlations_with(coded.mean, known)
        weights = np.abs(correlations).max(axis=0)
        order = np.argsort(-weights)[:CHARTED]
        yield "correlations", correlation_chart(correlations[:, order], list(known), [str(j) for j in order])
    for i in dict.fromkeys((first[0], first[-1])):
        start = torch.from_numpy(coded.mean[i])
        rows = {str(j): model.traverse(start, int(j), VALUES.tolist()).detach().numpy() for j in np.argsort(-weights)[:TRAVERSED]}
        columns = [f"{value:.1f}" for value in VALUES]
        yield f"traversal of {names[i]}", patch_rows(rows, columns=columns, title=f"a patch of {names[i]}, one latent changed")


def figures_of_properties(
    features: Mapping[str, np.ndarray], properties: Mapping[str, np.ndarray], samples: Sequence[str], *, kind: str = "svr"
) -> Iterator[tuple[str, Figure]]:
    """Draw, for each property and sample, the predictions for its patches by a fit to the other samples.

    Parameters
    ----------
    features : dict of str to array (n, d)
        Descriptions of patches, such as "latents" and "VGG-19".
    properties : dict of str to array (n,)
        Properties of the patches, those of their samples.
    samples : list of str (n,)
        Sample of each patch.
    kind : str
        As for :func:`twopoint_models.texture_vae.predict`.

    Yields
    ------
    (str, matplotlib.figure.Figure)
        The name of a file, and the figure.

    Raises
    ------
    ValueError
        As :func:`twopoint_models.texture_vae.leave_one_out`.

    References
    ----------
    Sardeshmukh et al., Fig. 7.
    """
    for quantity, values in properties.items():
        each = {name: leave_one_out(x, values, samples, kind) for name, x in features.items()}
        of = dict(zip(samples, values.tolist(), strict=True))
        for sample, target in of.items():
            drawn = {name: found[sample].predicted for name, found in each.items()}
            rest = float(np.mean([value for other, value in of.items() if other != sample]))
            figure = predictions(drawn, target, mean=rest, quantity=quantity, title=f"{sample}, fitted to the others")
            yield f"{quantity.split(',')[0]} of {sample}", figure


def halves(originals: np.ndarray, reconstructions: np.ndarray, names: Sequence[str], *, title: str = "") -> Figure:
    """Draw patches with the left half of the original and the right half of the reconstruction.

    Parameters
    ----------
    originals, reconstructions : arrays (k, H, W), or (k, 1, H, W)
        Gray values, 0 black and 1 white.
    names : list of str (k,)
        Text above each patch.
    title : str
        Title of the figure.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If there is no patch, or the arrays differ in shape.

    References
    ----------
    Sardeshmukh et al., Fig. 4.

    Examples
    --------
    >>> import numpy as np
    >>> from twopoint_models.texture_vae.figures import halves
    >>> len(halves(np.zeros((3, 8, 8)), np.ones((3, 8, 8)), ["a", "b", "c"]).axes)
    3
    """
    left, right = planes("originals", originals), planes("reconstructions", reconstructions)
    if left.shape != right.shape or len(names) != len(left):
        raise ValueError(
            f"originals, reconstructions and names must be as many, of one size; got {left.shape}, {right.shape}, {len(names)}"
        )
    middle = left.shape[2] // 2
    both = np.concatenate([left[:, :, :middle], right[:, :, middle:]], axis=2)
    columns = min(6, len(both))
    rows = -(-len(both) // columns)
    figure, axes = _grid(rows, columns, title)
    for at, patch, name in zip(axes.flat, both, names, strict=False):
        _patch(at, patch)
        at.axvline(middle - 0.5, color=MADE, linewidth=1.2)
        at.set_title(name, fontsize=8)
    for at in axes.flat[len(both) :]:
        at.axis("off")
    return figure


def patch_rows(rows: Mapping[str, np.ndarray], *, columns: Sequence[str] = (), title: str = "") -> Figure:
    """Draw rows of patches: random samples, or traversals with a row for each latent and a column for each value.

    Parameters
    ----------
    rows : dict of str to array (k, H, W), or (k, 1, H, W)
        Gray values by label of the row; equally many patches in each.
    columns : list of str (k,), optional
        Text above each column.
    title : str
        Title of the figure.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If there is no row or patch, or the numbers of patches and columns differ.

    References
    ----------
    Sardeshmukh et al., Figs 5 and 6.

    Examples
    --------
    >>> import numpy as np
    >>> from twopoint_models.texture_vae.figures import patch_rows
    >>> len(patch_rows({"17": np.zeros((4, 8, 8)), "23": np.zeros((4, 8, 8))}).axes)
    8
    """
    found = {name: planes(f"rows[{name!r}]", patches) for name, patches in rows.items()}
    counts = {len(patches) for patches in found.values()}
    if len(counts) != 1 or (columns and {len(columns)} != counts):
        raise ValueError(
            f"rows must be one at least, with as many patches each as there are columns, got {counts or 'none'} and {len(columns)}"
        )
    figure, axes = _grid(len(found), counts.pop(), title)
    for i, (name, patches) in enumerate(found.items()):
        for j, patch in enumerate(patches):
            _patch(axes[i, j], patch)
            if columns and not i:
                axes[i, j].set_title(columns[j], fontsize=8)
        axes[i, 0].set_ylabel(name, fontsize=9)
    return figure


def predictions(
    found: Mapping[str, np.ndarray], target: float, *, mean: float | None = None, quantity: str = "", title: str = ""
) -> Figure:
    """Draw histograms of the predictions for the patches of a sample, and its true value.

    Parameters
    ----------
    found : dict of str to array (n,)
        Predictions by method.
    target : float
        True value of the sample.
    mean : float, optional
        Mean of the values of the other samples, drawn dashed.
    quantity : str
        Name and unit of the property.
    title : str
        Title of the figure.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If there is no method.

    References
    ----------
    Sardeshmukh et al., Fig. 7.

    Examples
    --------
    >>> import numpy as np
    >>> from twopoint_models.texture_vae.figures import predictions
    >>> len(predictions({"latents": np.arange(5.0)}, 2.0).axes)
    1
    """
    if not found:
        raise ValueError("found must hold one method at least")
    figure = Figure(figsize=(5.6, 3.4), layout="constrained")
    at = figure.subplots()
    bins = np.histogram_bin_edges(np.concatenate([*map(np.asarray, found.values())]), 40).tolist()
    for (name, values), colour in zip(found.items(), cycle((REAL, MADE, "#7a9e3b", "#b08bbb")), strict=False):
        at.hist(values, bins, color=colour, alpha=0.6, label=name)
    at.axvline(target, color="black", label="true")
    if mean is not None:
        at.axvline(mean, color="black", linestyle="--", linewidth=1, label="mean of the others")
    at.set(xlabel=quantity, ylabel="patches", title=title)
    at.legend(fontsize=8, frameon=False)
    return figure


def correlation_chart(correlations: np.ndarray, parameters: Sequence[str], latents: Sequence[str], *, title: str = "") -> Figure:
    """Draw correlations of latents (columns) with parameters (rows); correlations of at least 0.7 in magnitude are written out.

    Parameters
    ----------
    correlations : array (p, D)
    parameters : list of str (p,)
    latents : list of str (D,)
    title : str
        Title of the figure.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If the numbers of names and of rows or columns differ.

    Examples
    --------
    >>> import numpy as np
    >>> from twopoint_models.texture_vae.figures import correlation_chart
    >>> len(correlation_chart(np.eye(2), ["radius", "thickness"], ["0", "1"]).axes)
    2
    """
    if np.shape(correlations) != (len(parameters), len(latents)):
        raise ValueError(f"correlations must have the shape {(len(parameters), len(latents))}, got {np.shape(correlations)}")
    figure = Figure(figsize=(1.8 + 0.42 * len(latents), 1.4 + 0.34 * len(parameters)), layout="constrained")
    at = figure.subplots()
    drawn = at.imshow(correlations, cmap="RdBu_r", vmin=-1, vmax=1, aspect="auto")
    for (i, j), value in np.ndenumerate(np.asarray(correlations)):
        if abs(value) >= 0.7:
            at.text(j, i, f"{value:.2f}", ha="center", va="center", fontsize=6, color="white")
    at.set_xticks(range(len(latents)), latents, fontsize=7)
    at.set_yticks(range(len(parameters)), parameters, fontsize=8)
    at.set(xlabel="latent", title=title)
    figure.colorbar(drawn, ax=at, shrink=0.8)
    return figure


def _grid(rows: int, columns: int, title: str) -> tuple[Figure, np.ndarray]:
    """Return a figure with that many square axes."""
    figure = Figure(figsize=(1.15 * columns + 0.5, 1.3 * rows + 0.5), layout="constrained")
    figure.suptitle(title, fontsize=11)
    return figure, figure.subplots(rows, columns, squeeze=False)


def _patch(at: Axes, patch: np.ndarray) -> None:
    """Draw a patch, black for 0."""
    at.imshow(patch, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    at.set_xticks([])
    at.set_yticks([])
