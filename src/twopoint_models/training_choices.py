"""Choices of a training that do not hang on a library: the optimiser's, and those of the CESS VAE's data and architecture."""

from dataclasses import dataclass
from typing import ClassVar

from .choices import Choices, option

REDUCTION = 16  # of a latent image's resolution over the image's


@dataclass(frozen=True)
class Training(Choices):
    """Epochs, optimiser, order."""

    epochs: int = option(30, "passes over the training images")
    batch_size: int = option(32, "images of a step, on each device")
    learning_rate: float = option(1e-3, "of RAdam, at the start of each cosine")
    restart_every: int = option(10, "epochs of one cosine of the learning rate")
    kl_weight: float = option(1e-6, "weight of the Kullback-Leibler divergence, in nats an image")
    gradient_clip: float = option(0.1, "largest norm of a step's gradient; 0 is no limit")
    seed: int = option(0, "of weights, order and latent noise")

    POSITIVE: ClassVar[tuple[str, ...]] = ("epochs", "batch_size", "learning_rate", "restart_every")


@dataclass(frozen=True)
class OfCESSVAE(Choices):
    """Images and architecture of the CESS VAE, and its loss's alpha."""

    data: str = option("", "file in MICRO2D's layout")
    size: int = option(224, "images are resized to so many pixels, divisible by 16")
    fractions: tuple[float, ...] = option((0.8, 0.1, 0.1), "shares of train, validation and test in each class", nargs=3)
    width: tuple[int, ...] = option((64,), "channels at all resolutions, or at each of five", nargs="+")
    depth: int = option(1, "skip-connected convolutions at each resolution")
    latent_channels: int = option(1, "channels of the latent image")
    phases: int = option(2, "phases of the images")
    padding: str = option("zeros", "beyond the edges: zeros, or circular for periodic images", choices=("zeros", "circular"))
    alpha: float = option(1.0, "weight of the MSE beside CESS, eq. (10)")

    POSITIVE: ClassVar[tuple[str, ...]] = ("size", "depth", "latent_channels")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.size % REDUCTION:
            raise ValueError(f"size must be divisible by {REDUCTION}, got {self.size}")
        if len(self.width) not in (1, 5):
            raise ValueError(f"width must be one number of channels, or five, one a resolution, got {self.width}")
