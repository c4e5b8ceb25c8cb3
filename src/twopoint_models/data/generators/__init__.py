"""Generated microstructures, after MICRO2D's ten classes and after graphite in cast iron."""

from .arrangement import Arrangement
from .batches import generate_blocks, generate_images
from .cast_iron import CASTINGS, GRAPHITE, casting, graphite, graphite_flakes, graphite_intermediate, graphite_spheres, micrograph
from .classes import CLASSES, generate, source
from .structure import Structure

__all__ = [
    "CASTINGS",
    "CLASSES",
    "GRAPHITE",
    "Arrangement",
    "Structure",
    "casting",
    "generate",
    "generate_blocks",
    "generate_images",
    "graphite",
    "graphite_flakes",
    "graphite_intermediate",
    "graphite_spheres",
    "micrograph",
    "source",
]
