"""2-point correlations: one private core for both boundaries, masks, 1 to 3 dimensions, N phases and any batch.

Phases are transformed without their means, because in float32 a large zero frequency would cost the fluctuations d precision. The
contribution of the means is added separately.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import reduce
from operator import add
from typing import Any, NamedTuple

from ..arrays.frameworks import compiled, stop_gradient
from ..arrays.namespace import device_of, result_dtype, widest
from ..arrays.types import Array, Namespace
from . import phases
from .lags import along, from_space, product, to_lags
from .plan import Pair, Plan

# The smallest sum of products of confidences, over that at lag zero, with which a lag still counts, in float32 and in float64. The rounding
# of the transforms is smaller, but a single pair of full confidence among a million (a billion) points has more.
LEAST_COUNT = (2.0**-20, 2.0**-30)


class Edges(NamedTuple):
    """The sums of d(x+r), the fluctuations, over all x with x and x+r in the space, by phase at half the lags r; and those at -r."""

    ahead: list[Array]
    behind: list[Array]

    def map(self, function: Callable[[Array], Array]) -> "Edges":
        """Apply a function to each of the arrays."""
        return Edges([function(e) for e in self.ahead], [function(e) for e in self.behind])


class Sums(NamedTuple):
    """The parts of the statistics at each lag; a part that is not needed is None."""

    products: dict[Pair, Array]  # of transformed phases, in the orders that half the lags require, (..., rows, *others)
    spectra: Array  # (..., transformed phases, *frequencies)
    means: list[Array] | None  # by phase, (...), subtracted before the transform
    offsets: dict[Pair, Array] | None  # if periodic and unmasked: the contribution of the means, equal at all lags, (...)
    edges: Edges | None  # if open or masked: the sums that the means are multiplied with
    spans: Array | None  # number of pairs of points without the mask, over that inside the mask; None if it is 1
    inverse: Array | None  # 1 / (number of pairs of points), on half the lags

    def rows(self, cut: Callable[[Array], Array]) -> "Sums":
        """Return some of the rows of lags."""
        return self._replace(
            products={pair: cut(c) for pair, c in self.products.items()},
            edges=None if self.edges is None else self.edges.map(cut),
            spans=None if self.spans is None else cut(self.spans),
            inverse=None if self.inverse is None else cut(self.inverse),
        )


def correlate(m: Array, mask: Array | None, count: Array | None, plan: Plan, xp: Namespace) -> list[Array]:
    """Return the statistics of the pairs of the plan, on half the lags, (..., rows, *others), in the dtype of the arithmetic.

    mask is the result of point_mask(), count that of pair_count(), which is None if every lag spans every point.
    """
    return compiled(_correlate, xp)(m, mask, count, plan, xp)


def _correlate(m: Array, mask: Array | None, count: Array | None, plan: Plan, xp: Namespace) -> list[Array]:
    """The body of correlate. For jax it is one program per plan; otherwise jax would compile each operation separately."""
    return statistics_of(_compute_sums(m, mask, count, plan, xp), plan, xp)


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
        count = plan.lags.halve(count, xp)
        inverse = xp.where(count > 0, 1 / xp.where(count > 0, count, xp.ones_like(count)), xp.zeros_like(count))
    if plan.masked and xp.finfo(m.dtype).bits >= 64:
        return m, Sums({}, from_space(m, plan.lags, xp), None, None, None, None, inverse)
    d, spectra, means = fluctuations(m, plan, xp)
    if not plan.periodic_unmasked:
        edges = edge_sums(d, plan, xp)
        if plan.masked or inverse is None:
            spans = plan.lags.halve(xp.broadcast_to(plan.lags.spans(means[0], xp), plan.lags.stored), xp)
            spans = spans if inverse is None else spans * inverse
    return m, Sums({}, spectra, means, None, edges, spans, inverse)


def _with_products(m: Array, base: Sums, plan: Plan, xp: Namespace) -> Sums:
    """Add the products of the plan's pairs and, if periodic and unmasked, the contribution of the means."""
    products = _products(base.spectra, plan, xp)
    if not plan.periodic_unmasked or base.means is None:
        return base._replace(products=products)
    zero = {pair: c[(..., 0, *plan.lags.zero[1:])] for pair, c in products.items()}
    offsets = {p: offset(m, _plus(0.0, derived(zero, p, plan)), base.means, p, plan, xp) for p in plan.half_pairs}
    return base._replace(products=products, offsets=offsets)


def statistics_of(sums: Sums, plan: Plan, xp: Namespace) -> list[Array]:
    """Return the statistics of the plan from their parts; without an inverse, the sums over points."""
    at = (...,) + (None,) * plan.ndim
    if sums.offsets is not None:
        return [_plus(sums.offsets[pair][at], derived(sums.products, pair, plan)) for pair in plan.half_pairs]
    weight: Any = float(math.prod(plan.lags.transform))
    weight = weight if sums.inverse is None else weight * sums.inverse
    products = {pair: c * weight for pair, c in sums.products.items()}
    if sums.means is None or sums.edges is None:
        return [products[pair] for pair in plan.half_pairs]
    means = [mean[at] for mean in sums.means]
    edges = sums.edges if sums.inverse is None else sums.edges.map(lambda e: e * sums.inverse)
    ahead = [v + e if sums.spans is None else v * sums.spans + e for v, e in zip(means, edges.ahead, strict=True)]
    found = []
    for h, k in plan.half_pairs:
        beside = means[h] * (ahead[h] + edges.behind[h]) if h == k else means[h] * ahead[k] + means[k] * edges.behind[h]
        found.append(_plus(beside, derived(products, (h, k), plan)))
    return found


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
    alone = replace(plan, n_phases=1, implied=False, pairs=((0, 0),))
    (half,) = statistics_of(compute_sums(xp.astype(mask, like.dtype), None, None, alone, xp), alone, xp)
    return xp.round(plan.lags.unfold(half, half, xp))


def _weighted_count(mask: Array, plan: Plan, xp: Namespace) -> Array:
    """Return the sum of w(x) w(x+r) at each lag, and exactly 0 where no pair has two positive confidences or the sum is below rounding.

    The pairs of positive confidences are whole numbers, so rounding removes the error of the transforms. The sum is not, and its error is
    proportional to the sum at lag zero.
    """
    both = xp.concat([mask, xp.astype(mask > 0, mask.dtype)], axis=-plan.ndim - 1)
    alone = replace(plan, n_phases=2, implied=False, pairs=((0, 0), (1, 1)))
    halves = statistics_of(compute_sums(both, None, None, alone, xp), alone, xp)
    count, pairs = (plan.lags.unfold(half, half, xp) for half in halves)
    least = count[(..., *plan.lags.zero)][(...,) + (None,) * plan.ndim] * LEAST_COUNT[xp.finfo(count.dtype).bits >= 64]
    return xp.where((xp.round(pairs) > 0) & (count > least), count, xp.zeros_like(count))


def _products(spectra: Array, plan: Plan, xp: Namespace) -> dict[Pair, Array]:
    """Return the transformed products of the plan's pairs; if phase 0 is derived, explicit phases count from 1 and their spectra from 0."""
    products: dict[Pair, Array] = {}
    for pair in plan.transformed:
        a, b = (one_phase(spectra, i - plan.derived, plan) for i in pair)
        orders = plan.orders(pair)
        even = len(orders) == 1
        products.update(zip(orders, to_lags(product(a, b, plan.lags, xp, even=even), plan.lags, xp, even=even), strict=True))
    return products


def derived(c: dict[Pair, Array], pair: Pair, plan: Plan) -> tuple[bool, Array]:
    """Return the covariance of a pair, and whether it must be subtracted.

    The fluctuation of an implied phase is minus the sum of the others, so c_0k = -sum_h c_hk, and c_00 is the sum of all c_hk.
    """
    if pair in c:
        return False, c[pair]
    (h, k), explicit = pair, range(1, plan.n_phases)
    if h == k:
        return False, reduce(add, c.values())
    return True, reduce(add, [c[i, k] if h == 0 else c[h, i] for i in explicit])


def _plus(base: Array | float, found: tuple[bool, Array]) -> Array:
    """Add a covariance with its sign."""
    negative, c = found
    return base - c if negative else base + c


def fluctuations(m: Array, plan: Plan, xp: Namespace) -> tuple[Array, Array, list[Array]]:
    """Return m without the means of its phases, its spectra, and the means by phase, including an implied one."""
    means = _means(m, plan, xp)
    own = means[1:] if plan.derived else means
    explicit = xp.stack(own, axis=-1) if len(own) > 1 else own[0][..., None]
    d = m - explicit[(...,) + (None,) * plan.ndim]
    return d, from_space(d, plan.lags, xp), means


def _means(m: Array, plan: Plan, xp: Namespace) -> list[Array]:
    """Return the means of the phases, (...) each; that of an implied phase is computed directly, which keeps its precision near 0."""
    rows = xp.mean(m, axis=-1)  # (..., phases, *space but one)
    others = tuple(range(1 - plan.ndim, 0))
    means = xp.mean(rows, axis=others) if others else rows
    by_phase = [means[..., h] for h in range(m.shape[-plan.ndim - 1])]
    if not plan.derived:
        return by_phase
    first = 1 - xp.sum(rows, axis=-plan.ndim)
    return [xp.mean(first, axis=others) if others else first, *by_phase]


def offset(m: Array, c: Array, means: list[Array], pair: Pair, plan: Plan, xp: Namespace) -> Array:
    """Return v_h v_k, plus in float32 f_hk(0) - v_h v_k - c(0), which is 0 in exact arithmetic and therefore has no gradient.

    c is the covariance at lag zero, (...). Two phases of an indicator never occur at the same point. Their product and covariance cancel,
    and in float32 the rest is up to a tenth of the floor of CESS, enough to change a small gradient by 1e-4.
    """
    h, k = pair
    base = means[h] * means[k]
    if h == k or xp.finfo(m.dtype).bits >= 64:
        return base
    return base + _at_zero_lag(stop_gradient(m, xp), pair, plan, xp) - stop_gradient(base + c, xp)


def _at_zero_lag(m: Array, pair: Pair, plan: Plan, xp: Namespace) -> Array:
    """Return the mean over points of m_h m_k, summed row by row; exactly 0 for indicators."""
    others = tuple(range(1 - plan.ndim, 0))
    h, k = sorted(i - plan.derived for i in pair)
    if h < 0:  # the implied phase with another: m_k minus its products with all explicit phases
        rows = xp.sum(one_phase(m, k, plan), axis=-1) - reduce(
            add, [xp.sum(one_phase(m, i, plan) * one_phase(m, k, plan), axis=-1) for i in range(plan.n_phases - 1)]
        )
    else:
        rows = xp.sum(one_phase(m, h, plan) * one_phase(m, k, plan), axis=-1)
    return (xp.mean(rows, axis=others) if others else rows) / float(m.shape[-1])


def edge_sums(d: Array, plan: Plan, xp: Namespace) -> Edges:
    """Return the edge sums, by running sums along each axis."""
    turned = xp.flip(d, axis=tuple(range(-plan.ndim, 0)))
    return Edges(_edge_sums(d, plan, xp), _edge_sums(turned, plan, xp))


def _edge_sums(d: Array, plan: Plan, xp: Namespace) -> list[Array]:
    """Return the sums at half the lags, by phase."""
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
    edges = [one_phase(d, h, plan) for h in range(d.shape[-plan.ndim - 1])]  # (..., rows, *others) each
    return [-reduce(add, edges), *edges] if plan.derived else edges


def one_phase(array: Array, h: int, plan: Plan) -> Array:
    """Return one phase, (..., *axes)."""
    return array[(..., h, *(slice(None),) * plan.ndim)]
