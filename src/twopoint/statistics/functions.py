"""The public statistics: correlations of phases and of single fields, pair counts, and the power spectrum."""

import math
from collections.abc import Iterable
from functools import reduce
from typing import Any

from jaxtyping import Bool, Float, Num

from ..arrays import checks
from ..arrays.fft import rfftn
from ..arrays.namespace import as_floating, default_float, namespace, result_dtype
from ..arrays.types import Array
from . import chunks, phases
from .correlation import correlate, pair_count
from .cumulative import boxes_of, cumulate
from .layout import assemble, spread, square
from .plan import Options, Pair, Pairs, plan_of


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
    cumulative: bool = False,
) -> Float[Array, "..."]:
    """Return the 2-point statistics ``f[h, k](r) = mean over x of m[h](x) m[k](x+r)``.

    Parameters
    ----------
    m : array (..., N, *space)
        Microstructure function, the probability of each phase at each point; with ``implied_phase=True`` phases 1..N-1 only.
    ndim : int
        Number of spatial axes, 1, 2 or 3.
    boundary : "periodic" or "open"
        Whether lags wrap around. With "open" the mean runs over the pairs of points inside the space.
    mask : array (*space) or (..., *space), optional
        The points that are used: booleans, or confidences from 0 to 1 that weigh points. The mean runs over the pairs of points inside the
        mask; with confidences w it is ``sum w(x) m[h](x) w(x+r) m[k](x+r) / sum w(x) w(x+r)``, which does not depend on their scale.
        Integers must be 0 and 1. The range is checked, except of traced arrays and of arrays on an accelerator, where integers count
        if they are not 0. Where w is 0, m may hold any value. No gradient by the mask is given. A lag counts as one without a pair of
        points where the sum of w w is below 2^-30 (1e-9) of its value at lag zero, or 2^-20 (1e-6) under jax without float64.
    crop : int or one int per axis, optional
        Keep n lags from -(n//2) on, centred; at most S along a periodic axis, 2S-1 along an open one.
    centered : bool
        Put the zero lag at index L//2 of each axis instead of index 0 (FFT order).
    implied_phase : bool
        Phase 0 is one minus the sum of the phases in m.
    pairs : "all", "unique" or list of (h, k)
        The pairs of phases to correlate; "unique" means h <= k.
    cumulative : bool
        Return ``F(r) = sum of n(rho) f(rho) / sum of n(rho)``, the mean of f over the lags rho from 0 to r along each axis, both
        included, where n counts the pairs of points of a lag. These boxes lie inside a crop. Along an even periodic axis lag S/2 is
        lag -S/2, and its box has the lags from -S/2 to 0.

    Returns
    -------
    array (..., N, N, *lags), or (..., P, *lags) unless pairs is "all"
        Dimensionless probabilities; 0 at lags without a pair of points, unless cumulative. Each axis has S lags (periodic), 2S-1
        (open), or n.

    Raises
    ------
    TypeError
        If m or mask is not an array, if their libraries differ, or if m is complex or of integers.
    ValueError
        If an option is invalid, or a shape does not fit.

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
    checks.real("m", m, xp, booleans=True)
    plan, requested_pairs, point_mask = plan_of(m, Options(ndim, boundary, mask, crop, implied_phase, pairs, cumulative), xp)
    count = pair_count(point_mask, m, plan, xp)
    dtype, batch = result_dtype(m, xp), tuple(m.shape[: -ndim - 1])

    def assembled(part: Array, own_mask: Array | None, own_count: Array | None) -> Array:
        half_lags = correlate(part, own_mask, own_count, plan, xp)
        if cumulative:
            half_lags = cumulate(half_lags, boxes_of(own_count, half_lags, plan, xp), plan, xp)
        f = square(assemble(spread(half_lags, plan, requested_pairs, xp), plan, xp, centered=centered), pairs, plan, xp)
        return xp.astype(f, dtype, copy=False)

    number = chunks.threads(m, plan, xp)
    parts = chunks.ranges(m, plan, xp, number)
    if len(parts) == 1:
        return assembled(m, point_mask, count)
    cut = [chunks.cutter(batch, part, xp) for part in parts]
    return chunks.join(
        chunks.evaluate(lambda of: assembled(of(m, ndim + 1), of(point_mask, ndim + 1), of(count, ndim)), cut, number, xp), batch, xp
    )


def autocorrelation(
    x: Float[Array, "*batch_space"] | Bool[Array, "*batch_space"],
    *,
    ndim: int = 2,
    boundary: str = "periodic",
    mask: Array | None = None,
    crop: int | Iterable[int] | None = None,
    centered: bool = False,
) -> Float[Array, "*batch_lags"]:
    """Return the 2-point statistic of one field with itself, ``f(r) = mean over x of x(x) x(x+r)``.

    Parameters
    ----------
    x : array (..., *space)
        Membership of one phase, or any real field.
    ndim, boundary, mask, crop, centered
        As in :func:`correlations`.

    Returns
    -------
    array (..., *lags)
        In the square of the unit of x; 0 at lags without a pair of points.

    Raises
    ------
    TypeError, ValueError
        As in :func:`correlations`.

    References
    ----------
    Cai et al., eq. (1) with h = h'.

    Examples
    --------
    >>> import numpy as np, twopoint as tp
    >>> tp.autocorrelation(np.array([1.0, 1.0, 0.0, 0.0]), ndim=1)
    array([0.5 , 0.25, 0.  , 0.25])
    """
    return _of_fields(dict(x=x), ((0, 0),), ndim, boundary=boundary, mask=mask, crop=crop, centered=centered)


def cross_correlation(
    x: Float[Array, "*batch_space"] | Bool[Array, "*batch_space"],
    y: Float[Array, "*batch_space"] | Bool[Array, "*batch_space"],
    *,
    ndim: int = 2,
    boundary: str = "periodic",
    mask: Array | None = None,
    crop: int | Iterable[int] | None = None,
    centered: bool = False,
) -> Float[Array, "*batch_lags"]:
    """Return the 2-point statistic of two fields, ``f(r) = mean over x of x(x) y(x+r)``.

    Parameters
    ----------
    x, y : array (..., *space)
        Memberships of two phases, or any real fields of equal shape.
    ndim, boundary, mask, crop, centered
        As in :func:`correlations`.

    Returns
    -------
    array (..., *lags)
        In the product of the units of x and y; 0 at lags without a pair of points.

    Raises
    ------
    TypeError, ValueError
        As in :func:`correlations`, and if the shapes of x and y differ.

    References
    ----------
    Cai et al., eq. (1).

    Examples
    --------
    >>> import numpy as np, twopoint as tp
    >>> tp.cross_correlation(np.array([1.0, 0.0, 0.0]), np.array([0.0, 1.0, 0.0]), ndim=1).round(6) + 0.0
    array([0.      , 0.333333, 0.      ])
    """
    return _of_fields(dict(x=x, y=y), ((0, 1),), ndim, boundary=boundary, mask=mask, crop=crop, centered=centered)


def _of_fields(fields: dict[str, Array], pairs: Pairs, ndim: int, **options: Any) -> Array:
    """Correlate fields as if they were phases, and return their pair."""
    xp = namespace(**fields, mask=options["mask"])
    checks.dimensions(ndim)
    for name, x in fields.items():
        checks.real(name, x, xp, booleans=True)
        checks.field(name, x, ndim)
    first, *others = fields.values()
    for other in others:
        checks.equal_shapes(first, other, ("x", "y"))
    dtype = reduce(xp.result_type, [result_dtype(x, xp) for x in fields.values()])
    m = xp.stack([xp.astype(x, dtype) for x in fields.values()], axis=-ndim - 1)
    f = correlations(m, ndim=ndim, pairs=pairs, **options)
    return f[(..., 0, *(slice(None),) * ndim)]


def pair_counts(
    mask: Num[Array, "*batch_space"] | Bool[Array, "*batch_space"],
    *,
    ndim: int = 2,
    boundary: str = "periodic",
    crop: int | Iterable[int] | None = None,
    centered: bool = False,
) -> Float[Array, "*batch_lags"]:
    """Count the pairs of points inside the mask at each lag, the denominator of every masked or open statistic.

    Confidences w weigh the pairs: the result is ``sum over x of w(x) w(x+r)``.

    Parameters
    ----------
    mask : array (..., *space)
        The points that are used: booleans, or confidences from 0 to 1 that weigh points, as in :func:`correlations`; an array of ones for
        all points.
    ndim, boundary, crop, centered
        As in :func:`correlations`.

    Returns
    -------
    array (..., *lags)
        Whole numbers as floats, or sums of products of confidences; the weights for :func:`radial_average`.

    Raises
    ------
    TypeError, ValueError
        As in :func:`correlations`.

    References
    ----------
    Cai et al., Vol(Omega_x) of eq. (1).

    Examples
    --------
    >>> import numpy as np, twopoint as tp
    >>> tp.pair_counts(np.ones(3), ndim=1, boundary="open", centered=True)
    array([1., 2., 3., 2., 1.])
    """
    if mask is None:
        raise TypeError("mask must be an array, got None; np.ones(space) counts the pairs of all points")
    xp = namespace(mask=mask)
    checks.dimensions(ndim)
    checks.field("mask", mask, ndim)
    mask = phases.confidences(mask, xp)
    plan, _, points = plan_of(phases.with_phase_axis(mask, ndim, xp), Options(ndim, boundary, mask, crop), xp, "mask")
    count = pair_count(points, points, plan, xp)
    if not xp.isdtype(mask.dtype, "bool"):
        count = count * phases.largest(mask, ndim, xp) ** 2
    return xp.astype(plan.lags.to_user(count, xp, centered=centered), default_float(xp), copy=False)


def power_spectrum(x: Float[Array, "*batch_space"] | Bool[Array, "*batch_space"], *, ndim: int = 2) -> Float[Array, "*batch_space"]:
    """Return ``|fftn(x)|^2 / |space|``, the transform of the periodic autocorrelation.

    Parameters
    ----------
    x : array (..., *space)
        Any real field.
    ndim : int
        Number of spatial axes, 1, 2 or 3.

    Returns
    -------
    array (..., *space)
        Power at every frequency, in the full FFT order of fftn, zero frequency first.

    Raises
    ------
    TypeError, ValueError
        If x has a wrong type or shape.

    References
    ----------
    Wiener-Khinchin theorem; Lubbers et al. (2017), eq. (6).

    Examples
    --------
    >>> import numpy as np, twopoint as tp
    >>> tp.power_spectrum(np.array([1.0, 0.0, 1.0, 0.0]), ndim=1)
    array([1., 0., 1., 0.])
    """
    xp = namespace(x=x)
    checks.dimensions(ndim)
    checks.real("x", x, xp, booleans=True)
    space = checks.field("x", x, ndim)
    spectrum = rfftn(as_floating(x, xp), space, xp)
    half = (xp.real(spectrum) ** 2 + xp.imag(spectrum) ** 2) * float(math.prod(space))  # (..., *space[:-1], S//2+1)
    mirrored = half[..., 1 : (space[-1] + 1) // 2]  # power(-k) = power(k) for a real field
    axes = tuple(range(-ndim, 0))
    mirrored = xp.flip(mirrored, axis=axes)
    if ndim > 1:
        mirrored = xp.roll(mirrored, (1,) * (ndim - 1), axis=axes[:-1])
    return xp.concat([half, mirrored], axis=-1)
