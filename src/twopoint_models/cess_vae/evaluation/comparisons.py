"""Comparisons of several rows on the same samples, also over several seeds, and the valley between two modes of a distribution."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float64, Shaped
from scipy.stats import gaussian_kde

from ...checks import positive
from ...evaluation.intervals import bootstrap_interval
from .evaluate import SOFT, Scores

Comparison = dict[str, Any]

LEAST = 1e-12  # smaller values of the excess CESS are rounding errors; logarithms take this value for them
# Scott's bandwidth is for one normal mode and hides a small second one. Measured: a valley of this depth shows in .95 of draws of 500
# numbers of which .2 lie 2.5 standard deviations below the others; in .02 of draws of 500 normal or skewed ones, and in .05 to .25 of 100.
_NARROW, _DIP, _SHARE = 0.7, 0.8, 0.05


def pairwise(values: Mapping[str, Shaped[np.ndarray, " samples"]]) -> Float64[np.ndarray, "rows rows"]:
    """Return the share of samples on which one row is lower than another; ties count half.

    Parameters
    ----------
    values : dict of str to array (n,)
        Values by row, for the same samples.

    Returns
    -------
    float64 array (k, k)
        ``[a, b]`` is the share of samples on which row a is below row b; one half on the diagonal.

    Raises
    ------
    ValueError
        If there is no row or no sample, rows differ in length, or a number is NaN.

    References
    ----------
    Cai et al., Fig. 11.

    Examples
    --------
    >>> import numpy as np
    >>> from twopoint_models.cess_vae.evaluation.comparisons import pairwise
    >>> pairwise({"a": np.array([1.0, 1.0]), "b": np.array([1.0, 2.0])}).tolist()
    [[0.5, 0.75], [0.25, 0.5]]
    """
    rows = [np.asarray(each, dtype=np.float64) for each in values.values()]
    if len({each.shape for each in rows}) != 1 or rows[0].ndim != 1 or not rows[0].size or np.isnan(rows).any():
        raise ValueError(f"values must be arrays (n,) of one length without NaN, got {[each.shape for each in rows]}")
    return np.array([[((a < b) + (a == b) / 2).mean() for b in rows] for a in rows])


def pairwise_intervals(
    values: Mapping[str, Shaped[np.ndarray, " samples"]], *, draws: int = 2000, seed: int = 0
) -> Float64[np.ndarray, "rows rows ends"]:
    """Return the 95 % intervals of the shares of :func:`pairwise`, by bootstrap over the samples.

    Parameters
    ----------
    values : dict of str to array (n,)
        As for :func:`pairwise`, which checks them.
    draws, seed : int
        Number and seed of the draws.

    Returns
    -------
    float64 array (k, k, 2)
        The two ends.

    Examples
    --------
    >>> import numpy as np
    >>> from twopoint_models.cess_vae.evaluation.comparisons import pairwise_intervals
    >>> a, b = np.zeros(100), np.ones(100)
    >>> pairwise_intervals({"a": a, "b": b})[0].tolist()
    [[0.5, 0.5], [1.0, 1.0]]
    """
    rows = np.array([np.asarray(each, dtype=np.float64) for each in values.values()])
    wins = (rows[:, None] < rows) + (rows[:, None] == rows) / 2  # (k, k, n)
    k, n = rows.shape
    counts = np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), size=positive("draws", draws))
    shares = wins.reshape(k * k, n) @ counts.T / n
    return np.moveaxis(np.percentile(shares, [2.5, 97.5], axis=1), 0, -1).reshape(k, k, 2)


def compare_seeds(scores: Mapping[str, Sequence[Scores]], *, draws: int = 2000) -> Comparison:
    """Compare rows, each trained with one seed or more, on the same images.

    Parameters
    ----------
    scores : dict of str to list of Scores
        The scores of each seed, by row. A row without training has one entry.
    draws : int
        Draws of the bootstrap over seeds and images.

    Returns
    -------
    dict
        For JSON. A number is a dict of ``value`` and ``interval``, the two ends of
        :func:`twopoint_models.evaluation.intervals.bootstrap_interval`. ``images``: how many. ``rows``, by row: ``seeds``; ``excess``, by
        output and statistics, the median with ``by_seed``, that of each seed; ``interface_ratio``, by binary output, the same, without
        the images that have no interface, None if none is left; ``fraction_error``, by output, the mean.
        ``lower``, by output, statistics and two rows with several seeds: the share of seeds and images on which the first has the lower
        excess; the seeds are paired in their order.

    Raises
    ------
    ValueError
        If there is no row, a row has no scores, or scores differ in their number of images.

    Examples
    --------
    >>> import numpy as np
    >>> from twopoint_models.cess_vae.evaluation.evaluate import score
    >>> from twopoint_models.cess_vae import compare_seeds
    >>> images = np.eye(16)[None, None]
    >>> found = compare_seeds({"itself": [score(images, images)] * 2}, draws=10)
    >>> found["rows"]["itself"]["interface_ratio"]["thresholded"]["value"], found["rows"]["itself"]["seeds"]
    (1.0, 2)
    """
    counts = {len(each.fraction_error[SOFT]) for seeds in scores.values() for each in seeds}
    if not scores or not all(scores.values()) or len(counts) != 1:
        raise ValueError(f"scores must have at least one row, with at least one seed each, on the same images, got images {sorted(counts)}")
    rows = {name: _row(seeds, draws) for name, seeds in scores.items()}
    several = {name: seeds for name, seeds in scores.items() if len(seeds) > 1}
    lower: Comparison = {}
    for output, key in ((output, key) for output, by in next(iter(scores.values()))[0].excess.items() for key in by):
        values = {name: np.stack([each.excess[output][key] for each in seeds]) for name, seeds in several.items()}
        lower.setdefault(output, {})[key] = {a: {b: _share(x, y, draws) for b, y in values.items() if b != a} for a, x in values.items()}
    return {"images": counts.pop(), "rows": rows, "lower": lower}


def valley(values: Shaped[np.ndarray, " samples"]) -> float | None:
    """Return the valley between the two modes of a logarithmic distribution, if it has two.

    The density of the logarithms is estimated by Gaussian kernels of 0.7 times Scott's bandwidth. A valley counts if its density is 20 %
    below the lower of the highest peaks on its two sides, and at least 5 % of the numbers lie on each side. The deepest one is returned.
    With 100 numbers or fewer a valley may be random.

    Parameters
    ----------
    values : array (n,)
        Numbers of 0 or more; smaller ones than 1e-12 count as 1e-12.

    Returns
    -------
    float or None
        None if there is one mode.

    Raises
    ------
    ValueError
        If values are not (n,), or one is NaN or infinite.

    References
    ----------
    Cai et al., Fig. 10 and section 4.1. Scott, *Multivariate Density Estimation* (1992).

    Examples
    --------
    >>> import numpy as np
    >>> from twopoint_models.cess_vae.evaluation.comparisons import valley
    >>> low, high = np.geomspace(1e-5, 3e-5, 20), np.geomspace(1e-3, 3e-3, 80)
    >>> valley(high), round(valley(np.concatenate([low, high])), 4)
    (None, 0.0002)
    """
    values = np.asarray(values, dtype=np.float64)
    if values.ndim != 1 or not np.isfinite(values).all():
        raise ValueError(f"values must be finite, of the shape (n,), got {values.shape}")
    logs = np.log10(np.maximum(values, LEAST))
    if len(logs) < 3 or np.ptp(logs) < 1e-9:  # no density can be estimated
        return None
    grid = np.linspace(logs.min(), logs.max(), 512)
    density = gaussian_kde(logs, lambda kernels: _NARROW * kernels.scotts_factor())(grid)
    lower = np.minimum(np.maximum.accumulate(density), np.maximum.accumulate(density[::-1])[::-1])  # the lower of the peaks on both sides
    below = (logs[:, None] < grid).mean(axis=0)
    deep = np.where((below >= _SHARE) & (below <= 1 - _SHARE), density / lower, 1.0)
    return float(10 ** grid[deep.argmin()]) if deep.min() < _DIP else None


def _row(seeds: Sequence[Scores], draws: int) -> Comparison:
    """Return the numbers of one row."""
    excess, errors, ratios = zip(*seeds, strict=True)
    return {
        "seeds": len(seeds),
        "excess": {
            output: {key: _median(np.stack([each[output][key] for each in excess]), draws) for key in by}
            for output, by in excess[0].items()
        },
        "interface_ratio": {output: _median(np.stack([each[output] for each in ratios]), draws) for output in ratios[0]},
        "fraction_error": {output: _number(np.stack([each[output] for each in errors]), np.mean, draws) for output in errors[0]},
    }


def _median(values: np.ndarray, draws: int) -> Comparison:
    """Return the median over seeds and samples (k, n) and that of each seed; a sample without a value is left out."""
    values = values[:, ~np.isnan(values).any(axis=0)]
    if not values.size:
        return {"value": None, "interval": [None, None], "by_seed": []}
    return _number(values, np.median, draws) | {"by_seed": np.median(values, axis=1).tolist()}


def _share(a: np.ndarray, b: np.ndarray, draws: int) -> Comparison:
    """Return the share of seeds and samples on which a is below b; ties count half."""
    k = min(len(a), len(b))
    return _number(((a[:k] < b[:k]) + (a[:k] == b[:k]) / 2), np.mean, draws)


def _number(values: np.ndarray, statistic: Any, draws: int) -> Comparison:
    """Return a statistic of values (k, n) with its interval."""
    return {"value": float(statistic(values)), "interval": list(bootstrap_interval(values, statistic, draws=draws))}
