"""What a run in JAX is."""

from dataclasses import dataclass
from typing import ClassVar

from ..choices import Choices, option
from .network import REDUCTION


@dataclass(frozen=True)
class Config(Choices):
    """Every choice of a run in JAX; its command line is that of ``examples/train_jax_vae.py``.

    Raises
    ------
    TypeError, ValueError
        If a value means nothing.
    """

    data: str = option("", "file in MICRO2D's layout")
    size: int = option(224, "images are resized to so many pixels, divisible by 16")
    fractions: tuple[float, ...] = option((0.8, 0.1, 0.1), "shares of train, validation and test in each class", nargs=3)
    loss: str = option(
        "mse_cess", "alpha MSE + CESS, eq. (10); or one of both, or CESS on the centre crop", choices=("mse_cess", "mse", "cess", "crop")
    )
    alpha: float = option(1.0, "weight of the MSE beside CESS, eq. (10)")
    start: str = option("", "folder of a trained network whose weights this one starts from")
    epochs: int = option(30, "passes over the training images")
    batch_size: int = option(32, "images of a step, on all devices together")
    learning_rate: float = option(1e-3, "of RAdam, at the start of each cosine")
    restart_every: int = option(10, "epochs of one cosine of the learning rate")
    kl_weight: float = option(1e-6, "weight of the Kullback-Leibler divergence, in nats an image")
    gradient_clip: float = option(0.1, "largest norm of a step's gradient; 0 is no limit")
    seed: int = option(0, "of weights, order and latent noise")
    width: tuple[int, ...] = option((64,), "channels at all resolutions, or at each of five", nargs="+")
    depth: int = option(1, "skip-connected convolutions at each resolution")
    latent_channels: int = option(1, "channels of the latent image")
    phases: int = option(2, "phases of the images")
    padding: str = option("zeros", "beyond the edges: zeros, or circular for periodic images", choices=("zeros", "circular"))

    POSITIVE: ClassVar[tuple[str, ...]] = ("size", "epochs", "batch_size", "learning_rate", "restart_every", "depth", "latent_channels")
    OF_THE_MACHINE: ClassVar[tuple[str, ...]] = ("data", "start")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.size % REDUCTION:
            raise ValueError(f"size must be divisible by {REDUCTION}, got {self.size}")
        if len(self.width) not in (1, 5) or not all(self.width) or self.phases < 2:
            raise ValueError(f"width must be one number of channels, or five, and phases 2 or more, got {self.width} and {self.phases}")
