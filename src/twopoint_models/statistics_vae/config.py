"""The choices of a run of the statistics VAE."""

from dataclasses import dataclass
from typing import Any, ClassVar

from ..training.choices import Options, option

_SMALL: dict[str, Any] = dict(size=64, layout=18, width=4, epochs=10, restart_every=10)
# A form for two cores, from scratch, and the paper's choices.
PRESETS: dict[str, dict[str, Any]] = {
    "small": _SMALL | dict(learning_rate=2e-3, gradient_clip=1.0, alpha=1e4, precision="fast"),
    "paper": dict(epochs=1500, restart_every=1500),
}


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
    compared: str = option(
        "statistics",
        "what the loss compares: statistics, cumulative statistics, which see how far apart lines are, or data, the pixels",
        choices=("statistics", "cumulative", "data"),
    )
    alpha: float = option(1.0, "weight of the comparison, a sum over lags or pixels")
    mean: bool = option(False, "take the mean over lags or pixels instead of the sum")
    gray: float = option(0.0, "gray value of the phase whose autocorrelation is compared; 0 is black")
    deviation: float = option(0.25, "standard deviation of soft membership, exp(-(x - gray)^2 / (2 deviation^2))")
    kl_weight: float = option(1.0, "weight of the Kullback-Leibler divergence in nats per image, beta in the paper")

    POSITIVE: ClassVar[tuple[str, ...]] = (*Options.POSITIVE, "latents", "size", "width", "deviation")
