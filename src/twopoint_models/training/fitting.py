"""One training run of any network: its trainer, its folder, and how it resumes after it was killed."""

import logging
import os
import pickle
import sys
import time
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
from pytorch_lightning.utilities.rank_zero import rank_zero_only

from ..nets.names import WEIGHTS
from .choices import Options
from .latents import Latents
from .pictures import Pictures

LAST = "checkpoints/last.ckpt"
SILENCE = 30.0  # seconds between two lines on the progress outside of a terminal


def is_first_process() -> bool:
    """Tell whether this process writes: all but the first of those that share a training only compute."""
    return bool(rank_zero_only.rank == 0)


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
    """Return Lightning's trainer for a run; progress draws a bar, or writes lines outside of a terminal."""
    bar = progress and sys.stderr.isatty()
    usual: dict[str, Any] = dict(
        logger=[CSVLogger(folder / "logs", "csv"), TensorBoardLogger(folder / "logs", "tensorboard")],
        callbacks=[
            ModelCheckpoint(folder / "checkpoints", "best", "validation_judge", save_last=True, save_on_train_epoch_end=True),
            LearningRateMonitor("step"),
            *pictures,
            *([EpochLines()] if progress and not bar else []),
        ],
        log_every_n_steps=20,
    )
    return pl.Trainer(
        accelerator=config.accelerator,
        devices=config.devices,
        precision=_of_the_machine(config) if config.precision == "fast" else config.precision,
        max_epochs=config.epochs,
        gradient_clip_val=config.gradient_clip or None,
        enable_progress_bar=bar,
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


class EpochLines(pl.Callback):
    """Write a line after the first and the last epoch, and between them at most one in half a minute."""

    def on_fit_start(self, trainer: pl.Trainer, task: Any) -> None:
        """Start the clock."""
        self.first, self.began, self.said = trainer.current_epoch, time.monotonic(), 0.0

    def on_train_epoch_end(self, trainer: pl.Trainer, task: Any) -> None:
        """Write how many epochs are done, the validation loss, and the time left."""
        done, of, now = trainer.current_epoch + 1, trainer.max_epochs or 0, time.monotonic()
        if not trainer.is_global_zero or (done != of and now - self.said < SILENCE):
            return
        self.said = now
        left = (now - self.began) / (done - self.first) * (of - done)
        judge = trainer.callback_metrics.get("validation_judge")
        told = "" if judge is None else f", validation_judge {float(judge):.4g}"
        sys.stderr.write(f"epoch {done} of {of}{told}" + (f", about {float(f'{left:.1g}'):g} s left\n" if left else "\n"))
        sys.stderr.flush()


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
