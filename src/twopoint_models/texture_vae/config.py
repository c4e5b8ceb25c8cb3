"""The choices of a run of the texture VAE."""

from dataclasses import dataclass
from typing import Any, ClassVar

from ..nets.names import SARDESHMUKH
from ..training.choices import Options, option

POOLED = 32  # pixels of a patch along an edge for each pixel of the layer that is encoded

_SMALL: dict[str, Any] = dict(epochs=2, restart_every=2, batch_size=4, learning_rate=1e-2, gradient_clip=1.0, kl_weight=1e-3)
# A form for two cores, and the paper's choices.
PRESETS: dict[str, dict[str, Any]] = {
    "small": _SMALL | dict(texture=True, relative=True, gray=0.75, width=(128, 128, 96, 48, 24)),
    "paper": dict(scaled=False),
}


@dataclass(frozen=True)
class TextureConfig(Options):
    """Choices of a run of the texture VAE, which are also the options of ``examples/train_texture_vae.py``.

    Raises
    ------
    TypeError, ValueError
        If a value is invalid.
    """

    latents: int = option(64, "number of latents per patch")
    size: int = option(128, "height and width of a patch in pixels, divisible by 32")
    width: tuple[int, ...] = option((256, 128, 64, 32, 32), "channels of the decoder, from coarse to fine", nargs=5)
    texture: bool = option(False, "use the decoder in which noise sets the places of the grains, instead of the paper's")
    relative: bool = option(
        False, "divide the loss of each layer and patch by that of an image without features, so that faint textures count too"
    )
    scaled: bool = option(True, "divide the features that are encoded by the square root of their number, so that first steps are small")
    gray: float = option(0.5, "gray value of the images of an untrained decoder, between 0 and 1; that of bright micrographs is 0.75")
    style_layers: tuple[str, ...] = option(SARDESHMUKH, "layers of the style loss", nargs="+")
    pooling: str = option("max", "pooling of VGG-19", choices=("max", "mean"))

    POSITIVE: ClassVar[tuple[str, ...]] = (*Options.POSITIVE, "latents", "size")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.size % POOLED:
            raise ValueError(f"size must be divisible by {POOLED}, got {self.size}")
        check_gray(self.gray)


def check_gray(value: float) -> None:
    """Refuse an initial gray value that is not between 0 and 1."""
    if not 0 < value < 1:
        raise ValueError(f"gray must be above 0 and below 1, got {value!r}")
