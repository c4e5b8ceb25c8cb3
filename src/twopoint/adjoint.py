"""Transposed derivatives in the array API: the gradient for numpy, and the oracle for the other libraries' own."""

import math
from functools import reduce
from operator import add

from ._namespace import Array, Namespace, device_of, irfftn
from .correlation import Parts
from .fluctuations import one_phase
from .lag_transforms import from_lags
from .lags import along
from .pairs import Pair
from .plan import Plan


def correlate(slopes: list[Array], parts: Parts, mask: Array | None, plan: Plan, xp: Namespace) -> Array:
    """Return the transposed derivative of correlation.correlate by m, (..., explicit phases, *space), for slopes by its values.

    Where a pair is carried on half the lags its slope is by each of all the lags. Means that were taken off before the transform count
    as constants: how a statistic splits into them and fluctuations does not change it.
    """
    by_pair = dict(zip(plan.pairs, slopes, strict=True))
    if parts.inverse is not None:
        by_pair = {pair: slope * parts.inverse[plan.even(pair)] for pair, slope in by_pair.items()}
    grads = _transpose_products(transpose_derive(by_pair, plan, xp), parts.spectra, plan, xp)  # (..., transformed phases, *space)
    if plan.closed and parts.levels is not None:
        grads = grads + _transpose_means(by_pair, parts.levels, plan, xp)[(...,) + (None,) * plan.ndim]
    else:
        grads = grads * float(math.prod(plan.lags.transform))
        if parts.levels is not None:
            grads = grads + _transpose_edges(by_pair, parts.levels, plan, xp)
    if mask is not None:
        grads = xp.where(mask, grads, xp.zeros_like(grads))
    return implied(grads, plan.ndim) if plan.implied and plan.masked else grads


def _transpose_products(slopes: dict[Pair, Array], spectra: Array, plan: Plan, xp: Namespace) -> Array:
    """Go back through the products of spectra, (..., transformed phases, *space)."""
    through = {(h - plan.derived, k - plan.derived): from_lags(slope, plan.lags, xp, even=h == k) for (h, k), slope in slopes.items()}
    return transpose_spectra(through, spectra, plan, xp)


def transpose_spectra(slopes: dict[Pair, Array], spectra: Array, plan: Plan, xp: Namespace) -> Array:
    """Go back from spectra of slopes: dm_k += slope * m_h, a convolution, and dm_h += slope correlated with m_k."""
    terms: dict[int, list[Array]] = {h: [] for h in range(spectra.shape[-plan.ndim - 1])}
    for (h, k), u in slopes.items():
        if h == k:  # both terms are one, for an even slope has a real spectrum
            terms[h].append(2 * u * one_phase(spectra, h, plan))
        else:
            terms[k].append(u * one_phase(spectra, h, plan))
            terms[h].append(xp.conj(u) * one_phase(spectra, k, plan))
    zero = None if all(terms.values()) else xp.zeros_like(one_phase(spectra, 0, plan))
    rows = [reduce(add, row) if row else zero for row in terms.values()]
    axis = -plan.ndim - 1
    grads = irfftn(xp.stack(rows, axis=axis) if len(rows) > 1 else xp.expand_dims(rows[0], axis=axis), plan.lags.transform, xp)
    return grads if plan.lags.transform == plan.lags.space else grads[(..., *(slice(0, n) for n in plan.lags.space))]


def transpose_derive(slopes: dict[Pair, Array], plan: Plan, xp: Namespace) -> dict[Pair, Array]:
    """Return slopes by the covariances of explicit pairs: c_0k = -sum_h c_hk, c_00 = sum_hk c_hk, c_kh(r) = c_hk(-r)."""
    if not plan.derived:
        return slopes
    lags, through = plan.lags, {}
    for h, k in plan.transformed:
        terms = [slopes[h, k]] if (h, k) in slopes else []
        if h == k:
            if (0, k) in slopes:
                terms.append(-slopes[0, k] if plan.even((0, k)) else -_even_part(slopes[0, k], plan, xp))
            terms += [slopes[0, 0]] if (0, 0) in slopes else []
        else:
            terms += [-slopes[0, k]] if (0, k) in slopes else []
            terms += [-lags.reverse(slopes[0, h], xp)] if (0, h) in slopes else []
            terms += [2 * lags.unfold(slopes[0, 0], xp)] if (0, 0) in slopes else []
        through[h, k] = reduce(add, terms)
    return through


def _even_part(slope: Array, plan: Plan, xp: Namespace) -> Array:
    """Return what slopes by all lags are to an even statistic, on half the lags."""
    return (plan.lags.halve(slope, xp) + plan.lags.halve_reversed(slope, xp)) / 2


def _transpose_means(slopes: dict[Pair, Array], levels: list[Array], plan: Plan, xp: Namespace) -> Array:
    """Go back through v_h v_k and the means over space, (..., explicit phases)."""
    totals = {pair: total_over_lags(slope, plan, xp, even=plan.even(pair)) for pair, slope in slopes.items()}
    return transpose_levels(totals, levels, plan, xp)


def transpose_levels(totals: dict[Pair, Array], levels: list[Array], plan: Plan, xp: Namespace) -> Array:
    """Go back through v_h v_k, for slopes summed over the lags, and the means over space, (..., explicit phases)."""
    terms = [[xp.zeros_like(levels[0])] for _ in range(plan.n_phases)]
    for (h, k), total in totals.items():
        terms[h].append(total * levels[k])
        terms[k].append(total * levels[h])
    by_phase = xp.stack([reduce(add, row) for row in terms], axis=-1) / float(math.prod(plan.lags.space))
    return by_phase[..., 1:] - by_phase[..., :1] if plan.implied else by_phase


def total_over_lags(values: Array, plan: Plan, xp: Namespace, *, even: bool) -> Array:
    """Sum over all stored lags, (...), of which an even statistic carries half."""
    axes = tuple(range(-plan.ndim, 0))
    total = xp.sum(values, axis=axes)
    if not even:
        return total
    others = tuple(range(1 - plan.ndim, 0))
    single = [0, plan.lags.rows - 1] if 2 * (plan.lags.rows - 1) == plan.lags.stored[0] else [0]  # rows that hold their own opposites
    rest = (slice(None),) * (plan.ndim - 1)
    rows = [xp.sum(values[(..., i, *rest)], axis=others) if others else values[..., i] for i in single]
    return 2 * total - reduce(add, rows)


def _transpose_edges(slopes: dict[Pair, Array], levels: list[Array], plan: Plan, xp: Namespace) -> Array:
    """Go back through v_h e_k(r) + v_k e_h(-r), (..., transformed phases, *space): sums of slopes over the lags that a point sees."""
    lags, at = plan.lags, (...,) + (None,) * plan.ndim
    by_phase: list[list[Array]] = [[] for _ in range(plan.n_phases)]
    for (h, k), slope in slopes.items():
        if plan.even((h, k)):
            by_phase[h].append(2 * levels[h][at] * lags.unfold(slope, xp))
        else:
            by_phase[k].append(levels[h][at] * slope)
            by_phase[h].append(levels[k][at] * lags.reverse(slope, xp))
    like = next(row for row in by_phase if row)[0]
    pulls = [reduce(add, row) if row else xp.zeros_like(like) for row in by_phase]
    if plan.derived:
        pulls = [pull - pulls[0] for pull in pulls[1:]]
    return _seen(xp.stack(pulls, axis=-plan.ndim - 1), plan, xp)


def _seen(pulls: Array, plan: Plan, xp: Namespace) -> Array:
    """Return for each point y the sum over the lags r for which y - r is in the space too: the transpose of correlation's running sums."""
    for axis, whole in enumerate(plan.lags.whole):
        last, size, stored = axis - plan.ndim, plan.lags.space[axis], plan.lags.stored[axis]
        if plan.lags.boundary == "periodic":
            pulls = xp.sum(pulls, axis=last, keepdims=True)
            continue
        reach = stored // 2
        if whole:
            pulls = xp.concat(
                [along(pulls, last, stored - reach, stored), along(pulls, last, 0, stored - reach)], axis=last
            )  # from -reach on
        running = xp.cumulative_sum(pulls, axis=last, include_initial=True)  # stored + 1 along the axis
        upper = [min(stored, y + reach + 1) for y in range(size)]
        lower = [max(0, y - size + 1 + reach) for y in range(size)]
        first, second = (xp.take(running, xp.asarray(at, device=device_of(running)), axis=last) for at in (upper, lower))
        pulls = first - second
    return xp.broadcast_to(pulls, (*pulls.shape[: -plan.ndim], *plan.lags.space))


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
