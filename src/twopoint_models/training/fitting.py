"""One training run of any network: its trainer, its folder, and how it resumes after it was killed."""

import logging
import os
import pickle
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import LearningRateMonitor, ModelCheckpoint
from pytorch_lightning.loggers import CSVLogger, TensorBoardLogger
from pytorch_lightning.plugins import TorchCheckpointIO

from ..nets.names import WEIGHTS
from .choices import Options
from .latents import Latents
from .pictures import Pictures

LAST = "checkpoints/last.ckpt"


def fit_task(
    made: Callable[[], pl.LightningModule],
    folder: Path,
    config: Options,
    data: pl.LightningDataModule,
    *,
    pictures: Sequence[pl.Callback],
    progress: bool,
) -> None:
    """Train the network of a task, which is created with the seed set, and save it; resume from the last checkpoint if there is one."""
    seed_everything(config.seed)
    task = made()
    with quiet():
        trainer = make_trainer(config, folder, pictures, progress=progress)
    last = folder / LAST
    if last.is_file():
        _refuse_cut(last)
    with quiet():
        trainer.fit(task, datamodule=data, ckpt_path=str(last) if last.is_file() else None)
    if trainer.interrupted:
        raise KeyboardInterrupt
    if trainer.is_global_zero:
        task.network.save(folder)
    trainer.strategy.barrier()


def seed_everything(seed: int) -> None:
    """Set the seed of every source of random numbers."""
    pl.seed_everything(seed, verbose=False)


def fit_once(
    made: Callable[[], pl.LightningModule], network: Any, folder: Path, config: Options, data: pl.LightningDataModule, *, progress: bool
) -> Any:
    """Return the network of a folder. It is trained first, with pictures, unless a finished run has saved it."""
    config.claim(folder)
    if not (folder / WEIGHTS).is_file():
        fit_task(made, folder, config, data, pictures=[Pictures(folder / "pictures"), Latents(folder / "latents.csv")], progress=progress)
    return network.load(folder)


def make_trainer(
    config: Options, folder: Path, pictures: Sequence[pl.Callback] = (), *, progress: bool = True, **options: Any
) -> pl.Trainer:
    """Return Lightning's trainer for a run."""
    usual: dict[str, Any] = dict(
        logger=[CSVLogger(folder / "logs", "csv"), TensorBoardLogger(folder / "logs", "tensorboard")],
        callbacks=[
            ModelCheckpoint(folder / "checkpoints", "best", "validation_judge", save_last=True, save_on_train_epoch_end=True),
            LearningRateMonitor("step"),
            *pictures,
        ],
        log_every_n_steps=20,
    )
    return pl.Trainer(
        accelerator=config.accelerator,
        devices=config.devices,
        precision=_of_the_machine(config) if config.precision == "fast" else config.precision,
        max_epochs=config.epochs,
        gradient_clip_val=config.gradient_clip or None,
        enable_progress_bar=progress,
        enable_model_summary=False,
        plugins=[WholeFiles()],
        **(usual | options),
    )


def _of_the_machine(config: Options) -> str:
    """Return the fast precision of a machine. Without instructions for it bfloat16 is slower than float32."""
    if config.accelerator != "cpu" and torch.cuda.is_available():
        has = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        told: dict[str, Any] = torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {}
        has = bool(told.get("avx512_bf16"))
    return "bf16-mixed" if has else "32-true"


@contextmanager
def quiet() -> Iterator[None]:
    """Hide Lightning's remarks on the machine, its advertisements and its own deprecations; warnings of a run stay."""
    logger = logging.getLogger("pytorch_lightning")
    level = logger.level
    logger.setLevel(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", ".*LeafSpec.*")
            warnings.filterwarnings("ignore", ".*does not have many workers.*")
            warnings.filterwarnings("ignore", ".*smaller than the logging interval.*")
            yield
    finally:
        logger.setLevel(level)


class WholeFiles(TorchCheckpointIO):
    """Write checkpoints to a temporary file first and rename it, so that no partial checkpoint exists."""

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None) -> None:
        """Write a checkpoint in one step."""
        part = f"{path}.part"
        super().save_checkpoint(checkpoint, part, storage_options)
        os.replace(part, path)


def _refuse_cut(path: Path) -> None:
    """Refuse a checkpoint that torch cannot read, with a message that says what to do."""
    try:
        torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    except (RuntimeError, EOFError, OSError, ValueError, pickle.UnpicklingError) as error:
        raise ValueError(f"{path} is cut short or no checkpoint ({error}); delete it to start this run again") from None
