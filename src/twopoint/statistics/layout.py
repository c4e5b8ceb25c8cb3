"""Two layouts of statistics: by pair on half the lags, in the core, and stacked over all lags, for the user."""

from collections.abc import Iterable, Iterator
from typing import Any

from ..arrays.types import Array, Namespace
from .correlation import one_phase
from .plan import Pairs, Plan, is_all


def spread(half_lags: Array, plan: Plan, requested_pairs: Pairs, xp: Namespace) -> Iterator[Array]:
    """Yield the statistics of the requested pairs at all stored lags from those of the plan on half the lags."""
    at, kept = {pair: one_phase(half_lags, i, plan) for i, pair in enumerate(plan.half_pairs)}, {}
    for pair in requested_pairs:
        other = pair[::-1]
        if pair in at and other in at:
            yield plan.seen.unfold(at[pair], at[other], xp)
            continue
        key = pair if pair in at else other  # the statistics of two phases that fill the space are even, and stored in one order
        if key not in kept:
            kept[key] = plan.seen.unfold(at[key], at[key], xp)
        yield kept[key]


def order(values: list[Array], plan: Plan, requested_pairs: Pairs, xp: Namespace) -> list[Array]:
    """Return the statistics of the requested pairs, in any order, from those of the canonical pairs, at all stored lags."""
    at = dict(zip(plan.pairs, values, strict=True))
    return [at[h, k] if h <= k else plan.lags.reverse(at[k, h], xp) for h, k in requested_pairs]


def assemble(rows: Iterable[Array], plan: Plan, xp: Namespace, *, centered: bool) -> Array:
    """Stack the statistics of pairs at the lags that the user sees, (..., pairs, *lags)."""
    seen, axis = [plan.seen.to_user(row, xp, centered=centered) for row in rows], -plan.ndim - 1
    return xp.stack(seen, axis=axis) if len(seen) > 1 else xp.expand_dims(seen[0], axis=axis)


def disassemble(f: Array, plan: Plan, requested_pairs: Pairs, xp: Namespace, *, centered: bool) -> list[Array]:
    """Return the statistics of the canonical pairs, the inverse of assemble; the last lag of an even crop comes from (k, h)."""
    rows = {
        pair: plan.lags.from_user(f[(..., i, *(slice(None),) * plan.ndim)], xp, centered=centered) for i, pair in enumerate(requested_pairs)
    }
    inside = plan.lags.inside(f, xp)
    values = []
    for h, k in plan.pairs:
        own = rows.get((h, k))
        other = plan.lags.reverse(rows[k, h], xp) if (k, h) in rows else None
        if own is None:
            own = other
        elif other is not None and inside is not None:
            own = own + other * (1 - inside)
        values.append(own)
    return values


def square(f: Array, pairs: Any, plan: Plan, xp: Namespace) -> Array:
    """Reshape the axis of all pairs to two axes, (..., N, N, *lags)."""
    if not is_all(pairs):
        return f
    return xp.reshape(f, (*f.shape[: -plan.ndim - 1], plan.n_phases, plan.n_phases, *f.shape[-plan.ndim :]))
