"""What a microstructure is described by to a predictor of properties, and which items are learnt and which judged."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch

from .._check import positive
from ..nets import CESSVAE
from .reconstructions import thresholded

BATCH = 64
Splits = Sequence[tuple[np.ndarray, np.ndarray]]


def random_splits(count: int, seeds: int, *, share: float = 0.2, seed: int = 0) -> Splits:
    """Return for each of so many seeds which items are learnt and which, a random share, are judged."""
    rng = np.random.default_rng(seed)
    orders = [rng.permutation(count) for _ in range(positive("seeds", seeds))]
    test = max(1, round(share * count))
    return [(order[test:], order[:test]) for order in orders]


def folds(count: int, number: int, *, seed: int = 0) -> Splits:
    """Return a split for each of so many parts of about equal size, in random order: that part is judged, all others are learnt."""
    parts = np.array_split(np.random.default_rng(seed).permutation(count), positive("number", number))
    return [(np.concatenate([other for j, other in enumerate(parts) if j != i]), part) for i, part in enumerate(parts)]


def latents_of(models: Mapping[str, CESSVAE], images: np.ndarray) -> dict[str, np.ndarray]:
    """Return flat latent means (n, d) of images (n, 1, H, W), by network."""
    with torch.inference_mode():
        parts = torch.from_numpy(images).split(BATCH)
        return {name: torch.cat([model.encode(x)[0].flatten(1) for x in parts]).numpy() for name, model in models.items()}


def decoded_samples(model: CESSVAE, latents: np.ndarray, count: int, edge: int, *, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return latents drawn as those of images lie, normal with their mean and covariance, and what is decoded from them, thresholded.

    Parameters
    ----------
    model : CESSVAE
    latents : array (n, edge^2)
        Flat, of images.
    count : int
        How many to draw.
    edge : int
        Of the latent image.
    seed : int

    Returns
    -------
    float32 array (count, edge^2), float32 array (count, 1, H, W) of 0 and 1

    References
    ----------
    Cai et al., section 4.3, who add such to what the predictor learns from.
    """
    rng = np.random.default_rng(seed)
    drawn = rng.multivariate_normal(latents.mean(axis=0), np.cov(latents.T), positive("count", count)).astype(np.float32)
    with torch.inference_mode():
        parts = torch.from_numpy(drawn).reshape(count, -1, edge, edge).split(BATCH)
        return drawn, np.concatenate([thresholded(model.decode(x).numpy()) for x in parts])
