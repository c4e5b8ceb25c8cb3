"""Effective properties of microstructures of two phases, by name."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from jaxtyping import Float

from .constants import engineering_constants
from .effective import conductivity, elastic_stiffness

MECHANICAL, THERMAL = ("E_x", "E_y", "G_xy", "nu_xy", "nu_yx"), ("k_x", "k_y")
PROPERTIES = MECHANICAL + THERMAL
Range = tuple[float, float]


@dataclass(frozen=True)
class Materials:
    """Properties of the two phases: phase 0, then phase 1.

    Parameters
    ----------
    young, poisson, conductivities : two floats each
        By default those of Cai et al.: 10 and 1 GPa, and 0.3 for both.
    plane : "strain" or "stress"
    """

    young: Range = (10.0, 1.0)
    poisson: Range = (0.3, 0.3)
    conductivities: Range = (10.0, 1.0)
    plane: str = "strain"


def properties_of(
    m: Float[Any, "batch height width"], names: Sequence[str], materials: Materials | None = None, *, tolerance: float = 1e-4
) -> list[Any]:
    """Return effective properties of memberships of phase 1.

    Parameters
    ----------
    m : array (B, H, W)
        Memberships in [0, 1], of numpy, torch or jax; the latter two differentiate with respect to them.
    names : sequence of str
        Names among E_x, E_y, G_xy, nu_xy, nu_yx, k_x and k_y.
    materials : Materials, optional
    tolerance : float
        As for :func:`twopoint_models.homogenisation.elastic_stiffness`.

    Returns
    -------
    list of arrays (B,)
        Properties in the units of the materials.

    Raises
    ------
    TypeError, ValueError, RuntimeError
        If a property is unknown; as :func:`twopoint_models.homogenisation.elastic_stiffness`.

    References
    ----------
    Cai et al., section 4.3.

    Examples
    --------
    >>> import numpy as np
    >>> from twopoint_models.homogenisation import properties_of
    >>> properties_of(np.zeros((1, 4, 4)), ["k_x"])[0].round(6)
    array([10.])
    """
    materials = materials or Materials()
    if unknown := [name for name in names if name not in PROPERTIES]:
        raise ValueError(f"properties must be of {', '.join(PROPERTIES)}, got {unknown[0]!r}")
    whole = m[:, None]
    found: dict[str, Any] = {}
    if set(names) & set(MECHANICAL):
        stiffness = elastic_stiffness(
            whole, materials.young, materials.poisson, plane=materials.plane, implied_phase=True, tolerance=tolerance
        )
        constants = engineering_constants(stiffness)
        found |= {name: getattr(constants, name) for name in MECHANICAL}
    if set(names) & set(THERMAL):
        conducted = conductivity(whole, materials.conductivities, implied_phase=True, tolerance=tolerance)
        found |= {"k_x": conducted[:, 0, 0], "k_y": conducted[:, 1, 1]}
    return [found[name] for name in names]
