"""Microstructures for models: files in MICRO2D's layout, read and written; structures by rule; and patches of micrographs."""

from .generators import (
    CASTINGS,
    CLASSES,
    GRAPHITE,
    Arrangement,
    Structure,
    casting,
    generate,
    generate_blocks,
    generate_images,
    graphite,
    micrograph,
    source,
)
from .line_images import LineImages
from .micro2d import MICRO2D
from .micro2d_writer import MICRO2DWriter
from .micrographs import Micrographs, keep_castings, keep_images, keep_micrograph, read_micrographs
from .patches import SlidingWindows
from .resizing import resize

__all__ = [
    "CASTINGS",
    "CLASSES",
    "GRAPHITE",
    "MICRO2D",
    "Arrangement",
    "LineImages",
    "MICRO2DWriter",
    "Micrographs",
    "SlidingWindows",
    "Structure",
    "casting",
    "generate",
    "generate_blocks",
    "generate_images",
    "graphite",
    "keep_castings",
    "keep_images",
    "keep_micrograph",
    "micrograph",
    "read_micrographs",
    "resize",
    "source",
]
