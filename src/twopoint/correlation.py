"""2-point correlations: one private core for periodic, open and masked, 1-3 dimensions, N phases, any batch."""

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import reduce
from operator import add
from typing import Any, NamedTuple

from jaxtyping import Bool, Float

from . import _check, chunks, phases
from ._namespace import Array, Namespace, compiled, device_of, is_jax, namespace, widest
from .fluctuations import Edges, edge_sums, fluctuations, offset, one_phase
from .lag_transforms import from_space, product, to_lags
from .pairs import Pair
from .plan import Options, Plan, plan_of
from .stacking import assemble, spread, square


class Sums(NamedTuple):
    """What the statistics are put together from, lag by lag; fields that are None have no part in it."""

    products: dict[Pair, Array]  # of transformed phases, in the orders that half the lags need, (..., rows, *others)
    spectra: Array  # (..., transformed phases, *frequencies)
    levels: list[Array] | None  # by phase, (...): the means that were taken off before the transform
    offsets: dict[Pair, Array] | None  # closed: what the means contribute at every lag, (...)
    edges: Edges | None  # not closed: what they contribute beside it
    spans: Array | None  # how many pairs of points a lag spans without a mask, over those that count; None where one
    inverse: Array | None  # one over the pairs that count, half the lags

    def rows(self, cut: Callable[[Array], Array]) -> "Sums":
        """Return some of the rows of lags."""
        return self._replace(
            products={pair: cut(c) for pair, c in self.products.items()},
            edges=None if self.edges is None else self.edges.map(cut),
            spans=None if self.spans is None else cut(self.spans),
            inverse=None if self.inverse is None else cut(self.inverse),
        )


def correlate(m: Array, mask: Array | None, count: Array | None, plan: Plan, xp: Namespace) -> list[Array]:
    """Return the statistics of the pairs that the plan carries, on half the lags, (..., rows, *others), in the dtype of the arithmetic.

    The mask comes as counting() gives it, the count as pair_count() does: None where every lag spans every point.
    """
    return (compiled(_correlate) if is_jax(xp) else _correlate)(m, mask, count, plan, xp)


def _correlate(m: Array, mask: Array | None, count: Array | None, plan: Plan, xp: Namespace) -> list[Array]:
    """Do what correlate does; under jax one program a plan, where each operation would be compiled by itself."""
    return values(_sums(m, mask, count, plan, xp), plan, xp)


def sums(m: Array, mask: Array | None, count: Array | None, plan: Plan, xp: Namespace) -> Sums:
    """Return what values() puts the statistics together from.

    Fluctuations d about means v are transformed, and f_hk = c_hk + v_h v_k: exact where a float32 zero frequency is not. Unless closed,
    what d contributes beside v is a sum over a box, f_hk = (sum d_h d_k + v_h v_k n + v_h e_k(r) + v_k e_h(-r)) / count.
    """
    return (compiled(_sums) if is_jax(xp) else _sums)(m, mask, count, plan, xp)


def _sums(m: Array, mask: Array | None, count: Array | None, plan: Plan, xp: Namespace) -> Sums:
    """Do what sums does."""
    return _with_products(*_without_products(m, mask, count, plan, xp), plan, xp)


def sums_by_pair(m: Array, mask: Array | None, count: Array | None, plan: Plan, xp: Namespace) -> Iterator[tuple[Plan, Sums]]:
    """Yield sums() of one pair after the other, and a plan of that pair alone; no phase may follow from the others."""
    m, base = _without_products(m, mask, count, plan, xp)
    for pair in plan.pairs:
        alone = replace(plan, pairs=(pair,))
        yield alone, _with_products(m, base, alone, xp)


def _without_products(m: Array, mask: Array | None, count: Array | None, plan: Plan, xp: Namespace) -> tuple[Array, Sums]:
    """Return m as it is correlated, and what its phases contribute to the sums, each by itself."""
    m = xp.astype(m, arithmetic(m, plan, xp), copy=False)
    if mask is not None:
        m = phases.explicit(m, plan.ndim, xp) if plan.implied else m
        m = xp.where(mask, m, xp.zeros_like(m))
    inverse = spans = edges = None
    if count is not None:
        count = plan.lags.halve(count, xp)
        inverse = xp.where(count > 0, 1 / xp.where(count > 0, count, xp.ones_like(count)), xp.zeros_like(count))
    if plan.masked and xp.finfo(m.dtype).bits >= 64:
        return m, Sums({}, from_space(m, plan.lags, xp), None, None, None, None, inverse)
    d, spectra, levels = fluctuations(m, plan, xp)
    if not plan.closed:
        edges = edge_sums(d, plan, xp)
        if plan.masked or inverse is None:
            spans = plan.lags.halve(xp.broadcast_to(plan.lags.spans(levels[0], xp), plan.lags.stored), xp)
            spans = spans if inverse is None else spans * inverse
    return m, Sums({}, spectra, levels, None, edges, spans, inverse)


def _with_products(m: Array, base: Sums, plan: Plan, xp: Namespace) -> Sums:
    """Add the products of the plan's pairs, and where closed what the means contribute."""
    products = _products(base.spectra, plan, xp)
    if not plan.closed or base.levels is None:
        return base._replace(products=products)
    zero = {pair: c[(..., 0, *plan.lags.zero[1:])] for pair, c in products.items()}
    offsets = {p: offset(m, _plus(0.0, derived(zero, p, plan)), base.levels, p, plan, xp) for p in plan.carried}
    return base._replace(products=products, offsets=offsets)


def values(sums: Sums, plan: Plan, xp: Namespace) -> list[Array]:
    """Put the statistics that the plan carries together; without an inverse their sums over points."""
    at = (...,) + (None,) * plan.ndim
    if sums.offsets is not None:
        return [_plus(sums.offsets[pair][at], derived(sums.products, pair, plan)) for pair in plan.carried]
    weight: Any = float(math.prod(plan.lags.transform))
    weight = weight if sums.inverse is None else weight * sums.inverse
    products = {pair: c * weight for pair, c in sums.products.items()}
    if sums.levels is None or sums.edges is None:
        return [products[pair] for pair in plan.carried]
    levels = [level[at] for level in sums.levels]
    edges = sums.edges if sums.inverse is None else sums.edges.map(lambda e: e * sums.inverse)
    ahead = [v + e if sums.spans is None else v * sums.spans + e for v, e in zip(levels, edges.ahead, strict=True)]
    found = []
    for h, k in plan.carried:
        beside = levels[h] * (ahead[h] + edges.behind[h]) if h == k else levels[h] * ahead[k] + levels[k] * edges.behind[h]
        found.append(_plus(beside, derived(products, (h, k), plan)))
    return found


def arithmetic(m: Array, plan: Plan, xp: Namespace) -> Any:
    """Return the dtype of the arithmetic: the result's own where closed, else float64, for few pairs divide the rounding of all."""
    dtype = phases.result_dtype(m, xp)
    return dtype if plan.closed else widest(xp.zeros((), dtype=dtype, device=device_of(m)), xp)


def pair_count(mask: Array | None, like: Array, plan: Plan, xp: Namespace) -> Array:
    """Return how many pairs of counting points each lag spans, whole numbers (*stored) or (..., *stored); None where all do."""
    if plan.closed:
        return None
    like = xp.zeros((), dtype=arithmetic(like, plan, xp), device=device_of(like))
    if mask is None:
        return plan.lags.spans(like, xp)
    alone = replace(plan, n_phases=1, implied=False, pairs=((0, 0),))
    (half,) = values(sums(xp.astype(mask, like.dtype), None, None, alone, xp), alone, xp)
    return xp.round(plan.lags.unfold(half, half, xp))


def _products(spectra: Array, plan: Plan, xp: Namespace) -> dict[Pair, Array]:
    """Return the transformed products of the plan's pairs; phases of a derived one are counted from 1, their spectra from 0."""
    products: dict[Pair, Array] = {}
    for pair in plan.transformed:
        a, b = (one_phase(spectra, i - plan.derived, plan) for i in pair)
        even = plan.even(pair)
        products.update(zip(plan.orders(pair), to_lags(product(a, b, plan.lags, xp, even=even), plan.lags, xp, even=even), strict=True))
    return products


def derived(c: dict[Pair, Array], pair: Pair, plan: Plan) -> tuple[bool, Array]:
    """Return the covariance of a pair, and whether it is to be subtracted.

    The fluctuation of an implied phase is minus the sum of the others', so c_0k = -sum_h c_hk, and c_00 the sum of all.
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


def correlations(
    m: Float[Array, "*microstructure"] | Bool[Array, "*microstructure"],
    *,
    ndim: int = 2,
    boundary: str = "periodic",
    mask: Array | None = None,
    crop: int | Iterable[int] | None = None,
    centered: bool = False,
    implied_phase: bool = False,
    pairs: str | Iterable[Pair] = "all",
) -> Float[Array, "..."]:
    """Return the 2-point statistics ``f[h, k](r) = mean over x of m[h](x) m[k](x+r)``.

    Parameters
    ----------
    m : array (..., N, *space)
        Microstructure function, the probability of each phase at each point; with ``implied_phase=True`` phases 1..N-1 only.
    ndim : int
        Number of spatial axes, 1, 2 or 3.
    boundary : "periodic" or "open"
        Whether lags wrap around. Open: the mean runs over the pairs of points that lie inside.
    mask : array (*space) or (..., *space), optional
        Which points count: booleans, or numbers that count where they are not 0. The mean runs over pairs of counting points.
    crop : int or one int an axis, optional
        Keep n lags from -(n//2) on, centred; at most S of a periodic, 2S-1 of an open axis.
    centered : bool
        Put the zero lag at index L//2 of each axis instead of index 0 (FFT order).
    implied_phase : bool
        Phase 0 is one minus the sum of the phases in m.
    pairs : "all", "unique" or list of (h, k)
        Which phases to correlate; "unique" are those with h <= k.

    Returns
    -------
    array (..., N, N, *lags), or (..., P, *lags) unless all pairs are wanted
        Dimensionless probabilities; 0 at lags that no pair of points spans. S lags an axis (periodic) or 2S-1 (open), or n.

    Raises
    ------
    TypeError
        If m or mask are no arrays, of different libraries, or m is complex or of integers.
    ValueError
        If an option or a shape does not fit.

    References
    ----------
    Cai et al., eq. (1).

    Examples
    --------
    >>> import numpy as np, twopoint as tp
    >>> m = tp.one_hot(np.array([0, 0, 1, 1]), 2, ndim=1)
    >>> tp.correlations(m, ndim=1)[0, 1]
    array([0.  , 0.25, 0.5 , 0.25])
    """
    xp = namespace(m=m, mask=mask)
    _check.real("m", m, xp, booleans=True)
    plan, wanted, counting = plan_of(m, Options(ndim, boundary, mask, crop, implied_phase, pairs), xp)
    count = pair_count(counting, m, plan, xp)
    dtype, batch = phases.result_dtype(m, xp), tuple(m.shape[: -ndim - 1])

    def assembled(part: Array, own_mask: Array | None, own_count: Array | None) -> Array:
        found = correlate(part, own_mask, own_count, plan, xp)
        f = square(assemble(spread(found, plan, wanted, xp), plan, xp, centered=centered), pairs, plan, xp)
        return xp.astype(f, dtype, copy=False)

    parts = chunks.ranges(m, plan, xp)
    if len(parts) == 1:
        return assembled(m, counting, count)
    cut = [chunks.cutter(batch, part, xp) for part in parts]
    return chunks.joined([assembled(of(m, ndim + 1), of(counting, ndim + 1), of(count, ndim)) for of in cut], batch, xp)
