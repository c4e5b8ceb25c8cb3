"""Adjoints of the correlations, for every library: they turn cotangents of the statistics into cotangents of the phases.

Each function is named after the function of statistics.correlation that it transposes.
"""

import math
from collections import Counter
from functools import reduce
from operator import add
from typing import NamedTuple

from ..arrays.frameworks import constant, take
from ..arrays.types import Array, Namespace
from . import phases
from .correlation import Edges, Sums, all_pairs, pick, positions
from .lags import along, from_lags, to_space
from .plan import Pairs, Plan

Terms = list[tuple[tuple[int, ...], Array]]  # cotangents of some phases, which are named: (..., phases, *axes)


class SumsCotangent(NamedTuple):
    """Cotangents of correlation.Sums, the parts of the statistics."""

    products: Array
    edges: Edges | None
    totals: Array | None  # cotangents of the offsets over the number of points, (..., pairs)


def transpose_statistics(
    cotangents: list[Array], groups: list[Pairs], sums: Sums, plan: Plan, xp: Namespace, start: int = 0
) -> SumsCotangent:
    """Transpose correlation.statistics_of, for the cotangents of the rows of lags from start on, (..., pairs, rows, *others).

    If the means are offsets, the products of cumulative statistics may be those of boxes of lags.

    Groups of the half_pairs, in their order, have one array each; if phases are derived, and not shared, there is one group.
    """
    products = _transpose_derive(cotangents, groups, plan, xp)
    if sums.offsets is not None:
        totals = [plan.seen.total(u, xp, start, scale=1 / math.prod(plan.lags.space)) for u in cotangents]
        return SumsCotangent(products, None, totals[0] if len(totals) == 1 else xp.concat(totals, axis=-1))
    edges = None
    if sums.edges is not None and sums.means is not None:
        edges = _transpose_beside(cotangents, groups, sums.means, plan, xp)
    if sums.inverse is None:
        return SumsCotangent(products, edges, None)
    return SumsCotangent(products * sums.inverse, None if edges is None else edges.map(lambda e: e * sums.inverse), None)


def _transpose_derive(cotangents: list[Array], groups: list[Pairs], plan: Plan, xp: Namespace) -> Array:
    """Transpose correlation.derive: from groups of the half_pairs to half_transformed."""
    ndim, n = plan.ndim, plan.n_phases
    if plan.shared:
        signed = [
            (h == k, u) for pairs, us in zip(groups, cotangents, strict=True) for (h, k), u in zip(pairs, _apart(us, ndim), strict=True)
        ]
        first = signed[0][1] if signed[0][0] else -signed[0][1]
        return reduce(lambda whole, term: whole + term[1] if term[0] else whole - term[1], signed[1:], first)
    u = cotangents[0] if len(cotangents) == 1 else xp.concat(cotangents, axis=-ndim - 1)
    if not plan.derived:
        return u
    batch, last = u.shape[: -ndim - 1], u.shape[len(u.shape) - ndim :]
    every = pick(u, positions(all_pairs(0, n), plan.half_pairs), ndim, xp)
    square = _without_implied(_without_implied(xp.reshape(every, (*batch, n, n, *last)), ndim + 1), ndim)
    return pick(xp.reshape(square, (*batch, (n - 1) ** 2, *last)), positions(plan.half_transformed, all_pairs(1, n)), ndim, xp)


def _apart(u: Array, ndim: int) -> list[Array]:
    """Return the entries of the axis of pairs, which is kept."""
    return [along(u, -ndim - 1, i, i + 1) for i in range(u.shape[-ndim - 1])]


def _without_implied(cotangents: Array, n_axes: int) -> Array:
    """Transpose d_0 = -sum_h d_h along the axis of phases before the last n_axes: phase h takes minus the cotangent of 0."""
    rest = (slice(None),) * n_axes
    return cotangents[(..., slice(1, None), *rest)] - cotangents[(..., slice(0, 1), *rest)]


def _transpose_beside(cotangents: list[Array], groups: list[Pairs], means: Array, plan: Plan, xp: Namespace) -> Edges:
    """Transpose v_h ahead_k + v_k behind_h, to the transformed phases; means are constants."""
    ahead: Terms = []
    behind: Terms = []
    for u, pairs in zip(cotangents, groups, strict=True):
        first, second = zip(*pairs, strict=True)
        v, w = (pick(means, side, 0, xp)[(...,) + (None,) * plan.ndim] for side in (first, second))
        ahead.append((second, u * v))
        behind.append((first, u * w))
    edges = Edges(*(sum_by_phase(terms, plan.n_phases, plan.ndim, xp) for terms in (ahead, behind)))
    return edges.map(lambda e: _without_implied(e, plan.ndim)) if plan.derived else edges


def join(parts: list[SumsCotangent], plan: Plan, xp: Namespace, *, members: bool) -> SumsCotangent:
    """Join the cotangents of parts: members of the batch, or rows of lags."""
    axis, edges = 0 if members else -plan.ndim, [part.edges for part in parts if part.edges is not None]
    totals = [part.totals for part in parts if part.totals is not None]
    return SumsCotangent(
        xp.concat([part.products for part in parts], axis=axis),
        Edges(*(xp.concat(list(side), axis=axis) for side in zip(*edges, strict=True))) if edges else None,
        None if not totals else xp.concat(totals, axis=0) if members else reduce(add, totals),
    )


class PhaseCotangent(NamedTuple):
    """Cotangents of those parts of the statistics that belong to single phases."""

    spectra: Terms  # of transformed phases
    edges: Edges | None
    totals: list[tuple[Pairs, Array]]  # of the offsets over the number of points, (..., pairs), with the pairs


def transpose_products(cotangent: SumsCotangent, forward: Sums, plan: Plan, xp: Namespace) -> PhaseCotangent:
    """Transpose the products of spectra and their transforms to lags."""
    (even, odd), rest, spectra = plan.by_parity(plan.transformed), (slice(None),) * plan.ndim, []
    first, second = len(even), len(even) + len(odd)
    for pairs, parts in ((even, [slice(0, first)]), (odd, [slice(first, second), slice(second, None)])):
        if pairs:
            halves = [cotangent.products[(..., part, *rest)] for part in parts]
            if plan.cumulative:  # boxes on half the lags do not treat opposites alike
                halves = [plan.lags.merge_opposites(half, other, xp) for half, other in zip(halves, halves[::-1], strict=True)]
            through = from_lags(halves, plan.lags, xp)
            numbered = tuple((h - plan.derived, k - plan.derived) for h, k in pairs)
            spectra += transpose_spectral_products(through, numbered, forward.spectra, plan, xp)
    return PhaseCotangent(spectra, cotangent.edges, [] if cotangent.totals is None else [(plan.half_pairs, cotangent.totals)])


def add_pairs(a: PhaseCotangent, b: PhaseCotangent) -> PhaseCotangent:
    """Add the cotangents of two sets of pairs."""
    spectra = dict(a.spectra)
    for named, term in b.spectra:
        spectra[named] = spectra[named] + term if named in spectra else term
    edges = a.edges if a.edges is None or b.edges is None else Edges(a.edges.ahead + b.edges.ahead, a.edges.behind + b.edges.behind)
    return PhaseCotangent(list(spectra.items()), edges, a.totals + b.totals)


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


def transpose_spectral_products(cotangents: Array, pairs: Pairs, spectra: Array, plan: Plan, xp: Namespace) -> Terms:
    """Transpose the products of spectra, for cotangents as from_lags returns them: dm_k += u * m_h and dm_h += conj(u) * m_k.

    For h = k both terms are equal, because an even u has a real spectrum; from_lags counts it twice. Pairs are all even, or none is.
    """
    first, second = zip(*pairs, strict=True)
    terms = [(second, cotangents * pick(spectra, first, plan.ndim, xp))]
    return terms if first == second else [*terms, (first, xp.conj(cotangents) * pick(spectra, second, plan.ndim, xp))]


def sum_by_phase(terms: Terms, number: int, n_axes: int, xp: Namespace) -> Array:
    """Add the terms of each phase, (..., number, *axes); n_axes counts the last axes."""
    axis, named = -n_axes - 1, [h for names, _ in terms for h in names]
    rows = terms[0][1] if len(terms) == 1 else xp.concat([term for _, term in terms], axis=axis)
    most = max(Counter(named).values())
    where = [[i for i, name in enumerate(named) if name == h] for h in range(number)]
    table: list[int | None] = [where[h][i] if i < len(where[h]) else None for i in range(most) for h in range(number)]
    rows = pick(rows, table, n_axes, xp)
    if most == 1:
        return rows
    return xp.sum(xp.reshape(rows, (*rows.shape[:axis], most, number, *rows.shape[len(rows.shape) - n_axes :])), axis=axis - 1)


def transpose_spectra(cotangents: Terms, spectra: Array, plan: Plan, xp: Namespace) -> Array:
    """Transpose the transform of the phases to spectra, (..., transformed phases, *space)."""
    return to_space(sum_by_phase(cotangents, spectra.shape[-plan.ndim - 1], plan.ndim, xp), plan.lags, xp)


def transpose_means(totals: list[tuple[Pairs, Array]], means: Array, plan: Plan, xp: Namespace) -> Array:
    """Transpose v_h v_k and the means over space, for totals by pairs: (..., explicit phases)."""
    terms: Terms = []
    for pairs, total in totals:
        first, second = zip(*pairs, strict=True)
        terms += [(first, total * pick(means, second, 0, xp)), (second, total * pick(means, first, 0, xp))]
    by_phase = sum_by_phase(terms, plan.n_phases, 0, xp)
    return by_phase[..., 1:] - by_phase[..., :1] if plan.implied else by_phase


def _transpose_edge_sums(cotangents: Edges, plan: Plan, xp: Namespace) -> Array:
    """Transpose correlation.edge_sums, (..., transformed phases, *space)."""
    ahead, behind = (_sum_over_lags(side, plan, xp) for side in cotangents)
    return ahead + xp.flip(behind, axis=tuple(range(-plan.ndim, 0)))


def _sum_over_lags(u: Array, plan: Plan, xp: Namespace) -> Array:
    """Return for each point the sum of the cotangents over the lags whose edge sum contains it; rows of opposites have weight 1/2."""
    lags = plan.lags
    for axis in reversed(range(plan.ndim)):
        last, size, reach = axis - plan.ndim, lags.space[axis], lags.stored[axis] // 2
        if axis == 0:
            weights = constant(lags.row_weights, u, xp, dtype=u.dtype)
            u = u * xp.reshape(weights, (-1,) + (1,) * (plan.ndim - 1))
        if lags.boundary == "periodic":
            u = xp.sum(u, axis=last, keepdims=True)
        elif axis == 0:  # lag -i sums over the points 0..S-1-i
            u = take(xp.cumulative_sum(u, axis=last), tuple(min(reach, size - 1 - y) for y in range(size)), last, xp)
        else:
            if lags.whole[axis]:  # from lag -reach on
                u = xp.concat([along(u, last, reach + 1, 2 * reach + 1), along(u, last, 0, reach + 1)], axis=last)
            running = xp.cumulative_sum(u, axis=last, include_initial=True)
            upper = take(running, tuple(min(2 * reach, y + reach) + 1 for y in range(size)), last, xp)
            u = upper - take(running, tuple(max(0, y - size + 1 + reach) for y in range(size)), last, xp)
    return xp.broadcast_to(u, (*u.shape[: -plan.ndim], *lags.space))


def transpose_explicit(grads: Array, ndim: int) -> Array:
    """Transpose phases.explicit, phase 0 as one minus the sum of the others: (..., N, *space) to (..., N-1, *space)."""
    rest = (slice(None),) * ndim
    return grads[(..., slice(1, None), *rest)] - grads[(..., slice(0, 1), *rest)]
