"""Values and gradients on every library: torch's and jax's own differentiation, adjoints for all others."""

import inspect
import math
from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

from . import _check, adjoint, losses, phases, style
from ._namespace import Array, Namespace, full_precision, is_array, is_jax, is_torch, namespace
from .correlation import correlate
from .losses import cess, clamp, mse_cess, msess
from .measures import Measure, SquaredError, clamp_slope
from .plan import CallOptions
from .problem import Problem, clamp_total, entropy_measure, pixel_difference, pixel_error, pose, pose_clamp, reduce_batch
from .statistics import TargetStatistics
from .style import style_loss

Loss: TypeAlias = Callable[..., Array]
Term: TypeAlias = tuple[float, Loss, dict[str, Any]]


def value_and_grad(loss: Loss | Iterable[Term]) -> Callable[..., tuple[Array, Any]]:
    """Return a function that gives a loss and its gradient by the prediction.

    Parameters
    ----------
    loss : function, or list of (weight, loss, options)
        A public loss of this package, or a weighted sum of such. For torch and jax also any other function of
        ``(prediction, target, **options)``.

    Returns
    -------
    function: ``(prediction, target, **options) -> (value, gradient)``
        Options are those of the loss; in a sum they are common to all terms that know them, each term's own override them, and
        ``clamp`` ignores the target. The gradient has the prediction's shape, for ``style_loss`` it is a list. On torch and jax the
        function can be differentiated, mapped (``torch.func``, ``jax.vmap``) and compiled itself.

    Raises
    ------
    TypeError
        If loss is no function or sum of such; when called on numpy, if it is not a loss of this package; if no term knows an option.
    ValueError
        If the sum is empty; when called with ``reduction="none"``.

    References
    ----------
    Cai et al., eqs. (7)-(11); the adjoints are derived in the documentation's theory page.

    Examples
    --------
    >>> import numpy as np, twopoint as tp
    >>> a, b = tp.two_phase(np.eye(4)), tp.two_phase(np.ones((4, 4)) / 4)
    >>> value, gradient = tp.value_and_grad([(1.0, tp.cess, {}), (1e-3, tp.clamp, {"sigma": 0.05})])(b, a)
    >>> gradient.shape
    (2, 4, 4)
    """
    terms = _terms(loss)

    def evaluate(prediction: Any, target: Any, **options: Any) -> tuple[Array, Any]:
        settled = [(weight, term, _own_options(term, own, target, options)) for weight, term, own in terms]
        _refuse_unknown(terms, options)
        xp = _namespace_of(prediction, terms)
        if is_torch(xp):
            import torch

            first = prediction[0] if isinstance(prediction, (list, tuple)) else prediction
            with full_precision(first, xp):  # the matrix products of the backward pass, too
                gradient, value = torch.func.grad_and_value(lambda p: _total(p, target, settled))(prediction)
            return value, gradient
        if is_jax(xp):
            import jax

            value, gradient = jax.value_and_grad(lambda p: _total(p, target, settled))(prediction)
            return value, gradient
        return _by_adjoints(prediction, target, settled, xp)

    return evaluate


def _terms(loss: Any) -> list[Term]:
    """Return a loss or a sum of losses as a list of terms; refuse what is neither."""
    if callable(loss):
        return [(1.0, loss, {})]
    if not isinstance(loss, Iterable) or isinstance(loss, (str, bytes)):
        raise TypeError(f"loss must be a loss or a list of (weight, loss, options), got {type(loss).__name__}")
    terms = []
    for entry in loss:
        if not (isinstance(entry, (tuple, list)) and len(entry) == 3 and callable(entry[1]) and isinstance(entry[2], dict)):
            raise TypeError(f"loss must hold (weight, loss, options) with options a dict, got {entry!r}")
        if not is_array(entry[0]):
            _check.number("the weight of a term of loss", entry[0])
        terms.append((entry[0], entry[1], entry[2]))
    if not terms:
        raise ValueError("loss must hold at least one (weight, loss, options), got none")
    if len(terms) > 1 and any(term is style_loss for _, term, _ in terms):
        raise ValueError("style_loss takes lists of feature maps, so it stands in no sum with other losses")
    return terms


def _known(loss: Loss) -> set[str] | None:
    """Return the options that a loss knows; None if it takes any."""
    parameters = inspect.signature(loss).parameters.values()
    if any(p.kind is p.VAR_KEYWORD for p in parameters):
        return None
    return {p.name for p in parameters if p.kind in (p.KEYWORD_ONLY, p.POSITIONAL_OR_KEYWORD)} - {"prediction", "target", "m"}


def _own_options(loss: Loss, own: dict[str, Any], target: Any, common: dict[str, Any]) -> dict[str, Any]:
    """Return the options of one term: the common ones that it knows, then its own; clamp takes what it shares with target statistics."""
    known = _known(loss)
    for name in own:
        if known is not None and name not in known:
            raise TypeError(f"{name} is no option of {getattr(loss, '__name__', loss)}")
    options = {name: value for name, value in common.items() if known is None or name in known} | own
    if options.get("reduction") == "none":
        raise ValueError('reduction must be "mean" or "sum" for a gradient, got "none"')
    if loss is clamp and isinstance(target, TargetStatistics):
        mask = {} if target.mask is None else {"mask": target.mask}
        options = {"ndim": target.ndim, "implied_phase": target.implied_phase} | options | mask
    return options


def _refuse_unknown(terms: list[Term], common: dict[str, Any]) -> None:
    """Refuse an option of the call that no term knows."""
    known = [_known(term) for _, term, _ in terms]
    for name in common:
        if all(names is not None and name not in names for names in known):
            raise TypeError(f"{name} is an option of no loss in the sum" if len(terms) > 1 else f"{name} is no option of the loss")


def _namespace_of(prediction: Any, terms: list[Term]) -> Namespace:
    """Return the prediction's namespace; refuse dtypes that have no gradient."""
    if terms[0][1] is style_loss and isinstance(prediction, (list, tuple)) and prediction:
        return namespace(**{f"features_prediction[{i}]": x for i, x in enumerate(prediction)})
    xp = namespace(prediction=prediction)
    _check.real("prediction", prediction, xp)
    return xp


def _total(prediction: Any, target: Any, terms: list[Term]) -> Array:
    """Return the weighted sum of the terms."""
    values = [(weight, loss(prediction, **own) if loss is clamp else loss(prediction, target, **own)) for weight, loss, own in terms]
    first, *others = [value if weight == 1.0 else weight * value for weight, value in values]
    for value in others:
        first = first + value
    return first


def _by_adjoints(prediction: Any, target: Any, terms: list[Term], xp: Namespace) -> tuple[Array, Any]:
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


def _statistics_gradient(problem: Problem, measure: Measure) -> tuple[Array, Array]:
    """Return a statistics loss of each member of the batch and its gradient."""
    values, parts = correlate(problem.prediction, problem.mask, problem.count, problem.plan, problem.xp)
    slopes = problem.slopes(values, measure)
    return problem.total(values, measure), adjoint.correlate(slopes, parts, problem.mask, problem.plan, problem.xp)


def _finish(values: Array, gradient: Array, m: Array, ndim: int, reduction: str, xp: Namespace) -> tuple[Array, Array]:
    """Reduce over the batch, and return the dtype that m asks for."""
    dtype = phases.result_dtype(m, xp)
    gradient = gradient * _share(tuple(m.shape[: -ndim - 1]), reduction)
    return xp.astype(reduce_batch(values, reduction, xp), dtype, copy=False), xp.astype(gradient, dtype, copy=False)


def _pose(prediction: Array, target: Any, options: dict[str, Any]) -> tuple[Problem, dict[str, Any]]:
    """Pose the problem of a statistics loss; return also the options that are the loss's own."""
    given = {name: value for name, value in options.items() if name in CallOptions.__dataclass_fields__}
    own = {"reduction": "mean", "lag_reduction": "mean"} | {name: value for name, value in options.items() if name not in given}
    problem = pose(prediction, target, CallOptions(**given), reduction=own["reduction"], lag_reduction=own["lag_reduction"])
    return problem, own


def _msess(prediction: Array, target: Any, **options: Any) -> tuple[Array, Array]:
    """Return msess and its gradient."""
    problem, own = _pose(prediction, target, options)
    values, gradient = _statistics_gradient(problem, SquaredError())
    return _finish(values, gradient, prediction, problem.plan.ndim, own["reduction"], problem.xp)


def _cess(prediction: Array, target: Any, **options: Any) -> tuple[Array, Array]:
    """Return cess and its gradient."""
    problem, own = _pose(prediction, target, options)
    values, gradient = _statistics_gradient(problem, _entropy(problem, own))
    return _finish(values, gradient, prediction, problem.plan.ndim, own["reduction"], problem.xp)


def _entropy(problem: Problem, own: dict[str, Any]) -> Measure:
    """Return the measure of CESS by the loss's own options."""
    return entropy_measure(problem, **{name: own[name] for name in ("floor", "excess") if name in own})


def _mse_cess(prediction: Array, target: Any, *, alpha: float, **options: Any) -> tuple[Array, Array]:
    """Return mse_cess and its gradient."""
    losses.refuse_statistics(target)
    problem, own = _pose(prediction, target, options)
    xp, ndim = problem.xp, problem.plan.ndim
    values, gradient = _statistics_gradient(problem, _entropy(problem, own))
    by_phase = adjoint.mean_square(pixel_difference(problem, target), problem.mask, ndim, xp)
    by_phase = adjoint.implied(by_phase, ndim) if problem.plan.implied else by_phase
    values, gradient = values + alpha * pixel_error(problem, target), gradient + alpha * by_phase
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
