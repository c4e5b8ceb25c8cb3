"""Lightning DataModules: MICRO2D's files and patches of micrographs as batches of torch."""

from typing import TYPE_CHECKING

from ...lazy import lazily

if TYPE_CHECKING:
    from .micro2d import MICRO2DModule
    from .patches import PatchesModule

__all__ = [
    "MICRO2DModule",
    "PatchesModule",
]

__getattr__, __dir__ = lazily(
    __name__,
    {
        ".micro2d": "MICRO2DModule",
        ".patches": "PatchesModule",
    },
)
