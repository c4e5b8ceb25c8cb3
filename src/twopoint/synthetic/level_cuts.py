"""Level cuts of Gaussian fields, and their expected statistics."""

from collections.abc import Iterable

import numpy as np
import scipy
from jaxtyping import Float64, Num, UInt8

from ..arrays import checks
from .gaussian import Correlation, gaussian_field


def random_field(
    shape: Iterable[int], correlation: Correlation, volume_fractions: Iterable[float], *, rng: np.random.Generator
) -> UInt8[np.ndarray, "*space"]:
    """Cut a Gaussian field Z at levels: label h where ``t_h < Z(x) <= t_(h+1)``, which has the probability v_h.

    The levels are quantiles of the normal distribution, not of the drawn field, so that :func:`level_cut_statistics` is the exact mean.
    The volume fractions of one image fluctuate about the given ones.

    Parameters
    ----------
    shape : ints
        Size (*space) in pixels, with 1 to 3 axes.
    correlation : array (*space) or callable
        Correlation of the field, as for :func:`gaussian_field`.
    volume_fractions : floats
        Volume fractions of 2 to 256 phases, each above 0, with sum 1; phase 0 has the lowest values of the field.
    rng : numpy.random.Generator
        Source of the field; one number per pixel is drawn.

    Returns
    -------
    uint8 array (*space)
        Labels 0 to N-1.

    Raises
    ------
    TypeError
        As for :func:`gaussian_field`, or if a volume fraction is not a number.
    ValueError
        As for :func:`gaussian_field`, or if there are fewer than 2 volume_fractions, one is not above 0, or their sum is not 1.

    References
    ----------
    Teubner, *Level surfaces of Gaussian random fields and microemulsions*, Europhys. Lett. 14 (1991) 403.

    Examples
    --------
    >>> import numpy as np
    >>> from twopoint.synthetic import random_field
    >>> labels = random_field((64, 64), lambda r: np.exp(-r / 4), (0.5, 0.3, 0.2), rng=np.random.default_rng(0))
    >>> (np.bincount(labels.ravel(), minlength=3) / labels.size).round(2)
    array([0.57, 0.26, 0.17])
    """
    levels = scipy.special.ndtri(np.cumsum(checks.fractions(volume_fractions))[:-1])
    field = gaussian_field(shape, correlation, rng=rng)
    return np.searchsorted(levels, field).astype(np.uint8)


def level_cut_statistics(rho: Num[np.ndarray, "*lags"], volume_fractions: Iterable[float]) -> Float64[np.ndarray, "phases phases *lags"]:
    """Return the expected correlations of a :func:`random_field`, from the correlation of its Gaussian field.

    ``f_hk(r)`` is the probability that two standard normal variables of correlation rho(r) lie between the levels of h and of k. For two
    equal volume fractions ``f_11 = 1/4 + arcsin(rho) / (2 pi)``. The bivariate normal distribution is computed by Owen's T function, with
    an error of at most 1e-14, up to ``|rho| = 1``.

    Parameters
    ----------
    rho : array (*lags)
        Correlation of the Gaussian field, -1 to 1, at any lags.
    volume_fractions : floats
        Volume fractions of 2 to 256 phases, each above 0, with sum 1; phase 0 has the lowest values of the field.

    Returns
    -------
    float64 array (N, N, *lags)
        Expected probabilities of the pairs of phases.

    Raises
    ------
    TypeError
        If rho is not a real array, or a volume fraction is not a number.
    ValueError
        If rho is not within -1 to 1, or if there are fewer than 2 volume_fractions, one is not above 0, or their sum is not 1.

    References
    ----------
    Owen, *Tables for computing bivariate normal probabilities*, Ann. Math. Statist. 27 (1956) 1075, eq. (2.1). Teubner, Europhys. Lett.
    14 (1991) 403.

    Examples
    --------
    >>> import numpy as np
    >>> from twopoint.synthetic import level_cut_statistics
    >>> level_cut_statistics(np.array([1.0, 0.5, 0.0]), (0.5, 0.5))[1, 1]
    array([0.5       , 0.33333333, 0.25      ])
    """
    rho = np.asarray(rho)
    if rho.dtype.kind not in "fiu":
        raise TypeError(f"rho must be a real array, got {rho.dtype}")
    if not (np.abs(rho) <= 1 + 1e-9).all():  # rounding may exceed 1, and NaN compares false
        raise ValueError(f"rho must lie within -1 to 1, got {rho.min()} to {rho.max()}")
    rho = np.clip(rho.astype(np.float64), -1.0, 1.0)
    below = np.cumsum(checks.fractions(volume_fractions))
    n, levels = len(below), scipy.special.ndtri(below[:-1]) + 0.0  # + 0.0: the level of 1/2 must not be -0
    joint = np.zeros((n + 1, n + 1, *rho.shape))  # P(X below level i, Y below level j); level 0 is -inf, level N is inf
    for i in range(1, n + 1):
        joint[i, n] = joint[n, i] = below[i - 1]
        for j in range(i, n):
            joint[i, j] = joint[j, i] = _both_below(levels[i - 1], levels[j - 1], rho)
    return np.diff(np.diff(joint, axis=0), axis=1)


def _both_below(h: float, k: float, rho: np.ndarray) -> np.ndarray:
    """Return P(X <= h, Y <= k) of two standard normal variables of correlation rho."""
    ndtr, owens_t = scipy.special.ndtr, scipy.special.owens_t
    with np.errstate(divide="ignore", invalid="ignore"):  # at |rho| = 1 and at level 0 slopes are infinite, and T has a limit
        if h == k:
            return ndtr(h) - 2 * owens_t(h, np.sqrt((1 - rho) / (1 + rho)))
        total = (ndtr(h) + ndtr(k)) / 2 - owens_t(h, _slope(h, k, rho)) - owens_t(k, _slope(k, h, rho))
    return total - (0.5 if h * k < 0 or (h * k == 0 and h + k < 0) else 0.0)


def _slope(h: float, k: float, rho: np.ndarray) -> np.ndarray:
    """Return (k - rho h) / (h sqrt(1 - rho^2)) with the relative precision of 1 - |rho|."""
    side = np.copysign(1.0, rho)
    rise = (k - side * h) + h * (side - rho)
    return np.where(rise == 0, 0.0, rise / (h * np.sqrt((1 - rho) * (1 + rho))))
