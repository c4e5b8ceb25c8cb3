"""Pictures of a run as it goes: validation images and what comes back."""

from pathlib import Path
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
from pytorch_lightning.loggers import TensorBoardLogger

from ..evaluation.figures import gallery

COLUMNS = 10


class Pictures(pl.Callback):
    """Draw some validation images and what a task's ``pictures`` makes of them, after each epoch, as PNG and for TensorBoard.

    Parameters
    ----------
    folder : path
        Gets ``epoch-001.png`` and so on.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def on_train_epoch_end(self, trainer: pl.Trainer, task: Any) -> None:
        """Draw, once for all processes."""
        loaders = trainer.val_dataloaders
        if not trainer.is_global_zero or not loaders:
            return
        dataset = loaders.dataset
        items = [dataset[i] for i in sorted({i * len(dataset) // COLUMNS for i in range(COLUMNS)})]
        images = torch.stack([torch.as_tensor(item["image"]) for item in items]).to(task.device)
        task.eval()  # in training batch normalisation would learn from them
        with torch.no_grad():
            found = task.pictures(images)
        task.train()
        names = [f"{i + 1}: {item.get('name', item.get('label', ''))}" for i, item in enumerate(items)]
        rows = {
            row: {name: [_shown(image)] for name, image in zip(names, pictures.float().cpu().numpy(), strict=True)}
            for row, pictures in found.items()
        }
        figure = gallery(rows, title=f"after epoch {trainer.current_epoch + 1}")
        self.folder.mkdir(exist_ok=True)
        figure.savefig(self.folder / f"epoch-{trainer.current_epoch + 1:03}.png", dpi=100)
        for logger in trainer.loggers:
            if isinstance(logger, TensorBoardLogger):
                logger.experiment.add_figure("reconstructions", figure, trainer.global_step)


def _shown(image: np.ndarray) -> np.ndarray:
    """Return one picture (H, W) of memberships: of phase 1 alone, or the mean number of the phase, from 0 to 1."""
    phases = len(image)
    return image[0] if phases == 1 else np.tensordot(np.linspace(0, 1, phases), image, 1)
