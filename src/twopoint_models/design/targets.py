"""Target properties of a microstructure, and the intervals that its phases can reach."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from ..homogenisation.bounds import conductivity_bounds, voigt_reuss
from ..homogenisation.constants import engineering_constants
from ..homogenisation.two_phase import PROPERTIES, THERMAL, Materials, Range

# Number of volume fractions at which bounds are evaluated: if one phase is stiffer in bulk and the other in shear, the extremes may lie
# between the ends.
SHARES = 33
FINELY = 257  # the same for several targets
ROUNDING = 1e-3  # of a bound: properties are given with three or four digits, and homogenised to such a tolerance
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
    least, largest = _ends(name, materials or Materials(), np.linspace(*volume_fractions, SHARES))
    return float(least.min()), float(largest.max())


def _ends(name: str, materials: Materials, shares: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the least and the largest value that a property can have at each volume fraction of phase 1."""
    if name in ("nu_xy", "nu_yx"):
        return np.full(len(shares), -1.0), np.full(len(shares), 1.0)
    if name not in PROPERTIES:
        raise ValueError(f"properties must be of {', '.join(PROPERTIES)}, got {name!r}")
    if name in THERMAL:
        wiener = np.array([conductivity_bounds([1 - share, share], materials.conductivities)[0] for share in shares])
        return wiener[:, 0], wiener[:, 1]
    pure = [
        voigt_reuss(np.full((1, 1, 1), phase), materials.young, materials.poisson, plane=materials.plane, implied_phase=True).upper
        for phase in (0.0, 1.0)
    ]
    at = shares[:, None, None]
    uniform_strain = (1 - at) * pure[0] + at * pure[1]
    uniform_stress = np.linalg.inv((1 - at) * np.linalg.inv(pure[0]) + at * np.linalg.inv(pure[1]))
    ends = np.array([getattr(engineering_constants(c), name) for c in (uniform_strain, uniform_stress)])
    return ends.min(axis=0), ends.max(axis=0)


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
        if b < least - ROUNDING * abs(least) or a > largest + ROUNDING * abs(largest):
            raise ValueError(
                f"target {name} must lie in what these phases reach at volume fractions {low:g} to {high:g}, "
                f"{least:.4g} to {largest:.4g}, got {value}"
            )
        found[name] = Target(a, b, largest - least or 1.0)
    _refuse_incompatible(found, materials, volume_fractions)
    return found


def _refuse_incompatible(targets: Mapping[str, Target], materials: Materials, volume_fractions: Range) -> None:
    """Refuse targets that no one volume fraction allows together."""
    shares = np.linspace(*volume_fractions, FINELY)
    allowed, needed = np.ones(FINELY, dtype=bool), []
    ends = {name: _ends(name, materials, shares) for name in targets}
    for name, target in targets.items():
        least, largest = ends[name]
        between = np.maximum(abs(np.gradient(least)), abs(np.gradient(largest)))  # two of the shares
        own = (target.high >= least - between - ROUNDING * abs(least)) & (target.low <= largest + between + ROUNDING * abs(largest))
        allowed &= own
        needed.append(f"{name} needs {shares[own].min():.3f} to {shares[own].max():.3f}" if own.any() else f"{name} needs another")
    if not allowed.any():
        raise ValueError(f"targets must be of one microstructure; of the volume fraction of phase 1 {' and '.join(needed)}")
    if set(THERMAL) <= set(targets) and not (allowed & _conduct(targets, materials, *ends["k_x"])).any():
        told = " and ".join(_told(targets[name]) for name in THERMAL)
        raise ValueError(
            "targets k_x and k_y must keep the lower bound of Hashin and Shtrikman, extended to two directions by Lurie and Cherkaev, at "
            f"one volume fraction from {volume_fractions[0]:g} to {volume_fractions[1]:g}, got {told}"
        )


def _conduct(targets: Mapping[str, Target], materials: Materials, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Return at which volume fractions k_x and k_y keep their lower bound together, given the bounds of Wiener at each.

    For conductivities a < b, their harmonic mean m and arithmetic mean M: sum of 1 / (k - a) <= 1 / (m - a) + 1 / (M - a) (Lurie and
    Cherkaev, Proc. R. Soc. Edinburgh A 99 (1984) 71). The upper bound is not checked: on a grid, structures of single pixels exceed it.
    """
    a = min(materials.conductivities)
    if a == max(materials.conductivities):
        return np.ones(len(low), dtype=bool)
    with np.errstate(divide="ignore"):
        found = sum(1 / (np.minimum(targets[name].high * (1 + ROUNDING), high) - a) for name in THERMAL)
        kept: np.ndarray = found <= 1 / (low - a) + 1 / (high - a)
    return kept


def _told(target: Target) -> str:
    """Return a target as its user wrote it."""
    return f"{target.low:g}" if target.low == target.high else f"{target.low:g} to {target.high:g}"
