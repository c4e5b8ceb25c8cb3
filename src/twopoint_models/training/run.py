"""A run: from its config to a folder with the network, logs, pictures and checkpoints; it goes on where it was killed."""

import copy
import os
from pathlib import Path

import pytorch_lightning as pl

from ..data.modules import MICRO2DModule
from ..nets import CESSVAE
from ..weights import vgg19
from .config import Config
from .fitting import fit_once
from .regimes import REGIMES, first_half
from .tasks import CESSVAETask, new_network


def train(config: Config, folder: str | os.PathLike[str], data: pl.LightningDataModule | None = None, *, progress: bool = True) -> CESSVAE:
    """Train a network by a regime, both halves, and return it.

    The first half is kept in ``start/<loss>`` beside the folder, for all regimes that begin alike. A half that is done is not done again;
    one that was killed goes on from its last whole epoch, on a CPU bit for bit.

    Parameters
    ----------
    config : Config
        All choices.
    folder : str or path
        Gets ``model.safetensors`` and ``model.json`` (``CESSVAE.load`` reads them), ``training.json``, ``logs`` (CSV and
        TensorBoard), ``pictures`` of validation images and their reconstructions, and ``checkpoints``.
    data : LightningDataModule, optional
        Other images than those of ``config.data``. Batches are dicts with image (B, 1 or N, H, W) and what tells images apart: index and
        class_index, or parent, row and column.
    progress : bool
        Draw a bar.

    Returns
    -------
    CESSVAE
        Ready to evaluate.

    Raises
    ------
    FileNotFoundError
        If there is no such file of images or weights.
    TypeError, ValueError
        If these do not fit, the folder holds another run, or a checkpoint is cut short.
    NotFiniteError
        If a loss is no finite number.
    """
    folder, regime = Path(folder), REGIMES[config.regime]
    begun = begin(config, folder.parent, data, progress=progress) if config.start_epochs else None
    return fit(config.changed(epochs=config.finish_epochs), folder, regime.finish, begun, data=data, progress=progress)


def begin(config: Config, folder: str | os.PathLike[str], data: pl.LightningDataModule | None = None, *, progress: bool = True) -> CESSVAE:
    """Train the first half of a regime, in ``start/<loss>`` of a folder, and return it; see :func:`train`."""
    loss = REGIMES[config.regime].start
    return fit(first_half(config), Path(folder) / "start" / loss, loss, data=data, progress=progress)


def fit(
    config: Config,
    folder: str | os.PathLike[str],
    loss: str,
    network: CESSVAE | None = None,
    *,
    data: pl.LightningDataModule | None = None,
    progress: bool = True,
) -> CESSVAE:
    """Train a network with one loss for ``config.epochs``, on from another network where one is given; see :func:`train`."""
    module = data if data is not None else make_data(config)
    fitted: CESSVAE = fit_once(lambda: make_task(config, loss, network), CESSVAE, Path(folder), config, module, progress=progress)
    return fitted


def make_task(config: Config, loss: str, network: CESSVAE | None = None) -> CESSVAETask:
    """Return the task of one half; a network that is given stays as it is."""
    vgg = None
    if loss == "style":
        vgg = vgg19(config.vgg, layers=config.style_layers, pooling="mean", padding=config.padding)
    network = copy.deepcopy(network) if network is not None else new_network(config)
    if loss == "sharp":
        network = network.changed(sharpness=config.sharpness, texture=True)
    return CESSVAETask(config, loss=loss, judge=REGIMES[config.regime].judge, network=network, vgg=vgg)


def make_data(config: Config) -> MICRO2DModule:
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
