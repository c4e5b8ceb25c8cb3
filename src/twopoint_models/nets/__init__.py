"""Networks of torch that several systems use: VGG-16 and VGG-19, blocks, and files of weights."""

from typing import TYPE_CHECKING

from ..lazy import lazily

if TYPE_CHECKING:
    from .vgg import VGG16, VGG19

__all__ = [
    "VGG16",
    "VGG19",
]

__getattr__, __dir__ = lazily(
    __name__,
    {
        ".vgg": "VGG16 VGG19",
    },
)
