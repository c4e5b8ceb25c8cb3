"""Microstructures for models: files in MICRO2D's layout, read and written, and patches of micrographs."""

from .micro2d import MICRO2D
from .micro2d_writer import MICRO2DWriter
from .patches import SlidingWindows
from .resizing import resize

__all__ = ["MICRO2D", "MICRO2DWriter", "SlidingWindows", "resize"]
