"""Losses: a statistic of prediction and target, and an elementwise measure between them."""

import math
from collections.abc import Iterable, Sequence
from functools import reduce
from operator import add
from typing import Any

from jaxtyping import Float

from . import _check, phases
from ._namespace import Array, full_precision, namespace
from .measures import SquaredError, clamp_value
from .pairs import Pair
from .plan import check_options
from .problem import Problem, Target, entropy_measure, finish, pose, reduce_batch
from .statistics import Options, TargetStatistics


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
    0.140625
    """
    options = Options(ndim, boundary, mask, crop, implied_phase, pairs)
    problem = pose(prediction, target, options, reduction=reduction, lag_reduction=lag_reduction)
    return finish(problem.value(SquaredError()), prediction, reduction, problem.xp)


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
    0.384512
    """
    options = Options(ndim, boundary, mask, crop, implied_phase, pairs)
    problem = pose(prediction, target, options, reduction=reduction, lag_reduction=lag_reduction)
    measure = entropy_measure(problem, options, floor, excess)
    return finish(problem.value(measure), prediction, reduction, problem.xp)


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
    alpha : float
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
    0.759512
    """
    refuse_statistics(target)
    options = Options(ndim, boundary, mask, crop, implied_phase, pairs)
    problem = pose(prediction, target, options, reduction=reduction, lag_reduction=lag_reduction)
    measure = entropy_measure(problem, options, floor, excess)
    values = alpha * pixel_error(problem, target) + problem.value(measure)
    return finish(values, prediction, reduction, problem.xp)


def refuse_statistics(target: Any) -> None:
    """Refuse target statistics where pixels are needed."""
    if isinstance(target, TargetStatistics):
        raise TypeError("mse_cess needs the target's pixels; target is TargetStatistics, which have none")


def pixel_error(problem: Problem, target: Array) -> Array:
    """Return the mean over counting points and all phases of squared differences, (...)."""
    xp, ndim = problem.xp, problem.plan.ndim
    difference = pixel_difference(problem, target)
    return xp.mean(phases.mean(difference**2, problem.mask, ndim, xp), axis=-1)


def pixel_difference(problem: Problem, target: Array) -> Array:
    """Return prediction minus target for all N phases, 0 where a point does not count, (..., N, *space)."""
    xp, ndim = problem.xp, problem.plan.ndim
    difference = phases.as_floating(problem.prediction, xp) - phases.as_floating(target, xp)
    if problem.plan.implied:
        difference = xp.concat([-xp.sum(difference, axis=-ndim - 1, keepdims=True), difference], axis=-ndim - 1)
    return difference if problem.mask is None else xp.where(problem.mask, difference, xp.zeros_like(difference))


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
    values = clamp_value(explicit, sigma, -ndim - 1, xp)  # (..., *space)
    if mask is not None:
        values = xp.where(mask[(..., 0, *(slice(None),) * ndim)], values, xp.zeros_like(values))
    return reduce_batch(xp.sum(values, axis=tuple(range(-ndim, 0))), reduction, xp)


def pose_clamp(m: Array, sigma: Any, ndim: int | None, mask: Array | None, implied_phase: bool | None, reduction: str) -> tuple[Array, Array | None, int, Any]:
    """Check a call of clamp; return all N phases, 0 where a point does not count, the mask as counting() gives it, ndim and the namespace."""
    xp, ndim = namespace(m=m, mask=mask), 2 if ndim is None else ndim
    _check.choice("reduction", reduction, _check.REDUCTIONS)
    _check.positive("sigma", sigma)
    check_options(ndim, "periodic", bool(implied_phase))
    _check.real("m", m, xp)
    space = _check.microstructure("m", m, ndim)
    if m.shape[-ndim - 1] == 1 and not implied_phase:
        raise ValueError("clamp of one phase alone pulls every point to 1; pass implied_phase=True if m holds phase 1 of two")
    m = phases.as_floating(m, xp)
    if mask is not None:
        _check.mask_shape(mask, tuple(m.shape[: -ndim - 1]), space, xp)
        mask = phases.counting(mask, ndim, xp)
        m = xp.where(mask, m, xp.zeros_like(m))
    return phases.explicit(m, ndim, xp) if implied_phase else m, mask, ndim, xp


def gram(features: Float[Array, "*features"], *, ndim: int = 2) -> Float[Array, "*batch channels channels"]:
    """Return the Gram matrix of feature maps, ``G[i, j] = sum over x of F[i](x) F[j](x)``, undivided.

    Parameters
    ----------
    features : array (..., C, *space)
        Feature maps of one layer.
    ndim : int
        Number of spatial axes, 1, 2 or 3.

    Returns
    -------
    array (..., C, C)
        In the square of the features' unit.

    Raises
    ------
    TypeError, ValueError
        If features have a wrong type or shape.

    References
    ----------
    Sardeshmukh et al., eq. (2); Lubbers et al., eq. (2).

    Examples
    --------
    >>> import numpy as np, twopoint as tp
    >>> tp.gram(np.array([[1.0, 2.0], [0.0, 3.0]]), ndim=1)
    array([[5., 6.],
           [6., 9.]])
    """
    xp = namespace(features=features)
    _check.dimensions(ndim)
    _check.real("features", features, xp)
    _check.microstructure("features", features, ndim)
    flat = flat_features(features, ndim, xp)
    with full_precision(features, xp):
        return xp.matmul(flat, xp.matrix_transpose(flat))


def flat_features(features: Array, ndim: int, xp: Any) -> Array:
    """Return features with one axis for space, (..., channels, points)."""
    features = phases.as_floating(features, xp)
    return xp.reshape(features, (*features.shape[:-ndim], math.prod(features.shape[-ndim:])))


def style_loss(
    features_prediction: Sequence[Float[Array, "..."]],
    features_target: Sequence[Float[Array, "..."]],
    *,
    weights: Sequence[float] | None = None,
    ndim: int = 2,
    reduction: str = "mean",
) -> Float[Array, "*batch"]:
    """Return ``sum over layers of w / (4 C^2 M^2) * sum over i, j of (G[i, j] - G'[i, j])^2``, C channels, M points.

    Parameters
    ----------
    features_prediction, features_target : lists of arrays (..., C, *space)
        Feature maps of one or more layers, C and space each layer's own, the batch that of all; equal shapes in both lists.
    weights : list of float, optional
        One weight a layer; 1 each unless given.
    ndim : int
        Number of spatial axes, 1, 2 or 3.
    reduction : "mean", "sum" or "none"
        Over the batch.

    Returns
    -------
    array () or (...) with reduction "none"
        In the fourth power of the features' unit.

    Raises
    ------
    TypeError, ValueError
        If the lists differ in length or shapes, or an array has a wrong type.

    References
    ----------
    Sardeshmukh et al., eq. (2), which Cai et al., eq. (3), means.

    Examples
    --------
    >>> import numpy as np, twopoint as tp
    >>> float(tp.style_loss([np.array([[2.0, 0.0]])], [np.array([[1.0, 1.0]])], ndim=1))
    0.25
    """
    xp, scales = pose_style(features_prediction, features_target, weights, ndim, reduction)
    terms = []
    for p, t, scale in zip(features_prediction, features_target, scales, strict=True):
        difference = gram(p, ndim=ndim) - gram(t, ndim=ndim)
        terms.append(scale * xp.sum(difference**2, axis=(-2, -1)))
    return reduce_batch(reduce(add, terms), reduction, xp)


def pose_style(prediction: Any, target: Any, weights: Any, ndim: int, reduction: str) -> tuple[Any, list[float]]:
    """Check a call of style_loss; return the namespace and w / (4 C^2 M^2) of each layer."""
    _check.choice("reduction", reduction, _check.REDUCTIONS)
    _check.dimensions(ndim)
    layers = {"features_prediction": prediction, "features_target": target}
    for name, maps in layers.items():
        if not isinstance(maps, (list, tuple)) or not maps:
            raise TypeError(f"{name} must be a list of feature maps, one a layer, got {type(maps).__name__}{' without any' if maps == [] else ''}")
    if len(prediction) != len(target):
        raise ValueError(f"features_prediction and features_target must have as many layers, got {len(prediction)} and {len(target)}")
    weights = [1.0] * len(prediction) if weights is None else list(weights)
    if len(weights) != len(prediction):
        raise ValueError(f"weights must hold one number a layer, {len(prediction)}, got {len(weights)}")
    xp = namespace(**{f"{name}[{i}]": x for name, maps in layers.items() for i, x in enumerate(maps)})
    scales = []
    for i, (p, t) in enumerate(zip(prediction, target, strict=True)):
        for name, x in ((f"features_prediction[{i}]", p), (f"features_target[{i}]", t)):
            _check.real(name, x, xp)
            _check.microstructure(name, x, ndim)
        _check.equal_shapes(p, t, (f"features_prediction[{i}]", f"features_target[{i}]"))
        if tuple(p.shape[: -ndim - 1]) != tuple(prediction[0].shape[: -ndim - 1]):
            raise ValueError(f"features_prediction[{i}] must have the batch of the first layer, got shape {tuple(p.shape)}")
        channels, points = float(p.shape[-ndim - 1]), float(math.prod(p.shape[-ndim:]))
        scales.append(weights[i] / (4 * channels**2 * points**2))
    return xp, scales
