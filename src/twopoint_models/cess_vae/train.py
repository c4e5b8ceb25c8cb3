"""Training of the CESS VAE: its LightningModule, and a run from its config to a folder."""

import copy
import os
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor

from ..data.modules.micro2d import MICRO2DModule
from ..nets.vgg import VGG19
from ..training.fitting import fit_once
from ..training.tasks import VAETask, checked, divergence, sample_keys
from ..weights import vgg19
from .config import CESSConfig, first_half
from .losses import Loss
from .network import CESSVAE
from .regimes import REGIMES


class CESSVAETask(VAETask):
    """Train a CESS VAE with one loss: reconstruction plus ``kl_weight`` times the Kullback-Leibler divergence to the prior.

    Latent noise depends on seed, epoch and the index of the sample. So a step does not depend on how samples are distributed over devices,
    and a resumed run equals one that was not interrupted. The optimiser is RAdam, with a cosine of the learning rate that restarts every
    ``restart_every`` epochs. Training logs loss, reconstruction, kl and learning_rate. Validation logs the measures of :class:`Loss` from
    latent means, with the prefix ``validation_``, ``validation_kl``, and ``validation_judge``, the measure of the regime.

    Parameters
    ----------
    config : CESSConfig or mapping
        Choices of the run, or a mapping of its fields, which a checkpoint holds.
    loss : str
        Name of the loss, one of ``losses.LOSSES``.
    judge : str
        The measure by which the run is judged.
    network : nets.CESSVAE, optional
        Network to train further; by default a new one.
    vgg : VGG19, optional
        Network of the style loss. Checkpoints do not hold it.

    Raises
    ------
    NotFiniteError
        In training, if the loss is not finite; the message names the images of the batch.
    ValueError
        In training, if images hold values outside [0, 1] or have another shape.
    """

    def __init__(
        self, config: CESSConfig | Mapping[str, Any], *, loss: str, judge: str, network: CESSVAE | None = None, vgg: VGG19 | None = None
    ) -> None:
        super().__init__()
        self.config: CESSConfig = config if isinstance(config, CESSConfig) else CESSConfig(**config)
        self.network = network if network is not None else new_network(self.config)
        self.network.train().to(memory_format=torch.channels_last)
        self.loss, self.judge = Loss(loss, self.config, self.network, vgg), judge
        self.save_hyperparameters({"config": asdict(self.config), "loss": loss, "judge": judge})

    def training_step(self, batch: dict[str, Any], at: int) -> Tensor:
        """Return the loss of a batch."""
        images = checked(batch["image"])
        mean, log_variance = self.network.encode(images)
        keys = sample_keys(batch)
        logits = self.network.logits(self.drawn(mean, log_variance, keys), keys, seed=self.config.seed, epoch=self.current_epoch)
        return self.total(self.loss(logits, images), divergence(mean, log_variance), batch)

    def validation_step(self, batch: dict[str, Any], at: int) -> None:
        """Measure reconstructions from latent means."""
        images = checked(batch["image"])
        mean, log_variance = self.network.encode(images)
        found = self.loss.measures(self.network.logits(mean), images) | {"kl": divergence(mean, log_variance)}
        found["judge"] = found[self.judge]
        names = {f"validation_{name}": value for name, value in found.items()}
        self.log_dict(names, batch_size=len(images), sync_dist=True)

    def pictures(self, images: Tensor) -> dict[str, Tensor]:
        """Return the rows of a picture of the run, as memberships."""
        logits = self.network.logits(self.network.encode(images)[0])
        return {"original": images, "reconstruction": self.network.memberships(logits), "thresholded": self.loss.hard(logits)}

    def predict_step(self, batch: dict[str, Any], at: int) -> Tensor:
        """Return reconstructions from latent means."""
        found: Tensor = self.network(batch["image"])
        return found


def new_network(config: CESSConfig) -> CESSVAE:
    """Return an untrained network whose weights depend on the seed of the config only."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        width = config.width[0] if len(config.width) == 1 else config.width
        options: dict[str, Any] = {name: getattr(config, name) for name in ("phases", "latent_channels", "depth", "padding")}
        return CESSVAE(width=width, **options)


def train_cess_vae(
    config: CESSConfig, folder: str | os.PathLike[str], data: pl.LightningDataModule | None = None, *, progress: bool = True
) -> CESSVAE:
    """Train a network by both halves of a regime and return it.

    The first half is kept in ``start/<loss>`` beside the folder, for all regimes with the same first loss. A finished half is not repeated.
    A half that was killed resumes from its last whole epoch, bit for bit on a CPU.

    Parameters
    ----------
    config : CESSConfig
        Choices of the run.
    folder : str or path
        Folder for ``model.safetensors`` and ``model.json`` (``CESSVAE.load`` reads them), ``training.json``, ``logs`` (CSV and
        TensorBoard), ``pictures`` of validation images and their reconstructions, and ``checkpoints``.
    data : LightningDataModule, optional
        Images to use in place of those of ``config.data``. Batches are dicts with image (B, 1 or N, H, W) and keys that identify an image:
        index and class_index, or parent, row and column.
    progress : bool
        Draw a bar.

    Returns
    -------
    CESSVAE
        Network in evaluation mode.

    Raises
    ------
    FileNotFoundError
        If a file of images or weights is missing.
    TypeError, ValueError
        If these do not fit, the folder holds another run, or a checkpoint is truncated.
    NotFiniteError
        If a loss is not finite.
    """
    folder, regime = Path(folder), REGIMES[config.regime]
    begun = begin(config, folder.parent, data, progress=progress) if config.start_epochs else None
    return fit(config.changed(epochs=config.finish_epochs), folder, regime.finish, begun, data=data, progress=progress)


def begin(
    config: CESSConfig, folder: str | os.PathLike[str], data: pl.LightningDataModule | None = None, *, progress: bool = True
) -> CESSVAE:
    """Train the first half of a regime, in ``start/<loss>`` of a folder, and return it; see :func:`train_cess_vae`."""
    loss = REGIMES[config.regime].start
    return fit(first_half(config), Path(folder) / "start" / loss, loss, data=data, progress=progress)


def fit(
    config: CESSConfig,
    folder: str | os.PathLike[str],
    loss: str,
    network: CESSVAE | None = None,
    *,
    data: pl.LightningDataModule | None = None,
    progress: bool = True,
) -> CESSVAE:
    """Train a network with one loss for ``config.epochs``, starting from a given network if there is one; see :func:`train_cess_vae`."""
    module = data if data is not None else make_data(config)
    fitted: CESSVAE = fit_once(lambda: make_task(config, loss, network), CESSVAE, Path(folder), config, module, progress=progress)
    return fitted


def make_task(config: CESSConfig, loss: str, network: CESSVAE | None = None) -> CESSVAETask:
    """Return the task of one half; a given network is copied."""
    vgg = None
    if loss == "style":
        vgg = vgg19(config.vgg, layers=config.style_layers, pooling="mean", padding=config.padding)
    network = copy.deepcopy(network) if network is not None else new_network(config)
    if loss == "sharp":
        network = network.changed(sharpness=config.sharpness, texture=True)
    return CESSVAETask(config, loss=loss, judge=REGIMES[config.regime].judge, network=network, vgg=vgg)


def make_data(config: CESSConfig) -> MICRO2DModule:
    """Return the images of a config."""
    return MICRO2DModule(
        config.data,
        config.classes or None,
        config.size,
        fractions=config.fractions,
        together=config.together,
        batch_size=config.batch_size,
        workers=config.workers,
        order_seed=config.seed,
    )
