"""Designs in several ways for the same targets: the method of the paper, a search on the predictor, ours, and trivial ones."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from ..evaluation.reconstructions import thresholded
from ..homogenisation.two_phase import properties_of
from ..processes import Progress
from .by_predictor import Predictor, latents_by_network, latents_by_search
from .search import design

NAMES = ("E_x", "E_y")
TOLERANCE = 1e-4
Decode = Callable[[Tensor], Tensor]


class Made(NamedTuple):
    """Designs by one method, one for each target.

    Attributes
    ----------
    labels : array (n, H, W)
        Labels, 0 and 1.
    found : float64 array (n,) or (n, 2)
        Target properties of the labels, by homogenisation.
    soft : float64 array (n,), optional
        The same for the decoded images before thresholding.
    """

    labels: np.ndarray
    found: np.ndarray
    soft: np.ndarray | None = None


def design_each_way(
    decode: Decode,
    predict: Predictor,
    images: Float[np.ndarray, "n 1 height width"],
    latents: Float[Tensor, "n ..."],
    values: Float[np.ndarray, "n 2"],
    targets: Float[np.ndarray, " k"],
    *,
    steps: int = 60,
    guided: int = 2000,
    progress: Progress = None,
) -> dict[str, Made]:
    """Design microstructures for values of E_x.

    Parameters
    ----------
    decode : function: tensor (B, ...) -> tensor (B, 1, H, W)
    predict : function: tensor (B, d) -> tensor (B,)
        A trained predictor of E_x from flat latents.
    images, latents, values
        Known microstructures of 0 and 1, their latents, and their E_x and E_y.
    targets : array (k,)
    steps : int
        Steps of each descent of our method.
    guided : int
        Steps of training the network from E_x to a latent; the search on the predictor takes a tenth of it.
    progress : callable, optional
        Called with the number of targets done by our method and the total.

    Returns
    -------
    dict of str to Made
        Designs by method: "network, the paper's way", "search on the predictor", "ours", "nearest labelled image" and "its interface
        moved".
    """
    values_of_targets = torch.from_numpy(targets).to(latents)
    nearest = np.abs(values[:, :1] - targets).argmin(axis=0)
    latent = {
        "network, the paper's way": latents_by_network(predict, values_of_targets, latents.shape[1:], steps=guided),
        "search on the predictor": latents_by_search(
            predict, values_of_targets, latents[torch.from_numpy(nearest)], steps=max(1, guided // 10)
        ),
    }
    with torch.no_grad():
        made = {name: _thresholded(decode(z)[:, 0].double().numpy()) for name, z in latent.items()}
    by_name = [{"E_x": float(target)} for target in targets]
    made["ours"] = _descents(decode, images, latents, values, by_name, steps, progress)
    made["nearest labelled image"] = Made(images[nearest, 0], values[nearest, 0])
    made["its interface moved"] = _descents(decode, images, latents, values, by_name, 0, None)
    return made


def design_pairs(
    decode: Decode,
    images: Float[np.ndarray, "n 1 height width"],
    latents: Float[Tensor, "n ..."],
    values: Float[np.ndarray, "n 2"],
    targets: Float[np.ndarray, "k 2"],
    *,
    steps: int = 60,
    progress: Progress = None,
) -> dict[str, Made]:
    """Design microstructures for values of E_x and E_y at once, by "ours" and "nearest labelled image".

    Arguments are those of :func:`design_each_way`.
    """
    by_name = [dict(zip(NAMES, map(float, pair), strict=True)) for pair in targets]
    nearest = (((values[:, None] - targets) / targets.std(axis=0)) ** 2).sum(axis=-1).argmin(axis=0)
    return {
        "ours": _descents(decode, images, latents, values, by_name, steps, progress),
        "nearest labelled image": Made(images[nearest, 0], values[nearest]),
    }


def _descents(
    decode: Decode,
    images: np.ndarray,
    latents: Tensor,
    values: np.ndarray,
    targets: Sequence[dict[str, float]],
    steps: int,
    progress: Progress,
) -> Made:
    """Return the best design for each target."""
    known, labels, found = dict(zip(NAMES, values.T, strict=True)), [], []
    for i, target in enumerate(targets):
        best = design(
            decode, latents, images, target, known=known, count=1, starts=8 if steps else 1, steps=steps, tolerance=10 * TOLERANCE
        )
        labels.append(best.microstructures[0])
        found.append([best.properties[name][0] for name in target])
        if progress:
            progress(i + 1, len(targets))
    return Made(np.stack(labels), np.squeeze(np.array(found), axis=1) if len(targets[0]) == 1 else np.array(found))


def _thresholded(soft: np.ndarray) -> Made:
    """Threshold decoded memberships, with E_x before and after."""
    labels = thresholded(soft[:, None])[:, 0].astype(np.float64)
    before, after = (np.asarray(properties_of(m, ["E_x"], tolerance=TOLERANCE)[0]) for m in (soft, labels))
    return Made(labels, after, before)
