"""2-point correlations: one private core for both boundaries, masks, 1 to 3 dimensions, N phases and any batch.

Phases are transformed without their means, because in float32 a large zero frequency would cost the fluctuations d precision. The
contribution of the means is added separately.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from ..arrays.frameworks import compiled, constant, stop_gradient, take
from ..arrays.namespace import device_of, on_cpu, result_dtype, widest
from ..arrays.types import Array, Namespace
from . import chunks, phases
from .lags import along, from_space, product, to_lags
from .plan import Pairs, Plan

# The smallest sum of products of confidences, over that at lag zero, with which a lag still counts, in float32 and in float64. The rounding
# of the transforms is smaller, but a single pair of full confidence among a million (a billion) points has more.
LEAST_COUNT = (2.0**-20, 2.0**-30)


class Edges(NamedTuple):
    """The sums of d(x+r), the fluctuations, over all x with x and x+r in the space, at half the lags r; and those at -r."""

    ahead: Array  # (..., phases, rows, *others)
    behind: Array

    def map(self, function: Callable[[Array], Array]) -> "Edges":
        """Apply a function to both arrays."""
        return Edges(function(self.ahead), function(self.behind))


class Sums(NamedTuple):
    """The parts of the statistics at each lag; a part that is not needed is None."""

    products: Array | None  # of transformed phases, by the plan's half_transformed, (..., pairs, rows, *others)
    spectra: Array  # (..., transformed phases, *frequencies)
    means: Array | None  # subtracted before the transform, (..., N)
    offsets: Array | None  # if periodic and unmasked: the contribution of the means, equal at all lags, by half_pairs, (..., pairs)
    edges: Edges | None  # if open or masked: the sums that the means are multiplied with
    spans: Array | None  # number of pairs of points without the mask, over that inside the mask, (..., 1, rows, *others); None if it is 1
    inverse: Array | None  # 1 / (number of pairs of points), of the same shape

    def map(self, function: Callable[[Array, int], Array], ndim: int) -> "Sums":
        """Apply a function to each array except the spectra; its second argument is the number of axes that are not batch."""

        def apply(x: Array | None, n_axes: int) -> Array | None:
            return None if x is None else function(x, n_axes)

        edges = None if self.edges is None else self.edges.map(lambda e: function(e, ndim + 1))
        products, spans, inverse = (apply(x, ndim + 1) for x in (self.products, self.spans, self.inverse))
        return Sums(products, self.spectra, apply(self.means, 1), apply(self.offsets, 1), edges, spans, inverse)


def correlate(m: Array, mask: Array | None, count: Array | None, plan: Plan, xp: Namespace) -> Array:
    """Return the statistics of the plan's half_pairs, (..., pairs, rows, *others), in the dtype of the arithmetic.

    mask is the result of point_mask(), count that of pair_count(), which is None if every lag spans every point.
    """
    return compiled(_correlate, xp)(m, mask, count, plan, xp)


def _correlate(m: Array, mask: Array | None, count: Array | None, plan: Plan, xp: Namespace) -> Array:
    """The body of correlate. For jax it is one program per plan; otherwise jax would compile each operation separately."""
    sums, groups = _compute_sums(m, mask, count, plan, xp), chunks.groups(m, plan)
    found = [statistics_of(sums, plan, xp, pairs) for pairs in groups]  # pairs together would need several times the memory
    return found[0] if len(found) == 1 else xp.concat(found, axis=-plan.ndim - 1)


def compute_sums(m: Array, mask: Array | None, count: Array | None, plan: Plan, xp: Namespace) -> Sums:
    """Return the parts from which statistics_of() computes the statistics.

    The fluctuations d about the means v are transformed, and f_hk = c_hk + v_h v_k, which is more precise than a float32 zero frequency.
    Under an open boundary or a mask, d also contributes sums over a box:
    f_hk = (sum d_h d_k + v_h v_k n + v_h e_k(r) + v_k e_h(-r)) / count.
    """
    return compiled(_compute_sums, xp)(m, mask, count, plan, xp)


def _compute_sums(m: Array, mask: Array | None, count: Array | None, plan: Plan, xp: Namespace) -> Sums:
    """The body of compute_sums."""
    return _with_products(*_without_products(m, mask, count, plan, xp), plan, xp)


def compute_sums_by_pair(m: Array, mask: Array | None, count: Array | None, plan: Plan, xp: Namespace) -> Iterator[tuple[Plan, Sums]]:
    """Yield for each pair a plan of this pair alone, and its sums; no phase may be derived from the others."""
    m, base = _without_products(m, mask, count, plan, xp)
    for pair in plan.pairs:
        alone = replace(plan, pairs=(pair,))
        yield alone, _with_products(m, base, alone, xp)


def _without_products(m: Array, mask: Array | None, count: Array | None, plan: Plan, xp: Namespace) -> tuple[Array, Sums]:
    """Return m in the dtype of the arithmetic, masked, and the parts of the sums that belong to single phases."""
    m = xp.astype(m, arithmetic(m, plan, xp), copy=False)
    if mask is not None:
        m = phases.explicit(m, plan.ndim, xp) if plan.implied else m
        m = phases.weigh(m, mask, xp)
    inverse = spans = edges = None
    if count is not None:
        count = xp.expand_dims(plan.lags.halve(count, xp), axis=-plan.ndim - 1)
        inverse = xp.where(count > 0, 1 / xp.where(count > 0, count, xp.ones_like(count)), xp.zeros_like(count))
    if plan.masked and xp.finfo(m.dtype).bits >= 64:
        return m, Sums(None, from_space(m, plan.lags, xp), None, None, None, None, inverse)
    spectra, means, d = fluctuations(m, plan, xp)
    if not plan.periodic_unmasked:
        edges = edge_sums(d, plan, xp)
        if plan.masked or inverse is None:
            spans = plan.lags.halve(xp.broadcast_to(plan.lags.spans(means, xp), plan.lags.stored), xp)
            spans = spans if inverse is None else spans * inverse
    return m, Sums(None, spectra, means, None, edges, spans, inverse)


def _with_products(m: Array, base: Sums, plan: Plan, xp: Namespace) -> Sums:
    """Add the products of the plan's pairs and, if periodic and unmasked, the contribution of the means."""
    products = _products(base.spectra, plan, xp)
    if not plan.periodic_unmasked or base.means is None:
        return base._replace(products=products)
    return base._replace(products=products, offsets=_offsets(m, products[(..., *plan.lags.zero_half)], base.means, plan, xp))


def statistics_of(sums: Sums, plan: Plan, xp: Namespace, pairs: Pairs | None = None) -> Array:
    """Return the statistics of the plan's half_pairs, or of some of them, from their parts; without an inverse, the sums over points."""
    at, pairs = (...,) + (None,) * plan.ndim, plan.half_pairs if pairs is None else pairs
    products = derive(sums.products, plan, plan.ndim, xp, pairs)
    if sums.offsets is not None:
        return products + pick(sums.offsets, positions(pairs, plan.half_pairs), 0, xp)[at]
    weight: Any = float(math.prod(plan.lags.transform))
    products = products * (weight if sums.inverse is None else weight * sums.inverse)
    if sums.means is None or sums.edges is None:
        return products
    first, second = zip(*pairs, strict=True)
    ahead, behind = pick(sums.edges.ahead, second, plan.ndim, xp), pick(sums.edges.behind, first, plan.ndim, xp)
    v, w = (pick(sums.means, side, 0, xp)[at] for side in (first, second))
    if sums.inverse is not None:
        ahead, behind = ahead * sums.inverse, behind * sums.inverse
    return products + (v * (ahead + (w if sums.spans is None else w * sums.spans)) + w * behind)


def arithmetic(m: Array, plan: Plan, xp: Namespace) -> Any:
    """Return the dtype of the arithmetic: that of the result if periodic and unmasked, else float64, as few pairs amplify rounding."""
    dtype = result_dtype(m, xp)
    return dtype if plan.periodic_unmasked else widest(xp.zeros((), dtype=dtype, device=device_of(m)), xp)


def pair_count(mask: Array | None, like: Array, plan: Plan, xp: Namespace) -> Array:
    """Return the number of pairs of points inside the mask at each lag, (..., *stored); None if every lag spans every point.

    With confidences w it is the sum of w(x) w(x+r).
    """
    if plan.periodic_unmasked:
        return None
    like = xp.zeros((), dtype=arithmetic(like, plan, xp), device=device_of(like))
    if mask is None:
        return plan.lags.spans(like, xp)
    if not xp.isdtype(mask.dtype, "bool"):
        return _weighted_count(xp.astype(mask, like.dtype), plan, xp)
    (count,) = _autocorrelations(xp.astype(mask, like.dtype), plan, xp)
    return xp.round(count)


def _weighted_count(mask: Array, plan: Plan, xp: Namespace) -> Array:
    """Return the sum of w(x) w(x+r) at each lag, and exactly 0 where no pair has two positive confidences or the sum is below rounding.

    The pairs of positive confidences are whole numbers, so rounding removes the error of the transforms. The sum is not, and its error is
    proportional to the sum at lag zero.
    """
    count, pairs = _autocorrelations(xp.concat([mask, xp.astype(mask > 0, mask.dtype)], axis=-plan.ndim - 1), plan, xp)
    least = count[(..., *plan.lags.zero)][(...,) + (None,) * plan.ndim] * LEAST_COUNT[xp.finfo(count.dtype).bits >= 64]
    return xp.where((xp.round(pairs) > 0) & (count > least), count, xp.zeros_like(count))


def _autocorrelations(m: Array, plan: Plan, xp: Namespace) -> list[Array]:
    """Return the sums over points of m(x) m(x+r) of each phase, (..., *stored)."""
    number = m.shape[-plan.ndim - 1]
    alone = replace(plan, n_phases=number, implied=False, pairs=tuple((h, h) for h in range(number)))
    halves = statistics_of(compute_sums(m, None, None, alone, xp), alone, xp)
    return [plan.lags.unfold(half, half, xp) for half in (one_phase(halves, h, plan) for h in range(number))]


def _products(spectra: Array, plan: Plan, xp: Namespace) -> Array:
    """Return the transformed products of phases, by half_transformed; if phase 0 is derived, explicit phases count from 1."""
    found: tuple[list[Array], list[Array]] = ([], [])  # f(r) of all pairs, and f(-r) of those that are not even
    for pairs, even in zip(plan.by_parity(plan.transformed), (True, False), strict=True):
        for group in [(pair,) for pair in pairs] if on_cpu(spectra) else [pairs] if pairs else []:
            a, b = (pick(spectra, [i - plan.derived for i in side], plan.ndim, xp) for side in zip(*group, strict=True))
            halves = to_lags(product(a, b, plan.lags, xp, even=even), plan.lags, xp, even=even)
            for side, half in zip(found, halves, strict=False):
                side.append(half)
    every = [*found[0], *found[1]]
    return every[0] if len(every) == 1 else xp.concat(every, axis=-plan.ndim - 1)


def derive(c: Array, plan: Plan, n_axes: int, xp: Namespace, pairs: Pairs | None = None) -> Array:
    """Return the covariances of some of the half_pairs from those of half_transformed, (..., pairs, *axes); n_axes counts the last axes.

    The fluctuation of an implied phase is minus the sum of the others, so c_0k = -sum_h c_hk, and c_00 is the sum of all c_hk.
    """
    pairs = plan.half_pairs if pairs is None else pairs
    if not plan.derived:
        return pick(c, positions(pairs, plan.half_transformed), n_axes, xp)
    axis = -n_axes - 1
    if plan.shared:
        signed = [c if h == k else -c for h, k in pairs]
        return signed[0] if len(signed) == 1 else xp.concat(signed, axis=axis)
    n, last = plan.n_phases - 1, tuple(c.shape[len(c.shape) - n_axes :])
    c = pick(c, positions(all_pairs(1, plan.n_phases), plan.half_transformed), n_axes, xp)
    c = xp.reshape(c, (*c.shape[:axis], n, n, *last))
    c = xp.concat([-xp.sum(c, axis=axis - 1, keepdims=True), c], axis=axis - 1)
    c = xp.concat([-xp.sum(c, axis=axis, keepdims=True), c], axis=axis)
    c = xp.reshape(c, (*c.shape[: axis - 1], plan.n_phases**2, *last))
    return pick(c, positions(pairs, all_pairs(0, plan.n_phases)), n_axes, xp)


def all_pairs(start: int, stop: int) -> Pairs:
    """Return the pairs of some phases, in both orders."""
    return tuple((h, k) for h in range(start, stop) for k in range(start, stop))


def positions(sought: Pairs, pairs: Pairs) -> list[int | None]:
    """Return where each pair stands among others; None if it does not."""
    at = {pair: i for i, pair in enumerate(pairs)}
    return [at.get(pair) for pair in sought]


def pick(array: Array, indices: Sequence[int | None], n_axes: int, xp: Namespace) -> Array:
    """Return the entries at some indices of the axis before the last n_axes, in this order; zeros for None."""
    axis, number, first = -n_axes - 1, array.shape[-n_axes - 1], indices[0]
    if first is not None and list(indices) == list(range(first, first + len(indices))):
        return array if len(indices) == number else along(array, axis, first, first + len(indices))
    if None in indices:
        array = xp.concat([array, xp.zeros_like(along(array, axis, 0, 1))], axis=axis)
    at = tuple(number if i is None else i for i in indices)
    return take(array, at, axis, xp)


def fluctuations(m: Array, plan: Plan, xp: Namespace) -> tuple[Array, Array, Array]:
    """Return the spectra of m without the means of its phases, these means, including an implied one, (..., N), and m without means."""
    means = _means(m, plan, xp)
    d = m - (means[..., 1:] if plan.derived else means)[(...,) + (None,) * plan.ndim]
    return from_space(d, plan.lags, xp), means, d


def _means(m: Array, plan: Plan, xp: Namespace) -> Array:
    """Return the means of the phases, (..., N); that of an implied phase is computed directly, which keeps its precision near 0."""
    rows = xp.mean(m, axis=-1)  # (..., phases, *space but one)
    return _mean_rows(phases.explicit(rows, plan.ndim - 1, xp) if plan.derived else rows, plan, xp)


def _mean_rows(rows: Array, plan: Plan, xp: Namespace) -> Array:
    """Return the means over space from those along the last axis."""
    others = tuple(range(1 - plan.ndim, 0))
    return xp.mean(rows, axis=others) if others else rows


def _offsets(m: Array, c: Array, means: Array, plan: Plan, xp: Namespace) -> Array:
    """Return v_h v_k by half_pairs, plus in float32 f_hk(0) - v_h v_k - c(0), which is 0 in exact arithmetic and has no gradient.

    c is the covariance at lag zero of half_transformed, (..., pairs). Two phases of an indicator never occur at the same point. Their
    product and covariance cancel, and in float32 the rest is up to a tenth of the floor of CESS, enough to change a small gradient by
    1e-4.
    """
    first, second = zip(*plan.half_pairs, strict=True)
    base = pick(means, first, 0, xp) * pick(means, second, 0, xp)
    different = tuple(pair for pair in plan.pairs if pair[0] != pair[1])
    if not different or xp.finfo(m.dtype).bits >= 64:
        return base
    rounded = pick(base, positions(different, plan.half_pairs), 0, xp) + derive(c, plan, 0, xp, different)
    missing = _at_zero_lag(stop_gradient(m, xp), different, plan, xp) - stop_gradient(rounded, xp)
    at = positions(tuple((min(pair), max(pair)) for pair in plan.half_pairs), different)
    if len(different) == 1:
        return base + missing * constant(tuple(float(i is not None) for i in at), base, xp, dtype=base.dtype)
    return base + pick(missing, at, 0, xp)


def _at_zero_lag(m: Array, pairs: Pairs, plan: Plan, xp: Namespace) -> Array:
    """Return the mean over points of m_h m_k, (..., pairs), row by row; exactly 0 for two phases of an indicator."""
    if plan.derived and plan.n_phases == 2:
        return _mean_rows(xp.mean(m * (1 - m), axis=-1), plan, xp)
    m = phases.explicit(m, plan.ndim, xp) if plan.derived else m
    a, b = (pick(m, side, plan.ndim, xp) for side in zip(*pairs, strict=True))
    return _mean_rows(xp.mean(a * b, axis=-1), plan, xp)


def edge_sums(d: Array, plan: Plan, xp: Namespace) -> Edges:
    """Return the edge sums of all phases, by running sums along each axis."""
    turned = xp.flip(d, axis=tuple(range(-plan.ndim, 0)))
    return Edges(_edge_sums(d, plan, xp), _edge_sums(turned, plan, xp))


def _edge_sums(d: Array, plan: Plan, xp: Namespace) -> Array:
    """Return the sums at half the lags, (..., phases, rows, *others)."""
    lags, first = plan.lags, -plan.ndim
    for axis, whole in enumerate(lags.whole):
        last, size = axis - plan.ndim, lags.space[axis]
        if lags.boundary == "periodic":
            d = xp.sum(d, axis=last, keepdims=True)
            continue
        running = xp.cumulative_sum(d, axis=last, include_initial=True)  # S+1 along the axis
        reach = lags.stored[axis] // 2
        if last == first:  # lags 0, -1, ...
            d = xp.flip(along(running, last, size - reach, size + 1), axis=last)
            continue
        forth = along(running, last, size, size + 1) - along(running, last, 0, reach + 1)
        back = along(running, last, size - reach, size)
        d = xp.concat([forth, back] if whole else [back, forth], axis=last)
    d = xp.broadcast_to(d, (*d.shape[: -plan.ndim], lags.rows, *lags.stored[1:]))
    return xp.concat([-xp.sum(d, axis=first - 1, keepdims=True), d], axis=first - 1) if plan.derived else d


def one_phase(array: Array, h: int, plan: Plan) -> Array:
    """Return one phase, (..., *axes)."""
    return array[(..., h, *(slice(None),) * plan.ndim)]
