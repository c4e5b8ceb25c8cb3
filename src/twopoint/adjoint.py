"""Transposed derivatives in the array API: the gradient for numpy, and the oracle for the other libraries' own."""

import math
from functools import reduce
from operator import add

from ._namespace import Array, Namespace, irfftn, rfftn
from .correlation import Parts
from .pairs import Pair
from .plan import Plan


def correlate(slopes: list[Array], parts: Parts, mask: Array | None, plan: Plan, xp: Namespace) -> Array:
    """Return the transposed derivative of correlation.correlate by m, (..., explicit phases, *space), for slopes by its values."""
    if parts.factor is not None:
        slopes = [slope * parts.factor for slope in slopes]
    by_pair = dict(zip(plan.pairs, slopes, strict=True))
    through = transpose_derive(by_pair, plan, xp) if plan.closed else by_pair
    grads = _transpose_products(through, parts, plan, xp)  # (..., phases in the spectra, *space)
    if plan.closed:  # the means were taken off before the transform, so the gradient through it has none
        return grads + _transpose_means(by_pair, parts, plan, xp)[(...,) + (None,) * plan.ndim]
    if mask is not None:
        grads = xp.where(mask, grads, xp.zeros_like(grads))
    return implied(grads, plan.ndim) if plan.implied else grads


def _transpose_products(slopes: dict[Pair, Array], parts: Parts, plan: Plan, xp: Namespace) -> Array:
    """Go back through the products of spectra: dm_k += slope * m_h, a convolution, and dm_h += slope correlated with m_k."""
    sizes, rest = plan.lags.transform, (slice(None),) * plan.ndim
    shift = int(plan.implied and plan.closed)
    terms: dict[int, list[Array]] = {h: [] for h in range(plan.n_phases - shift)}
    for (h, k), slope in slopes.items():
        u = rfftn(plan.lags.embed(slope, sizes, xp), sizes, xp)
        a, b = h - shift, k - shift
        terms[b].append(u * parts.spectra[(..., a, *rest)])
        terms[a].append(xp.conj(u) * parts.spectra[(..., b, *rest)])
    zero = xp.zeros_like(parts.spectra[(..., 0, *rest)])
    spectra = xp.stack([reduce(add, row, zero) for row in terms.values()], axis=-plan.ndim - 1)
    grads = irfftn(spectra, sizes, xp)  # (..., phases, *transform)
    return grads[(..., *(slice(0, n) for n in plan.lags.space))]


def transpose_derive(slopes: dict[Pair, Array], plan: Plan, xp: Namespace) -> dict[Pair, Array]:
    """Return slopes by the covariances of explicit pairs: c_0k = -sum_h c_hk, c_00 = sum_hk c_hk, c_kh(r) = c_hk(-r)."""
    if not plan.implied:
        return slopes
    through = {}
    for h, k in plan.transformed:
        terms = [slopes[h, k]] if (h, k) in slopes else []
        terms += [-slopes[0, k]] if (0, k) in slopes else []
        terms += [-plan.lags.reverse(slopes[0, h], xp)] if h != k and (0, h) in slopes else []
        if (0, 0) in slopes:
            terms += [slopes[0, 0]] + [plan.lags.reverse(slopes[0, 0], xp)] * (h != k)
        through[h, k] = reduce(add, terms)
    return through


def _transpose_means(slopes: dict[Pair, Array], parts: Parts, plan: Plan, xp: Namespace) -> Array:
    """Go back through v_h v_k and the means over space, (..., explicit phases)."""
    axes = tuple(range(-plan.ndim, 0))
    v = parts.means
    terms = [[xp.zeros_like(v[..., 0])] for _ in range(plan.n_phases)]
    for (h, k), slope in slopes.items():
        total = xp.sum(slope, axis=axes)
        terms[h].append(total * v[..., k])
        terms[k].append(total * v[..., h])
    by_phase = xp.stack([reduce(add, row) for row in terms], axis=-1) / float(math.prod(plan.lags.space))
    return by_phase[..., 1:] - by_phase[..., :1] if plan.implied else by_phase


def implied(grads: Array, ndim: int) -> Array:
    """Go back through phases.explicit, phase 0 as one minus the sum of the others: (..., N, *space) to (..., N-1, *space)."""
    rest = (slice(None),) * ndim
    return grads[(..., slice(1, None), *rest)] - grads[(..., slice(0, 1), *rest)]


def mean_square(difference: Array, mask: Array | None, ndim: int, xp: Namespace) -> Array:
    """Return the derivative of the mean of squares over counting points and phases by the difference, 0 where none counts."""
    phases, axes = float(difference.shape[-ndim - 1]), tuple(range(-ndim, 0))
    if mask is None:
        return difference * (2 / (phases * float(math.prod(difference.shape[-ndim:]))))
    points = xp.sum(xp.astype(mask, difference.dtype), axis=axes, keepdims=True)
    return 2 * difference / (phases * xp.where(points > 0, points, xp.ones_like(points)))


def gram(difference: Array, flat: Array, xp: Namespace) -> Array:
    """Return the derivative of sum_ij (G - G')^2 by the features (..., C, M), for the difference G - G': 4 (G - G') F."""
    return 4 * xp.matmul(difference, flat)
