"""How good spatial-statistics VAEs are: their reconstructions measured, beside what costs no training."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Float

from .line_moduli import modulus_differences
from .lines import HALF, LineMeasures, components_mse, measure_lines, nearest_in_statistics
from .network import ResNetVAE

BATCH = 64
NEAREST = "nearest training image"


class Evaluated(NamedTuple):
    """What :func:`evaluate_statistics_vaes` finds.

    Attributes
    ----------
    reconstructions : dict of str to array (n, 1, H, W)
        By network, from latent means.
    measures : dict of str to LineMeasures
        By network, and of the nearest training image in statistics.
    summary : dict
        "means" of measures; "components", the statistics' mean squared error of as many principal components as latents, by their number;
        "modulus", of :func:`modulus_differences`, by network and for the nearest training image; plain values.
    """

    reconstructions: dict[str, np.ndarray]
    measures: dict[str, LineMeasures]
    summary: dict[str, Any]


def evaluate_statistics_vaes(
    models: Mapping[str, ResNetVAE],
    images: Float[np.ndarray, "n 1 height width"],
    known: Float[np.ndarray, "m 1 height width"],
    labels: Mapping[str, np.ndarray] | None = None,
    *,
    threshold: float = HALF,
) -> Evaluated:
    """Measure what networks make of images, beside the training image that is nearest in statistics and principal components.

    Parameters
    ----------
    models : dict of str to ResNetVAE
        By name.
    images, known : arrays (n, 1, H, W), (m, 1, H, W)
        Gray values, 0 black and 1 white: of the test, and of the training. Each must have black pixels.
    labels : dict of str to int array (n,), optional
        "orientation" and "n_lines" of images of lines.
    threshold : float
        Darker pixels are black.

    Returns
    -------
    Evaluated

    Raises
    ------
    ValueError
        As :func:`measure_lines`, :func:`nearest_in_statistics` and :func:`components_mse`.

    References
    ----------
    Hashemi, Guerzhoy and Paulson (2024).
    """
    rows = {name: reconstruct(model, images) for name, model in models.items()}
    judged = rows | {NEAREST: known[nearest_in_statistics(images, known)[0]]}
    measures = {name: measure_lines(images, made, **(labels or {}), threshold=threshold) for name, made in judged.items()}
    counts = sorted({model.latents for model in models.values()})
    modulus = {name: modulus_differences(images, made, threshold=threshold)._asdict() for name, made in judged.items()}
    summary = {
        "means": {name: each.means for name, each in measures.items()},
        "components": {str(count): float(components_mse(images, known, count).mean()) for count in counts},
        "modulus": modulus,
    }
    if labels is not None:
        summary["number_right_by_lines"] = {name: _by_number(each, labels["n_lines"]) for name, each in measures.items()}
    return Evaluated(reconstructions=rows, measures=measures, summary=summary)


def _by_number(measures: LineMeasures, n_lines: np.ndarray) -> dict[str, float]:
    """Return how often the number is right, by the number of lines."""
    assert measures.number_right is not None  # for mypy: there are labels
    return {str(n): float(measures.number_right[n_lines == n].mean()) for n in np.unique(n_lines)}


def reconstruct(model: ResNetVAE, images: Float[np.ndarray, "n 1 height width"]) -> Float[np.ndarray, "n 1 height width"]:
    """Return reconstructions from latent means."""
    with torch.inference_mode():
        return np.concatenate([model(part).numpy() for part in torch.from_numpy(images).split(BATCH)])
