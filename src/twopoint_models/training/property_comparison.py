"""Which description of a microstructure predicts its properties best: predictors fitted to each, on the same splits."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch

from .._check import positive
from ..evaluation.property_scores import property_scores, statistics_components, thumbnails
from ..evaluation.tables_of_properties import summarise_scores
from ..nets import CESSVAE
from .property_mlp import fit_property_mlp

BATCH = 64
COMPONENTS, THUMBNAILS = "components of statistics", "thumbnails"
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
        return drawn, np.concatenate([(model.decode(x).numpy() > 0.5).astype(np.float32) for x in parts])


def compare_descriptions(
    latents: Mapping[str, np.ndarray],
    images: np.ndarray,
    values: np.ndarray,
    properties: Sequence[str],
    splits: Splits,
    *,
    augmented: Mapping[str, tuple[np.ndarray, np.ndarray]] | None = None,
    progress: Callable[[str, int, int], object] | None = None,
    **fit: Any,
) -> dict[str, dict[str, dict[str, float]]]:
    """Fit a predictor to each description of microstructures on each split, and judge it by what it has not seen.

    Parameters
    ----------
    latents : dict of str to array (n, d)
        By network.
    images : array (n, 1, H, W)
        Of which thumbnails and, of those that are learnt, principal components of the 2-point statistics are taken, as many as thumbnails
        have pixels.
    values : array (n, p)
    properties : p names
    splits : list of (int array, int array)
        Which are learnt, and which judged; :func:`random_splits` or :func:`folds`.
    augmented : dict of str to (array (m, d), array (m, p)), optional
        By network, more latents and their properties: a row of its own, which learns from these too.
    progress : callable, optional
        Called with the row, the number of fits done and that of all.
    **fit
        Options of :func:`fit_property_mlp`.

    Returns
    -------
    dict of str to what :func:`twopoint_models.evaluation.tables_of_properties.summarise_scores` gives
        By description.

    Raises
    ------
    ValueError
        As :func:`fit_property_mlp`.

    References
    ----------
    Cai et al., section 4.3.
    """
    small = thumbnails(images)
    rows = {**latents, THUMBNAILS: small}
    more = {f"{name}, augmented": (latents[name], extra) for name, extra in (augmented or {}).items()}
    scores: dict[str, list[Any]] = {}
    total = len(splits) * (len(rows) + len(more) + 1)
    for seed, (learnt, judged) in enumerate(splits):
        for row, (x, extra) in _descriptions(rows, more, images, learnt, small.shape[1]):
            model = fit_property_mlp(x[learnt], values[learnt], properties, extra=extra, seed=seed, **fit)
            with torch.inference_mode():
                found = model(torch.from_numpy(x[judged].astype(np.float32))).numpy()
            scores.setdefault(row, []).append(property_scores(found, values[judged], properties))
            if progress:
                progress(row, sum(map(len, scores.values())), total)
    return {row: summarise_scores(each) for row, each in scores.items()}


def _descriptions(
    rows: Mapping[str, np.ndarray], more: Mapping[str, tuple[np.ndarray, Any]], images: np.ndarray, learnt: np.ndarray, count: int
) -> Iterator[tuple[str, tuple[np.ndarray, Any]]]:
    """Yield all descriptions with what is learnt beside them."""
    for row, x in rows.items():
        yield row, (x, None)
    yield COMPONENTS, (statistics_components(images[learnt], min(count, len(learnt) - 1))(images), None)
    yield from more.items()
