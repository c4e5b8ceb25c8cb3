"""Intervals of measured numbers, by bootstrap over seeds of a training and samples."""

from collections.abc import Callable

import numpy as np
from jaxtyping import Shaped

from ..checks import positive


def bootstrap_interval(
    values: Shaped[np.ndarray, "seeds samples"],
    statistic: Callable[[np.ndarray], Shaped[np.ndarray, "..."]] = np.median,
    *,
    draws: int = 2000,
    seed: int = 0,
) -> tuple[float, float]:
    """Return the 95 % interval of a statistic of values that vary with the seed of a training and with the sample.

    Seeds and samples are drawn with replacement, independently of each other, and the statistic is taken of all values of a draw. The
    interval holds the middle 95 % of the draws. With few seeds it is too narrow: three seeds contain little information on further ones.

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
    >>> from twopoint_models.evaluation.intervals import bootstrap_interval
    >>> low, high = bootstrap_interval(np.random.default_rng(0).normal(size=(1, 400)))
    >>> low < 0 < high, 0.15 < high - low < 0.35
    (True, True)
    """
    values = np.asarray(values, dtype=np.float64)
    if values.ndim != 2 or not values.size or np.isnan(values).any():
        raise ValueError(f"values must have the shape (seeds, samples), at least one of each, without NaN, got {values.shape}")
    rng, (k, n) = np.random.default_rng(seed), values.shape
    found = [statistic(values[rng.integers(k, size=k)][:, rng.integers(n, size=n)].ravel()) for _ in range(positive("draws", draws))]
    low, high = np.percentile(found, [2.5, 97.5])
    return float(low), float(high)
