"""Target properties of a microstructure, and the intervals that its phases can reach."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from ..homogenisation.bounds import conductivity_bounds, voigt_reuss
from ..homogenisation.constants import engineering_constants
from ..homogenisation.two_phase import PROPERTIES, THERMAL, Materials, Range

SHARES = 33  # number of volume fractions at which bounds are evaluated
Targets = Mapping[str, float | Range]


def reachable(name: str, materials: Materials | None = None, volume_fractions: Range = (0.0, 1.0)) -> Range:
    """Return the interval that a property of any microstructure can reach: the bounds of Voigt and Reuss, or of Wiener.

    Parameters
    ----------
    name : str
        One of E_x, E_y, G_xy, k_x and k_y. Poisson's ratios have no such bounds; -1 to 1 is returned.
    materials : Materials, optional
    volume_fractions : (float, float)
        The least and the largest volume fraction of phase 1.

    Returns
    -------
    (float, float)

    Raises
    ------
    ValueError
        If the property is unknown.

    References
    ----------
    Hill, Proc. Phys. Soc. A 65 (1952) 349.

    Examples
    --------
    >>> from twopoint_models.design import reachable
    >>> [round(x, 4) for x in reachable("k_x", volume_fractions=(0.5, 0.5))]
    [1.8182, 5.5]
    """
    materials = materials or Materials()
    if name in ("nu_xy", "nu_yx"):
        return -1.0, 1.0
    if name not in PROPERTIES:
        raise ValueError(f"properties must be of {', '.join(PROPERTIES)}, got {name!r}")
    shares = np.linspace(
        *volume_fractions, SHARES
    )  # if one phase is stiffer in bulk and the other in shear, the extremes may lie between the ends
    if name in THERMAL:
        ends = [end for share in shares for end in conductivity_bounds([1 - share, share], materials.conductivities)[0]]
        return min(ends), max(ends)
    pure = [
        voigt_reuss(np.full((1, 1, 1), phase), materials.young, materials.poisson, plane=materials.plane, implied_phase=True).upper
        for phase in (0.0, 1.0)
    ]
    at = shares[:, None, None]
    uniform_strain = (1 - at) * pure[0] + at * pure[1]
    uniform_stress = np.linalg.inv((1 - at) * np.linalg.inv(pure[0]) + at * np.linalg.inv(pure[1]))
    ends = [getattr(engineering_constants(c), name) for c in (uniform_strain, uniform_stress)]
    return float(np.min(ends)), float(np.max(ends))


class Target(NamedTuple):
    """The target interval of a property, and the length of its reachable interval."""

    low: float
    high: float
    length: float

    def miss(self, value: Any) -> Any:
        """Return the signed distance from the interval over the reachable length, for torch or numpy."""
        below, above = (self.low - value).clip(0, None), (value - self.high).clip(0, None)
        return (above - below) / self.length


def targets_of(targets: Targets, materials: Materials, volume_fractions: Range) -> dict[str, Target]:
    """Return targets by name; refuse targets that cannot be reached."""
    low, high = volume_fractions
    if not 0 <= low <= high <= 1:
        raise ValueError(f"volume_fractions must be a least and a largest between 0 and 1, got {volume_fractions}")
    if not targets:
        raise ValueError("targets must name one property at least, got none")
    found = {}
    for name, value in targets.items():
        least, largest = reachable(name, materials, volume_fractions)
        if np.shape(value) not in ((), (2,)):
            raise ValueError(f"target {name} must be a number, or a least and a largest, got {value!r}")
        a, b = (float(end) for end in np.broadcast_to(value, 2))
        if not a <= b:
            raise ValueError(f"target {name} must be a number, or a least and then a largest, got {value!r}")
        if b < least or a > largest:
            raise ValueError(
                f"target {name} must lie in what these phases reach at volume fractions {low:g} to {high:g}, "
                f"{least:.4g} to {largest:.4g}, got {value}"
            )
        found[name] = Target(a, b, largest - least or 1.0)
    return found
