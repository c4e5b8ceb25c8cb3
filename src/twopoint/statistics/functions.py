"""The public statistics: of phases, of single fields, their pair counts, and the power spectrum."""

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
    array (..., N, N, *lags), or (..., P, *lags) unless pairs is "all"
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
    checks.real("m", m, xp, booleans=True)
    plan, requested_pairs, point_mask = plan_of(m, Options(ndim, boundary, mask, crop, implied_phase, pairs), xp)
    count = pair_count(point_mask, m, plan, xp)
    dtype, batch = result_dtype(m, xp), tuple(m.shape[: -ndim - 1])

    def assembled(part: Array, own_mask: Array | None, own_count: Array | None) -> Array:
        half_lags = correlate(part, own_mask, own_count, plan, xp)
        f = square(assemble(spread(half_lags, plan, requested_pairs, xp), plan, xp, centered=centered), pairs, plan, xp)
        return xp.astype(f, dtype, copy=False)

    parts = chunks.ranges(m, plan, xp)
    if len(parts) == 1:
        return assembled(m, point_mask, count)
    cut = [chunks.cutter(batch, part, xp) for part in parts]
    return chunks.join([assembled(of(m, ndim + 1), of(point_mask, ndim + 1), of(count, ndim)) for of in cut], batch, xp)


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
        In the square of x's unit; 0 at lags that no pair of points spans.

    Raises
    ------
    TypeError, ValueError
        As :func:`correlations`.

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
        In the product of the units of x and y; 0 at lags that no pair of points spans.

    Raises
    ------
    TypeError, ValueError
        As :func:`correlations`, and if x and y have unequal shapes.

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
    """Correlate fields as if they were phases; return the one pair."""
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
    """Count the pairs of counting points that each lag spans: the denominator of every masked or open statistic.

    Parameters
    ----------
    mask : array (..., *space)
        Which points count: booleans, or numbers that count where they are not 0; an array of ones for all.
    ndim, boundary, crop, centered
        As in :func:`correlations`.

    Returns
    -------
    array (..., *lags)
        Whole numbers as floats; the weights for :func:`radial_average`.

    Raises
    ------
    TypeError, ValueError
        As :func:`correlations`.

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
    checks.real_or_boolean("mask", mask, xp)
    points = phases.point_mask(mask, ndim, xp)
    plan, _, mask = plan_of(points, Options(ndim, boundary, mask, crop), xp, "mask")
    count = pair_count(mask, points, plan, xp)
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
        Power at every frequency, full FFT order (as of fftn, zero frequency first).

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
    mirrored = half[..., 1 : (space[-1] + 1) // 2]  # a real field: power(-k) = power(k)
    axes = tuple(range(-ndim, 0))
    mirrored = xp.flip(mirrored, axis=axes)
    if ndim > 1:
        mirrored = xp.roll(mirrored, (1,) * (ndim - 1), axis=axes[:-1])
    return xp.concat([half, mirrored], axis=-1)
