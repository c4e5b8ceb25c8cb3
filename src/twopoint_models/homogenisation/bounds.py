"""Bounds of effective properties."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from twopoint.backend import Array, Namespace, namespace

from .materials import batch_of, conducting_phases, dimensions, elastic_phases, memberships, mixed, numbers


class Bounds(NamedTuple):
    """Lower and upper bounds, each (...)."""

    lower: Array
    upper: Array


def voigt_reuss(
    m: Float[Array, "*batch_phases_space"],
    young: Sequence[float] | Array,
    poisson: Sequence[float] | Array,
    *,
    ndim: int = 2,
    plane: str = "strain",
    implied_phase: bool = False,
) -> Bounds:
    """Return the bounds of Reuss and Voigt for any microstructure: ``mean(C^-1)^-1 <= C <= mean(C)`` as quadratic forms.

    Parameters
    ----------
    m : array (..., N, *space)
        Memberships.
    young, poisson, ndim, plane, implied_phase
        As for :func:`elastic_stiffness`.

    Returns
    -------
    Bounds
        Stiffnesses (..., v, v): the lower one of uniform stress, the upper one of uniform strain.

    Raises
    ------
    TypeError, ValueError
        As :func:`elastic_stiffness`.

    References
    ----------
    Hill, *The elastic behaviour of a crystalline aggregate*, Proc. Phys. Soc. A 65 (1952) 349.

    Examples
    --------
    >>> import numpy as np
    >>> from twopoint_models.homogenisation import voigt_reuss
    >>> lower, upper = voigt_reuss(np.full((2, 4, 4), 0.5), [1.0, 3.0], [0.0, 0.0])
    >>> upper[0, 0].item()
    2.0
    """
    xp = namespace(m=m)
    whole = memberships(m, ndim, implied_phase, xp)
    first, shear = mixed(whole, elastic_phases(young, poisson, whole.shape[1], plane, ndim, whole, xp), xp)
    axes = tuple(range(1, ndim + 1))
    bulk = first + 2 / ndim * shear
    low, high = ([1 / xp.mean(1 / x, axis=axes) for x in (bulk, shear)], [xp.mean(x, axis=axes) for x in (bulk, shear)])
    return Bounds(*(_isotropic(k - 2 / ndim * g, g, ndim, batch_of(m, ndim), xp) for k, g in (low, high)))


def hashin_shtrikman(
    volume_fractions: Sequence[float], young: Sequence[float], poisson: Sequence[float], *, ndim: int = 2, plane: str = "strain"
) -> tuple[Bounds, Bounds]:
    """Return the Hashin-Shtrikman bounds of bulk and shear modulus for isotropic microstructures of given volume fractions.

    ``K = [sum v_h / (K_h + z)]^-1 - z`` and ``G = [sum v_h / (G_h + y)]^-1 - y`` with ``z = 2 (d - 1) G / d``; ``y = K G / (K + 2 G)`` in
    two dimensions, ``y = G (9 K + 8 G) / (6 (K + 2 G))`` in three, where K and G are the least or the largest moduli of the phases.

    Parameters
    ----------
    volume_fractions : N numbers
        Volume fractions of at least 0 with the sum 1.
    young, poisson : N numbers
        As for :func:`elastic_stiffness`.
    ndim : int
        2 or 3.
    plane : "strain" or "stress"
        For two dimensions.

    Returns
    -------
    bulk, shear : Bounds
        Floats in the unit of young; in two dimensions the moduli of the plane, ``K = lambda + mu``.

    Raises
    ------
    TypeError, ValueError
        As :func:`elastic_stiffness`, and if volume fractions are invalid.

    References
    ----------
    Hashin and Shtrikman, J. Mech. Phys. Solids 11 (1963) 127; Hashin, J. Mech. Phys. Solids 13 (1965) 119 for the plane; Walpole, J. Mech.
    Phys. Solids 14 (1966) 151. Torquato, *Random Heterogeneous Materials* (2002), section 21.2.

    Examples
    --------
    >>> from twopoint_models.homogenisation import hashin_shtrikman
    >>> bulk, shear = hashin_shtrikman([0.5, 0.5], [1.0, 3.0], [0.2, 0.2], ndim=3)
    >>> [round(x, 4) for x in (*bulk, *shear)]
    [0.9259, 1.0, 0.6944, 0.75]
    """
    shares = _shares(volume_fractions)
    first, g = elastic_phases(young, poisson, len(shares), plane, ndim, shares, namespace(shares=shares))
    k = first + 2 / ndim * g
    bulk, shear = [], []
    for extreme in (np.min, np.max):
        stiff, shearing = float(extreme(k)), float(extreme(g))
        plane_or_solid = stiff * shearing if ndim == 2 else shearing * (9 * stiff + 8 * shearing) / 6
        bulk.append(_mean(shares, k, 2 * (ndim - 1) / ndim * shearing))
        shear.append(_mean(shares, g, plane_or_solid / (stiff + 2 * shearing)))
    return Bounds(*bulk), Bounds(*shear)


def conductivity_bounds(volume_fractions: Sequence[float], conductivities: Sequence[float], *, ndim: int = 2) -> tuple[Bounds, Bounds]:
    """Return bounds of the conductivity: those of Wiener for any microstructure, and those of Hashin and Shtrikman for isotropic ones.

    The latter are ``[sum v_h / (k_h + z)]^-1 - z`` with ``z = (d - 1) k``, where k is the least or the largest conductivity.
    Those of Wiener are the harmonic and the arithmetic mean.

    Parameters
    ----------
    volume_fractions : N numbers
        Volume fractions of at least 0 with the sum 1.
    conductivities : N numbers
        Above 0.
    ndim : int
        1, 2 or 3.

    Returns
    -------
    wiener, hashin_shtrikman : Bounds
        Floats in the unit of the conductivities.

    Raises
    ------
    TypeError, ValueError
        As :func:`conductivity`, and if volume fractions are invalid.

    References
    ----------
    Hashin and Shtrikman, J. Appl. Phys. 33 (1962) 3125. Torquato, *Random Heterogeneous Materials* (2002), section 21.1.

    Examples
    --------
    >>> from twopoint_models.homogenisation import conductivity_bounds
    >>> wiener, isotropic = conductivity_bounds([0.5, 0.5], [1.0, 3.0], ndim=3)
    >>> [round(x, 4) for x in (*wiener, *isotropic)]
    [1.5, 2.0, 1.75, 1.875]
    """
    shares = _shares(volume_fractions)
    dimensions(ndim)
    (k,) = conducting_phases(conductivities, len(shares), shares, namespace(shares=shares))
    inside = Bounds(*(_mean(shares, k, (ndim - 1) * float(extreme(k))) for extreme in (np.min, np.max)))
    return Bounds(_mean(shares, k, 0.0), float((shares * k).sum())), inside


def _shares(volume_fractions: Sequence[float]) -> np.ndarray:
    """Return volume fractions (N,); refuse invalid ones."""
    shares = numbers("volume_fractions", volume_fractions)
    if shares.ndim != 1 or not len(shares) or not (shares >= 0).all() or not abs(shares.sum() - 1) <= 1e-6:
        raise ValueError(f"volume_fractions must be numbers of 0 at least with the sum 1, got {volume_fractions!r}")
    return shares


def _mean(shares: np.ndarray, values: np.ndarray, shift: float) -> float:
    """Return the harmonic mean of shifted values minus the shift."""
    return float(1 / (shares / (values + shift)).sum() - shift)


def _isotropic(first: Array, shear: Array, ndim: int, batch: tuple[int, ...], xp: Namespace) -> Array:
    """Return stiffnesses (*batch, v, v) of lambda and mu, each (batch,)."""
    nothing, v = xp.zeros_like(first), 3 * (ndim - 1)

    def entry(i: int, j: int) -> Array:
        if i < ndim and j < ndim:
            return first + 2 * shear if i == j else first
        return shear if i == j else nothing

    rows = [xp.stack([entry(i, j) for j in range(v)], axis=-1) for i in range(v)]
    return xp.reshape(xp.stack(rows, axis=-2), (*batch, v, v))
