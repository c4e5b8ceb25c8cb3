"""Microstructures for models: files in MICRO2D's layout, read and written; structures by rule; and patches of micrographs."""

from .generators import CLASSES, GRAPHITE, Arrangement, Structure, generate, generate_blocks, graphite, source
from .micro2d import MICRO2D
from .micro2d_writer import MICRO2DWriter
from .patches import SlidingWindows
from .resizing import resize

__all__ = [
    "CLASSES",
    "GRAPHITE",
    "MICRO2D",
    "Arrangement",
    "MICRO2DWriter",
    "SlidingWindows",
    "Structure",
    "generate",
    "generate_blocks",
    "graphite",
    "resize",
    "source",
]
