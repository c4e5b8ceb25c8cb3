"""The choices of a run of the statistics VAE."""

from dataclasses import dataclass
from typing import Any, ClassVar

from ..training.choices import Options, option

_SMALL: dict[str, Any] = dict(size=64, layout=18, width=4, epochs=10, restart_every=10)
_INVARIANT: dict[str, Any] = dict(size=64, width=4, encoded="statistics", decoder="profiles", batch_size=64)
# Two forms for two cores, from scratch, the second of which encodes statistics, and the paper's choices.
PRESETS: dict[str, dict[str, Any]] = {
    "small": _SMALL | dict(learning_rate=2e-3, gradient_clip=1.0, alpha=1e4, precision="fast"),
    "invariant": _INVARIANT
    | dict(
        learning_rate=1.5e-3, gradient_clip=1.0, alpha=1e4, aligned_weight=4.0, mirrored=True, precision="fast", epochs=6, restart_every=6
    ),
    "paper": dict(epochs=1500, restart_every=1500),
}

ENCODED = ("image", "statistics")
DECODERS = ("convolutions", "profiles")
PIXELS = ("data", "aligned")  # what compares pixels, not statistics
COMPARED = ("statistics", "cumulative", *PIXELS)


@dataclass(frozen=True)
class StatisticsConfig(Options):
    """Choices of a run of the statistics VAE, which are also the options of ``examples/train_statistics_vae.py``.

    Raises
    ------
    TypeError, ValueError
        If a value is invalid.
    """

    latents: int = option(9, "number of latents per image")
    size: int = option(224, "height and width of images in pixels")
    layout: int = option(152, "number of layers of the ResNet in the encoder", choices=(18, 34, 50, 101, 152))
    width: int = option(1, "factor of the decoder's channels relative to the paper")
    encoder: str = option("", "file of the ResNet's weights, with torchvision's names; without it training is from scratch")
    start: str = option("", "folder of a trained network, such as a vanilla one, from whose weights training starts")
    encoded: str = option("image", "what is encoded: the image, or its statistics, which do not know positions", choices=ENCODED)
    decoder: str = option(
        "convolutions",
        "transposed convolutions of the paper, or profiles, sums of products of profiles along both axes, which resolve single pixels",
        choices=DECODERS,
    )
    compared: str = option(
        "statistics",
        "what the loss compares: statistics, cumulative statistics, which see how far apart lines are, data, the pixels, or aligned, the "
        "pixels where the image may be translated and turned by 180 degrees",
        choices=COMPARED,
    )
    alpha: float = option(1.0, "weight of the comparison, a sum over lags or pixels")
    mirrored: bool = option(False, "transpose and mirror training images at random, each with probability 1/2")
    aligned_weight: float = option(0.0, "weight of the squared error of aligned pixels, which is added to the comparison")
    mean: bool = option(False, "take the mean over lags or pixels instead of the sum")
    gray: float = option(0.0, "gray value of the phase whose autocorrelation is compared; 0 is black")
    deviation: float = option(0.25, "standard deviation of soft membership, exp(-(x - gray)^2 / (2 deviation^2))")
    kl_weight: float = option(1.0, "weight of the Kullback-Leibler divergence in nats per image, beta in the paper")

    POSITIVE: ClassVar[tuple[str, ...]] = (*Options.POSITIVE, "latents", "size", "width", "deviation")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.encoder and self.encoded != "image":
            raise ValueError(f"encoder must be empty when {self.encoded} are encoded, for which there is no ResNet; got {self.encoder!r}")
