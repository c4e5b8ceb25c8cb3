"""Phases: labels to indicators, the implied phase, volume fractions."""

from typing import Any

from jaxtyping import Bool, Float, Integer, Num

from ..arrays import checks
from ..arrays.frameworks import comparable, is_concrete, stop_gradient
from ..arrays.namespace import as_floating, default_float, device_of, floating, namespace, widest
from ..arrays.types import Array, Namespace


def one_hot(
    labels: Integer[Array, "*batch_space"] | Bool[Array, "*batch_space"], n_phases: int, *, ndim: int = 2, dtype: Any = None
) -> Array:
    """Turn phase labels into a microstructure function, ``m[h](x) = 1 where labels(x) = h``.

    Parameters
    ----------
    labels : array (..., *space) of integers or booleans
        Phase at every point, 0..n_phases-1.
    n_phases : int
        Number of phases N.
    ndim : int
        Number of spatial axes, 1, 2 or 3.
    dtype : optional
        Floating dtype of the result, a dtype of the array's library; by default the default float of the library.

    Returns
    -------
    array (..., n_phases, *space)
        1 for the phase of each point, 0 for the others.

    Raises
    ------
    TypeError
        If labels are neither integers nor booleans.
    ValueError
        If a label is outside 0..n_phases-1. Labels that jax.jit or torch.compile traces cannot be checked; such a point then
        belongs to no phase.

    References
    ----------
    Cai et al., section 1.1: m(h, x) = 1 for the observed phase.

    Examples
    --------
    >>> import numpy as np, twopoint as tp
    >>> tp.one_hot(np.array([0, 2, 1]), 3, ndim=1)
    array([[1., 0., 0.],
           [0., 0., 1.],
           [0., 1., 0.]])
    """
    xp = namespace(labels=labels)
    checks.dimensions(ndim)
    n_phases = checks.integer("n_phases", n_phases, 1)
    if not xp.isdtype(labels.dtype, ("integral", "bool")):
        raise TypeError(f"labels must be integers or booleans, got {labels.dtype}")
    space = checks.field("labels", labels, ndim)
    if xp.isdtype(labels.dtype, "bool"):
        labels = xp.astype(labels, xp.uint8)
    if is_concrete(labels, xp):
        low, high = checks.integer_range(labels, xp)
        if low < 0 or high >= n_phases:
            raise ValueError(f"labels must lie in 0..{n_phases - 1} for n_phases={n_phases}, got {low}..{high}")
    labels = xp.astype(labels, xp.int64) if n_phases > 127 else comparable(labels, xp)
    phases = xp.reshape(xp.arange(n_phases, dtype=labels.dtype, device=device_of(labels)), (-1,) + (1,) * ndim)
    expanded = xp.reshape(labels, (*labels.shape[:-ndim], 1, *space))
    return xp.astype(expanded == phases, default_float(xp) if dtype is None else dtype)


def two_phase(x: Num[Array, "*batch_space"] | Bool[Array, "*batch_space"], *, ndim: int = 2, dtype: Any = None) -> Array:
    """Turn an image of phase 1 into a microstructure function of two phases, ``(1 - x, x)``.

    Parameters
    ----------
    x : array (..., *space)
        Membership of phase 1, 0..1; integers (0 and 1) and booleans become floats.
    ndim : int
        Number of spatial axes, 1, 2 or 3.
    dtype : optional
        Floating dtype of the result; by default that of x, or the default float of the library for integers and booleans.

    Returns
    -------
    array (..., 2, *space)
        Phase 0, then phase 1.

    Raises
    ------
    TypeError
        If x is complex.
    ValueError
        If x has fewer than ndim axes, or integers other than 0 and 1 (not checked where jax.jit or torch.compile traces them).

    References
    ----------
    Cai et al., section 1.1.

    Examples
    --------
    >>> import numpy as np, twopoint as tp
    >>> tp.two_phase(np.array([True, False]), ndim=1)
    array([[0., 1.],
           [1., 0.]])
    """
    xp = namespace(x=x)
    checks.dimensions(ndim)
    space = checks.field("x", x, ndim)
    if xp.isdtype(x.dtype, "complex floating"):
        raise TypeError(f"x must be real, got {x.dtype}")
    if xp.isdtype(x.dtype, "integral") and is_concrete(x, xp):
        low, high = checks.integer_range(x, xp)
        if low < 0 or high > 1:
            raise ValueError(f"x of integers must hold 0 and 1 only, got {low}..{high}; compare (x > 127), divide (x / 255) or use one_hot")
    if dtype is None:
        dtype = floating(x, xp) if xp.isdtype(x.dtype, "real floating") else default_float(xp)
    x = xp.reshape(xp.astype(x, dtype), (*x.shape[:-ndim], 1, *space))
    return xp.concat([1 - x, x], axis=-ndim - 1)


def volume_fractions(
    m: Float[Array, "*microstructure"] | Bool[Array, "*microstructure"], *, ndim: int = 2, mask: Array | None = None
) -> Float[Array, "*batch_phases"]:
    """Average each phase over the points inside the mask, ``v[h] = mean over x of m[h](x)``; with confidences w, ``sum w m / sum w``.

    Parameters
    ----------
    m : array (..., N, *space)
        Microstructure function.
    ndim : int
        Number of spatial axes, 1, 2 or 3.
    mask : array (*space) or (..., *space), optional
        The points that are used: booleans, or confidences from 0 to 1 that weigh points, as in :func:`correlations`.

    Returns
    -------
    array (..., N)
        Volume fractions; 0 under an empty mask.

    Raises
    ------
    TypeError, ValueError
        If m or mask has a wrong type or shape.

    References
    ----------
    Cai et al., section 1.1: 1-point statistics.

    Examples
    --------
    >>> import numpy as np, twopoint as tp
    >>> tp.volume_fractions(tp.two_phase(np.array([1, 0, 0, 0]), ndim=1), ndim=1)
    array([0.75, 0.25])
    """
    xp = namespace(m=m, mask=mask)
    checks.dimensions(ndim)
    checks.real("m", m, xp, booleans=True)
    space = checks.microstructure("m", m, ndim)
    if mask is not None:
        checks.mask_shape(mask, tuple(m.shape[: -ndim - 1]), space, xp)
        mask = point_mask(mask, ndim, xp)
    return mean(as_floating(m, xp), mask, ndim, xp)


def confidences(mask: Array, xp: Namespace) -> Array:
    """Check the values of a mask; return booleans if it is known to hold only 0 and 1, else constants in float64, if there is float64."""
    if xp.isdtype(mask.dtype, "bool"):
        return mask
    if checks.mask_values(mask, xp):
        return mask != 0
    return xp.astype(stop_gradient(mask, xp), widest(mask, xp), copy=False)


def largest(mask: Array, ndim: int, xp: Namespace) -> Array:
    """Return the largest confidence over space, (..., 1, ..., 1); 1 if all are 0."""
    most = xp.max(mask, axis=tuple(range(-ndim, 0)), keepdims=True)
    return xp.where(most > 0, most, xp.ones_like(most))


def point_mask(mask: Array, ndim: int, xp: Namespace) -> Array:
    """Return a mask with an axis for the phases, (..., 1, *space): booleans, or confidences divided by the largest of them.

    No mean depends on the scale of the confidences. With a largest of 1 the product of two tiny ones does not vanish.
    """
    mask = confidences(mask, xp)
    return with_phase_axis(mask if xp.isdtype(mask.dtype, "bool") else mask / largest(mask, ndim, xp), ndim, xp)


def with_phase_axis(mask: Array, ndim: int, xp: Namespace) -> Array:
    """Return a mask with an axis for the phases, (..., 1, *space)."""
    return xp.reshape(mask, (*mask.shape[:-ndim], 1, *mask.shape[-ndim:]))


def inside(m: Array, mask: Array, xp: Namespace) -> Array:
    """Return m at the points of a positive confidence, and 0 at the others, where m may hold any value."""
    mask = mask if xp.isdtype(mask.dtype, "bool") else xp.astype(mask, m.dtype) > 0
    return xp.where(mask, m, xp.zeros_like(m))


def weigh(m: Array, mask: Array, xp: Namespace) -> Array:
    """Return m times the confidence of each point, which is 1 or 0 in a mask of booleans."""
    m = inside(m, mask, xp)
    return m if xp.isdtype(mask.dtype, "bool") else m * xp.astype(mask, m.dtype)


def mean(m: Array, mask: Array | None, ndim: int, xp: Namespace) -> Array:
    """Average over space, (..., phases), with the weights of a point_mask(); an empty mask gives 0."""
    axes = tuple(range(-ndim, 0))
    if mask is None:
        return xp.mean(m, axis=axes)
    total = xp.sum(weigh(m, mask, xp), axis=axes)
    points = xp.sum(xp.astype(mask, m.dtype), axis=axes)
    return total / xp.where(points > 0, points, xp.ones_like(points))


def explicit(m: Array, ndim: int, xp: Namespace) -> Array:
    """Insert the implied phase 0, which is one minus the sum of the others, before them."""
    axis = -ndim - 1
    others = m if m.shape[axis] == 1 else xp.sum(m, axis=axis, keepdims=True)
    return xp.concat([1 - others, m], axis=axis)
