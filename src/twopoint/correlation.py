"""2-point correlations: one private core for periodic, open and masked, 1-3 dimensions, N phases, any batch."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import Any

from jaxtyping import Bool, Float

from . import _check, phases
from ._namespace import Array, Namespace, device_of, irfftn, namespace, rfftn, stop_gradient, widest
from .pairs import Pair, Pairs, is_all
from .plan import Options, Plan, plan_of


@dataclass(frozen=True)
class Parts:
    """What the adjoint needs of a forward pass."""

    spectra: Array  # (..., explicit phases, *frequencies)
    means: Array  # (..., N); None where not closed
    factor: Array  # (*stored) or (..., *stored), from transformed products to statistics; None where closed


def correlate(m: Array, mask: Array | None, count: Array | None, plan: Plan, xp: Namespace) -> tuple[list[Array], Parts]:
    """Return the statistics of the plan's pairs, each (..., *stored), in the dtype of the arithmetic.

    The mask comes as counting() gives it, the count as pair_count() does: None where every lag spans every point.
    """
    return _closed(m, plan, xp) if count is None else _counted(m, mask, count, plan, xp)


def _closed(m: Array, plan: Plan, xp: Namespace) -> tuple[list[Array], Parts]:
    """Correlate fluctuations about the means, eq. (1) as f = v_h v_k + covariance: exact where a float32 zero frequency is not."""
    lags, axes = tuple(range(-plan.ndim, 0)), (...,) + (None,) * plan.ndim
    m = phases.as_floating(m, xp)
    v = xp.mean(m, axis=lags)  # (..., explicit phases)
    spectra = rfftn(m - v[axes], plan.lags.space, xp)  # (..., explicit phases, *frequencies)
    if plan.implied:  # one minus a volume fraction is averaged by itself, or it would lose its digits near 0
        m = phases.explicit(m, plan.ndim, xp)
        v = xp.concat([xp.mean(_phase(m, 0, plan), axis=lags)[..., None], v], axis=-1)  # (..., N)
    covariances = derive(_products(spectra, plan, xp), plan, xp)
    values = []
    for h, k in plan.pairs:
        product = v[..., h] * v[..., k]
        if h != k and xp.finfo(m.dtype).bits < 64:
            product = product + _at_zero_lag(m, covariances[h, k], product, (h, k), plan, xp)
        values.append(covariances[h, k] + product[axes])
    return values, Parts(spectra, v, None)


def _at_zero_lag(m: Array, c: Array, product: Array, pair: Pair, plan: Plan, xp: Namespace) -> Array:
    """Return what v_h v_k + c(0) misses of f_hk(0), which is a sum over points: 0 in exact arithmetic, so it has no gradient.

    Two phases of an indicator never meet at lag zero. There the product and the covariance cancel, and float32 leaves up to a tenth of
    the floor of CESS, enough to change a small gradient by 1e-4.
    """
    h, k = (stop_gradient(_phase(m, i, plan), xp) for i in pair)
    return xp.mean(h * k, axis=tuple(range(-plan.ndim, 0))) - stop_gradient(product + c[(..., *plan.lags.zero)], xp)


def _counted(m: Array, mask: Array | None, count: Array, plan: Plan, xp: Namespace) -> tuple[list[Array], Parts]:
    """Correlate under an open boundary or a mask: sums over pairs of counting points, divided by their number."""
    m = xp.astype(m, arithmetic(m, plan, xp), copy=False)
    if plan.implied:
        m = phases.explicit(m, plan.ndim, xp)
    if mask is not None:
        m = xp.where(mask, m, xp.zeros_like(m))
    spectra, sums = _sums(m, plan, plan.pairs, xp)
    inverse = xp.where(count > 0, 1 / xp.where(count > 0, count, xp.ones_like(count)), xp.zeros_like(count))
    values = [total * inverse for total in sums]
    return values, Parts(spectra, None, inverse * float(math.prod(plan.lags.transform)))


def _sums(m: Array, plan: Plan, pairs: Pairs, xp: Namespace) -> tuple[Array, list[Array]]:
    """Return spectra and, for each pair, the sum over pairs of points of m_h(x) m_k(x+r), zero outside the space."""
    points = float(math.prod(plan.lags.transform))
    if xp.finfo(m.dtype).bits >= 64:
        spectra = rfftn(m, plan.lags.transform, xp)
        return spectra, [product * points for product in _inverse(spectra, plan, pairs, xp).values()]
    # No float64: transform what is left of each phase without its mean, whose own part is a sum over a box, exact.
    level = xp.mean(m, axis=tuple(range(-plan.ndim, 0)))
    rest = m - level[(...,) + (None,) * plan.ndim]
    spectra = rfftn(rest, plan.lags.transform, xp)
    spans, edges, at = plan.lags.spans(m, xp), _edge_sums(rest, plan, xp), (...,) + (None,) * plan.ndim
    sums = []
    for (h, k), product in _inverse(spectra, plan, pairs, xp).items():
        a, b = level[..., h][at], level[..., k][at]
        sums.append(product * points + a * b * spans + a * _phase(edges, k, plan) + b * plan.lags.reverse(_phase(edges, h, plan), xp))
    return spectra, sums


def _edge_sums(d: Array, plan: Plan, xp: Namespace) -> Array:
    """Return for each lag r the sum of d(x+r) over all x with x and x+r in the space: running sums, axis by axis."""
    for axis, whole in enumerate(plan.lags.whole):
        last, size = axis - plan.ndim, plan.lags.space[axis]
        if plan.lags.boundary == "periodic":
            d = xp.sum(d, axis=last, keepdims=True)
            continue
        running = xp.moveaxis(xp.cumulative_sum(d, axis=last, include_initial=True), last, -1)  # (..., S+1)
        reach = plan.lags.stored[axis] // 2
        forth, back = running[..., -1:] - running[..., : reach + 1], running[..., size - reach : size]
        d = xp.moveaxis(xp.concat([forth, back] if whole else [back, forth], axis=-1), -1, last)
    return d  # (..., phases, *stored), or of size 1 along periodic axes


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
    return xp.round(_sums(xp.astype(mask, like.dtype), plan, ((0, 0),), xp)[1][0])


def _phase(array: Array, h: int, plan: Plan) -> Array:
    """Take one phase, (..., *axes)."""
    return array[(..., h, *(slice(None),) * plan.ndim)]


def _inverse(spectra: Array, plan: Plan, pairs: Pairs, xp: Namespace) -> dict[Pair, Array]:
    """Return the transformed products of the pairs, cut to the stored lags."""
    spectrum = {h: _phase(spectra, h, plan) for h in sorted({i for pair in pairs for i in pair})}
    return {
        (h, k): plan.lags.cut(irfftn(xp.conj(spectrum[h]) * spectrum[k], plan.lags.transform, xp), xp)  # (..., *stored)
        for h, k in pairs
    }


def _products(spectra: Array, plan: Plan, xp: Namespace) -> dict[Pair, Array]:
    """Return the covariances of the explicit pairs; phases of an implied one are counted from 1, their spectra from 0."""
    shift = int(plan.implied)
    rows = tuple((h - shift, k - shift) for h, k in plan.transformed)
    return dict(zip(plan.transformed, _inverse(spectra, plan, rows, xp).values(), strict=True))


def derive(c: dict[Pair, Array], plan: Plan, xp: Namespace) -> dict[Pair, Array]:
    """Add the covariances of the implied phase: its fluctuation is minus the sum of the others', so c_0k = -sum_h c_hk."""
    if not plan.implied:
        return c

    def lookup(h: int, k: int) -> Array:
        return c[h, k] if h <= k else plan.lags.reverse(c[k, h], xp)

    explicit = range(1, plan.n_phases)
    derived = dict(c)
    for h, k in plan.pairs:
        if (h, k) == (0, 0):
            derived[0, 0] = reduce(add, [lookup(i, j) for i in explicit for j in explicit])
        elif h == 0:
            derived[0, k] = -reduce(add, [lookup(i, k) for i in explicit])
    return derived


def assemble(values: list[Array], plan: Plan, wanted: Pairs, xp: Namespace, *, centered: bool) -> Array:
    """Stack canonical statistics into the pairs that the user wants, (..., pairs, *lags)."""
    stored = dict(zip(plan.pairs, values, strict=True))
    rows = [plan.lags.present(stored[h, k] if h <= k else plan.lags.reverse(stored[k, h], xp), xp, centered=centered) for h, k in wanted]
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
    values, _ = correlate(m, counting, pair_count(counting, m, plan, xp), plan, xp)
    f = square(assemble(values, plan, wanted, xp, centered=centered), pairs, plan, xp)
    return xp.astype(f, phases.result_dtype(m, xp), copy=False)
