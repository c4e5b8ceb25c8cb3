"""The mean squared difference of a descriptor beyond two points, and its gradient by the adjoint."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from ..arrays import checks
from ..arrays.frameworks import constant, give_gradient, is_constant, may_inspect, takes_gradient
from ..arrays.namespace import device_of, is_array, namespace, on_cpu, result_dtype
from ..arrays.types import Array, Namespace
from ..descriptors.euler_number import cells_of
from ..descriptors.evaluation import Products, evaluate, transpose
from ..descriptors.fields import Fields, fields_of
from ..descriptors.lineal_path import segments_of
from ..descriptors.three_point import triples_of
from ..statistics.plan import Options, RequestedOptions, descriptor_key
from ..statistics.target import Target, TargetStatistics
from .measures import batch_weight, finish, reduce_batch
from .prepare import check_shape, resolve_options


class _Kind(NamedTuple):
    """A descriptor with a gradient: its products, its own options, and whether it takes a mask."""

    products: Callable[..., Products]
    options: dict[str, Any]  # with their defaults; ... for one that must be given
    masked: bool


KINDS = {
    "lineal_path": _Kind(segments_of, {"lengths": None}, masked=True),
    "three_point": _Kind(triples_of, {"lags": ...}, masked=True),
    "euler_number": _Kind(cells_of, {"connectivity": "faces"}, masked=False),
}
_WITHOUT_GRADIENT = ("chord_lengths", "cluster_correlation")
_SHARED = ("ndim", "boundary", "mask", "implied_phase")


def descriptor_loss(
    prediction: Float[Array, "*microstructure"],
    target: Target,
    *,
    descriptor: str | Callable[..., Any],
    options: dict[str, Any] | None = None,
    weights: Any = None,
    ndim: int | None = None,
    boundary: str | None = None,
    mask: Array | None = None,
    implied_phase: bool | None = None,
    reduction: str = "mean",
) -> Float[Array, "*batch"]:
    """Return the mean squared difference of a descriptor, ``mean over its entries of weights (d_prediction - d_target)^2``.

    Parameters
    ----------
    prediction : array (..., N, *space)
        Microstructure function; with ``implied_phase=True`` phases 1..N-1 only.
    target : array of equal shape, or TargetStatistics with this descriptor
        The microstructure, or its statistics, with which the prediction is compared. :meth:`TargetStatistics.with_descriptor` adds a
        descriptor to statistics.
    descriptor : "lineal_path", "three_point" or "euler_number"
        The descriptor by name, or the function itself, as in ``descriptor=twopoint.lineal_path``.
    options : dict, optional
        Options of the descriptor, such as ``{"lengths": [1, 2, 4, 8]}``, ``{"lags": [((0, 1), (1, 0))]}`` or
        ``{"connectivity": "corners"}``. They may include the four options below, and take precedence over them.
    weights : array, optional
        Weights of the entries, not below 0, that broadcast to the shape of the descriptor without the batch, such as (N, ndim, L).
    ndim, boundary, mask, implied_phase
        As in :func:`lineal_path`. By default (None) they are those of the target statistics, or 2, "periodic", no mask and False. Entries
        without a segment or a triple inside the mask are left out of the mean. The Euler number does not accept a mask.
    reduction : "mean", "sum" or "none"
        Over the batch.

    Returns
    -------
    array () or (...) with reduction "none"
        In the square of the unit of the descriptor: dimensionless for probabilities, the square of a number of cells for the Euler number.

    Raises
    ------
    TypeError
        If an argument is not an array, if the libraries differ, or if an array is integer, boolean or complex.
    ValueError
        If the shapes differ, if an option is invalid, if the descriptor has no gradient, or if target statistics lack it.

    References
    ----------
    Yeong and Torquato (1998), doi:10.1103/PhysRevE.57.495, eq. (2): the energy of a reconstruction.

    Examples
    --------
    >>> import numpy as np, twopoint as tp
    >>> stripes, mixed = tp.two_phase(np.eye(4)), tp.two_phase(np.full((4, 4), 0.25))
    >>> round(float(tp.descriptor_loss(mixed, stripes, descriptor="lineal_path", options={"lengths": [1, 2]})), 6)
    0.009399
    """
    requested = RequestedOptions(ndim, boundary, mask, implied_phase=implied_phase)
    return _loss(prediction, target, descriptor, options, weights, requested, reduction)[0]


def descriptor_loss_with_gradient(
    prediction: Array,
    target: Target,
    *,
    descriptor: str | Callable[..., Any],
    options: dict[str, Any] | None = None,
    weights: Any = None,
    reduction: str = "mean",
    **requested: Any,
) -> tuple[Array, Array]:
    """Return descriptor_loss and its gradient by the adjoint."""
    return _loss(prediction, target, descriptor, options, weights, RequestedOptions(**requested), reduction, with_gradient=True)


def name_of(descriptor: Any) -> str:
    """Return the name of a descriptor that has a gradient; raise for any other."""
    name = getattr(descriptor, "__name__", descriptor)
    if name in _WITHOUT_GRADIENT:
        raise ValueError(f"descriptor {name!r} has no gradient; those that have one are {', '.join(map(repr, KINDS))}")
    checks.choice("descriptor", name, tuple(KINDS))
    return str(name)


def split_options(descriptor: str, options: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the options of the descriptor alone, with defaults, and those that it shares with others; raise for any other."""
    if options is not None and not isinstance(options, dict):
        raise TypeError(f"options must be a dict of options of {descriptor}, got {type(options).__name__}")
    options, known = options or {}, KINDS[descriptor].options
    for name in options:
        if name not in known and name not in _SHARED:
            raise TypeError(f"options: {name} is not an option of {descriptor}; it has {', '.join((*known, *_SHARED))}")
    own = {name: options.get(name, default) for name, default in known.items()}
    for name, value in own.items():
        if value is ...:
            raise TypeError(f"options must hold {name} for {descriptor}, got {options!r}")
    return own, {name: value for name, value in options.items() if name in _SHARED}


def evaluate_descriptor(m: Array, descriptor: str, own: dict[str, Any], shared: Options) -> Array:
    """Return a descriptor of a microstructure."""
    fields = _fields(m, shared, descriptor, "target")
    return evaluate(KINDS[descriptor].products(fields, **own), fields)[0]


@dataclass(frozen=True)
class _Prepared:
    """A prepared loss: everything except the prediction."""

    descriptor: str
    own: dict[str, Any]
    shared: Options
    target: Array
    weights: Array | None
    share: float
    xp: Namespace

    def values(self, prediction: Array) -> Array:
        """Return the loss of each member of the batch, (...)."""
        fields = self._of(prediction)
        return self._compare(fields, self._products(fields))[0]

    def values_and_gradient(self, prediction: Array) -> tuple[Array, Array]:
        """Return the loss of each member of the batch, (...), and the gradient of the reduced loss."""
        fields = self._of(prediction)
        products = self._products(fields)
        values, slope = self._compare(fields, products)
        gradient = transpose(products, slope if self.share == 1 else slope * self.share, fields)
        return values, self.xp.astype(gradient, result_dtype(prediction, self.xp), copy=False)

    def _of(self, prediction: Array) -> Fields:
        return _fields(prediction, self.shared, self.descriptor, "prediction")

    def _products(self, fields: Fields) -> Products:
        return KINDS[self.descriptor].products(fields, **self.own)

    def _compare(self, fields: Fields, products: Products) -> tuple[Array, Array]:
        """Return the mean squared difference of each member, (...), and its derivative by the descriptor."""
        found, seen = evaluate(products, fields)
        xp, axes = self.xp, tuple(range(len(fields.batch) - len(found.shape), 0))
        difference = found - xp.astype(self.target, found.dtype, copy=False)
        slope = difference if self.weights is None else difference * xp.astype(self.weights, found.dtype, copy=False)
        if seen is None:
            number: Any = max(1.0, math.prod(found.shape[len(fields.batch) :]) * (1 - products.unseen))
        else:
            known = xp.astype(xp.broadcast_to(seen, found.shape), found.dtype)
            number = xp.sum(known, axis=axes, keepdims=True)
            number = xp.where(number > 0, number, xp.ones_like(number))
            slope = slope * known
        slope = slope / number
        return xp.sum(slope * difference, axis=axes), 2 * slope


def _loss(
    prediction: Array,
    target: Target,
    descriptor: Any,
    options: Any,
    weights: Any,
    requested: RequestedOptions,
    reduction: str,
    *,
    with_gradient: bool = False,
) -> tuple[Array, Any]:
    """Return the loss and, if requested, its gradient."""
    prepared, is_fixed = _prepare(prediction, target, name_of(descriptor), options, weights, requested, reduction)
    xp = prepared.xp
    if with_gradient:
        values, gradient = prepared.values_and_gradient(prediction)
        return finish(values, prediction, reduction, xp), gradient
    if is_fixed and takes_gradient(prediction, xp):
        prepared = prepared if on_cpu(prediction) else replace(prepared, share=1.0)  # the share would be one more pass over the gradient
        values = give_gradient(prediction, prepared.values_and_gradient, prepared.values, prepared.share)
    else:
        values = prepared.values(prediction)
    return xp.astype(reduce_batch(values, reduction, xp), result_dtype(prediction, xp), copy=False), None


def _prepare(
    prediction: Array, target: Target, descriptor: str, options: Any, weights: Any, requested: RequestedOptions, reduction: str
) -> tuple[_Prepared, bool]:
    """Check a call, evaluate the target, and return the prepared loss and whether only the prediction can have a derivative."""
    checks.choice("reduction", reduction, checks.REDUCTIONS)
    own, shared = split_options(descriptor, options)
    requested = replace(requested, **shared)
    statistics = target if isinstance(target, TargetStatistics) else None
    resolved = requested.with_defaults() if statistics is None else resolve_options(statistics, requested)
    resolved.check()
    sample = target if statistics is None else stored_descriptor(statistics, descriptor, own)
    xp = namespace(prediction=prediction, target=sample, mask=resolved.mask)
    checks.real("prediction", prediction, xp)
    if statistics is None:
        checks.real("target", target, xp)
        checks.equal_shapes(prediction, target)
        values = evaluate_descriptor(xp.astype(target, result_dtype(prediction, xp), copy=False), descriptor, own, resolved)
    else:
        check_shape(prediction, statistics)
        values = sample
    fields_shape = _shape(prediction, descriptor, own, resolved)
    if tuple(values.shape[-len(fields_shape) :]) != fields_shape:
        raise ValueError(f"{descriptor} of the target statistics must have shape (..., {fields_shape}), got {tuple(values.shape)}")
    weights = _weights(weights, fields_shape, values, xp)
    batch = tuple(prediction.shape[: -resolved.ndim - 1])
    prepared = _Prepared(descriptor, own, resolved, values, weights, batch_weight(batch, reduction), xp)
    return prepared, is_constant(sample, xp) and (weights is None or is_constant(weights, xp))


def _shape(m: Array, descriptor: str, own: dict[str, Any], shared: Options) -> tuple[int, ...]:
    """Return the shape of a descriptor of m without the batch."""
    n = int(m.shape[-shared.ndim - 1]) + shared.implied_phase
    if descriptor == "euler_number":
        return (n,)
    space = checks.microstructure("prediction", m, shared.ndim)
    probe = Fields(np.empty(()), None, shared.ndim, space, shared.boundary == "periodic", shared.implied_phase, np)
    products: Any = KINDS[descriptor].products(probe, **own)
    return (n, shared.ndim, len(products.points)) if descriptor == "lineal_path" else (n, n, n, len(products.lags))


def stored_descriptor(statistics: TargetStatistics, descriptor: str, own: dict[str, Any]) -> Array:
    """Return a descriptor that target statistics hold; raise if they lack it."""
    key = descriptor_key(descriptor, own)
    if key not in statistics.descriptors:
        given = ", ".join(f"{name}={value!r}" for name, value in own.items())
        raise ValueError(
            f"the target statistics lack {descriptor} of {given}: pass the microstructure as the target, or add it by "
            f"statistics.with_descriptor({descriptor!r}, values, {given})"
        )
    return statistics.descriptors[key]


def _fields(m: Array, shared: Options, descriptor: str, name: str) -> Fields:
    """Return the fields of a microstructure; raise for a mask that the descriptor does not accept."""
    if shared.mask is not None and not KINDS[descriptor].masked:
        raise ValueError(f"mask must be None for {descriptor}, got a mask of shape {tuple(shared.mask.shape)}")
    return fields_of(m, shared.ndim, shared.boundary, shared.mask, implied_phase=shared.implied_phase, name=name, booleans=False)


def _weights(weights: Any, shape: tuple[int, ...], like: Array, xp: Namespace) -> Array | None:
    """Return the weights as an array that broadcasts to the descriptor; raise if they do not, or are below 0."""
    if weights is None:
        return None
    if isinstance(weights, (int, float)):  # without numpy, whose arrays torch does not compile
        found = xp.reshape(constant((float(weights),), like, xp, dtype=like.dtype), ())
    elif is_array(weights) and not isinstance(weights, np.ndarray):
        namespace(target=like, weights=weights)
        checks.real("weights", weights, xp)
        found = weights
    else:
        try:
            numbers = np.asarray(weights, dtype=np.float64)
        except (TypeError, ValueError):
            raise TypeError(f"weights must be an array or nested lists of numbers, got {weights!r}") from None
        found = xp.asarray(numbers, dtype=like.dtype, device=device_of(like))
    own = tuple(found.shape)
    if len(own) > len(shape) or any(n not in (1, size) for n, size in zip(own[::-1], shape[::-1], strict=False)):
        raise ValueError(f"weights must broadcast to the shape {shape} of the descriptor, got {own}")
    if may_inspect(found, xp) and not bool(xp.all((found >= 0) & xp.isfinite(found))):
        raise ValueError(f"weights must be finite and not below 0, got values from {float(xp.min(found)):g} to {float(xp.max(found)):g}")
    return found
