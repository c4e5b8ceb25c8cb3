"""Lightning DataModules: MICRO2D's files, patches of micrographs and images of lines as batches of torch."""

from .lines import LinesModule
from .micro2d import MICRO2DModule
from .patches import PatchesModule

__all__ = ["LinesModule", "MICRO2DModule", "PatchesModule"]
