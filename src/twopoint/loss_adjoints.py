"""Losses with their gradients by adjoints, on every library: the gradient for numpy, and for searches that run on any."""

import math
from collections.abc import Callable
from typing import Any, TypeAlias

from . import adjoint, losses, phases, style
from ._namespace import Array, Namespace
from .losses import cess, clamp, mse_cess, msess
from .measures import CrossEntropy, Measure, SquaredError, clamp_slope
from .plan import CallOptions
from .problem import Problem, clamp_total, pixel_error, pose, pose_clamp, reduce_batch
from .style import style_loss

Loss: TypeAlias = Callable[..., Array]
Term: TypeAlias = tuple[float, Loss, dict[str, Any]]


def by_adjoints(prediction: Any, target: Any, terms: list[Term], xp: Namespace) -> tuple[Array, Any]:
    """Return value and gradient of the sum by the adjoints of its terms."""
    values, gradients = [], []
    for weight, loss, own in terms:
        if loss not in _ADJOINTS:
            raise TypeError(f"on {xp.__name__} a gradient is known of twopoint's losses only, got {getattr(loss, '__name__', loss)!r}")
        value, gradient = _ADJOINTS[loss](prediction, target, **own)
        values.append(weight * value)
        gradients.append([weight * g for g in gradient] if loss is style_loss else weight * gradient)
    value, gradient = values[0], gradients[0]
    for v, g in zip(values[1:], gradients[1:], strict=True):
        value, gradient = value + v, gradient + g
    return value, gradient


def _share(batch: tuple[int, ...], reduction: str) -> float:
    """Return the derivative of the reduction by each member of the batch."""
    return 1.0 / math.prod(batch) if reduction == "mean" else 1.0


def _finish(values: Array, gradient: Array, m: Array, ndim: int, reduction: str, xp: Namespace) -> tuple[Array, Array]:
    """Reduce over the batch, and return the dtype that m asks for."""
    dtype = phases.result_dtype(m, xp)
    gradient = gradient * _share(tuple(m.shape[: -ndim - 1]), reduction)
    return xp.astype(reduce_batch(values, reduction, xp), dtype, copy=False), xp.astype(gradient, dtype, copy=False)


def _pose(prediction: Array, target: Any, measure: Measure, options: dict[str, Any]) -> tuple[Problem, dict[str, Any]]:
    """Pose the problem of a statistics loss; return also the options that are the loss's own."""
    given = {name: value for name, value in options.items() if name in CallOptions.__dataclass_fields__}
    own = {"reduction": "mean", "lag_reduction": "mean"} | {name: value for name, value in options.items() if name not in given}
    problem = pose(prediction, target, CallOptions(**given), measure, reduction=own["reduction"], lag_reduction=own["lag_reduction"])
    return problem, own


def _msess(prediction: Array, target: Any, **options: Any) -> tuple[Array, Array]:
    """Return msess and its gradient."""
    problem, own = _pose(prediction, target, SquaredError(), options)
    values, gradient = problem.value_and_gradient()
    return _finish(values, gradient, prediction, problem.plan.ndim, own["reduction"], problem.xp)


def _cess(prediction: Array, target: Any, **options: Any) -> tuple[Array, Array]:
    """Return cess and its gradient."""
    problem, own = _pose(prediction, target, _entropy(options), options)
    values, gradient = problem.value_and_gradient()
    return _finish(values, gradient, prediction, problem.plan.ndim, own["reduction"], problem.xp)


def _entropy(options: dict[str, Any]) -> Measure:
    """Return the measure of CESS by the loss's own options."""
    return CrossEntropy(**{name: options[name] for name in ("floor", "excess") if name in options})


def _mse_cess(prediction: Array, target: Any, *, alpha: float, **options: Any) -> tuple[Array, Array]:
    """Return mse_cess and its gradient."""
    losses.pose_pixels(target, alpha)
    problem, own = _pose(prediction, target, _entropy(options), options)
    xp, ndim = problem.xp, problem.plan.ndim
    values, gradient = problem.value_and_gradient()
    difference = problem.pixel_difference(target)
    by_phase = adjoint.mean_square(difference, problem.mask, ndim, xp)
    by_phase = adjoint.implied(by_phase, ndim) if problem.plan.implied else by_phase
    values, gradient = values + alpha * pixel_error(difference, problem.mask, ndim, xp), gradient + alpha * by_phase
    return _finish(values, gradient, prediction, ndim, own["reduction"], xp)


def _clamp(
    m: Array,
    _: Any,
    *,
    sigma: float | Array,
    ndim: int | None = None,
    mask: Array | None = None,
    implied_phase: bool | None = None,
    reduction: str = "mean",
) -> tuple[Array, Array]:
    """Return clamp and its gradient."""
    explicit, mask, ndim, xp = pose_clamp(m, sigma, ndim, mask, implied_phase, reduction)
    gradient = clamp_slope(explicit, sigma, -ndim - 1, xp)
    gradient = gradient if mask is None else xp.where(mask, gradient, xp.zeros_like(gradient))
    gradient = adjoint.implied(gradient, ndim) if implied_phase else gradient
    return _finish(clamp_total(explicit, mask, sigma, ndim, xp), gradient, m, ndim, reduction, xp)


def _style_loss(prediction: Any, target: Any, *, weights: Any = None, ndim: int = 2, reduction: str = "mean") -> tuple[Array, list[Array]]:
    """Return style_loss and its gradients, one a layer."""
    value = style_loss(prediction, target, weights=weights, ndim=ndim, reduction=reduction)
    xp, scales = style.pose_style(prediction, target, weights, ndim, reduction)
    share = _share(tuple(prediction[0].shape[: -ndim - 1]), reduction)
    gradients = []
    for p, t, scale in zip(prediction, target, scales, strict=True):
        difference = style.gram(p, ndim=ndim) - style.gram(t, ndim=ndim)
        gradient = adjoint.gram(difference, style.flat_features(p, ndim, xp), xp)
        gradients.append(xp.reshape(gradient * (scale * share), p.shape))
    return value, gradients


_ADJOINTS: dict[Loss, Callable[..., tuple[Array, Any]]] = {
    msess: _msess,
    cess: _cess,
    mse_cess: _mse_cess,
    clamp: _clamp,
    style_loss: _style_loss,
}
