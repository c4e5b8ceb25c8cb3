"""Statistics by pair, as the core holds them, and stacked, as a user sees them."""

from typing import Any

from ._namespace import Array, Namespace
from .pairs import Pairs, is_all
from .plan import Plan


def stored(carried: list[Array], plan: Plan, xp: Namespace) -> list[Array]:
    """Return the statistics of the plan's pairs at all stored lags, of those that it carries on half the lags."""
    at = dict(zip(plan.carried, carried, strict=True))
    return [plan.lags.unfold(at[pair], at[plan.orders(pair)[-1]], xp) for pair in plan.pairs]


def assemble(values: list[Array], plan: Plan, wanted: Pairs, xp: Namespace, *, centered: bool) -> Array:
    """Stack canonical statistics into the pairs that the user wants, (..., pairs, *lags)."""
    at = dict(zip(plan.pairs, values, strict=True))
    rows = [plan.lags.present(at[h, k] if h <= k else plan.lags.reverse(at[k, h], xp), xp, centered=centered) for h, k in wanted]
    return xp.stack(rows, axis=-plan.ndim - 1)


def disassemble(f: Array, plan: Plan, wanted: Pairs, xp: Namespace, *, centered: bool) -> list[Array]:
    """Return the canonical statistics of stacked ones; an even crop's last lag comes from the opposite pair: the inverse of assemble."""
    rows = {pair: plan.lags.adopt(f[(..., i, *(slice(None),) * plan.ndim)], xp, centered=centered) for i, pair in enumerate(wanted)}
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
    """Give all pairs two axes, (..., N, N, *lags)."""
    if not is_all(pairs):
        return f
    return xp.reshape(f, (*f.shape[: -plan.ndim - 1], plan.n_phases, plan.n_phases, *f.shape[-plan.ndim :]))
