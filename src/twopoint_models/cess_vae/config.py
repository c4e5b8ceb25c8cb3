"""The choices of a run of the CESS VAE."""

from dataclasses import dataclass, fields
from typing import ClassVar

from ..training.choices import Choices, Options, option
from .regimes import REGIMES

REDUCTION = 16  # edge of an image over the edge of its latent image


@dataclass(frozen=True)
class OfCESSVAE(Choices):
    """Choices of the CESS VAE in torch and in JAX: images, architecture, and the alpha of its loss."""

    data: str = option("", "file in MICRO2D's layout")
    size: int = option(224, "edge in pixels to which images are resized, divisible by 16")
    fractions: tuple[float, ...] = option((0.8, 0.1, 0.1), "shares of train, validation and test in each class", nargs=3)
    width: tuple[int, ...] = option((64,), "channels at all resolutions, or at each of five", nargs="+")
    depth: int = option(1, "skip-connected convolutions at each resolution")
    latent_channels: int = option(1, "channels of the latent image")
    phases: int = option(2, "phases of the images")
    padding: str = option("circular", "padding of convolutions: circular for periodic images, or zeros", choices=("zeros", "circular"))
    alpha: float = option(1.0, "weight of the MSE relative to CESS, eq. (10)")

    POSITIVE: ClassVar[tuple[str, ...]] = ("size", "depth", "latent_channels")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.size % REDUCTION:
            raise ValueError(f"size must be divisible by {REDUCTION}, got {self.size}")
        if len(self.width) not in (1, 5):
            raise ValueError(f"width must be one number of channels, or five, one a resolution, got {self.width}")


@dataclass(frozen=True)
class CESSConfig(OfCESSVAE, Options):
    """Choices of a run: the data, the network, the loss and the training.

    Values are plain, so that the file ``training.json`` beside a result records how it was made. ``CESSConfig.help()`` lists the fields and
    their meaning; they are also the options of ``examples/train_cess_vae.py``. Epochs are those of both halves of a regime.

    Raises
    ------
    TypeError, ValueError
        If a value is invalid.

    Examples
    --------
    >>> from twopoint_models.cess_vae import CESSConfig
    >>> CESSConfig(data="generated.h5", regime="cess_finetuned", epochs=30).finish_epochs
    15
    """

    regime: str = option(
        "sharp", "regime of training: " + "; ".join(f"{name} ({regime.about})" for name, regime in REGIMES.items()), choices=tuple(REGIMES)
    )
    classes: tuple[str, ...] = option((), "classes to use; by default all", nargs="*")
    together: bool = option(True, "put images of all classes at the same index into the same part")
    restart_every: int = option(15, "epochs of one cosine of the learning rate; each half starts a new one")
    second_epochs: int = option(0, "epochs of a regime's second half, out of all epochs; 0 means half of them, rounded up")
    second_batch_size: int = option(0, "images per batch in a regime's second half; 0 means as many as in the first")
    sweep_network: bool = option(False, "vary depth and width in a sweep too; a regime with two losses uses those found for its first loss")
    start_learning_rate: float = option(0.0, "learning rate of a regime's first half; 0 means that of the second")
    clamp_weight: float = option(0.01, "weight of the clamp per pixel, eq. (9)")
    sigma: float = option(0.05, "variance of the clamp's Gaussians, eq. (9)")
    sharpness: float = option(4.0, "factor on the shifted logits in the sharp regime")
    threshold: bool = option(True, "compare the thresholded image in the sharp regime; else the soft one")
    noise: str = option(
        "regime",
        "noise in the decoder in the second half: regime (sharp and adversarial have it), always or never",
        choices=("regime", "always", "never"),
    )
    short_weight: float = option(0.1, "weight of the centre crops relative to all lags in the sharp regime")
    crop_weight: float = option(0.0, "weight of CESS on the centre crop beside the cumulative one in the cumulative regime")
    short_boxes: bool = option(
        True, "compare cumulative statistics of the centre crop alone, whose boxes are short, in the cumulative regime"
    )
    adversarial_weight: float = option(1.0, "weight of the discriminator's score in the adversarial regime; 0 trains without one")
    cess_weight: float = option(200.0, "weight of CESS of all lags in the adversarial regime")
    cumulative_weight: float = option(50.0, "weight of CESS of cumulative statistics in the adversarial regime")
    means_weight: float = option(20.0, "weight of the squared error of means over blocks of 8 pixels in the adversarial regime")
    patches_weight: float = option(10.0, "weight of the distance between distributions of patches in the adversarial regime")
    decoder_depth: tuple[int, ...] = option(
        (1, 2, 2, 2, 1), "skip-connected convolutions of the decoder at each of five resolutions in the adversarial regime", nargs=5
    )
    discriminator_width: tuple[int, ...] = option((32, 64, 96, 96), "channels of the discriminator's four hidden layers", nargs=4)
    discriminator_rate: float = option(2.0, "learning rate of the discriminator over that of the network")
    style_layers: tuple[str, ...] = option(("conv1_1", "conv2_1", "conv3_1", "conv4_1", "conv5_1"), "layers of the style loss", nargs="+")

    POSITIVE: ClassVar[tuple[str, ...]] = (*Options.POSITIVE, *OfCESSVAE.POSITIVE, "sigma", "sharpness", "discriminator_rate")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.second_epochs > self.epochs:
            raise ValueError(f"second_epochs must not be above epochs, {self.epochs}, got {self.second_epochs}")
        if len(self.discriminator_width) != 4 or not all(each > 0 for each in self.discriminator_width):
            raise ValueError(f"discriminator_width must be four numbers of channels, got {self.discriminator_width}")
        if len(self.decoder_depth) != 5 or not all(each >= self.depth for each in self.decoder_depth):
            raise ValueError(f"decoder_depth must be five numbers of at least depth, {self.depth}, got {self.decoder_depth}")
        if self.regime == "sharp" and self.phases > 2:
            raise ValueError(f"regime 'sharp' is for two phases, got phases {self.phases}")

    @property
    def second_half(self) -> "CESSConfig":
        """Config of the second half alone, in which the weight of the divergence is whole from the beginning."""
        batch, whole = self.second_batch_size or self.batch_size, {"kl_warm_up": 0} if self.start_epochs else {}
        return self.changed(epochs=self.finish_epochs, second_epochs=0, batch_size=batch, second_batch_size=0, **whole)

    @property
    def start_epochs(self) -> int:
        """Epochs of the first half."""
        return self.epochs - self.finish_epochs

    @property
    def finish_epochs(self) -> int:
        """Epochs of the second half; unless it is given, it has one more than the first if the number is odd."""
        return self.second_epochs or self.epochs - self.epochs // 2


def first_half(config: "CESSConfig") -> "CESSConfig":
    """Return the config of a regime's first half, which is the same for all regimes with the same first loss."""
    name = REGIMES[config.regime].start  # also the name of the regime with this loss in both halves
    rate = config.start_learning_rate or config.learning_rate
    both = dict(start_learning_rate=0.0, second_epochs=0, second_batch_size=0, noise="regime")
    return without_others(config.changed(regime=name, learning_rate=rate, epochs=config.start_epochs, **both))


def without_others(config: "CESSConfig") -> "CESSConfig":
    """Return a config in which the fields of other regimes have their defaults."""
    others = {option for regime in REGIMES.values() for option in regime.own} - set(REGIMES[config.regime].own)
    return config.changed(**{each.name: each.default for each in fields(config) if each.name in others})
