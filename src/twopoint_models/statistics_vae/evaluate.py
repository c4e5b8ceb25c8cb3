"""Evaluation of statistics VAEs: measures of their reconstructions, compared with untrained alternatives."""

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
    """Result of :func:`evaluate_statistics_vaes`.

    Attributes
    ----------
    reconstructions : dict of str to array (n, 1, H, W)
        Reconstructions from latent means, by network.
    measures : dict of str to LineMeasures
        Measures by network, and of the nearest training image in statistics.
    summary : dict
        Plain values: "means" of the measures; "components", the mean squared error of the statistics on as many principal components as
        latents, by their number; "modulus", the result of :func:`modulus_differences` by network and for the nearest training image.
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
    """Measure the reconstructions of networks, and compare with the nearest training image in statistics and with principal components.

    Parameters
    ----------
    models : dict of str to ResNetVAE
        Networks by name.
    images, known : arrays (n, 1, H, W), (m, 1, H, W)
        Test images and training images, gray values, 0 black and 1 white. Each must have black pixels.
    labels : dict of str to int array (n,), optional
        Labels "orientation" and "n_lines" of images of lines.
    threshold : float
        Gray value below which a pixel is black.

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
    """Return the share of right numbers, by the number of lines."""
    assert measures.number_right is not None  # for mypy: there are labels
    return {str(n): float(measures.number_right[n_lines == n].mean()) for n in np.unique(n_lines)}


def reconstruct(model: ResNetVAE, images: Float[np.ndarray, "n 1 height width"]) -> Float[np.ndarray, "n 1 height width"]:
    """Return reconstructions from latent means."""
    with torch.inference_mode():
        return np.concatenate([model(part).numpy() for part in torch.from_numpy(images).split(BATCH)])
