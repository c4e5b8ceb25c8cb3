"""Gram matrices of feature maps, the loss between them, and its gradient."""

import math
from collections.abc import Iterable, Sequence
from functools import reduce
from operator import add
from typing import Any

from jaxtyping import Float

from ..arrays import checks
from ..arrays.frameworks import full_precision
from ..arrays.namespace import as_floating, namespace
from ..arrays.types import Array, Namespace
from .measures import batch_weight, reduce_batch


def gram(features: Float[Array, "*features"], *, ndim: int = 2) -> Float[Array, "*batch channels channels"]:
    """Return the Gram matrix of feature maps, ``G[i, j] = sum over x of F[i](x) F[j](x)``, without normalisation.

    Parameters
    ----------
    features : array (..., C, *space)
        Feature maps of one layer.
    ndim : int
        Number of spatial axes, 1, 2 or 3.

    Returns
    -------
    array (..., C, C)
        In the square of the unit of the features.

    Raises
    ------
    TypeError, ValueError
        If features has a wrong type or shape.

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
    checks.dimensions(ndim)
    checks.real("features", features, xp)
    checks.microstructure("features", features, ndim)
    flat = _flat(features, ndim, xp)
    with full_precision(features, xp):
        return xp.matmul(flat, xp.matrix_transpose(flat))


def _flat(features: Array, ndim: int, xp: Any) -> Array:
    """Return features with a single axis of space, (..., channels, points)."""
    features = as_floating(features, xp)
    return xp.reshape(features, (*features.shape[:-ndim], math.prod(features.shape[-ndim:])))


def style_loss(
    features_prediction: Sequence[Float[Array, "..."]],
    features_target: Sequence[Float[Array, "..."]],
    *,
    weights: Sequence[float] | None = None,
    ndim: int = 2,
    reduction: str = "mean",
) -> Float[Array, "*batch"]:
    """Return ``sum over layers of w / (4 C^2 M^2) * sum over i, j of (G[i, j] - G'[i, j])^2`` for C channels and M points.

    Parameters
    ----------
    features_prediction, features_target : lists of arrays (..., C, *space)
        Feature maps of one or more layers. Layers may differ in C and space but not in the batch; both lists have equal shapes.
    weights : list of float, optional
        One weight per layer; by default 1 for each.
    ndim : int
        Number of spatial axes, 1, 2 or 3.
    reduction : "mean", "sum" or "none"
        Over the batch.

    Returns
    -------
    array () or (...) with reduction "none"
        In the fourth power of the unit of the features.

    Raises
    ------
    TypeError, ValueError
        If the lists differ in length or shapes, or an array has a wrong type.

    References
    ----------
    Sardeshmukh et al., eq. (2), to which Cai et al., eq. (3), refers.

    Examples
    --------
    >>> import numpy as np, twopoint as tp
    >>> float(tp.style_loss([np.array([[2.0, 0.0]])], [np.array([[1.0, 1.0]])], ndim=1))
    0.25
    """
    xp, scales = _prepare(features_prediction, features_target, weights, ndim, reduction)
    return _value(_differences(features_prediction, features_target, ndim), scales, reduction, xp)


def style_loss_with_gradient(
    prediction: Any, target: Any, *, weights: Any = None, ndim: int = 2, reduction: str = "mean"
) -> tuple[Array, list[Array]]:
    """Return style_loss and its gradients, one per layer."""
    xp, scales = _prepare(prediction, target, weights, ndim, reduction)
    differences = _differences(prediction, target, ndim)
    share = batch_weight(tuple(prediction[0].shape[: -ndim - 1]), reduction)
    gradients = []
    for features, difference, scale in zip(prediction, differences, scales, strict=True):
        gradient = gram_gradient(difference, _flat(features, ndim, xp), xp)
        gradients.append(xp.reshape(gradient * (scale * share), features.shape))
    return _value(differences, scales, reduction, xp), gradients


def gram_gradient(difference: Array, flat: Array, xp: Namespace) -> Array:
    """Return the gradient of sum_ij (G - G')^2 by the features (..., C, M), for the difference G - G': 4 (G - G') F."""
    return 4 * xp.matmul(difference, flat)


def _differences(prediction: Any, target: Any, ndim: int) -> list[Array]:
    """Return the differences of the Gram matrices, layer by layer."""
    return [gram(p, ndim=ndim) - gram(t, ndim=ndim) for p, t in zip(prediction, target, strict=True)]


def _value(differences: list[Array], scales: list[float], reduction: str, xp: Namespace) -> Array:
    """Return the loss from differences of Gram matrices."""
    terms = [scale * xp.sum(difference**2, axis=(-2, -1)) for scale, difference in zip(scales, differences, strict=True)]
    return reduce_batch(reduce(add, terms), reduction, xp)


def _prepare(prediction: Any, target: Any, weights: Any, ndim: int, reduction: str) -> tuple[Namespace, list[float]]:
    """Check a call of style_loss; return the namespace and w / (4 C^2 M^2) of each layer."""
    checks.choice("reduction", reduction, checks.REDUCTIONS)
    checks.dimensions(ndim)
    layers = {"features_prediction": prediction, "features_target": target}
    for name, maps in layers.items():
        if not isinstance(maps, (list, tuple)) or not maps:
            raise TypeError(f"{name} must be a list of feature maps, at least one, got {type(maps).__name__}")
    if len(prediction) != len(target):
        raise ValueError(f"features_prediction and features_target must have equally many layers, got {len(prediction)} and {len(target)}")
    if weights is not None and not isinstance(weights, Iterable):
        raise TypeError(f"weights must hold one number per layer, got {weights!r}")
    weights = [1.0] * len(prediction) if weights is None else [checks.number("weights", weight) for weight in weights]
    if len(weights) != len(prediction):
        raise ValueError(f"weights must hold one number per layer, {len(prediction)}, got {len(weights)}")
    xp = namespace(**{f"{name}[{i}]": x for name, maps in layers.items() for i, x in enumerate(maps)})
    scales = []
    for i, (p, t) in enumerate(zip(prediction, target, strict=True)):
        for name, x in ((f"features_prediction[{i}]", p), (f"features_target[{i}]", t)):
            checks.real(name, x, xp)
            checks.microstructure(name, x, ndim)
        checks.equal_shapes(p, t, (f"features_prediction[{i}]", f"features_target[{i}]"))
        if tuple(p.shape[: -ndim - 1]) != tuple(prediction[0].shape[: -ndim - 1]):
            raise ValueError(f"features_prediction[{i}] must have the batch of the first layer, got shape {tuple(p.shape)}")
        channels, points = float(p.shape[-ndim - 1]), float(math.prod(p.shape[-ndim:]))
        scales.append(weights[i] / (4 * channels**2 * points**2))
    return xp, scales
