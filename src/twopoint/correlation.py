"""2-point correlations: one private core for periodic, open and masked, 1-3 dimensions, N phases, any batch."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import reduce
from operator import add
from typing import Any, TypeAlias

from jaxtyping import Bool, Float

from . import _check, chunks, phases
from ._namespace import Array, Namespace, compiled, device_of, is_jax, namespace, rfftn, widest
from .fluctuations import beside, edge_sums, fluctuations, offset, one_phase
from .lag_transforms import product, to_lags
from .pairs import Pair
from .plan import Options, Plan, plan_of
from .stacking import assemble, square, stored


@dataclass(frozen=True)
class Parts:
    """What the adjoint needs of a forward pass."""

    spectra: Array  # (..., transformed phases, *frequencies)
    levels: list[Array] | None  # by phase, (...): the means that were taken off before the transform
    inverse: dict[bool, Array] | None  # one over the pairs that stored lags span, all of them and half; None where closed


def correlate(m: Array, mask: Array | None, count: Array | None, plan: Plan, xp: Namespace) -> tuple[list[Array], Parts]:
    """Return the statistics of the plan's pairs in the dtype of the arithmetic, each (..., *stored), or halved where it is even.

    The mask comes as counting() gives it, the count as pair_count() does: None where every lag spans every point. Fluctuations d about
    means v are transformed, and f_hk = c_hk + v_h v_k: exact where a float32 zero frequency is not. Unless closed, what d contributes
    beside v is a sum over a box, f_hk = (sum d_h d_k + v_h v_k n + v_h e_k(r) + v_k e_h(-r)) / count.
    """
    values, kept = (compiled(_correlate) if is_jax(xp) else _correlate)(m, mask, count, plan, xp)
    return values, Parts(*kept)


Kept: TypeAlias = tuple[Array, list[Array] | None, dict[bool, Array] | None]  # the fields of Parts


def _correlate(m: Array, mask: Array | None, count: Array | None, plan: Plan, xp: Namespace) -> tuple[list[Array], Kept]:
    """Do what correlate does; under jax one program a plan, where each operation would be compiled by itself."""
    m = xp.astype(m, arithmetic(m, plan, xp), copy=False)
    if plan.masked:
        m = phases.explicit(m, plan.ndim, xp) if plan.implied else m
        m = xp.where(mask, m, xp.zeros_like(m))
    sums, parts = _sums(m, plan, xp)
    if count is None:
        return [sums[pair] for pair in plan.pairs], (parts.spectra, parts.levels, None)
    inverse = xp.where(count > 0, 1 / xp.where(count > 0, count, xp.ones_like(count)), xp.zeros_like(count))
    both = {False: inverse, True: plan.lags.halve(inverse, xp)}
    return [sums[pair] * both[plan.even(pair)] for pair in plan.pairs], (parts.spectra, parts.levels, both)


def _sums(m: Array, plan: Plan, xp: Namespace) -> tuple[dict[Pair, Array], Parts]:
    """Return the plan's pairs' sums over points of m_h(x) m_k(x+r), zero outside the space; where closed their means."""
    points = 1.0 if plan.closed else float(math.prod(plan.lags.transform))
    if plan.masked and xp.finfo(m.dtype).bits >= 64:
        spectra = rfftn(m, plan.lags.transform, xp)
        return {pair: c * points for pair, c in _products(spectra, plan, xp).items()}, Parts(spectra, None, None)
    d, spectra, levels = fluctuations(m, plan, xp)
    c, at = derive(_products(spectra, plan, xp), plan, xp), (...,) + (None,) * plan.ndim
    if plan.closed:
        sums = {(h, k): c[h, k] + offset(m, c[h, k], levels, (h, k), plan, xp)[at] for h, k in plan.pairs}
    else:
        edges = edge_sums(d, plan, xp)
        sums = {(h, k): c[h, k] * points + beside(levels, edges, (h, k), plan, xp) for h, k in plan.pairs}
    return sums, Parts(spectra, levels, None)


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
    return xp.round(plan.lags.unfold(_sums(xp.astype(mask, like.dtype), alone, xp)[0][0, 0], xp))


def _products(spectra: Array, plan: Plan, xp: Namespace) -> dict[Pair, Array]:
    """Return the transformed products of the plan's pairs; phases of a derived one are counted from 1, their spectra from 0."""
    products = {}
    for h, k in plan.transformed:
        a, b = (one_phase(spectra, i - plan.derived, plan) for i in (h, k))
        even = plan.even((h, k))
        products[h, k] = to_lags(product(a, b, plan.lags, xp, even=even), plan.lags, xp, even=even)
    return products


def derive(c: dict[Pair, Array], plan: Plan, xp: Namespace) -> dict[Pair, Array]:
    """Add the covariances of the implied phase: its fluctuation is minus the sum of the others', so c_0k = -sum_h c_hk."""
    if not plan.derived:
        return c
    lags, explicit, derived = plan.lags, range(1, plan.n_phases), dict(c)

    def whole(h: int, k: int) -> Array:
        if h > k:
            return lags.reverse(c[k, h], xp)
        return lags.unfold(c[h, k], xp) if plan.even((h, k)) else c[h, k]

    for h, k in plan.pairs:
        if (h, k) == (0, 0):
            mixed = [part(c[i, j], xp) for i, j in c if i != j for part in (lags.halve, lags.halve_reversed)]
            derived[0, 0] = reduce(add, [c[i, i] for i in explicit] + mixed)
        elif h == 0:
            derived[0, k] = -c[k, k] if plan.even((0, k)) else -reduce(add, [whole(i, k) for i in explicit])
    return derived


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
        values, _ = correlate(part, own_mask, own_count, plan, xp)
        f = square(assemble(stored(values, plan, xp), plan, wanted, xp, centered=centered), pairs, plan, xp)
        return xp.astype(f, dtype, copy=False)

    parts = chunks.ranges(m, plan, xp)
    if len(parts) == 1:
        return assembled(m, counting, count)
    cut = [chunks.cutter(batch, part, xp) for part in parts]
    return chunks.joined([assembled(of(m, ndim + 1), of(counting, ndim + 1), of(count, ndim)) for of in cut], batch, xp)
