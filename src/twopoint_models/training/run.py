"""A run: from its config to a folder with the network, logs, pictures and checkpoints; it goes on where it was killed."""

import copy
import logging
import os
import pickle
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import LearningRateMonitor, ModelCheckpoint
from pytorch_lightning.loggers import CSVLogger, TensorBoardLogger
from pytorch_lightning.plugins import TorchCheckpointIO

from ..data.modules import MICRO2DModule
from ..nets import CESSVAE, VGG19
from ..nets.files import WEIGHTS
from ..weights import vgg19_normalised
from .config import FILE, Config
from .pictures import Pictures
from .regimes import REGIMES, first_half
from .tasks import CESSVAETask, new_network

LAST = "checkpoints/last.ckpt"
OF_THE_MACHINE = ("accelerator", "devices", "workers", "data", "vgg")  # may differ when a run goes on


def train(config: Config, folder: str | os.PathLike[str], data: pl.LightningDataModule | None = None, *, progress: bool = True) -> CESSVAE:
    """Train a network by a regime, both halves, and return it.

    The first half is kept in ``start/<loss>`` beside the folder, for all regimes that begin alike. A half that is done is not done again;
    one that was killed goes on from its last whole epoch, on a CPU bit for bit.

    Parameters
    ----------
    config : Config
        All choices.
    folder : str or path
        Gets ``model.safetensors`` and ``model.json`` (:meth:`CESSVAE.load` reads them), ``training.json``, ``logs`` (CSV and
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
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    _claim(folder, config)
    if (folder / WEIGHTS).is_file():
        return CESSVAE.load(folder)
    pl.seed_everything(config.seed, verbose=False)
    task = make_task(config, loss, network)
    with quiet():
        trainer = make_trainer(config, folder, progress=progress)
    last = folder / LAST
    if last.is_file():
        _refuse_cut(last)
    with quiet():
        trainer.fit(task, datamodule=data if data is not None else make_data(config), ckpt_path=str(last) if last.is_file() else None)
    if trainer.interrupted:
        raise KeyboardInterrupt
    if trainer.is_global_zero:
        task.network.save(folder)
    trainer.strategy.barrier()
    return CESSVAE.load(folder)


def make_task(config: Config, loss: str, network: CESSVAE | None = None) -> CESSVAETask:
    """Return the task of one half; a network that is given stays as it is."""
    vgg = None
    if loss == "style":
        options: dict[str, Any] = dict(layers=config.style_layers, pooling="mean", padding=config.padding)
        vgg = VGG19.random(seed=0, **options) if config.vgg == "random" else VGG19.load(vgg19_normalised(config.vgg or None), **options)
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
    )


def make_trainer(config: Config, folder: Path, *, progress: bool = True, **options: Any) -> pl.Trainer:
    """Return Lightning's trainer of a run."""
    usual: dict[str, Any] = dict(
        logger=[CSVLogger(folder / "logs", "csv"), TensorBoardLogger(folder / "logs", "tensorboard")],
        callbacks=[
            ModelCheckpoint(folder / "checkpoints", "best", "validation_judge", save_last=True, save_on_train_epoch_end=True),
            LearningRateMonitor("step"),
            Pictures(folder / "pictures"),
        ],
        log_every_n_steps=20,
    )
    return pl.Trainer(
        accelerator=config.accelerator,
        devices=config.devices,
        precision=config.precision,
        max_epochs=config.epochs,
        gradient_clip_val=config.gradient_clip or None,
        enable_progress_bar=progress,
        enable_model_summary=False,
        plugins=[WholeFiles()],
        **(usual | options),
    )


@contextmanager
def quiet() -> Iterator[None]:
    """Keep Lightning's remarks on the machine, its advertisements and its own deprecations from the terminal; warnings of a run stay."""
    logger = logging.getLogger("pytorch_lightning")
    level = logger.level
    logger.setLevel(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", ".*LeafSpec.*")
            warnings.filterwarnings("ignore", ".*does not have many workers.*")
            yield
    finally:
        logger.setLevel(level)


class WholeFiles(TorchCheckpointIO):
    """Checkpoints that are whole or not there: written beside their place, then moved into it."""

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None) -> None:
        """Write a checkpoint in one step."""
        part = f"{path}.part"
        super().save_checkpoint(checkpoint, part, storage_options)
        os.replace(part, path)


def _claim(folder: Path, config: Config) -> None:
    """Refuse a folder that holds another run; write the config into one that holds none."""
    if not (folder / FILE).is_file():
        return config.write(folder)
    held = Config.read(folder)
    for name in Config.help():
        if name not in OF_THE_MACHINE and getattr(held, name) != getattr(config, name):
            raise ValueError(
                f"folder {folder} holds a run with {name} {getattr(held, name)!r}, not {getattr(config, name)!r}; give another folder"
            )


def _refuse_cut(path: Path) -> None:
    """Refuse a checkpoint that torch cannot read, before a trainer says it in its own words."""
    try:
        torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    except (RuntimeError, EOFError, OSError, ValueError, pickle.UnpicklingError) as error:
        raise ValueError(f"{path} is cut short or no checkpoint ({error}); delete it to begin this run anew") from None
