"""The losses on spatial statistics: MSESS, CESS, and the sum of CESS and the error of the pixels. One function evaluates all three.

It can also return the gradient by the adjoint, for any library. value_and_grad uses it for libraries without automatic differentiation, and
reconstruct for all.
"""

import math
from collections.abc import Iterable
from typing import Any

from jaxtyping import Float

from ..arrays import checks
from ..arrays.namespace import as_floating
from ..arrays.types import Array, Namespace
from ..statistics import adjoint, phases
from ..statistics.plan import Pair, RequestedOptions
from ..statistics.target import Target, TargetStatistics
from .comparison import compare, compare_with_gradient
from .measures import CrossEntropy, Measure, SquaredError, finish, finish_gradient
from .prepare import prepare


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
    cumulative: bool = False,
    weight: str | None = None,
    zero_weight: float = 1.0,
    reduction: str = "mean",
    lag_reduction: str = "mean",
) -> Float[Array, "*batch"]:
    """Return the mean squared error on spatial statistics, ``mean over lags of sum over pairs (f_prediction - f_target)^2``.

    Parameters
    ----------
    prediction : array (..., N, *space)
        Microstructure function; with ``implied_phase=True`` phases 1..N-1 only, such as the sigmoid output (B, 1, H, W) of a network.
    target : array of equal shape, or TargetStatistics
        The microstructure, or its statistics, with which the prediction is compared.
    ndim, boundary, mask, crop, implied_phase, pairs
        As in :func:`correlations`. By default (None) they are those of the target statistics, or 2, "periodic", no mask, all lags,
        False and "all". Lags without a pair of points inside the mask are left out of the mean, unless cumulative.
    cumulative : bool
        Compare the means of the statistics over the boxes of lags from 0 to r, as in :func:`correlations`. Such a loss grows with the
        distance between features of the prediction and of the target, while a comparison lag by lag only detects that they do not coincide.
        It smooths the gradient, so convergence is slow if all pixels are free. The same target statistics serve both.
    weight : "energy", optional
        Compare by frequency: ``sum over xi of w(xi) |F_prediction - F_target|^2``, where F are the Fourier coefficients of the statistics
        (which without weights has the value of the mean over lags) and ``w = |xi|^-(d+1)`` in d dimensions, xi in cycles per pixel. It
        depends on the distance between features, but blur hardly changes it: use it only as a small term beside CESS, never alone. It
        requires a periodic boundary without a mask, all lags, and statistics that are not cumulative.
    zero_weight : float
        w at xi = 0, where the energy weight is infinite: the weight of the squared differences of products of volume fractions.
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
        If an argument is not an array, if the libraries differ, or if an array is integer, boolean or complex.
    ValueError
        If the shapes differ, if an option is invalid, or if it differs from that of the target statistics.

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
    requested = RequestedOptions(ndim, boundary, mask, crop, implied_phase, pairs, cumulative)
    return _evaluate(prediction, target, requested, SquaredError(weight, zero_weight), None, reduction, lag_reduction)[0]


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
    cumulative: bool = False,
    floor: float = 1e-6,
    excess: bool = False,
    reduction: str = "mean",
    lag_reduction: str = "mean",
) -> Float[Array, "*batch"]:
    """Return the cross-entropy on spatial statistics, ``-mean over lags of sum over pairs f_target log f_prediction``.

    Eq. (8) is printed without the minus sign that makes it a quantity to minimise. Below the floor the logarithm is continued by its
    tangent, ``log(floor) + f/floor - 1``, so that value and gradient are finite if the prediction lacks a phase.

    Parameters
    ----------
    prediction, target, ndim, boundary, mask, crop, implied_phase, pairs, cumulative
        As in :func:`msess`.
    floor : float
        Probability below which the logarithm is continued by its tangent.
    excess : bool
        Whether to subtract the cross-entropy of the target with itself, with the same floor. The result is a mean Kullback-Leibler
        divergence, which is 0 for equal statistics.
    reduction, lag_reduction
        As in :func:`msess`. Eq. (11) is ``crop=50, lag_reduction="sum"``.

    Returns
    -------
    array () or (...) with reduction "none"
        In nats; 0 under an empty mask.

    Raises
    ------
    TypeError, ValueError
        As in :func:`msess`, and for a single phase without ``implied_phase=True``, because a full image would minimise the loss.

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
    requested = RequestedOptions(ndim, boundary, mask, crop, implied_phase, pairs, cumulative)
    return _evaluate(prediction, target, requested, CrossEntropy(floor, excess), None, reduction, lag_reduction)[0]


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
    cumulative: bool = False,
    floor: float = 1e-6,
    excess: bool = False,
    reduction: str = "mean",
    lag_reduction: str = "mean",
) -> Float[Array, "*batch"]:
    """Return ``alpha`` times the mean squared error of the pixels, plus CESS.

    The mean over pixels runs over the points inside the mask and all N phases, including an implied one. Confidences w weigh the points:
    the error is the mean over phases of ``sum w d^2 / sum w``.

    Parameters
    ----------
    prediction, target : arrays (..., N, *space) of equal shape
        As in :func:`msess`, except that the target cannot be TargetStatistics, which have no pixels.
    alpha : float or 0-D array
        Weight of the error of the pixels.
    ndim, boundary, mask, crop, implied_phase, pairs, cumulative, floor, excess, reduction, lag_reduction
        As in :func:`cess`.

    Returns
    -------
    array () or (...) with reduction "none"
        Dimensionless.

    Raises
    ------
    TypeError, ValueError
        As in :func:`cess`; TypeError if target is TargetStatistics.

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
    _check_pixels(target, alpha)
    requested = RequestedOptions(ndim, boundary, mask, crop, implied_phase, pairs, cumulative)
    return _evaluate(prediction, target, requested, CrossEntropy(floor, excess), alpha, reduction, lag_reduction)[0]


def msess_with_gradient(
    prediction: Array,
    target: Target,
    *,
    weight: str | None = None,
    zero_weight: float = 1.0,
    reduction: str = "mean",
    lag_reduction: str = "mean",
    **requested: Any,
) -> tuple[Array, Array]:
    """Return msess and its gradient by the adjoint."""
    measure = SquaredError(weight, zero_weight)
    return _evaluate(prediction, target, RequestedOptions(**requested), measure, None, reduction, lag_reduction, with_gradient=True)


def cess_with_gradient(
    prediction: Array,
    target: Target,
    *,
    floor: float = 1e-6,
    excess: bool = False,
    reduction: str = "mean",
    lag_reduction: str = "mean",
    alpha: float | Array | None = None,
    **requested: Any,
) -> tuple[Array, Array]:
    """Return cess and its gradient by the adjoint, and with alpha those of mse_cess."""
    measure = CrossEntropy(floor, excess)
    return _evaluate(prediction, target, RequestedOptions(**requested), measure, alpha, reduction, lag_reduction, with_gradient=True)


def mse_cess_with_gradient(prediction: Array, target: Array, *, alpha: float | Array, **options: Any) -> tuple[Array, Array]:
    """Return mse_cess and its gradient by the adjoint."""
    _check_pixels(target, alpha)
    return cess_with_gradient(prediction, target, alpha=alpha, **options)


def _evaluate(
    prediction: Array,
    target: Target,
    requested: RequestedOptions,
    measure: Measure,
    alpha: float | Array | None,
    reduction: str,
    lag_reduction: str,
    *,
    with_gradient: bool = False,
) -> tuple[Array, Any]:
    """Return the measure of the statistics plus alpha times the MSE and, if requested, the gradient by the prediction."""
    loss = prepare(prediction, target, requested, measure, reduction=reduction, lag_reduction=lag_reduction)
    ndim, xp = loss.plan.ndim, loss.xp
    values, gradient = compare_with_gradient(loss, prediction) if with_gradient else (compare(loss, prediction), None)
    if alpha is not None:
        difference = pixel_difference(prediction, target, loss.mask, ndim, loss.plan.implied, xp)
        values = values + alpha * mean_square(difference, loss.mask, ndim, xp)
        if gradient is not None:
            of_pixels = mean_square_gradient(difference, loss.mask, ndim, xp)
            of_pixels = adjoint.transpose_explicit(of_pixels, ndim) if loss.plan.implied else of_pixels
            gradient = gradient + finish_gradient(alpha * of_pixels, prediction, ndim + 1, reduction, xp)
    return finish(values, prediction, reduction, xp), gradient


def _check_pixels(target: Any, alpha: Any) -> None:
    """Raise if the target has no pixels, or if the weight of the pixels is not one number."""
    checks.weight("alpha", alpha)
    if isinstance(target, TargetStatistics):
        raise TypeError("mse_cess needs the target's pixels; target is TargetStatistics, which have none")


def pixel_difference(prediction: Array, target: Array, mask: Array | None, ndim: int, implied: bool, xp: Namespace) -> Array:
    """Return prediction minus target for all N phases, not weighed, and 0 outside the point_mask(), (..., N, *space)."""
    difference = as_floating(prediction, xp) - as_floating(target, xp)
    if implied:
        difference = xp.concat([-xp.sum(difference, axis=-ndim - 1, keepdims=True), difference], axis=-ndim - 1)
    return difference if mask is None else phases.inside(difference, mask, xp)


def mean_square(difference: Array, mask: Array | None, ndim: int, xp: Namespace) -> Array:
    """Return the mean over points inside the mask and all phases of the squares of pixel_difference(), (...)."""
    return xp.mean(phases.mean(difference**2, mask, ndim, xp), axis=-1)


def mean_square_gradient(difference: Array, mask: Array | None, ndim: int, xp: Namespace) -> Array:
    """Return the gradient of mean_square by the difference, which is 0 outside the mask; 0 under an empty mask."""
    n_phases, axes = float(difference.shape[-ndim - 1]), tuple(range(-ndim, 0))
    if mask is None:
        return difference * (2 / (n_phases * float(math.prod(difference.shape[-ndim:]))))
    points = xp.sum(xp.astype(mask, difference.dtype), axis=axes, keepdims=True)
    difference = difference if xp.isdtype(mask.dtype, "bool") else phases.weigh(difference, mask, xp)
    return 2 * difference / (n_phases * xp.where(points > 0, points, xp.ones_like(points)))
