"""What a run of the CESS VAE is."""

from dataclasses import dataclass
from typing import ClassVar

from ..choices import option
from .options import Options
from .regimes import REGIMES


@dataclass(frozen=True)
class Config(Options):
    """Every choice of a run, of the data, the network, the loss and the training.

    Values are plain, so that the file ``training.json`` beside a result says how it came about. Fields and their meaning stand in
    ``Config.help()``; the command line of ``examples/train_cess_vae.py`` is made of them. Epochs are those of both halves of a regime.

    Raises
    ------
    TypeError, ValueError
        If a value means nothing.

    Examples
    --------
    >>> from twopoint_models.training import Config
    >>> Config(data="generated.h5", regime="cess_finetuned", epochs=30).finish_epochs
    15
    """

    data: str = option("", "file in MICRO2D's layout")
    regime: str = option(
        "sharp", "way of training: " + "; ".join(f"{name} ({regime.about})" for name, regime in REGIMES.items()), choices=tuple(REGIMES)
    )
    size: int = option(224, "images are resized to so many pixels, divisible by 16")
    classes: tuple[str, ...] = option((), "classes to take, by default all", nargs="*")
    fractions: tuple[float, ...] = option((0.8, 0.1, 0.1), "shares of train, validation and test in each class", nargs=3)
    together: bool = option(False, "images of all classes at one index come into one part")
    width: tuple[int, ...] = option((64,), "channels at all resolutions, or at each of five", nargs="+")
    depth: int = option(1, "skip-connected convolutions at each resolution")
    latent_channels: int = option(1, "channels of the latent image")
    phases: int = option(2, "phases of the images")
    padding: str = option("zeros", "beyond the edges: zeros, or circular for periodic images", choices=("zeros", "circular"))
    start_learning_rate: float = option(0.0, "of a regime's first half; 0 is that of the second")
    alpha: float = option(1.0, "weight of the MSE beside CESS, eq. (10)")
    clamp_weight: float = option(0.01, "weight of the clamp, a pixel, eq. (9)")
    sigma: float = option(0.05, "variance of the clamp's Gaussians, eq. (9)")
    sharpness: float = option(4.0, "factor on the shifted logits in the sharp regime")
    short_weight: float = option(0.1, "weight of the centre crops beside all lags in the sharp regime")
    style_layers: tuple[str, ...] = option(("conv1_1", "conv2_1", "conv3_1", "conv4_1", "conv5_1"), "layers of the style loss", nargs="+")

    POSITIVE: ClassVar[tuple[str, ...]] = (*Options.POSITIVE, "size", "depth", "latent_channels", "sigma", "sharpness")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.size % 16:
            raise ValueError(f"size must be divisible by 16, got {self.size}")
        if self.regime == "sharp" and self.phases > 2:
            raise ValueError(f"regime 'sharp' is for two phases, got phases {self.phases}")
        if len(self.width) not in (1, 5):
            raise ValueError(f"width must be one number of channels, or five, one a resolution, got {self.width}")

    @property
    def start_epochs(self) -> int:
        """Epochs of the first half."""
        return self.epochs - self.finish_epochs

    @property
    def finish_epochs(self) -> int:
        """Epochs of the second half."""
        return self.epochs // 2
