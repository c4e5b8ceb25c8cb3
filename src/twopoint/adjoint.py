"""Transposed derivatives in the array API, named as what they go back through: the gradient for numpy, and the others' oracle."""

import math
from functools import reduce
from operator import add
from typing import NamedTuple

from ._namespace import Array, Namespace, device_of
from .correlation import Sums
from .fluctuations import Edges, one_phase
from .lag_transforms import from_lags, to_space
from .lags import along
from .pairs import Pair
from .plan import Plan


class Pulls(NamedTuple):
    """Slopes by what the statistics are put together from, correlation.Sums."""

    products: dict[Pair, Array]
    edges: Edges | None
    totals: dict[Pair, Array] | None  # by the offsets of carried pairs, (...)


def values(slopes: list[Array], sums: Sums, plan: Plan, xp: Namespace, start: int = 0) -> Pulls:
    """Go back through correlation.values, for slopes by what it gives from a row of lags on."""
    by_pair = dict(zip(plan.carried, slopes, strict=True))
    ahead = _without_implied(by_pair, plan, 1)
    products = _without_implied(ahead, plan, 0)
    if sums.offsets is not None:
        return Pulls(products, None, {pair: plan.lags.total(slope, xp, start) for pair, slope in by_pair.items()})
    edges = None
    if sums.edges is not None and sums.levels is not None:
        behind = _without_implied(by_pair, plan, 0)
        levels = [level[(...,) + (None,) * plan.ndim] for level in sums.levels]
        edges = Edges(_weighed(ahead, levels, plan, 1, xp), _weighed(behind, levels, plan, 0, xp))
    inverse = sums.inverse
    if inverse is None:
        return Pulls(products, edges, None)
    return Pulls({pair: u * inverse for pair, u in products.items()}, None if edges is None else edges.map(lambda e: e * inverse), None)


def _without_implied(slopes: dict[Pair, Array], plan: Plan, side: int) -> dict[Pair, Array]:
    """Go back through d_0 = -sum_h d_h as the first or second of the pairs: (h, k) takes what (h, 0) has, with the opposite sign."""
    if not plan.derived:
        return slopes
    found = {}
    for pair, implied_pair in [(p, (p[0], 0) if side else (0, p[1])) for p in _all_pairs(plan) if p[side]]:
        own, other = slopes.get(pair), slopes.get(implied_pair)
        if own is not None or other is not None:
            found[pair] = own if other is None else -other if own is None else own - other
    return found


def _all_pairs(plan: Plan) -> list[Pair]:
    """Return the pairs of all phases in both orders."""
    return [(h, k) for h in range(plan.n_phases) for k in range(plan.n_phases)]


def _weighed(slopes: dict[Pair, Array], levels: list[Array], plan: Plan, side: int, xp: Namespace) -> list[Array]:
    """Sum slopes over the other phase, each with its mean, by transformed phase."""
    like = next(iter(slopes.values()))
    rows = [[levels[p[1 - side]] * u for p, u in slopes.items() if p[side] == i] for i in range(plan.derived, plan.n_phases)]
    return [reduce(add, row) if row else xp.zeros_like(like) for row in rows]


def joined(pulls: list[Pulls], plan: Plan, xp: Namespace) -> Pulls:
    """Put slopes by the rows of lags together again."""
    if len(pulls) == 1:
        return pulls[0]
    first, axis = pulls[0], -plan.ndim
    products = {pair: xp.concat([p.products[pair] for p in pulls], axis=axis) for pair in first.products}
    edges = None
    if first.edges is not None:
        by_side = zip(*(p.edges for p in pulls if p.edges is not None), strict=True)
        edges = Edges(*([xp.concat(list(rows), axis=axis) for rows in zip(*side, strict=True)] for side in by_side))
    totals = [p.totals for p in pulls if p.totals is not None]
    return Pulls(products, edges, {pair: reduce(add, [t[pair] for t in totals]) for pair in plan.carried} if totals else None)


class Back(NamedTuple):
    """Slopes by what each phase contributes by itself."""

    spectra: dict[int, Array]  # by transformed phase
    edges: Edges | None
    totals: dict[Pair, Array]


def products(pulls: Pulls, forward: Sums, plan: Plan, xp: Namespace) -> Back:
    """Go back through the products of spectra."""
    through = {}
    for h, k in plan.transformed:
        through[h - plan.derived, k - plan.derived] = from_lags([pulls.products[order] for order in plan.orders((h, k))], plan.lags, xp)
    return Back(transpose_products(through, forward.spectra, plan, xp), pulls.edges, pulls.totals or {})


def plus(a: Back, b: Back) -> Back:
    """Add the slopes of other pairs."""
    spectra = a.spectra | {h: a.spectra[h] + u if h in a.spectra else u for h, u in b.spectra.items()}
    if a.edges is None or b.edges is None:
        return Back(spectra, None, a.totals | b.totals)
    edges = Edges(*([x + y for x, y in zip(*sides, strict=True)] for sides in zip(a.edges, b.edges, strict=True)))
    return Back(spectra, edges, a.totals | b.totals)


def sums(back: Back, forward: Sums, mask: Array | None, plan: Plan, xp: Namespace) -> Array:
    """Go back to m, (..., explicit phases, *space).

    Means that were taken off before the transform count as constants: how a statistic splits into them and fluctuations does not
    change it.
    """
    grads = transpose_spectra(back.spectra, forward.spectra, plan, xp)  # (..., transformed phases, *space)
    if plan.closed and forward.levels is not None:
        grads = grads + transpose_levels(back.totals, forward.levels, plan, xp)[(...,) + (None,) * plan.ndim]
    else:
        grads = grads * float(math.prod(plan.lags.transform))
        if back.edges is not None:
            grads = grads + _transpose_edge_sums(back.edges, plan, xp)
    if mask is not None:
        grads = xp.where(mask, grads, xp.zeros_like(grads))
    return implied(grads, plan.ndim) if plan.implied and plan.masked else grads


def transpose_products(slopes: dict[Pair, Array], spectra: Array, plan: Plan, xp: Namespace) -> dict[int, Array]:
    """Go back from spectra of slopes, as from_lags gives them: dm_k += slope * m_h, a convolution, and dm_h += slope correlated with m_k.

    For h = k both are one, for an even slope has a real spectrum; it is given twice.
    """
    found: dict[int, Array] = {}
    for (h, k), u in slopes.items():
        terms = [(k, u * one_phase(spectra, h, plan))]
        terms += [(h, xp.conj(u) * one_phase(spectra, k, plan))] if h != k else []
        for phase, term in terms:
            found[phase] = found[phase] + term if phase in found else term
    return found


def transpose_spectra(slopes: dict[int, Array], spectra: Array, plan: Plan, xp: Namespace) -> Array:
    """Go back from slopes by the spectra of transformed phases to the space, (..., transformed phases, *space)."""
    number = spectra.shape[-plan.ndim - 1]
    zero = None if len(slopes) == number else xp.zeros_like(one_phase(spectra, 0, plan))
    rows, axis = [slopes.get(h, zero) for h in range(number)], -plan.ndim - 1
    return to_space(xp.stack(rows, axis=axis) if number > 1 else xp.expand_dims(rows[0], axis=axis), plan.lags, xp)


def transpose_levels(totals: dict[Pair, Array], levels: list[Array], plan: Plan, xp: Namespace) -> Array:
    """Go back through v_h v_k, for slopes summed over the lags, and the means over space, (..., explicit phases).

    Totals are by the pairs that the plan carries.
    """
    terms = [[xp.zeros_like(levels[0])] for _ in range(plan.n_phases)]
    for (h, k), total in totals.items():
        terms[h].append(total * levels[k])
        terms[k].append(total * levels[h])
    by_phase = xp.stack([reduce(add, row) for row in terms], axis=-1) / float(math.prod(plan.lags.space))
    return by_phase[..., 1:] - by_phase[..., :1] if plan.implied else by_phase


def _transpose_edge_sums(pulls: Edges, plan: Plan, xp: Namespace) -> Array:
    """Go back through fluctuations.edge_sums, (..., transformed phases, *space)."""
    ahead, behind = (_points_seen(xp.stack(side, axis=-plan.ndim - 1), plan, xp) for side in pulls)
    return ahead + xp.flip(behind, axis=tuple(range(-plan.ndim, 0)))


def _points_seen(pulls: Array, plan: Plan, xp: Namespace) -> Array:
    """Return for each point the sum of slopes over the lags r whose sums of d(x+r) it is in; rows of opposites count half."""
    lags = plan.lags
    for axis in reversed(range(plan.ndim)):
        last, size, reach = axis - plan.ndim, lags.space[axis], lags.stored[axis] // 2
        if axis == 0:
            pulls = pulls * lags.row_weights(pulls, xp)
        if lags.boundary == "periodic":
            pulls = xp.sum(pulls, axis=last, keepdims=True)
        elif axis == 0:  # lag -i sums over the points 0..S-1-i
            pulls = _take(xp.cumulative_sum(pulls, axis=last), [min(reach, size - 1 - y) for y in range(size)], last, xp)
        else:
            if lags.whole[axis]:  # from lag -reach on
                pulls = xp.concat([along(pulls, last, reach + 1, 2 * reach + 1), along(pulls, last, 0, reach + 1)], axis=last)
            running = xp.cumulative_sum(pulls, axis=last, include_initial=True)
            upper = _take(running, [min(2 * reach, y + reach) + 1 for y in range(size)], last, xp)
            pulls = upper - _take(running, [max(0, y - size + 1 + reach) for y in range(size)], last, xp)
    return xp.broadcast_to(pulls, (*pulls.shape[: -plan.ndim], *lags.space))


def _take(f: Array, indices: list[int], axis: int, xp: Namespace) -> Array:
    """Take indices along an axis."""
    return xp.take(f, xp.asarray(indices, device=device_of(f)), axis=axis)


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
