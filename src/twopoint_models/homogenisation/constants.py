"""Engineering constants of a stiffness."""

from typing import NamedTuple

from jaxtyping import Float

from twopoint.backend import Array, namespace

from .materials import real


class PlaneConstants(NamedTuple):
    """Constants of a plane, each (...), with moduli in the unit of the stiffness; nu_xy is -strain_y / strain_x under stress along x."""

    E_x: Array
    E_y: Array
    G_xy: Array
    nu_xy: Array
    nu_yx: Array


class SolidConstants(NamedTuple):
    """Constants of a solid, each (...), with moduli in the unit of the stiffness; nu_xy is -strain_y / strain_x under stress along x."""

    E_x: Array
    E_y: Array
    E_z: Array
    G_yz: Array
    G_xz: Array
    G_xy: Array
    nu_xy: Array
    nu_xz: Array
    nu_yz: Array


def engineering_constants(stiffness: Float[Array, "*batch strains strains"]) -> PlaneConstants | SolidConstants:
    """Return moduli and Poisson's ratios from a stiffness.

    With the inverse S of the stiffness: ``E_x = 1 / S_xx``, ``nu_xy = -S_yx / S_xx``, ``G_xy = 1 / S_xy,xy``.

    Parameters
    ----------
    stiffness : array (..., v, v)
        Stiffness in Voigt order (xx, yy, xy) or (xx, yy, zz, yz, xz, xy) with engineering shear. Torch and jax differentiate with respect
        to it.

    Returns
    -------
    PlaneConstants or SolidConstants
        Each entry is (...). Under plane strain they are the constants of the plane: ``E / (1 - nu^2)`` and ``nu / (1 - nu)`` for an
        isotropic body.

    Raises
    ------
    TypeError
        If stiffness is not an array of real floats.
    ValueError
        If stiffness is not (..., 3, 3) or (..., 6, 6).

    References
    ----------
    Cai et al. v2, section 4.3: E_x, E_y, G_xy, nu_yx, nu_xy. Jones, *Mechanics of Composite Materials* (1999), section 2.4.

    Examples
    --------
    >>> import numpy as np
    >>> from twopoint_models.homogenisation import engineering_constants
    >>> [round(float(x), 6) for x in engineering_constants(np.array([[4.0, 1.0, 0.0], [1.0, 4.0, 0.0], [0.0, 0.0, 1.5]]))]
    [3.75, 3.75, 1.5, 0.25, 0.25]
    """
    xp = namespace(stiffness=stiffness)
    real("stiffness", stiffness, xp)
    v = stiffness.shape[-1] if len(stiffness.shape) > 1 else 0
    if v not in (3, 6) or stiffness.shape[-2] != v:
        raise ValueError(f"stiffness must have the shape (..., 3, 3) or (..., 6, 6), got {tuple(stiffness.shape)}")
    s = xp.linalg.inv(stiffness)

    def modulus(i: int) -> Array:
        return 1 / s[..., i, i]

    def ratio(i: int, j: int) -> Array:
        return -s[..., j, i] / s[..., i, i]

    if v == 3:
        return PlaneConstants(modulus(0), modulus(1), modulus(2), ratio(0, 1), ratio(1, 0))
    return SolidConstants(*[modulus(i) for i in range(6)], *[ratio(i, j) for i, j in ((0, 1), (0, 2), (1, 2))])
