"""Pictures of a run in progress: validation images and their reconstructions."""

from pathlib import Path
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
from pytorch_lightning.loggers import TensorBoardLogger

from ..evaluation.figures import gallery

COLUMNS = 10


class Pictures(pl.Callback):
    """Draw some validation images and their reconstructions by a task's ``pictures`` after each epoch, as PNG and for TensorBoard.

    Parameters
    ----------
    folder : path
        Folder in which ``epoch-001.png`` and so on are written.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def on_train_epoch_end(self, trainer: pl.Trainer, task: Any) -> None:
        """Draw the pictures, in one process only."""
        loaders = trainer.val_dataloaders
        if not trainer.is_global_zero or not loaders:
            return
        dataset = loaders.dataset
        items = [dataset[i] for i in sorted({i * len(dataset) // COLUMNS for i in range(COLUMNS)})]
        images = torch.stack([torch.as_tensor(item["image"]) for item in items]).to(task.device)
        task.eval()  # otherwise batch normalisation would learn from these images
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
    """Return one picture (H, W) of memberships: that of phase 1, or the mean phase number scaled to [0, 1]."""
    phases = len(image)
    return image[0] if phases == 1 else np.tensordot(np.linspace(0, 1, phases), image, 1)
