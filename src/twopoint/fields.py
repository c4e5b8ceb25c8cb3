"""Statistics of single fields, and how many pairs of points stand behind each lag."""

from collections.abc import Iterable
from functools import reduce
from typing import Any

from jaxtyping import Bool, Float, Num

from . import _check, phases
from ._namespace import Array, default_float, namespace
from .correlation import correlations, pair_count
from .pairs import Pairs
from .plan import Options, plan_of


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
    _check.dimensions(ndim)
    for name, x in fields.items():
        _check.real(name, x, xp, booleans=True)
        _check.field(name, x, ndim)
    first, *others = fields.values()
    for other in others:
        _check.equal_shapes(first, other, ("x", "y"))
    dtype = reduce(xp.result_type, [phases.result_dtype(x, xp) for x in fields.values()])
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
        Whole numbers as floats; the weights that :func:`radial_average` wants.

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
    _check.dimensions(ndim)
    _check.field("mask", mask, ndim)
    _check.real_or_boolean("mask", mask, xp)
    points = phases.counting(mask, ndim, xp)
    plan, _, counting = plan_of(points, Options(ndim, boundary, mask, crop), xp, "mask")
    count = pair_count(counting, points, plan, xp)
    return xp.astype(plan.lags.present(count, xp, centered=centered), default_float(xp), copy=False)
