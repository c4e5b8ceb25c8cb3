"""Graphite in cast iron: nodules, flakes, and intermediate forms."""

from .castings import CASTINGS, casting, micrograph
from .drawing import graphite
from .forms import graphite_flakes, graphite_intermediate, graphite_spheres
from .kinds import GRAPHITE, Kind, check_size

__all__ = [
    "CASTINGS",
    "GRAPHITE",
    "Kind",
    "casting",
    "check_size",
    "graphite",
    "graphite_flakes",
    "graphite_intermediate",
    "graphite_spheres",
    "micrograph",
]
