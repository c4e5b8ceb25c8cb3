"""The loss that pushes every point towards one phase, its value at a point, and its gradient."""

from numbers import Real
from typing import Any

from jaxtyping import Float

from ..arrays import checks
from ..arrays.namespace import as_floating, namespace
from ..arrays.types import Array, Namespace
from ..statistics import phases
from ..statistics.adjoint import transpose_explicit
from ..statistics.plan import Options
from .measures import finish, finish_gradient, reduce_batch


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

    As in the paper, this loss is a sum over points, whereas CESS and MSESS are means over lags. In a sum of losses its weight should
    therefore be far below one over the number of points.

    Parameters
    ----------
    m : array (..., N, *space)
        Microstructure function, N >= 2; with ``implied_phase=True`` phases 1..N-1 only.
    sigma : float or 0-D array
        Variance of the mixture's Gaussians in eq. (9), above 0.
    ndim : int
        Number of spatial axes; 2 by default.
    mask : array (*space) or (..., *space), optional
        The points that are used: booleans, or confidences from 0 to 1 that weigh points, as in :func:`correlations`. The value at each
        point is multiplied by its confidence.
    implied_phase : bool
        As in :func:`correlations`; False by default.
    reduction : "mean", "sum" or "none"
        Over the batch.

    Returns
    -------
    array () or (...) with reduction "none"
        In nats, summed over the points inside the mask.

    Raises
    ------
    TypeError, ValueError
        If an argument has a wrong type, shape or range, or if m contains one phase without ``implied_phase=True``.

    References
    ----------
    Cai et al., eq. (9), to which this loss is equal for N = 2.

    Examples
    --------
    >>> import numpy as np, twopoint as tp
    >>> round(float(tp.clamp(np.full((1, 2, 2), 0.5), sigma=0.05, implied_phase=True)), 6)
    7.227411
    """
    explicit, mask, ndim, xp = _prepare(m, sigma, ndim, mask, implied_phase, reduction)
    return reduce_batch(_total(explicit, mask, sigma, ndim, xp), reduction, xp)


def clamp_with_gradient(
    m: Array,
    _: Any,
    *,
    sigma: float | Array,
    ndim: int | None = None,
    mask: Array | None = None,
    implied_phase: bool | None = None,
    reduction: str = "mean",
) -> tuple[Array, Array]:
    """Return clamp and its gradient; target is ignored."""
    explicit, mask, ndim, xp = _prepare(m, sigma, ndim, mask, implied_phase, reduction)
    gradient = clamp_slope(explicit, sigma, -ndim - 1, xp)
    gradient = gradient if mask is None else phases.weigh(gradient, mask, xp)
    gradient = transpose_explicit(gradient, ndim) if implied_phase else gradient
    value = finish(_total(explicit, mask, sigma, ndim, xp), m, reduction, xp)
    return value, finish_gradient(gradient, m, ndim + 1, reduction, xp)


def _prepare(
    m: Array, sigma: Any, ndim: int | None, mask: Array | None, implied_phase: bool | None, reduction: str
) -> tuple[Array, Array | None, int, Namespace]:
    """Check a call of clamp; return all N phases, 0 outside the mask, the mask (..., 1, *space), ndim and the namespace."""
    traced = checks.is_scalar_array("sigma", sigma)
    arrays = {"m": m, "sigma": sigma} if traced else {"m": m}
    xp, ndim = namespace(**arrays, mask=mask), 2 if ndim is None else ndim
    checks.choice("reduction", reduction, checks.REDUCTIONS)
    if not traced:
        checks.positive("sigma", sigma)
    Options(ndim, implied_phase=False if implied_phase is None else implied_phase).check()
    checks.real("m", m, xp)
    space = checks.microstructure("m", m, ndim)
    if m.shape[-ndim - 1] == 1 and not implied_phase:
        raise ValueError("m must hold at least two phases for clamp, got one; pass implied_phase=True if m holds phase 1 of two")
    m = as_floating(m, xp)
    if mask is not None:
        checks.mask_shape(mask, tuple(m.shape[: -ndim - 1]), space, xp)
        mask = phases.with_phase_axis(phases.confidences(mask, xp), ndim, xp)
        m = phases.inside(m, mask, xp)
    return phases.explicit(m, ndim, xp) if implied_phase else m, mask, ndim, xp


def _total(explicit: Array, mask: Array | None, sigma: float | Array, ndim: int, xp: Namespace) -> Array:
    """Sum clamp over the points inside the mask, times their confidences, (...), for all N phases."""
    values = clamp_value(explicit, sigma, -ndim - 1, xp)  # (..., *space)
    if mask is not None:
        values = phases.weigh(values, mask[(..., 0, *(slice(None),) * ndim)], xp)
    return xp.sum(values, axis=tuple(range(-ndim, 0)))


def clamp_value(m: Array, sigma: float | Array, axis: int, xp: Namespace) -> Array:
    """Return -log sum_h exp(-|m - e_h|^2 / (4 sigma)) at every point, with the phases along axis; eq. (9) for two phases."""
    distance, nearest, inverse = _terms(m, sigma, axis, xp)
    shares = xp.exp((nearest - distance) * inverse)
    return xp.squeeze(nearest * inverse - xp.log(xp.sum(shares, axis=axis, keepdims=True)), axis=axis)  # (..., *space)


def clamp_slope(m: Array, sigma: float | Array, axis: int, xp: Namespace) -> Array:
    """Return the derivative of clamp_value by m, (m_h - w_h) / (2 sigma), where w_h is the share of phase h in the sum."""
    distance, nearest, inverse = _terms(m, sigma, axis, xp)
    share = xp.exp((nearest - distance) * inverse)
    return 2 * inverse * (m - share / xp.sum(share, axis=axis, keepdims=True))


def _terms(m: Array, sigma: float | Array, axis: int, xp: Namespace) -> tuple[Array, Array, float | Array]:
    """Return |m - e_h|^2, its minimum over h, and 1 / (4 sigma), bounded so that sums over a billion points stay finite."""
    squares = m**2
    distance = xp.sum(squares, axis=axis, keepdims=True) - squares + (1 - m) ** 2
    if isinstance(sigma, Real):
        inverse = min(0.25 / float(sigma), float(xp.finfo(m.dtype).max) * 1e-12)
    else:
        inverse = 0.25 / xp.astype(sigma, m.dtype)
    return distance, xp.min(distance, axis=axis, keepdims=True), inverse
