"""Effective properties of periodic microstructures, with gradients, in the array API."""

from .bounds import Bounds, conductivity_bounds, hashin_shtrikman, voigt_reuss
from .constants import PlaneConstants, SolidConstants, engineering_constants
from .effective import conductivity, elastic_stiffness
from .gradients import conductivity_gradient, local_fields, stiffness_gradient
from .two_phase import PROPERTIES, Materials, properties_of

__all__ = [
    "PROPERTIES",
    "Bounds",
    "Materials",
    "PlaneConstants",
    "SolidConstants",
    "conductivity",
    "conductivity_bounds",
    "conductivity_gradient",
    "elastic_stiffness",
    "engineering_constants",
    "hashin_shtrikman",
    "local_fields",
    "properties_of",
    "stiffness_gradient",
    "voigt_reuss",
]
