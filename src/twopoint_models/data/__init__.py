"""Microstructures for models: files in MICRO2D's layout, read and written; generated structures; patches of micrographs."""

from typing import TYPE_CHECKING

from ..lazy import lazily

if TYPE_CHECKING:
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

__getattr__, __dir__ = lazily(
    __name__,
    {
        ".generators": (
            "CASTINGS CLASSES GRAPHITE Arrangement Structure casting generate generate_blocks generate_images graphite micrograph source"
        ),
        ".micro2d": "MICRO2D",
        ".micro2d_writer": "MICRO2DWriter",
        ".micrographs": "Micrographs keep_castings keep_images keep_micrograph read_micrographs",
        ".patches": "SlidingWindows",
        ".resizing": "resize",
    },
)
