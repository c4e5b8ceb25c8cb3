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

from ..nets.blocks import latent_noise, mixed
from ..training.fitting import fit_once
from ..training.tasks import VAETask, checked, divergence, sample_keys
from .config import PIXELS, StatisticsConfig
from .lag_encoder import soft_membership
from .network import ResNetVAE
from .resnet import ResNet


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
        images, keys = checked(batch["image"]), sample_keys(batch)
        if self.config.mirrored:
            images = mirrored(images, keys, seed=self.config.seed, epoch=self.current_epoch)
        self.network.train(len(images) > 1)  # a batch of one image has no variance; it is normalised by running means
        mean, log_variance = self.network.encode(images)
        found = self.network.decode(self.drawn(mean, log_variance, keys))
        how = "mean" if self.config.mean else "sum"
        apart = self.config.alpha * self._apart(self.config.compared, found, images, how)
        if self.config.aligned_weight:
            apart = apart + self.config.aligned_weight * self._apart("aligned", found, images, how)
        return self.total(apart, divergence(mean, log_variance), batch)

    def validation_step(self, batch: dict[str, Any], at: int) -> None:
        """Measure reconstructions from latent means."""
        images = checked(batch["image"])
        mean, log_variance = self.network.encode(images)
        made = self.network.decode(mean)
        found = {name: self._apart(name, made, images, "mean") for name in ("statistics", "cumulative", *PIXELS)}
        self.validated(found | {"judge": found[self.config.compared]}, mean, log_variance)

    def pictures(self, images: Tensor) -> dict[str, Tensor]:
        """Return the rows of a picture of the run, as darkness."""
        return {"original": 1 - images, "reconstruction": 1 - self.network(images)}

    def _apart(self, compared: str, found: Tensor, images: Tensor, how: str) -> Tensor:
        """Return the squared error of what is compared, over lags or pixels, averaged over the batch."""
        if compared in PIXELS:
            square = (found - (images if compared == "data" else aligned(images, found))).square().flatten(1)
            return (square.mean(dim=1) if how == "mean" else square.sum(dim=1)).mean()
        a, b = (soft_membership(x, self.config.gray, self.config.deviation) for x in (found, images))
        return tp.msess(a, b, lag_reduction=how, cumulative=compared == "cumulative")


def mirrored(images: Tensor, keys: list[int], *, seed: int, epoch: int) -> Tensor:
    """Transpose images (B, 1, H, H) and mirror them along the last axis, each with probability 1/2, by seed, epoch and key of the image."""
    transpose, flip = (latent_noise(keys, (2,), seed=mixed(seed, 1), epoch=epoch).to(images.device) > 0)[..., None, None, None].unbind(1)
    images = torch.where(transpose, images.mT, images)
    return torch.where(flip, images.flip(3), images)


def aligned(images: Tensor, found: Tensor) -> Tensor:
    """Translate images (B, 1, H, W) periodically, and turn them by 180 degrees, to where their pixels are nearest to those found.

    The translation is that of the largest cross-correlation. The result has no gradient with respect to ``found``.
    """
    with torch.no_grad(), torch.autocast(images.device.type, enabled=False):
        height, width = images.shape[2:]
        turned = torch.stack([images, images.flip(2, 3)])[:, :, 0].float()  # (2, B, H, W)
        spectrum = torch.fft.rfft2(found[:, 0].float()) * torch.fft.rfft2(turned).conj()
        largest, at = torch.fft.irfft2(spectrum, s=(height, width)).flatten(2).max(dim=2)  # (2, B)
        way, each = largest.argmax(dim=0), torch.arange(len(images), device=images.device)
        shift = at[way, each]
        rows = (torch.arange(height, device=images.device) - shift[:, None] // width) % height
        columns = (torch.arange(width, device=images.device) - shift[:, None] % width) % width
        chosen: Tensor = turned[way, each][each[:, None, None], rows[:, :, None], columns[:, None, :]]
        return chosen[:, None].to(images.dtype)


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
    phase = () if config.encoded == "image" else ("gray", "deviation")  # of no meaning to a network that encodes images
    options = {name: getattr(config, name) for name in ("latents", "size", "layout", "width", "encoded", "decoder", *phase)}
    if config.start:
        begun = ResNetVAE.load(config.start)
        held = {name: begun.config[name] for name in options}
        if held != options:
            raise ValueError(f"start must hold a network of {options}, the one in {config.start} is of {held}")
        return begun
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        network = ResNetVAE(**options)
    if config.encoder and isinstance(network.encoder, ResNet):
        network.encoder.read(config.encoder)
    return network
