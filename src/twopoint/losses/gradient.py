"""Values and gradients for every library: by automatic differentiation for torch and jax, by adjoints for all others."""

import inspect
from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

from ..arrays import checks
from ..arrays.frameworks import can_be_kept, full_precision, is_eager, is_jax, is_torch
from ..arrays.namespace import is_array, namespace
from ..arrays.types import Array, Namespace
from ..statistics.target import TargetStatistics
from .clamp import clamp, clamp_with_gradient
from .descriptor_loss import descriptor_loss, descriptor_loss_with_gradient
from .spatial import cess, cess_with_gradient, mse_cess, mse_cess_with_gradient, msess, msess_with_gradient
from .style import style_loss, style_loss_with_gradient

Loss: TypeAlias = Callable[..., Array]
Term: TypeAlias = tuple[float, Loss, dict[str, Any]]

_WITH_GRADIENT: dict[Loss, Callable[..., tuple[Array, Any]]] = {
    msess: msess_with_gradient,
    cess: cess_with_gradient,
    mse_cess: mse_cess_with_gradient,
    clamp: clamp_with_gradient,
    descriptor_loss: descriptor_loss_with_gradient,
    style_loss: style_loss_with_gradient,
}


def value_and_grad(loss: Loss | Iterable[Term]) -> Callable[..., tuple[Array, Any]]:
    """Return a function that computes a loss and its gradient with respect to the prediction.

    Parameters
    ----------
    loss : function, or list of (weight, loss, options)
        A public loss of this package, or a weighted sum of these losses. For torch and jax also any other function of
        ``(prediction, target, **options)``.

    Returns
    -------
    function: ``(prediction, target, **options) -> (value, gradient)``
        The options are those of the loss. In a sum they apply to all terms that have them, the options of a term take precedence, and
        ``clamp`` ignores the target. The gradient has the shape of the prediction; for ``style_loss`` it is a list. For torch and jax
        the function itself can be differentiated, mapped (``torch.func``, ``jax.vmap``) and compiled.

    Raises
    ------
    TypeError
        If loss is neither a function nor a sum of losses. When called: if no term has an option, or, with arrays of numpy, if the loss
        is not a loss of this package.
    ValueError
        If the sum is empty. When called: if the reduction is "none".

    References
    ----------
    Cai et al., eqs. (7)-(11). The theory page of the documentation derives the adjoints.

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
        resolved = _resolve(terms, target, options)
        xp = _namespace_of(prediction, terms)
        if is_torch(xp):
            import torch

            first = prediction[0] if isinstance(prediction, (list, tuple)) else prediction
            with full_precision(first, xp):  # also in the backward pass
                if _has_no_history(prediction, target, resolved, xp):
                    return _by_adjoints(prediction, target, resolved, xp)
                gradient, value = torch.func.grad_and_value(lambda p: _total(p, target, resolved))(prediction)
            return value, gradient
        if is_jax(xp):
            import jax

            value, gradient = jax.value_and_grad(lambda p: _total(p, target, resolved))(prediction)
            return value, gradient
        return _by_adjoints(prediction, target, resolved, xp)

    return evaluate


def each_value_and_grad(loss: Loss | Iterable[Term]) -> Callable[..., tuple[Array, Array]]:
    """Return a function like that of value_and_grad, but for each member of a batch, and by adjoints for every library."""
    terms = _terms(loss)

    def evaluate(prediction: Array, target: Any, **options: Any) -> tuple[Array, Array]:
        resolved = [(weight, term, own | {"reduction": "none"}) for weight, term, own in _resolve(terms, target, options)]
        return _by_adjoints(prediction, target, resolved, _namespace_of(prediction, terms))

    return evaluate


def _terms(loss: Any) -> list[Term]:
    """Return a loss or a sum of losses as a list of terms; raise if it is neither."""
    if callable(loss):
        return [(1.0, loss, {})]
    if not isinstance(loss, Iterable) or isinstance(loss, (str, bytes)):
        raise TypeError(f"loss must be a loss or a list of (weight, loss, options), got {type(loss).__name__}")
    terms = []
    for entry in loss:
        if not (isinstance(entry, (tuple, list)) and len(entry) == 3 and callable(entry[1]) and isinstance(entry[2], dict)):
            raise TypeError(f"loss must hold (weight, loss, options) with options a dict, got {entry!r}")
        if not is_array(entry[0]):
            checks.number("the weight of a term of loss", entry[0])
        terms.append((entry[0], entry[1], entry[2]))
    if not terms:
        raise ValueError("loss must hold at least one (weight, loss, options), got none")
    if len(terms) > 1 and any(term is style_loss for _, term, _ in terms):
        raise ValueError("style_loss takes lists of feature maps, so it cannot be added to other losses")
    return terms


def _option_names(loss: Loss) -> set[str] | None:
    """Return the names of the options of a loss; None if it takes any."""
    parameters = inspect.signature(loss).parameters.values()
    if any(p.kind is p.VAR_KEYWORD for p in parameters):
        return None
    return {p.name for p in parameters if p.kind in (p.KEYWORD_ONLY, p.POSITIONAL_OR_KEYWORD)} - {"prediction", "target", "m"}


def _own_options(loss: Loss, own: dict[str, Any], target: Any, common: dict[str, Any]) -> dict[str, Any]:
    """Return the options of one term: those of the call that apply to it, then its own; clamp shares some with target statistics."""
    names = _option_names(loss)
    for name in own:
        if names is not None and name not in names:
            raise TypeError(f"{name} is not an option of {getattr(loss, '__name__', loss)}")
    options = {name: value for name, value in common.items() if names is None or name in names} | own
    if options.get("reduction") == "none":
        raise ValueError('reduction must be "mean" or "sum" for a gradient, got "none"')
    if loss is clamp and isinstance(target, TargetStatistics):
        mask = {} if target.mask is None else {"mask": target.mask}
        options = {"ndim": target.ndim, "implied_phase": target.implied_phase} | options | mask
    return options


def _resolve(terms: list[Term], target: Any, common: dict[str, Any]) -> list[Term]:
    """Return the terms with all their options; raise if no term has an option of the call."""
    by_term = [_option_names(term) for _, term, _ in terms]
    for name in common:
        if all(names is not None and name not in names for names in by_term):
            raise TypeError(f"{name} is not an option of any loss in the sum" if len(terms) > 1 else f"{name} is not an option of the loss")
    return [(weight, term, _own_options(term, own, target, common)) for weight, term, own in terms]


def _namespace_of(prediction: Any, terms: list[Term]) -> Namespace:
    """Return the namespace of the prediction; raise if its dtype has no gradient."""
    if terms[0][1] is style_loss and isinstance(prediction, (list, tuple)) and prediction:
        return namespace(**{f"features_prediction[{i}]": x for i, x in enumerate(prediction)})
    xp = namespace(prediction=prediction)
    checks.real("prediction", prediction, xp)
    return xp


def _has_no_history(prediction: Any, target: Any, terms: list[Term], xp: Namespace) -> bool:
    """Whether adjoints can replace torch's differentiation: losses of this package, plain tensors, and no other derivative recorded."""
    if not all(loss in _WITH_GRADIENT for _, loss, _ in terms):
        return False
    stored = (*target.values, target.mask, target.count, *target.descriptors.values()) if isinstance(target, TargetStatistics) else ()
    options = [own | (own.get("options") or {}) for _, _, own in terms]
    given = [prediction, target, *stored, *(weight for weight, _, _ in terms), *(x for own in options for x in own.values())]
    arrays = [x for each in given for x in (each if isinstance(each, (list, tuple)) else (each,)) if is_array(x)]
    return all(is_eager(x, xp) and can_be_kept(x, xp) for x in arrays)


def _total(prediction: Any, target: Any, terms: list[Term]) -> Array:
    """Return the weighted sum of the terms."""
    values = [(weight, loss(prediction, **own) if loss is clamp else loss(prediction, target, **own)) for weight, loss, own in terms]
    first, *others = [value if weight == 1.0 else weight * value for weight, value in values]
    for value in others:
        first = first + value
    return first


def _by_adjoints(prediction: Any, target: Any, terms: list[Term], xp: Namespace) -> tuple[Array, Any]:
    """Return the weighted sum of the terms and its gradient, by adjoints."""
    values, gradients = [], []
    for weight, loss, own in terms:
        if loss not in _WITH_GRADIENT:
            raise TypeError(f"on {xp.__name__} a gradient is available for twopoint's losses only, got {getattr(loss, '__name__', loss)!r}")
        value, gradient = _WITH_GRADIENT[loss](prediction, target, **own)
        values.append(weight * value)
        gradients.append([weight * g for g in gradient] if loss is style_loss else weight * gradient)
    value, gradient = values[0], gradients[0]
    for v, g in zip(values[1:], gradients[1:], strict=True):
        value, gradient = value + v, gradient + g
    return value, gradient
