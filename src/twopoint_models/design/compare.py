"""Designs in several ways, for the same targets: the paper's, a search on the predictor, ours, and what costs no search."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from ..evaluation.reconstructions import thresholded
from ..homogenisation.two_phase import properties_of
from .by_predictor import Predictor, latents_by_network, latents_by_search
from .search import design

NAMES = ("E_x", "E_y")
TOLERANCE = 1e-4
Decode = Callable[[Tensor], Tensor]
Progress = Callable[[int, int], object] | None


class Made(NamedTuple):
    """Designs of one way, one for each target.

    Attributes
    ----------
    labels : array (n, H, W)
        0 and 1.
    found : float64 array (n,) or (n, 2)
        The properties that were wanted, by homogenisation of labels.
    soft : float64 array (n,), optional
        The same of what was decoded, before it was thresholded.
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
        E_x of flat latents, by a trained predictor.
    images, latents, values
        Known microstructures of 0 and 1, their latents, E_x and E_y.
    targets : array (k,)
    steps : int
        Of each descent of ours.
    guided : int
        Of the training of the network from E_x to a latent; a tenth of it of the search on the predictor.
    progress : callable, optional
        Called with the number of targets done by ours and that of all.

    Returns
    -------
    dict of str to Made
        "network, the paper's way", "search on the predictor", "ours", "nearest labelled image" and "its threshold moved".
    """
    wanted = torch.from_numpy(targets).to(latents)
    nearest = np.abs(values[:, :1] - targets).argmin(axis=0)
    latent = {
        "network, the paper's way": latents_by_network(predict, wanted, latents.shape[1:], steps=guided),
        "search on the predictor": latents_by_search(predict, wanted, latents[torch.from_numpy(nearest)], steps=max(1, guided // 10)),
    }
    with torch.no_grad():
        made = {name: _thresholded(decode(z)[:, 0].double().numpy()) for name, z in latent.items()}
    goals = [{"E_x": float(target)} for target in targets]
    made["ours"] = _descents(decode, images, latents, values, goals, steps, progress)
    made["nearest labelled image"] = Made(images[nearest, 0], values[nearest, 0])
    made["its threshold moved"] = _descents(decode, images, latents, values, goals, 0, None)
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
    """Design microstructures for values of E_x and E_y at once, "ours" and "nearest labelled image", over the standard deviations of both.

    Arguments are those of :func:`design_each_way`.
    """
    goals = [dict(zip(NAMES, map(float, pair), strict=True)) for pair in targets]
    nearest = (((values[:, None] - targets) / targets.std(axis=0)) ** 2).sum(axis=-1).argmin(axis=0)
    return {
        "ours": _descents(decode, images, latents, values, goals, steps, progress),
        "nearest labelled image": Made(images[nearest, 0], values[nearest]),
    }


def _descents(
    decode: Decode,
    images: np.ndarray,
    latents: Tensor,
    values: np.ndarray,
    goals: Sequence[dict[str, float]],
    steps: int,
    progress: Progress,
) -> Made:
    """Return the best design for each goal."""
    known, labels, found = dict(zip(NAMES, values.T, strict=True)), [], []
    for i, goal in enumerate(goals):
        best = design(decode, latents, images, goal, known=known, count=1, starts=8 if steps else 1, steps=steps, tolerance=10 * TOLERANCE)
        labels.append(best.microstructures[0])
        found.append([best.properties[name][0] for name in goal])
        if progress:
            progress(i + 1, len(goals))
    return Made(np.stack(labels), np.squeeze(np.array(found), axis=1) if len(goals[0]) == 1 else np.array(found))


def _thresholded(soft: np.ndarray) -> Made:
    """Return decoded memberships thresholded, with E_x before and after."""
    labels = thresholded(soft[:, None])[:, 0].astype(np.float64)
    before, after = (np.asarray(properties_of(m, ["E_x"], tolerance=TOLERANCE)[0]) for m in (soft, labels))
    return Made(labels, after, before)
