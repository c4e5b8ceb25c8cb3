"""Comparisons of several rows on the same samples, intervals of medians and shares, and the valley between two modes of a distribution."""

from collections.abc import Callable, Mapping

import numpy as np
from jaxtyping import Float64, Shaped
from scipy.stats import gaussian_kde

from ..checks import positive

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
    >>> from twopoint_models.cess_vae.comparisons import pairwise
    >>> pairwise({"a": np.array([1.0, 1.0]), "b": np.array([1.0, 2.0])}).tolist()
    [[0.5, 0.75], [0.25, 0.5]]
    """
    rows = [np.asarray(each, dtype=np.float64) for each in values.values()]
    if len({each.shape for each in rows}) != 1 or rows[0].ndim != 1 or not rows[0].size or np.isnan(rows).any():
        raise ValueError(f"values must be arrays (n,) of one length without NaN, got {[each.shape for each in rows]}")
    return np.array([[((a < b) + (a == b) / 2).mean() for b in rows] for a in rows])


def bootstrap_interval(
    values: Shaped[np.ndarray, "seeds samples"],
    statistic: Callable[[np.ndarray], Shaped[np.ndarray, "..."]] = np.median,
    *,
    draws: int = 2000,
    seed: int = 0,
) -> tuple[float, float]:
    """Return the 95 % interval of a statistic of values that vary with the seed of a training and with the sample.

    Seeds and samples are drawn with replacement, independently of each other, and the statistic is taken of all values of a draw. The
    interval holds the middle 95 % of the draws. That of few seeds is too narrow: three seeds show little of what another one may bring.

    Parameters
    ----------
    values : array (k, n)
        A value for each seed and sample. All seeds have the same samples.
    statistic : callable
        Function from an array (m,) to a number.
    draws : int
        Number of draws.
    seed : int
        Seed of the draws.

    Returns
    -------
    low, high : float

    Raises
    ------
    ValueError
        If values are not (k, n) with one seed and one sample or more, one is NaN, or draws is not above 0.

    References
    ----------
    Efron and Tibshirani, *An Introduction to the Bootstrap* (1993), chapter 13.

    Examples
    --------
    >>> import numpy as np
    >>> from twopoint_models.cess_vae.comparisons import bootstrap_interval
    >>> low, high = bootstrap_interval(np.random.default_rng(0).normal(size=(1, 400)))
    >>> low < 0 < high, 0.15 < high - low < 0.35
    (True, True)
    """
    values = np.asarray(values, dtype=np.float64)
    if values.ndim != 2 or not values.size or np.isnan(values).any():
        raise ValueError(f"values must be (seeds, samples) without NaN, one of each at least, got {values.shape}")
    rng, (k, n) = np.random.default_rng(seed), values.shape
    found = [statistic(values[rng.integers(k, size=k)][:, rng.integers(n, size=n)].ravel()) for _ in range(positive("draws", draws))]
    low, high = np.percentile(found, [2.5, 97.5])
    return float(low), float(high)


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
    >>> from twopoint_models.cess_vae.comparisons import valley
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
