"""Evaluation of statistics VAEs: measures of their reconstructions, compared with untrained alternatives."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Float

from ..evaluation.intervals import bootstrap_interval
from .line_moduli import modulus_differences
from .lines import HALF, LineMeasures, components_mse, count_lines, measure_lines, nearest_in_statistics
from .network import ResNetVAE

BATCH = 64
NEAREST = "nearest training image"
PAPER = 0.05  # threshold of Hashemi et al.
THRESHOLDS = (PAPER, 0.1, 0.15, 0.2, 0.25, HALF, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.65, 0.7)


class Evaluated(NamedTuple):
    """Result of :func:`evaluate_statistics_vaes`.

    Attributes
    ----------
    reconstructions : dict of str to array (n, 1, H, W)
        Reconstructions from latent means, by network.
    measures : dict of str to LineMeasures
        Measures by network, and of the nearest training image in statistics.
    summary : dict
        Plain values: "means" of the measures; "intervals", the 95 % intervals of these by bootstrap over images; "thresholds" by row;
        "paper_means", the means of the networks with the paper's threshold, .05, if each image has darker pixels; "components", the mean
        squared error of the statistics on as many principal components as latents, by their number; "modulus", the result of
        :func:`modulus_differences` by network and for the nearest training image.
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
    threshold: float | Mapping[str, float] = HALF,
) -> Evaluated:
    """Measure the reconstructions of networks, and compare with the nearest training image in statistics and with principal components.

    Parameters
    ----------
    models : dict of str to ResNetVAE
        Networks by name. Lines of one that encodes statistics, whose reconstructions may be translated, are counted with ``periodic``, see
        :func:`count_lines`.
    images, known : arrays (n, 1, H, W), (m, 1, H, W)
        Test images and training images, gray values, 0 black and 1 white. Each must have black pixels.
    labels : dict of str to int array (n,), optional
        Labels "orientation" and "n_lines" of images of lines.
    threshold : float or dict of str to float
        Gray value below which a pixel is black, or one for each network, such as those of :func:`choose_threshold`.

    Returns
    -------
    Evaluated

    Raises
    ------
    ValueError
        As :func:`measure_lines`, :func:`nearest_in_statistics` and :func:`components_mse`; or if a network has no threshold.

    References
    ----------
    Hashemi, Guerzhoy and Paulson (2024).
    """
    rows = {name: reconstruct(model, images) for name, model in models.items()}
    judged = rows | {NEAREST: known[nearest_in_statistics(images, known)[0]]}
    thresholds = dict.fromkeys(judged, HALF) | (dict(threshold) if isinstance(threshold, Mapping) else dict.fromkeys(models, threshold))
    if missing := models.keys() - (threshold.keys() if isinstance(threshold, Mapping) else models.keys()):
        raise ValueError(f"threshold must hold a value for each network, there is none for {', '.join(sorted(missing))}")
    how: dict[str, dict[str, Any]] = {name: {"periodic": _translated(models.get(name)), **(labels or {})} for name in judged}
    measures = {name: measure_lines(images, made, threshold=thresholds[name], **how[name]) for name, made in judged.items()}
    papers = rows if _have_black(images, PAPER) else {}
    at_papers = {name: measure_lines(images, made, threshold=PAPER, **how[name]).means for name, made in papers.items()}
    counts = sorted({model.latents for model in models.values()})
    modulus = {name: modulus_differences(images, made, threshold=thresholds[name])._asdict() for name, made in judged.items()}
    summary = {
        "means": {name: each.means for name, each in measures.items()},
        "intervals": {name: _intervals(each) for name, each in measures.items()},
        "paper_means": at_papers,
        "thresholds": {name: thresholds[name] for name in judged},
        "components": {str(count): float(components_mse(images, known, count).mean()) for count in counts},
        "modulus": modulus,
    }
    if labels is not None:
        summary["number_right_by_lines"] = {name: _by_number(each, labels["n_lines"]) for name, each in measures.items()}
    return Evaluated(reconstructions=rows, measures=measures, summary=summary)


def choose_threshold(
    model: ResNetVAE, images: Float[np.ndarray, "n 1 height width"], labels: Mapping[str, np.ndarray] | None = None
) -> float:
    """Return the threshold of ``THRESHOLDS`` for which the reconstructions of validation images are best.

    It has the largest share of right numbers of lines minus the mean relative difference of the volume fractions; without labels, the
    least such difference. A threshold is left out if an image has no darker pixels. Test images must not be used.

    Parameters
    ----------
    model : ResNetVAE
        Network.
    images : array (n, 1, H, W)
        Validation images, gray values, 0 black and 1 white.
    labels : dict of str to int array (n,), optional
        Labels "orientation" and "n_lines".

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If an image has no pixels below the largest threshold, or as :func:`count_lines`.
    """
    made, periodic = reconstruct(model, images), _translated(model)
    usable = [each for each in THRESHOLDS if _have_black(images, each)]
    if not usable:
        raise ValueError(f"images must have black pixels, one or more has none below {THRESHOLDS[-1]:g}")
    return max(usable, key=lambda each: _score(images, made, labels, each, periodic))  # the first of equals


def _have_black(images: np.ndarray, threshold: float) -> bool:
    """Return whether each image has pixels below a threshold."""
    return bool((images < threshold).any(axis=(1, 2, 3)).all())


def _translated(model: ResNetVAE | None) -> bool:
    """Return whether reconstructions may be translated, as those of a network that encodes statistics."""
    return model is not None and model.config["encoded"] == "statistics"


def _score(images: np.ndarray, made: np.ndarray, labels: Mapping[str, np.ndarray] | None, threshold: float, periodic: bool) -> float:
    """Return the share of right numbers of lines, if there are labels, minus the mean relative difference of the volume fractions."""
    black, found = (images < threshold).mean(axis=(1, 2, 3)), count_lines(made, threshold=threshold, periodic=periodic)
    right = 0.0
    if labels is not None:
        right = float(((found.orientation == labels["orientation"]) & (found.n_lines == labels["n_lines"])).mean())
    return right - float((np.abs(found.black - black) / black).mean())


def _intervals(measures: LineMeasures) -> dict[str, tuple[float, float]]:
    """Return the 95 % intervals of the means of measures, by bootstrap over images."""
    found = {name: each for name, each in measures._asdict().items() if each is not None}
    return {name: bootstrap_interval(each[None], np.mean, draws=1000) for name, each in found.items()}


def _by_number(measures: LineMeasures, n_lines: np.ndarray) -> dict[str, float]:
    """Return the share of right numbers, by the number of lines."""
    assert measures.number_right is not None  # for mypy: there are labels
    return {str(n): float(measures.number_right[n_lines == n].mean()) for n in np.unique(n_lines)}


def reconstruct(model: ResNetVAE, images: Float[np.ndarray, "n 1 height width"]) -> Float[np.ndarray, "n 1 height width"]:
    """Return reconstructions from latent means."""
    with torch.inference_mode():
        return np.concatenate([model(part).numpy() for part in torch.from_numpy(images).split(BATCH)])
