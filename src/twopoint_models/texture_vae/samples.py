"""Whole samples, described by the mean and the covariance of what describes their patches, and their properties."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float, Shaped

from ..data.patches import GrayPatches, SlidingWindows
from ..evaluation.components import principal_axes
from ..evaluation.intervals import bootstrap_interval
from ..evaluation.tables import markdown_table
from .regressions import leave_one_out


def sample_patches(sample: Shaped[np.ndarray, "height width"], size: int, stride: int) -> Float[np.ndarray, "n 1 size size"]:
    """Return patches from all over a sample, as gray values in [0, 1]; raise ValueError if it is smaller than a patch."""
    gray = GrayPatches(SlidingWindows([sample], size, stride), 255)
    return np.stack([gray[i]["image"] for i in range(len(gray))])


def sample_moments(
    features: Float[np.ndarray, "n d"], samples: Sequence[str], *, covariance: bool = True
) -> tuple[list[str], Float[np.ndarray, "samples columns"]]:
    """Describe samples by the mean, and the covariance, of the descriptions of their patches.

    Parameters
    ----------
    features : array (n, d)
        Descriptions of patches, such as latent means.
    samples : list of str (n,)
        Sample of each patch.
    covariance : bool
        Add the d (d + 1) / 2 entries of the covariance matrix.

    Returns
    -------
    names : list of str
        Samples in order of appearance.
    rows : float64 array (number of samples, d + d (d + 1) / 2)
        Means, then covariances. Either block is divided by the root of its total variance over the samples, so that both have the same
        weight in a distance between samples.

    Raises
    ------
    ValueError
        If features are not (n, d) and finite, there is not one sample for each, or a sample has one patch only and covariance is asked for.

    Examples
    --------
    >>> import numpy as np
    >>> from twopoint_models.texture_vae import sample_moments
    >>> names, rows = sample_moments(np.array([[0.0], [2.0], [4.0], [8.0]]), ["a", "a", "b", "b"])
    >>> names, (rows[1] - rows[0]).round(3).tolist()  # means 1 and 6, variances 1 and 4
    (['a', 'b'], [2.0, 2.0])
    """
    found, of = np.asarray(features, dtype=np.float64), np.asarray(samples)
    if found.ndim != 2 or of.shape != found.shape[:1] or not np.isfinite(found).all():
        raise ValueError(f"features must be (n, d) and finite, with a sample for each row, got {found.shape} and {of.size} samples")
    names = list(dict.fromkeys(of.tolist()))
    rows = [found[of == name] for name in names]
    blocks = [np.stack([x.mean(axis=0) for x in rows])]
    if covariance:
        if few := [name for name, x in zip(names, rows, strict=True) if len(x) < 2]:
            raise ValueError(f"samples must have two patches or more for a covariance, {few[0]!r} has one")
        upper = np.triu_indices(found.shape[1])
        blocks.append(np.stack([np.cov(x, rowvar=False, bias=True).reshape(found.shape[1], -1)[upper] for x in rows]))
    return names, np.concatenate([unit_variance(block) for block in blocks], axis=1)


def unit_variance(rows: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n d"]:
    """Divide rows by the root of the sum of the variances of their columns; equal rows are not changed."""
    scaled: np.ndarray = rows / (np.sqrt(rows.var(axis=0).sum()) or 1.0)
    return scaled


def map_components(maps: Float[np.ndarray, "n channels height width"], count: int) -> Float[np.ndarray, "n count"]:
    """Return principal components of feature maps averaged over positions: VGG-19 features in as many numbers as there are latents.

    Parameters
    ----------
    maps : array (n, C, H, W)
    count : int
        Number of components, less than n.

    Returns
    -------
    array (n, count)
        C - 1 components if count is larger.

    Raises
    ------
    ValueError
        If there are no more maps than components.
    """
    pooled = np.asarray(maps, dtype=np.float64).mean(axis=(2, 3))
    mean, axes = principal_axes(pooled, min(count, pooled.shape[1] - 1))
    return (pooled - mean) @ axes.T


def phase_shares(gray: Shaped[np.ndarray, "height width"]) -> Float[np.ndarray, "2"]:
    """Return the shares of pixels darker than a third of white, and brighter than two thirds of it: volume fractions of phases."""
    values = np.asarray(gray)
    return np.array([(values < 85).mean(), (values > 170).mean()])


def sample_descriptions(
    by: Mapping[str, Float[np.ndarray, "n d"]], samples: Sequence[str], shares: Float[np.ndarray, "samples phases"]
) -> dict[str, np.ndarray]:
    """Return the descriptions of samples that :func:`predict_samples` compares.

    Parameters
    ----------
    by : dict of str to array (n, d)
        Descriptions of patches, such as latents and components of VGG-19 features.
    samples : list of str (n,)
        Sample of each patch.
    shares : array (number of samples, phases)
        Volume fractions of each sample, in order of appearance.

    Returns
    -------
    dict of str to array (number of samples, columns)
        The mean with the covariance, the mean, and the mean with volume fractions, of each description; and volume fractions alone.
    """
    alone = unit_variance(shares)
    means = {name: sample_moments(found, samples, covariance=False)[1] for name, found in by.items()}
    rows = {f"{name}, mean and covariance": sample_moments(found, samples)[1] for name, found in by.items()}
    rows |= {f"{name}, mean": mean for name, mean in means.items()} | {"volume fractions": alone}
    return rows | {f"{name}, mean, and volume fractions": np.hstack([mean, alone]) for name, mean in means.items()}


def predict_samples(
    descriptions: Mapping[str, Float[np.ndarray, "n d"]],
    properties: Mapping[str, Float[np.ndarray, " n"]],
    groups: Sequence[str],
    kinds: Sequence[str] = ("ridge", "svr"),
) -> dict[str, Any]:
    """Predict the logarithms of properties of samples, each by a regression on the samples of other groups.

    Parameters
    ----------
    descriptions : dict of str to array (n, d)
        A row for each sample, such as those of :func:`sample_moments`.
    properties : dict of str to array (n,)
        Properties of the samples, above 0.
    groups : list of str (n,)
        What is left out together: the sample itself, or the micrograph of which it is a part.
    kinds : sequence of str
        Regressions, as for :func:`predict`.

    Returns
    -------
    dict
        By property, description and regression: ``mape``, the mean absolute error in percent of the true value, its 95 % ``interval`` by
        bootstrap over groups, and ``errors``, the mean of each group. "always the mean", of the logarithms, uses no description.

    Raises
    ------
    ValueError
        If a property is not above 0; as :func:`leave_one_out`.

    References
    ----------
    Sardeshmukh et al., section 4.4, Table 3, who predict the property of a sample from each of its patches.
    """
    told: dict[str, Any] = {}
    for quantity, values in properties.items():
        if not np.min(values) > 0:
            raise ValueError(f"properties must be above 0, got {np.min(values)} for {quantity}")
        logarithms = 1 + np.log(values / np.min(values))  # nowhere 0
        ways = [(name, kind, rows) for name, rows in descriptions.items() for kind in kinds]
        told[quantity] = {}
        for name, kind, rows in [*ways, ("always the mean", "mean", np.zeros((len(values), 1)))]:
            left_out = leave_one_out(rows, logarithms, groups, kind)
            errors = {group: 100 * float(np.abs(np.expm1(found.predicted - found.target)).mean()) for group, found in left_out.items()}
            each = np.array([list(errors.values())])
            found = {"mape": float(each.mean()), "interval": list(bootstrap_interval(each, np.mean)), "errors": errors}
            told[quantity].setdefault(name, {})[kind] = found
    return told


def table_of_samples(summary: Mapping[str, Any]) -> str:
    """Return the Markdown table of :func:`predict_samples`."""
    lines = [
        [quantity, name, kind, f"{found['mape']:.2f}", " to ".join(f"{end:.2f}" for end in found["interval"])]
        for quantity, names in summary.items()
        for name, kinds in names.items()
        for kind, found in kinds.items()
    ]
    return markdown_table(["property", "description", "regression", "MAPE, %", "95 % interval"], lines)
