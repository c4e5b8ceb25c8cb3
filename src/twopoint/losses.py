"""Losses: a statistic of prediction and target, and an elementwise measure between them."""

from collections.abc import Iterable
from typing import Any

from jaxtyping import Float

from . import _check
from ._namespace import Array
from .measures import CrossEntropy, SquaredError
from .pairs import Pair
from .plan import CallOptions
from .problem import Target, clamp_total, finish, pixel_error, pose, pose_clamp, reduce_batch
from .statistics import TargetStatistics


def msess(
    prediction: Float[Array, "*microstructure"],
    target: Target,
    *,
    ndim: int | None = None,
    boundary: str | None = None,
    mask: Array | None = None,
    crop: int | Iterable[int] | None = None,
    implied_phase: bool | None = None,
    pairs: str | Iterable[Pair] | None = None,
    reduction: str = "mean",
    lag_reduction: str = "mean",
) -> Float[Array, "*batch"]:
    """Return the mean squared error on spatial statistics, ``mean over lags of sum over pairs (f_prediction - f_target)^2``.

    Parameters
    ----------
    prediction : array (..., N, *space)
        Microstructure function; with ``implied_phase=True`` phases 1..N-1 only, as a network's sigmoid output (B, 1, H, W).
    target : array of equal shape, or TargetStatistics
        What the prediction should have the statistics of.
    ndim, boundary, mask, crop, implied_phase, pairs
        As in :func:`correlations`. Left out (None) they are 2, "periodic", none, all lags, False and "all", or those of the target
        statistics. Lags that no pair of counting points spans are left out of the mean.
    reduction : "mean", "sum" or "none"
        Over the batch.
    lag_reduction : "mean" or "sum"
        Over the lags.

    Returns
    -------
    array () or (...) with reduction "none"
        Dimensionless; 0 under an empty mask.

    Raises
    ------
    TypeError
        If an argument is no array, of another library than the others, or integer, boolean or complex.
    ValueError
        If shapes are unequal, or an option does not fit or differs from the target statistics'.

    References
    ----------
    Cai et al., eq. (7).

    Examples
    --------
    >>> import numpy as np, twopoint as tp
    >>> a, b = np.eye(4)[None], np.ones((1, 4, 4)) / 4
    >>> round(float(tp.msess(a, b, implied_phase=True)), 6)
    0.046875
    """
    options = CallOptions(ndim, boundary, mask, crop, implied_phase, pairs)
    problem = pose(prediction, target, options, SquaredError(), reduction=reduction, lag_reduction=lag_reduction)
    return finish(problem.value(), prediction, reduction, problem.xp)


def cess(
    prediction: Float[Array, "*microstructure"],
    target: Target,
    *,
    ndim: int | None = None,
    boundary: str | None = None,
    mask: Array | None = None,
    crop: int | Iterable[int] | None = None,
    implied_phase: bool | None = None,
    pairs: str | Iterable[Pair] | None = None,
    floor: float = 1e-6,
    excess: bool = False,
    reduction: str = "mean",
    lag_reduction: str = "mean",
) -> Float[Array, "*batch"]:
    """Return the cross-entropy on spatial statistics, ``-mean over lags of sum over pairs f_target log f_prediction``.

    Eq. (8) is printed without the minus sign that makes it a quantity to minimise. Below the floor the logarithm continues as its
    tangent, ``log(floor) + f/floor - 1``, so value and gradient are finite where the prediction lacks a phase.

    Parameters
    ----------
    prediction, target, ndim, boundary, mask, crop, implied_phase, pairs
        As in :func:`msess`.
    floor : float
        Probability below which the logarithm is continued as a straight line.
    excess : bool
        Subtract the target's own floored cross-entropy: what is left is a mean Kullback-Leibler divergence, 0 at a match.
    reduction, lag_reduction
        As in :func:`msess`. Eq. (11) is ``crop=50, lag_reduction="sum"``.

    Returns
    -------
    array () or (...) with reduction "none"
        In nats; 0 under an empty mask.

    Raises
    ------
    TypeError, ValueError
        As :func:`msess`; and if a single phase is given without ``implied_phase=True`` (a full image would minimise it).

    References
    ----------
    Cai et al., eqs. (8) and (11).

    Examples
    --------
    >>> import numpy as np, twopoint as tp
    >>> a, b = np.eye(4)[None], np.ones((1, 4, 4)) / 4
    >>> round(float(tp.cess(b, a, implied_phase=True, excess=True)), 6)
    0.204296
    """
    options = CallOptions(ndim, boundary, mask, crop, implied_phase, pairs)
    problem = pose(prediction, target, options, CrossEntropy(floor, excess), reduction=reduction, lag_reduction=lag_reduction)
    return finish(problem.value(), prediction, reduction, problem.xp)


def mse_cess(
    prediction: Float[Array, "*microstructure"],
    target: Float[Array, "*microstructure"],
    *,
    alpha: float,
    ndim: int | None = None,
    boundary: str | None = None,
    mask: Array | None = None,
    crop: int | Iterable[int] | None = None,
    implied_phase: bool | None = None,
    pairs: str | Iterable[Pair] | None = None,
    floor: float = 1e-6,
    excess: bool = False,
    reduction: str = "mean",
    lag_reduction: str = "mean",
) -> Float[Array, "*batch"]:
    """Return ``alpha`` times the mean squared error of the pixels, plus CESS.

    The mean of the pixels runs over counting points and all N phases, the implied one included.

    Parameters
    ----------
    prediction, target : arrays (..., N, *space) of equal shape
        As in :func:`msess`; target statistics have no pixels and are refused.
    alpha : float, or an array of no axes
        Weight of the pixels' error.
    ndim, boundary, mask, crop, implied_phase, pairs, floor, excess, reduction, lag_reduction
        As in :func:`cess`.

    Returns
    -------
    array () or (...) with reduction "none"
        Dimensionless.

    Raises
    ------
    TypeError, ValueError
        As :func:`cess`; TypeError if target is TargetStatistics.

    References
    ----------
    Cai et al., eq. (10).

    Examples
    --------
    >>> import numpy as np, twopoint as tp
    >>> a, b = np.eye(4)[None], np.ones((1, 4, 4)) / 4
    >>> round(float(tp.mse_cess(b, a, alpha=2.0, implied_phase=True, excess=True)), 6)
    0.579296
    """
    pose_pixels(target, alpha)
    options = CallOptions(ndim, boundary, mask, crop, implied_phase, pairs)
    problem = pose(prediction, target, options, CrossEntropy(floor, excess), reduction=reduction, lag_reduction=lag_reduction)
    xp, difference = problem.xp, problem.pixel_difference(target)
    values = alpha * pixel_error(difference, problem.mask, problem.plan.ndim, xp) + problem.value()
    return finish(values, prediction, reduction, xp)


def pose_pixels(target: Any, alpha: Any) -> None:
    """Refuse target statistics where pixels are needed, and a weight of the pixels that is not one number."""
    _check.weight("alpha", alpha)
    if isinstance(target, TargetStatistics):
        raise TypeError("mse_cess needs the target's pixels; target is TargetStatistics, which have none")


def clamp(
    m: Float[Array, "*microstructure"],
    *,
    sigma: float | Array,
    ndim: int | None = None,
    mask: Array | None = None,
    implied_phase: bool | None = None,
    reduction: str = "mean",
) -> Float[Array, "*batch"]:
    """Push every point towards one phase: ``-sum over x of log sum over h of exp(-|m(x) - e_h|^2 / (4 sigma))``.

    As in the paper it is a sum over points, while CESS and MSESS are means over lags: beside them its weight must be far below
    one over the number of points.

    Parameters
    ----------
    m : array (..., N, *space)
        Microstructure function, N >= 2; with ``implied_phase=True`` phases 1..N-1 only.
    sigma : float, or an array of no axes
        Variance of the mixture's Gaussians in eq. (9), above 0.
    ndim : int
        Number of spatial axes; 2 if left out.
    mask : array (*space) or (..., *space), optional
        Which points count.
    implied_phase : bool
        As in :func:`correlations`; False if left out.
    reduction : "mean", "sum" or "none"
        Over the batch.

    Returns
    -------
    array () or (...) with reduction "none"
        In nats, summed over the counting points.

    Raises
    ------
    TypeError, ValueError
        If an argument has a wrong type, shape or range, or m holds one phase without ``implied_phase=True``.

    References
    ----------
    Cai et al., eq. (9), which this is for N = 2.

    Examples
    --------
    >>> import numpy as np, twopoint as tp
    >>> round(float(tp.clamp(np.full((1, 2, 2), 0.5), sigma=0.05, implied_phase=True)), 6)
    7.227411
    """
    explicit, mask, ndim, xp = pose_clamp(m, sigma, ndim, mask, implied_phase, reduction)
    return reduce_batch(clamp_total(explicit, mask, sigma, ndim, xp), reduction, xp)
