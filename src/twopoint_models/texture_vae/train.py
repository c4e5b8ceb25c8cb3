"""The texture VAE in training: its config, its task, and its run."""

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar

import pytorch_lightning as pl
import torch
from torch import Tensor

import twopoint as tp

from ..nets.vgg import SARDESHMUKH, VGG19
from ..training.choices import Options, option
from ..training.fitting import fit_once
from ..training.tasks import VAETask, checked, divergence, sample_keys
from ..weights import vgg19
from .network import ENCODING, POOLED, TextureVAE


@dataclass(frozen=True)
class TextureConfig(Options):
    """Every choice of a run of the texture VAE; its command line is that of ``examples/train_texture_vae.py``.

    Raises
    ------
    TypeError, ValueError
        If a value means nothing.
    """

    latents: int = option(64, "numbers that describe a patch")
    size: int = option(128, "height and width of a patch in pixels, divisible by 32")
    width: tuple[int, ...] = option((256, 128, 64, 32, 32), "channels of the decoder, from coarse to fine", nargs=5)
    texture: bool = option(False, "another decoder than the paper's, in which noise places the grains")
    relative: bool = option(
        False, "each layer's loss of each patch over that of an image without features, so that faint textures count too"
    )
    style_layers: tuple[str, ...] = option(SARDESHMUKH, "layers of the style loss", nargs="+")
    pooling: str = option("max", "of VGG-19", choices=("max", "mean"))

    POSITIVE: ClassVar[tuple[str, ...]] = (*Options.POSITIVE, "latents", "size")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.size % POOLED:
            raise ValueError(f"size must be divisible by {POOLED}, got {self.size}")


class TextureVAETask(VAETask):
    """Train a :class:`TextureVAE`: style loss, eq. (2), plus ``kl_weight`` times the divergence to the prior; VGG-19 is frozen.

    Heavy patches have many times the style loss of faint ones, and two layers most of it; ``config.relative`` divides each by its own.

    Noise, optimiser and schedule are those of :class:`CESSVAETask`. Logged are loss, reconstruction, kl and learning_rate in training, and
    for the validation, from latent means, ``validation_style``, ``validation_kl`` and ``validation_judge``, which is the style loss.

    Parameters
    ----------
    config : TextureConfig or mapping
        Choices of the run; a mapping of its fields, as a checkpoint holds them.
    vgg : VGG19
        Which returns ``config.style_layers`` and pool_5, in this order. It is no part of checkpoints.

    Raises
    ------
    NotFiniteError
        In training, if the loss is not a finite number; names the patches of the batch.
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
        self._vgg = (vgg,)  # in a tuple, so that it is no part of this module's weights
        self.save_hyperparameters({"config": asdict(self.config)})

    def training_step(self, batch: dict[str, Any], at: int) -> Tensor:
        """Return the loss of a batch."""
        with torch.no_grad():
            *wanted, encoded = self._features(checked(batch["image"]))
        mean, log_variance = self.network.encode(encoded)
        keys = sample_keys(batch)
        patches = self.network.decode(self.drawn(mean, log_variance, keys), keys, seed=self.config.seed, epoch=self.current_epoch)
        return self.total(self._style(patches, wanted), divergence(mean, log_variance), batch)

    def validation_step(self, batch: dict[str, Any], at: int) -> None:
        """Measure reconstructions from latent means."""
        *wanted, encoded = self._features(checked(batch["image"]))
        mean, log_variance = self.network.encode(encoded)
        style = self._style(self.network.decode(mean), wanted)
        found = {"validation_style": style, "validation_kl": divergence(mean, log_variance), "validation_judge": style}
        self.log_dict(found, batch_size=len(encoded), sync_dist=True)

    def pictures(self, images: Tensor) -> dict[str, Tensor]:
        """Return what a picture of the run shows: rows of darkness."""
        return {"original": 1 - images, "reconstruction": 1 - self.network(self._features(images)[-1])}

    def _features(self, images: Tensor) -> list[Tensor]:
        """Return feature maps, those that are encoded last."""
        return self._vgg[0].to(images.device)(images)

    def _style(self, patches: Tensor, wanted: list[Tensor]) -> Tensor:
        """Return the style loss of patches, the mean over the batch."""
        found = self._features(patches)[:-1]
        return relative_style(found, wanted) if self.config.relative else tp.style_loss(found, wanted)


def relative_style(features_prediction: list[Tensor], features_target: list[Tensor]) -> Tensor:
    """Return the mean over layers and batch of ``|G - G'|^2 / |G'|^2``: 0 for the target, 1 for what has no features.

    A layer of which the target has no features, which a constant black image may have, counts by its loss alone.
    """
    terms = []
    for found, wanted in zip(features_prediction, features_target, strict=True):
        unit = tp.style_loss([torch.zeros_like(wanted)], [wanted], reduction="none")  # (B,)
        terms.append(tp.style_loss([found], [wanted], reduction="none") / torch.where(unit > 0, unit, 1.0))
    return torch.stack(terms).mean()


def train_texture_vae(
    config: TextureConfig, folder: str | os.PathLike[str], data: pl.LightningDataModule, *, progress: bool = True
) -> TextureVAE:
    """Train a texture VAE and return it; a run that is done is not done again, one that was killed goes on from its last whole epoch.

    Parameters
    ----------
    config : TextureConfig
        All choices.
    folder : str or path
        Gets ``model.safetensors`` and ``model.json`` (:meth:`TextureVAE.load` reads them), ``training.json``, ``logs`` (CSV and
        TensorBoard), ``pictures`` of validation patches and their reconstructions, and ``checkpoints``.
    data : LightningDataModule
        Patches, such as :class:`twopoint_models.data.modules.PatchesModule`, with a validation part.
    progress : bool
        Draw a bar.

    Returns
    -------
    TextureVAE
        Ready to evaluate.

    Raises
    ------
    FileNotFoundError
        If there is no such file of weights.
    TypeError, ValueError
        If these do not fit, the folder holds another run, or a checkpoint is cut short.
    NotFiniteError
        If a loss is no finite number.
    """
    trained: TextureVAE = fit_once(
        lambda: TextureVAETask(config, vgg=make_vgg(config)), TextureVAE, Path(folder), config, data, progress=progress
    )
    return trained


def make_vgg(config: TextureConfig) -> VGG19:
    """Return the network that encodes and compares patches; its last layer is the one that is encoded."""
    return vgg19(config.vgg, layers=(*config.style_layers, ENCODING), pooling=config.pooling)


def new_texture_vae(config: TextureConfig) -> TextureVAE:
    """Return an untrained network, its weights from the seed of the config alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        return TextureVAE(latents=config.latents, size=config.size, width=config.width, texture=config.texture)
