"""The spatial-statistics VAE in training: its config, its loss, its task, and its run."""

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar

import pytorch_lightning as pl
import torch
from torch import Tensor

import twopoint as tp

from ..training.choices import Options, option
from ..training.fitting import fit_once
from ..training.tasks import VAETask, checked, divergence, sample_keys
from .network import ResNetVAE


@dataclass(frozen=True)
class StatisticsConfig(Options):
    """Every choice of a run of the spatial-statistics VAE; its command line is that of ``examples/train_statistics_vae.py``.

    Raises
    ------
    TypeError, ValueError
        If a value means nothing.
    """

    latents: int = option(9, "numbers that describe an image")
    size: int = option(224, "height and width of images in pixels")
    layout: int = option(152, "layers of the ResNet that encodes", choices=(18, 34, 50, 101, 152))
    width: int = option(1, "the decoder's channels are so many times the paper's")
    encoder: str = option("", "file of the ResNet's weights, by torchvision's names; from scratch without")
    start: str = option("", "folder of a trained network, such as a vanilla one, whose weights this one starts from")
    compared: str = option("statistics", "what of images the loss compares", choices=("statistics", "data"))
    alpha: float = option(1.0, "weight of the comparison, a sum over lags or pixels")
    mean: bool = option(False, "compare by the mean over lags or pixels instead of the sum")
    gray: float = option(0.0, "the gray value of the phase whose autocorrelation counts; 0 is black")
    deviation: float = option(0.25, "of soft membership, exp(-(x - gray)^2 / (2 deviation^2))")
    kl_weight: float = option(1.0, "weight of the Kullback-Leibler divergence, in nats an image; beta in the paper")

    POSITIVE: ClassVar[tuple[str, ...]] = (*Options.POSITIVE, "latents", "size", "width", "deviation")


class StatisticsVAETask(VAETask):
    """Train a :class:`ResNetVAE`: ``alpha * |f(x) - f(x_rec)|^2 + beta * KL`` with f the autocorrelation of one phase, or the image itself.

    Noise, optimiser and schedule are those of :class:`CESSVAETask`. Logged are loss, reconstruction, kl and learning_rate in training, and
    for the validation, from latent means, ``validation_statistics`` and ``validation_data``, mean squared errors over lags and pixels,
    ``validation_kl`` and ``validation_judge``, which is what the loss compares.

    Parameters
    ----------
    config : StatisticsConfig or mapping
        Choices of the run; a mapping of its fields, as a checkpoint holds them.

    Raises
    ------
    NotFiniteError
        In training, if the loss is not a finite number; names the images of the batch.
    ValueError
        In training, if images hold values outside [0, 1] or have another shape.

    References
    ----------
    Hashemi, Guerzhoy and Paulson (2024).
    """

    def __init__(self, config: StatisticsConfig | Mapping[str, Any]) -> None:
        super().__init__()
        self.config: StatisticsConfig = config if isinstance(config, StatisticsConfig) else StatisticsConfig(**config)
        self.network = new_resnet_vae(self.config).train().to(memory_format=torch.channels_last)
        self.save_hyperparameters({"config": asdict(self.config)})

    def training_step(self, batch: dict[str, Any], at: int) -> Tensor:
        """Return the loss of a batch."""
        images = checked(batch["image"])
        self.network.train(len(images) > 1)  # one image has no variance over its batch; running means normalise it
        mean, log_variance = self.network.encode(images)
        found = self.network.decode(self.drawn(mean, log_variance, sample_keys(batch)))
        how = "mean" if self.config.mean else "sum"
        error = self._of_statistics(found, images, how) if self.config.compared == "statistics" else _of_data(found, images, how)
        return self.total(self.config.alpha * error, divergence(mean, log_variance), batch)

    def validation_step(self, batch: dict[str, Any], at: int) -> None:
        """Measure reconstructions from latent means."""
        images = checked(batch["image"])
        mean, log_variance = self.network.encode(images)
        made = self.network.decode(mean)
        found = {"statistics": self._of_statistics(made, images, "mean"), "data": _of_data(made, images, "mean")}
        found |= {"kl": divergence(mean, log_variance), "judge": found[self.config.compared]}
        self.log_dict({f"validation_{name}": value for name, value in found.items()}, batch_size=len(images), sync_dist=True)

    def pictures(self, images: Tensor) -> dict[str, Tensor]:
        """Return what a picture of the run shows: rows of darkness."""
        return {"original": 1 - images, "reconstruction": 1 - self.network(images)}

    def _of_statistics(self, found: Tensor, images: Tensor, how: str) -> Tensor:
        """Return the squared error of autocorrelations over lags, the mean over the batch."""
        a, b = (soft_membership(x, self.config.gray, self.config.deviation) for x in (found, images))
        return tp.msess(a, b, lag_reduction=how)


def soft_membership(images: Tensor, gray: float, deviation: float) -> Tensor:
    """Return how much a pixel is of the phase of a gray value, ``exp(-(x - gray)^2 / (2 deviation^2))``, 1 at the value itself."""
    return (-((images - gray) ** 2) / (2 * deviation**2)).exp()


def _of_data(found: Tensor, images: Tensor, how: str) -> Tensor:
    """Return the squared error over pixels, the mean over the batch."""
    square = (found - images).square().flatten(1)
    return (square.mean(dim=1) if how == "mean" else square.sum(dim=1)).mean()


def train_statistics_vae(
    config: StatisticsConfig, folder: str | os.PathLike[str], data: pl.LightningDataModule, *, progress: bool = True
) -> ResNetVAE:
    """Train a spatial-statistics VAE and return it; a run that is done is not done again, one that was killed goes on from its last epoch.

    Parameters
    ----------
    config : StatisticsConfig
        All choices.
    folder : str or path
        Gets ``model.safetensors`` and ``model.json`` (:meth:`ResNetVAE.load` reads them), ``training.json``, ``logs`` (CSV and
        TensorBoard), ``pictures`` of validation images and their reconstructions, and ``checkpoints``.
    data : LightningDataModule
        Images, such as :class:`twopoint_models.statistics_vae.LinesModule`, with a validation part.
    progress : bool
        Draw a bar.

    Returns
    -------
    ResNetVAE
        Ready to evaluate.

    Raises
    ------
    FileNotFoundError
        If there is no such file of weights, or folder of a network.
    TypeError, ValueError
        If these do not fit, the folder holds another run, or a checkpoint is cut short.
    NotFiniteError
        If a loss is no finite number.
    """
    trained: ResNetVAE = fit_once(lambda: StatisticsVAETask(config), ResNetVAE, Path(folder), config, data, progress=progress)
    return trained


def new_resnet_vae(config: StatisticsConfig) -> ResNetVAE:
    """Return a network with the weights of the config's file in its encoder, all others from the seed alone; or that to start from."""
    options = dict(latents=config.latents, size=config.size, layout=config.layout, width=config.width)
    if config.start:
        begun = ResNetVAE.load(config.start)
        if begun.config != options:
            raise ValueError(f"start must hold a network of {options}, the one in {config.start} is of {begun.config}")
        return begun
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        network = ResNetVAE(**options)
    if config.encoder:
        network.encoder.read(config.encoder)
    return network
