"""All pictures of a texture VAE, Figs 4 to 7 of Sardeshmukh et al., one after the other; nothing is shown, nothing is saved."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from matplotlib.figure import Figure

from ..nets import TextureVAE
from .figures_of_patches import correlation_chart, halves, patch_rows, predictions
from .patches import Coded, correlations_with, parameters_of
from .regressions import leave_one_out
from .tables_of_patches import named_latents

VALUES = np.linspace(-4, 4, 10)  # of a traversal
TRAVERSED, CHARTED = 4, 16  # latents
SAMPLES = (3, 8)
SILENT = 0.01  # nats: a latent of less divergence says nothing


def summarise_latents(coded: Coded, made_by: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return what latents know.

    Parameters
    ----------
    coded : Coded
        Of patches.
    made_by : list of dict (n,)
        What each patch's micrograph was generated from; empty where it was not.

    Returns
    -------
    dict
        ``kl`` by latent in nats, the number ``active`` of those above 0.01, and ``named``: by latent, parameters with which the magnitude
        of its correlation is 0.7 or more.
    """
    known = parameters_of(made_by)
    named = named_latents(correlations_with(coded.mean, known), list(known)) if known else {}
    return {"kl": coded.kl.tolist(), "active": int((coded.kl > SILENT).sum()), "named": named}


def figures_of_texture_vae(
    model: TextureVAE, coded: Coded, patches: np.ndarray, names: Sequence[str], made_by: Sequence[Mapping[str, Any]], *, seed: int = 0
) -> Iterator[tuple[str, Figure]]:
    """Draw half originals and half reconstructions, random samples, correlations with parameters, and traversals.

    Parameters
    ----------
    model : TextureVAE
    coded : Coded
        What it makes of the patches.
    patches : array (n, 1, size, size)
        Gray values in [0, 1].
    names : list of str (n,)
        Of the micrographs that they are from; one patch of each is shown, and traversals start from the first and the last.
    made_by : list of dict (n,)
        As for :func:`summarise_latents`; without parameters there is no chart of them.
    seed : int
        Of the random samples.

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
    """Draw for each property and sample what a fit to the other samples says of its patches.

    Parameters
    ----------
    features : dict of str to array (n, d)
        Descriptions of patches, such as "latents" and "VGG-19".
    properties : dict of str to array (n,)
        Each patch's, that of its sample.
    samples : list of str (n,)
        Which sample a patch is of.
    kind : str
        As for :func:`twopoint_models.evaluation.regressions.predict`.

    Yields
    ------
    (str, matplotlib.figure.Figure)
        A name for a file, and the picture.

    Raises
    ------
    ValueError
        As :func:`twopoint_models.evaluation.regressions.leave_one_out`.

    References
    ----------
    Sardeshmukh et al., Fig. 7.
    """
    for quantity, values in properties.items():
        each = {name: leave_one_out(x, values, samples, kind) for name, x in features.items()}
        of = dict(zip(samples, values.tolist(), strict=True))
        for sample, wanted in of.items():
            drawn = {name: found[sample].predicted for name, found in each.items()}
            rest = float(np.mean([value for other, value in of.items() if other != sample]))
            figure = predictions(drawn, wanted, mean=rest, quantity=quantity, title=f"{sample}, fitted to the others")
            yield f"{quantity.split(',')[0]} of {sample}", figure
