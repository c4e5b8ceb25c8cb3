"""Presets of a training of the CESS VAE: in an hour, in a day on two cores, and as in the paper."""

from typing import Any

from .regimes import REGIMES

TAPERED = (16, 32, 48, 64, 96)  # channels at five resolutions, few where the image is large
_ALL = [name for name in REGIMES if name != "style_from_scratch"]

# Fields of CESSConfig, and options of the example: regimes, images of each class to generate, trials of a sweep and their epochs.
PRESETS: dict[str, dict[str, Any]] = {
    "small": dict(
        size=64,
        width=TAPERED,
        padding="zeros",  # that of its results
        epochs=6,
        restart_every=3,
        fractions=(0.95, 0.05, 0.0),
        learning_rate=2e-3,
        style_layers=("conv1_1", "conv2_1"),  # deeper ones take most of the time of all
        regimes=_ALL,
        processes=2,
    ),
    "medium": dict(
        size=224,
        width=TAPERED,
        precision="fast",
        epochs=8,
        restart_every=4,
        batch_size=16,
        fractions=(0.95, 0.05, 0.0),
        learning_rate=2e-3,
        alpha=0.034,  # that of a sweep at 64 x 64
        style_layers=("conv1_1", "conv2_1"),
        regimes=[name for name in _ALL if name != "style"],  # it takes hours on two cores
        count=1000,
        processes=2,
    ),
    "paper": dict(
        size=224,
        epochs=30,
        restart_every=10,
        second_epochs=10,
        sweep_network=True,
        gradient_clip=0.0,
        regimes=["mse", "mse_cess", "cess_finetuned", "crop_finetuned", "style_from_scratch"],
        trials=25,
        trial_epochs=5.0,
    ),
}
