"""Scores of each reconstruction: soft, thresholded, or cut at its own volume fraction; lag by lag and cumulative."""

from collections.abc import Callable, Iterable, Mapping
from itertools import islice
from typing import Any, NamedTuple

import numpy as np

from ...checks import positive
from ...evaluation.measures import specific_interface_length
from ...evaluation.reconstructions import Images, centre_crop, excess_cess, labels_of_two, thresholded, thresholded_at_fraction

SOFT, SHARP, CUT = "soft", "thresholded", "cut at own fraction"
ALL, CROP, CUMULATIVE = "all lags", "centre crop", "cumulative"
OUTPUTS: dict[str, Callable[[np.ndarray], np.ndarray]] = {SOFT: lambda x: x, SHARP: thresholded, CUT: thresholded_at_fraction}


class Scores(NamedTuple):
    """Scores of n reconstructions, by output.

    Attributes
    ----------
    excess : dict of str to dict of str to float64 array (n,)
        The excess CESS in nats, by output and by what is compared: the statistics at all lags, those of the centre crop, or the cumulative
        statistics, which depend on the distance between features.
    fraction_error : dict of str to float64 array (n,)
        By output: half the sum over phases of the absolute differences of volume fractions; for two phases, the difference of phase 1.
    interface_ratio : dict of str to float64 array (n,)
        By binary output: the specific interface length over that of the image, NaN if the image has no interface.
    """

    excess: dict[str, dict[str, np.ndarray]]
    fraction_error: dict[str, np.ndarray]
    interface_ratio: dict[str, np.ndarray]


def score(reconstructions: Images, images: Images) -> Scores:
    """Score reconstructions: soft, thresholded, and for two phases cut at their own volume fraction.

    Parameters
    ----------
    reconstructions : array (n, 1, H, W), or (n, N, H, W) for more than two phases
        Memberships.
    images : array of this shape
        Labels, 0 and 1.

    Returns
    -------
    Scores

    Raises
    ------
    ValueError
        If shapes are invalid or differ, numbers are not finite, or images are not of 0 and 1.

    References
    ----------
    Cai et al., section 4.1.

    Examples
    --------
    >>> import numpy as np
    >>> from twopoint_models.cess_vae.evaluation.evaluate import score
    >>> images = np.eye(16)[None, None]
    >>> found = score(images / 2, images)
    >>> found.fraction_error["soft"].tolist(), found.interface_ratio["thresholded"].tolist()
    ([0.03125], [1.0])
    """
    images = labels_of_two("images", images)
    outputs = {name: make(reconstructions) for name, make in OUTPUTS.items() if name != CUT or images.shape[1] == 1}
    crop = (centre_crop(images.shape[2]), centre_crop(images.shape[3]))
    compared: dict[str, dict[str, Any]] = {ALL: {}, CROP: {"crop": crop}, CUMULATIVE: {"cumulative": True}}
    excess = {name: {key: excess_cess(x, images, **how) for key, how in compared.items()} for name, x in outputs.items()}
    apart = {name: np.abs(x.mean((2, 3), dtype=np.float64) - images.mean((2, 3), dtype=np.float64)) for name, x in outputs.items()}
    errors = {name: each.sum(axis=1) / min(images.shape[1], 2) for name, each in apart.items()}
    length = _interface(images)
    ratios = {name: _interface(x) / np.where(length > 0, length, np.nan) for name, x in outputs.items() if name != SOFT}
    return Scores(excess, errors, ratios)


def join(parts: Iterable[Scores]) -> Scores:
    """Concatenate the scores of several blocks.

    Parameters
    ----------
    parts : Scores
        One or more, with the same outputs.

    Returns
    -------
    Scores

    Raises
    ------
    ValueError
        If there is none.

    Examples
    --------
    >>> import numpy as np
    >>> from twopoint_models.cess_vae.evaluation.evaluate import join, score
    >>> images = np.eye(16)[None, None]
    >>> join([score(images, images)] * 3).excess["soft"]["all lags"].tolist()
    [0.0, 0.0, 0.0]
    """
    parts = list(parts)
    if not parts:
        raise ValueError("parts must be one or more, got none")
    excess, errors, ratios = zip(*parts, strict=True)
    return Scores({name: _joined([each[name] for each in excess]) for name in excess[0]}, _joined(errors), _joined(ratios))


def score_rows(
    rows: Mapping[str, Callable[[np.ndarray], np.ndarray]],
    items: Iterable[Mapping[str, Any]],
    *,
    block: int = 50,
    progress: Callable[[int], object] | None = None,
) -> tuple[dict[str, Scores], list[dict[str, Any]]]:
    """Reconstruct the images of a dataset in several ways and score them, in blocks that bound the memory.

    Parameters
    ----------
    rows : dict of str to callable
        Functions by name, from images (k, 1, H, W), or (k, N, H, W) for more than two phases, to reconstructions of the same shape.
    items : iterable of dict
        Items with ``image``, (1, H, W) or (N, H, W), such as those of :class:`twopoint_models.data.MICRO2D`.
    block : int
        Number of images at a time.
    progress : callable, optional
        Called with the number of images done.

    Returns
    -------
    scores : dict of str to Scores
        Scores by row.
    items : list of dict
        Items without their images.

    Raises
    ------
    ValueError
        If there is no row or no item, or a reconstruction does not fit its image.

    Examples
    --------
    >>> import numpy as np
    >>> from twopoint_models.cess_vae import score_rows
    >>> from twopoint_models.evaluation.trivial import TRIVIAL
    >>> scores, items = score_rows(TRIVIAL, [{"image": np.eye(32)[None], "name": "diagonal"}] * 3)
    >>> len(scores["4-px blur"].fraction_error["soft"]), items[0]
    (3, {'name': 'diagonal'})
    """
    parts: dict[str, list[Scores]] = {row: [] for row in rows}
    told: list[dict[str, Any]] = []
    source, block = iter(items), positive("block", block)
    while found := list(islice(source, block)):
        images = np.stack([item["image"] for item in found])
        for row, reconstruct in rows.items():
            parts[row].append(score(reconstruct(images), images))
        told += [{key: value for key, value in item.items() if key != "image"} for item in found]
        if progress:
            progress(len(told))
    if not parts or not told:
        raise ValueError(f"rows and items must be one or more, got {len(parts)} and {len(told)}")
    return {row: join(each) for row, each in parts.items()}, told


def _interface(x: np.ndarray) -> np.ndarray:
    """Return the specific interface length of images (n, channels, H, W) of 0 and 1, summed over channels, for ratios."""
    return specific_interface_length(x).sum(axis=1)


def _joined(parts: Iterable[Mapping[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """Concatenate the arrays of each name."""
    parts = list(parts)
    return {name: np.concatenate([each[name] for each in parts]) for name in parts[0]}
