"""Fluctuations of phases about their means, and what the means contribute to the statistics beside them."""

from collections.abc import Callable
from functools import reduce
from operator import add
from typing import NamedTuple

from ._namespace import Array, Namespace, stop_gradient
from .lag_transforms import from_space
from .lags import along
from .pairs import Pair
from .plan import Plan


def fluctuations(m: Array, plan: Plan, xp: Namespace) -> tuple[Array, Array, list[Array]]:
    """Return m without the means of its phases, its spectra, and the means by phase, that of an implied one too."""
    levels = _levels(m, plan, xp)
    own = levels[1:] if plan.derived else levels
    explicit = xp.stack(own, axis=-1) if len(own) > 1 else own[0][..., None]
    d = m - explicit[(...,) + (None,) * plan.ndim]
    return d, from_space(d, plan.lags, xp), levels


def _levels(m: Array, plan: Plan, xp: Namespace) -> list[Array]:
    """Return the means of the phases, (...) each; that of an implied phase by itself, or it would lose its digits near 0."""
    rows = xp.mean(m, axis=-1)  # (..., phases, *space but one)
    others = tuple(range(1 - plan.ndim, 0))
    levels = xp.mean(rows, axis=others) if others else rows
    by_phase = [levels[..., h] for h in range(m.shape[-plan.ndim - 1])]
    if not plan.derived:
        return by_phase
    first = 1 - xp.sum(rows, axis=-plan.ndim)
    return [xp.mean(first, axis=others) if others else first, *by_phase]


def offset(m: Array, c: Array, levels: list[Array], pair: Pair, plan: Plan, xp: Namespace) -> Array:
    """Return v_h v_k, and below float64 what v_h v_k + c(0) misses of f_hk(0): 0 in exact arithmetic, so it has no gradient.

    c is the covariance at lag zero, (...). Two phases of an indicator never meet there: product and covariance cancel, and float32 leaves
    up to a tenth of the floor of CESS, enough to change a small gradient by 1e-4.
    """
    h, k = pair
    product = levels[h] * levels[k]
    if h == k or xp.finfo(m.dtype).bits >= 64:
        return product
    return product + _at_zero_lag(stop_gradient(m, xp), pair, plan, xp) - stop_gradient(product + c, xp)


def _at_zero_lag(m: Array, pair: Pair, plan: Plan, xp: Namespace) -> Array:
    """Return the mean over points of m_h m_k, a row at a time: exactly 0 for indicators."""
    others = tuple(range(1 - plan.ndim, 0))
    h, k = sorted(i - plan.derived for i in pair)
    if h < 0:  # the implied phase with another: m_k minus its products with all explicit phases
        rows = xp.sum(one_phase(m, k, plan), axis=-1) - reduce(
            add, [xp.sum(one_phase(m, i, plan) * one_phase(m, k, plan), axis=-1) for i in range(plan.n_phases - 1)]
        )
    else:
        rows = xp.sum(one_phase(m, h, plan) * one_phase(m, k, plan), axis=-1)
    return (xp.mean(rows, axis=others) if others else rows) / float(m.shape[-1])


class Edges(NamedTuple):
    """By phase and lag r, on half the lags, the sums of fluctuations d(x+r) over the x with x and x+r in the space; and those at -r."""

    ahead: list[Array]
    behind: list[Array]

    def map(self, function: Callable[[Array], Array]) -> "Edges":
        """Apply a function to each of the arrays."""
        return Edges([function(e) for e in self.ahead], [function(e) for e in self.behind])


def edge_sums(d: Array, plan: Plan, xp: Namespace) -> Edges:
    """Return the edge sums: running sums, axis by axis."""
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
    """Take one phase, (..., *axes)."""
    return array[(..., h, *(slice(None),) * plan.ndim)]
