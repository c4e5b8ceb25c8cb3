"""Adjoints of the correlations, for every library: they turn cotangents of the statistics into cotangents of the phases.

Each function is named after the function of statistics.correlation that it transposes.
"""

import math
from functools import reduce
from operator import add
from typing import NamedTuple

from ..arrays.namespace import device_of
from ..arrays.types import Array, Namespace
from . import phases
from .correlation import Edges, Sums, one_phase
from .lags import along, from_lags, to_space
from .plan import Pair, Plan


class SumsCotangent(NamedTuple):
    """Cotangents of correlation.Sums, the parts of the statistics."""

    products: dict[Pair, Array]
    edges: Edges | None
    totals: dict[Pair, Array] | None  # cotangents of the offsets, (...)


def transpose_statistics(cotangents: list[Array], sums: Sums, plan: Plan, xp: Namespace, start: int = 0) -> SumsCotangent:
    """Transpose correlation.statistics_of, for the cotangents of the rows of lags from start on."""
    by_pair = dict(zip(plan.half_pairs, cotangents, strict=True))
    ahead = _without_implied(by_pair, plan, 1)
    products = _without_implied(ahead, plan, 0)
    if sums.offsets is not None:
        return SumsCotangent(products, None, {pair: plan.lags.total(u, xp, start) for pair, u in by_pair.items()})
    edges = None
    if sums.edges is not None and sums.means is not None:
        behind = _without_implied(by_pair, plan, 0)
        means = [mean[(...,) + (None,) * plan.ndim] for mean in sums.means]
        edges = Edges(_weighted(ahead, means, plan, 1, xp), _weighted(behind, means, plan, 0, xp))
    inverse = sums.inverse
    if inverse is None:
        return SumsCotangent(products, edges, None)
    edges = None if edges is None else edges.map(lambda e: e * inverse)
    return SumsCotangent({pair: u * inverse for pair, u in products.items()}, edges, None)


def _without_implied(cotangents: dict[Pair, Array], plan: Plan, side: int) -> dict[Pair, Array]:
    """Transpose d_0 = -sum_h d_h in the first or second phase of the pairs: (h, k) takes the cotangent of (h, 0) with the opposite sign."""
    if not plan.derived:
        return cotangents
    found = {}
    for pair, implied_pair in [(p, (p[0], 0) if side else (0, p[1])) for p in _all_pairs(plan) if p[side]]:
        own, other = cotangents.get(pair), cotangents.get(implied_pair)
        if own is not None or other is not None:
            found[pair] = own if other is None else -other if own is None else own - other
    return found


def _all_pairs(plan: Plan) -> list[Pair]:
    """Return the pairs of all phases in both orders."""
    return [(h, k) for h in range(plan.n_phases) for k in range(plan.n_phases)]


def _weighted(cotangents: dict[Pair, Array], means: list[Array], plan: Plan, side: int, xp: Namespace) -> list[Array]:
    """Return for each transformed phase the sum over the other phases of cotangent times mean."""
    like = next(iter(cotangents.values()))
    rows = [[means[p[1 - side]] * u for p, u in cotangents.items() if p[side] == i] for i in range(plan.derived, plan.n_phases)]
    return [reduce(add, row) if row else xp.zeros_like(like) for row in rows]


def join_rows(parts: list[SumsCotangent], plan: Plan, xp: Namespace) -> SumsCotangent:
    """Join the cotangents of chunks of the rows of lags."""
    first, axis = parts[0], -plan.ndim
    products = {pair: xp.concat([p.products[pair] for p in parts], axis=axis) for pair in first.products}
    edges = None
    if first.edges is not None:
        by_side = zip(*(p.edges for p in parts if p.edges is not None), strict=True)
        edges = Edges(*([xp.concat(list(rows), axis=axis) for rows in zip(*side, strict=True)] for side in by_side))
    totals = [p.totals for p in parts if p.totals is not None]
    return SumsCotangent(products, edges, {pair: reduce(add, [t[pair] for t in totals]) for pair in plan.half_pairs} if totals else None)


class PhaseCotangent(NamedTuple):
    """Cotangents of those parts of the statistics that belong to single phases."""

    spectra: dict[int, Array]  # by transformed phase
    edges: Edges | None
    totals: dict[Pair, Array]


def transpose_products(cotangent: SumsCotangent, forward: Sums, plan: Plan, xp: Namespace) -> PhaseCotangent:
    """Transpose the products of spectra and their transforms to lags."""
    through = {}
    for h, k in plan.transformed:
        through[h - plan.derived, k - plan.derived] = from_lags([cotangent.products[order] for order in plan.orders((h, k))], plan.lags, xp)
    return PhaseCotangent(transpose_spectral_products(through, forward.spectra, plan, xp), cotangent.edges, cotangent.totals or {})


def add_pairs(a: PhaseCotangent, b: PhaseCotangent) -> PhaseCotangent:
    """Add the cotangents of two sets of pairs."""
    spectra = a.spectra | {h: a.spectra[h] + u if h in a.spectra else u for h, u in b.spectra.items()}
    if a.edges is None or b.edges is None:
        return PhaseCotangent(spectra, None, a.totals | b.totals)
    edges = Edges(*([x + y for x, y in zip(*sides, strict=True)] for sides in zip(a.edges, b.edges, strict=True)))
    return PhaseCotangent(spectra, edges, a.totals | b.totals)


def transpose_sums(cotangent: PhaseCotangent, forward: Sums, mask: Array | None, plan: Plan, xp: Namespace) -> Array:
    """Transpose correlation.compute_sums: return the cotangent of m, (..., explicit phases, *space).

    The means that are subtracted before the transform are treated as constants, because a statistic does not depend on how it is split
    into means and fluctuations.
    """
    grads = transpose_spectra(cotangent.spectra, forward.spectra, plan, xp)  # (..., transformed phases, *space)
    if plan.periodic_unmasked and forward.means is not None:
        grads = grads + transpose_means(cotangent.totals, forward.means, plan, xp)[(...,) + (None,) * plan.ndim]
    else:
        grads = grads * float(math.prod(plan.lags.transform))
        if cotangent.edges is not None:
            grads = grads + _transpose_edge_sums(cotangent.edges, plan, xp)
    if mask is not None:
        grads = phases.weigh(grads, mask, xp)
    return transpose_explicit(grads, plan.ndim) if plan.implied and plan.masked else grads


def transpose_spectral_products(cotangents: dict[Pair, Array], spectra: Array, plan: Plan, xp: Namespace) -> dict[int, Array]:
    """Transpose the products of spectra, for cotangents as from_lags returns them: dm_k += u * m_h and dm_h += conj(u) * m_k.

    For h = k both terms are equal, because an even u has a real spectrum; from_lags counts it twice.
    """
    found: dict[int, Array] = {}
    for (h, k), u in cotangents.items():
        terms = [(k, u * one_phase(spectra, h, plan))]
        terms += [(h, xp.conj(u) * one_phase(spectra, k, plan))] if h != k else []
        for phase, term in terms:
            found[phase] = found[phase] + term if phase in found else term
    return found


def transpose_spectra(cotangents: dict[int, Array], spectra: Array, plan: Plan, xp: Namespace) -> Array:
    """Transpose the transform of the phases to spectra, (..., transformed phases, *space)."""
    number = spectra.shape[-plan.ndim - 1]
    zero = None if len(cotangents) == number else xp.zeros_like(one_phase(spectra, 0, plan))
    rows, axis = [cotangents.get(h, zero) for h in range(number)], -plan.ndim - 1
    return to_space(xp.stack(rows, axis=axis) if number > 1 else xp.expand_dims(rows[0], axis=axis), plan.lags, xp)


def transpose_means(totals: dict[Pair, Array], means: list[Array], plan: Plan, xp: Namespace) -> Array:
    """Transpose v_h v_k and the means over space, for the sums of the cotangents over the lags, by half_pairs: (..., explicit phases)."""
    terms = [[xp.zeros_like(means[0])] for _ in range(plan.n_phases)]
    for (h, k), total in totals.items():
        terms[h].append(total * means[k])
        terms[k].append(total * means[h])
    by_phase = xp.stack([reduce(add, row) for row in terms], axis=-1) / float(math.prod(plan.lags.space))
    return by_phase[..., 1:] - by_phase[..., :1] if plan.implied else by_phase


def _transpose_edge_sums(cotangents: Edges, plan: Plan, xp: Namespace) -> Array:
    """Transpose correlation.edge_sums, (..., transformed phases, *space)."""
    ahead, behind = (_sum_over_lags(xp.stack(side, axis=-plan.ndim - 1), plan, xp) for side in cotangents)
    return ahead + xp.flip(behind, axis=tuple(range(-plan.ndim, 0)))


def _sum_over_lags(u: Array, plan: Plan, xp: Namespace) -> Array:
    """Return for each point the sum of the cotangents over the lags whose edge sum contains it; rows of opposites have weight 1/2."""
    lags = plan.lags
    for axis in reversed(range(plan.ndim)):
        last, size, reach = axis - plan.ndim, lags.space[axis], lags.stored[axis] // 2
        if axis == 0:
            u = u * lags.row_weights(u, xp)
        if lags.boundary == "periodic":
            u = xp.sum(u, axis=last, keepdims=True)
        elif axis == 0:  # lag -i sums over the points 0..S-1-i
            u = _take(xp.cumulative_sum(u, axis=last), [min(reach, size - 1 - y) for y in range(size)], last, xp)
        else:
            if lags.whole[axis]:  # from lag -reach on
                u = xp.concat([along(u, last, reach + 1, 2 * reach + 1), along(u, last, 0, reach + 1)], axis=last)
            running = xp.cumulative_sum(u, axis=last, include_initial=True)
            upper = _take(running, [min(2 * reach, y + reach) + 1 for y in range(size)], last, xp)
            u = upper - _take(running, [max(0, y - size + 1 + reach) for y in range(size)], last, xp)
    return xp.broadcast_to(u, (*u.shape[: -plan.ndim], *lags.space))


def _take(f: Array, indices: list[int], axis: int, xp: Namespace) -> Array:
    """Return the entries at these indices of an axis."""
    return xp.take(f, xp.asarray(indices, device=device_of(f)), axis=axis)


def transpose_explicit(grads: Array, ndim: int) -> Array:
    """Transpose phases.explicit, phase 0 as one minus the sum of the others: (..., N, *space) to (..., N-1, *space)."""
    rest = (slice(None),) * ndim
    return grads[(..., slice(1, None), *rest)] - grads[(..., slice(0, 1), *rest)]
