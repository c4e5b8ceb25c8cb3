"""Which description of a microstructure predicts its properties best: predictors fitted to each, on the same splits."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch

from ..evaluation.descriptions import Splits
from ..evaluation.property_scores import property_scores, statistics_components, thumbnails
from ..evaluation.tables_of_properties import summarise_scores
from .property_mlp import fit_property_mlp

COMPONENTS, THUMBNAILS = "components of statistics", "thumbnails"


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
        Which are learnt, and which judged; :func:`twopoint_models.evaluation.descriptions.random_splits` or ``folds``.
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
