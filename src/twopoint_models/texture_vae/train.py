"""Training of the texture VAE: its task and run."""

import os
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor

import twopoint as tp

from ..nets.vgg import VGG19
from ..training.fitting import fit_once
from ..training.tasks import VAETask, checked, divergence, sample_keys
from ..weights import vgg19
from .config import TextureConfig
from .network import ENCODING, TextureVAE


class TextureVAETask(VAETask):
    """Train a :class:`TextureVAE`: style loss, eq. (2), plus ``kl_weight`` times the divergence from the prior.

    The style loss of patches with strong textures is many times that of faint ones, and two layers contribute most of it.
    ``config.relative`` normalises each patch and layer.

    VGG-19 is frozen. Noise, optimiser and schedule are those of all VAEs (:class:`twopoint_models.training.tasks.VAETask`). Training logs
    loss, reconstruction, kl and learning_rate. Validation logs ``validation_style``, ``validation_kl`` and ``validation_judge``, the style
    loss, from latent means.

    Parameters
    ----------
    config : TextureConfig or mapping
        Choices of the run, or a mapping of its fields, which a checkpoint holds.
    vgg : VGG19
        Network that returns ``config.style_layers`` and pool_5, in this order. Checkpoints do not hold it.

    Raises
    ------
    NotFiniteError
        In training, if the loss is not finite; the message names the patches of the batch.
    ValueError
        If vgg returns other layers; in training, if images hold values outside [0, 1] or have another shape.

    References
    ----------
    Sardeshmukh et al., section 3.2.
    """

    def __init__(self, config: TextureConfig | Mapping[str, Any], *, vgg: VGG19) -> None:
        super().__init__()
        self.config: TextureConfig = config if isinstance(config, TextureConfig) else TextureConfig(**config)
        if vgg.layers != (*self.config.style_layers, ENCODING):
            raise ValueError(f"vgg must return {', '.join((*self.config.style_layers, ENCODING))}, got {', '.join(vgg.layers)}")
        self.network = new_texture_vae(self.config).train().to(memory_format=torch.channels_last)
        self._vgg = (vgg,)  # in a tuple, so that it is not among the weights of this module
        self.save_hyperparameters({"config": asdict(self.config)})

    def training_step(self, batch: dict[str, Any], at: int) -> Tensor:
        """Return the loss of a batch."""
        with torch.no_grad():
            *targets, encoded = self._features(checked(batch["image"]))
        mean, log_variance = self.network.encode(encoded)
        keys = sample_keys(batch)
        patches = self.network.decode(self.drawn(mean, log_variance, keys), keys, seed=self.config.seed, epoch=self.current_epoch)
        return self.total(self._style(patches, targets), divergence(mean, log_variance), batch)

    def validation_step(self, batch: dict[str, Any], at: int) -> None:
        """Measure reconstructions from latent means."""
        *targets, encoded = self._features(checked(batch["image"]))
        mean, log_variance = self.network.encode(encoded)
        style = self._style(self.network.decode(mean), targets)
        self.validated({"style": style, "judge": style}, mean, log_variance)

    def pictures(self, images: Tensor) -> dict[str, Tensor]:
        """Return the rows of a picture of the run, as darkness."""
        return {"original": 1 - images, "reconstruction": 1 - self.network(self._features(images)[-1])}

    def _features(self, images: Tensor) -> list[Tensor]:
        """Return feature maps; the last ones are encoded."""
        return self._vgg[0].to(images.device)(images)

    def _style(self, patches: Tensor, targets: list[Tensor]) -> Tensor:
        """Return the style loss of patches, averaged over the batch."""
        found = self._features(patches)[:-1]
        return relative_style(found, targets) if self.config.relative else tp.style_loss(found, targets)


def relative_style(features_prediction: list[Tensor], features_target: list[Tensor]) -> Tensor:
    """Return the mean over layers and batch of ``|G - G'|^2 / |G'|^2``: 0 for the target, 1 for an image without features.

    A layer without features of the target, as of a constant black image, contributes its plain loss.
    """
    terms = []
    for found, target in zip(features_prediction, features_target, strict=True):
        unit = tp.style_loss([torch.zeros_like(target)], [target], reduction="none")  # (B,)
        terms.append(tp.style_loss([found], [target], reduction="none") / torch.where(unit > 0, unit, 1.0))
    return torch.stack(terms).mean()


def train_texture_vae(
    config: TextureConfig, folder: str | os.PathLike[str], data: pl.LightningDataModule, *, progress: bool = True
) -> TextureVAE:
    """Train a texture VAE and return it. A finished run is not repeated; one that was killed resumes from its last whole epoch.

    Parameters
    ----------
    config : TextureConfig
        Choices of the run.
    folder : str or path
        Folder for ``model.safetensors`` and ``model.json`` (:meth:`TextureVAE.load` reads them), ``training.json``, ``logs`` (CSV and
        TensorBoard), ``pictures`` of validation patches and their reconstructions, and ``checkpoints``.
    data : LightningDataModule
        Patches with a validation part, such as those of :class:`twopoint_models.data.modules.PatchesModule`.
    progress : bool
        Draw a bar; outside of a terminal write lines on the progress.

    Returns
    -------
    TextureVAE
        Network in evaluation mode.

    Raises
    ------
    FileNotFoundError
        If the file of weights is missing.
    TypeError, ValueError
        If these do not fit, the folder holds another run, or a checkpoint is truncated.
    NotFiniteError
        If a loss is not finite.
    """
    trained: TextureVAE = fit_once(
        lambda: TextureVAETask(config, vgg=make_vgg(config)), TextureVAE, Path(folder), config, data, progress=progress
    )
    return trained


def make_vgg(config: TextureConfig) -> VGG19:
    """Return the network of a config that encodes and compares patches; its last layer is encoded."""
    return vgg19(config.vgg, layers=(*config.style_layers, ENCODING), pooling=config.pooling)


def new_texture_vae(config: TextureConfig) -> TextureVAE:
    """Return an untrained network whose weights depend on the seed of the config only."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        names = ("latents", "size", "width", "texture", "scaled", "gray")
        return TextureVAE(**{name: getattr(config, name) for name in names})
