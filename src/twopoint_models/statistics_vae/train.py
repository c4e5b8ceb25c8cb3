"""Training of the statistics VAE: its loss, task and run."""

import os
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor

import twopoint as tp

from ..training.fitting import fit_once
from ..training.tasks import VAETask, checked, divergence, sample_keys
from .config import StatisticsConfig
from .network import ResNetVAE


class StatisticsVAETask(VAETask):
    """Train a :class:`ResNetVAE`: ``alpha * |f(x) - f(x_rec)|^2 + beta * KL``.

    f is the autocorrelation of one phase, its cumulative form (``twopoint.correlations(..., cumulative=True)``), or the image itself.
    Noise, optimiser and schedule are those of all VAEs (:class:`twopoint_models.training.tasks.VAETask`). Training logs loss,
    reconstruction, kl and learning_rate. Validation logs ``validation_statistics``, ``validation_cumulative`` and ``validation_data``, the
    mean squared errors over lags and pixels from latent means, ``validation_kl``, and ``validation_judge``, the error that the loss
    compares.

    Parameters
    ----------
    config : StatisticsConfig or mapping
        Choices of the run, or a mapping of its fields, which a checkpoint holds.

    Raises
    ------
    NotFiniteError
        In training, if the loss is not finite; the message names the images of the batch.
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
        self.network.train(len(images) > 1)  # a batch of one image has no variance; it is normalised by running means
        mean, log_variance = self.network.encode(images)
        found = self.network.decode(self.drawn(mean, log_variance, sample_keys(batch)))
        how = "mean" if self.config.mean else "sum"
        return self.total(self.config.alpha * self._apart(self.config.compared, found, images, how), divergence(mean, log_variance), batch)

    def validation_step(self, batch: dict[str, Any], at: int) -> None:
        """Measure reconstructions from latent means."""
        images = checked(batch["image"])
        mean, log_variance = self.network.encode(images)
        made = self.network.decode(mean)
        found = {name: self._apart(name, made, images, "mean") for name in ("statistics", "cumulative", "data")}
        self.validated(found | {"judge": found[self.config.compared]}, mean, log_variance)

    def pictures(self, images: Tensor) -> dict[str, Tensor]:
        """Return the rows of a picture of the run, as darkness."""
        return {"original": 1 - images, "reconstruction": 1 - self.network(images)}

    def _apart(self, compared: str, found: Tensor, images: Tensor, how: str) -> Tensor:
        """Return the squared error of what is compared, over lags or pixels, averaged over the batch."""
        if compared == "data":
            square = (found - images).square().flatten(1)
            return (square.mean(dim=1) if how == "mean" else square.sum(dim=1)).mean()
        a, b = (soft_membership(x, self.config.gray, self.config.deviation) for x in (found, images))
        return tp.msess(a, b, lag_reduction=how, cumulative=compared == "cumulative")


def soft_membership(images: Tensor, gray: float, deviation: float) -> Tensor:
    """Return the soft membership in the phase of a gray value, ``exp(-(x - gray)^2 / (2 deviation^2))``."""
    return (-((images - gray) ** 2) / (2 * deviation**2)).exp()


def train_statistics_vae(
    config: StatisticsConfig, folder: str | os.PathLike[str], data: pl.LightningDataModule, *, progress: bool = True
) -> ResNetVAE:
    """Train a statistics VAE and return it. A finished run is not repeated; one that was killed resumes from its last epoch.

    Parameters
    ----------
    config : StatisticsConfig
        Choices of the run.
    folder : str or path
        Folder for ``model.safetensors`` and ``model.json`` (:meth:`ResNetVAE.load` reads them), ``training.json``, ``logs`` (CSV and
        TensorBoard), ``pictures`` of validation images and their reconstructions, and ``checkpoints``.
    data : LightningDataModule
        Images with a validation part, such as those of :class:`LinesModule`.
    progress : bool
        Draw a bar; outside of a terminal write lines on the progress.

    Returns
    -------
    ResNetVAE
        Network in evaluation mode.

    Raises
    ------
    FileNotFoundError
        If a file of weights or the folder of a network is missing.
    TypeError, ValueError
        If these do not fit, the folder holds another run, or a checkpoint is truncated.
    NotFiniteError
        If a loss is not finite.
    """
    trained: ResNetVAE = fit_once(lambda: StatisticsVAETask(config), ResNetVAE, Path(folder), config, data, progress=progress)
    return trained


def new_resnet_vae(config: StatisticsConfig) -> ResNetVAE:
    """Return an untrained network, with the encoder's weights from a file if the config has one; or the network to start from."""
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
