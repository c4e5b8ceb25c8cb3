"""The choices of a run of the texture VAE."""

from dataclasses import dataclass
from typing import ClassVar

from ..nets.names import SARDESHMUKH
from ..training.choices import Options, option

POOLED = 32  # pixels of a patch along an edge for each pixel of the layer that is encoded


@dataclass(frozen=True)
class TextureConfig(Options):
    """Choices of a run of the texture VAE, which are also the options of ``examples/train_texture_vae.py``.

    Raises
    ------
    TypeError, ValueError
        If a value is invalid.
    """

    latents: int = option(64, "number of latents of a patch")
    size: int = option(128, "height and width of a patch in pixels, divisible by 32")
    width: tuple[int, ...] = option((256, 128, 64, 32, 32), "channels of the decoder, from coarse to fine", nargs=5)
    texture: bool = option(False, "use the decoder in which noise places the grains, not the paper's")
    relative: bool = option(
        False, "divide the loss of each layer and patch by that of an image without features, so that faint textures count too"
    )
    style_layers: tuple[str, ...] = option(SARDESHMUKH, "layers of the style loss", nargs="+")
    pooling: str = option("max", "pooling of VGG-19", choices=("max", "mean"))

    POSITIVE: ClassVar[tuple[str, ...]] = (*Options.POSITIVE, "latents", "size")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.size % POOLED:
            raise ValueError(f"size must be divisible by {POOLED}, got {self.size}")
