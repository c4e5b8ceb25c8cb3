"""Training of the CESS VAE: a run from its config to a folder."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytorch_lightning as pl
from pytorch_lightning.utilities.rank_zero import rank_zero_only
from torch import Tensor

from ..data.modules.micro2d import MICRO2DModule
from ..training.fitting import fit_once
from .config import CESSConfig, first_half
from .network import CESSVAE
from .regimes import REGIMES
from .tasks import make_task


def train_cess_vae(
    config: CESSConfig,
    folder: str | os.PathLike[str],
    data: pl.LightningDataModule | None = None,
    *,
    start: str | os.PathLike[str] | None = None,
    network: CESSVAE | None = None,
    progress: bool = True,
) -> CESSVAE:
    """Train a network by both halves of a regime and return it.

    The first half is kept in ``start/<loss>`` beside the folder, for all regimes with the same first loss, or in that of ``start``. A
    finished half is not repeated. A half that was killed resumes from its last whole epoch, bit for bit on a CPU. The network keeps a
    prior that is fitted to its latents of training images (:meth:`CESSVAE.fit_prior`).

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
    start : str or path, optional
        Folder for ``start/<loss>``; by default the one that holds the folder.
    network : CESSVAE, optional
        Trained network to fine-tune; it is copied. Its architecture replaces that of the config, there is no first half, and all epochs
        are those of the regime's second loss.
    progress : bool
        Draw a bar; outside of a terminal write lines on the progress.

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
    if network is not None:
        config, network = _of(network, config).changed(second_epochs=config.epochs), network.changed(prior=None)
    elif config.start_epochs:
        network = begin(config, folder.parent if start is None else start, data, progress=progress)
    found = fit(config.second_half, folder, regime.finish, network, data=data, progress=progress)
    if found.prior is None:
        found.fit_prior(_some_images(data if data is not None else make_data(config)))
        if rank_zero_only.rank == 0:
            found.save(folder)
    return found


def _of(network: CESSVAE, config: CESSConfig) -> CESSConfig:
    """Return a config with the architecture of a network."""
    width = network.config["width"]
    same = {name: network.config[name] for name in ("phases", "latent_channels", "depth", "padding")}
    return config.changed(width=tuple(width) if isinstance(width, list) else (width,), **same)


PRIOR_IMAGES = 1024  # training images to which the prior is fitted


def _some_images(data: pl.LightningDataModule) -> Iterator[Tensor]:
    """Return batches of the first training images."""
    data.setup("fit")
    left = PRIOR_IMAGES
    for batch in data.train_dataloader():
        yield batch["image"][:left]
        left -= len(batch["image"])
        if left <= 0:
            return


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
