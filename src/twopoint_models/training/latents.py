"""How much each latent number of a run carries."""

import csv
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytorch_lightning as pl

COLLAPSED = 0.01  # nats; a latent number with less does not distinguish images


class Latents(pl.Callback):
    """Write the divergence and the posterior deviation of each latent number after each epoch; name collapsed ones at the end.

    Parameters
    ----------
    path : path
        CSV with a line for each latent number: its place (channel, row, column of a latent image, or one index), ``kl``, its
        Kullback-Leibler divergence from the prior in nats, a mean over the validation images, and ``posterior_deviation``, the mean
        standard deviation of its distribution.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def on_validation_end(self, trainer: pl.Trainer, task: Any) -> None:
        """Write the table, in one process only."""
        if not trainer.is_global_zero or trainer.sanity_checking or task.latents is None:
            return
        kl, deviation = task.latents.float().cpu().numpy()
        part = self.path.with_suffix(".part")
        with part.open("w", newline="") as file:
            lines = csv.writer(file)
            lines.writerow([*places_of(kl.shape), "kl", "posterior_deviation"])
            lines.writerows([*at, f"{kl[at]:.6g}", f"{deviation[at]:.6g}"] for at in np.ndindex(kl.shape))
        part.replace(self.path)

    def on_fit_end(self, trainer: pl.Trainer, task: Any) -> None:
        """Warn of latent numbers that have collapsed."""
        if not trainer.is_global_zero or task.latents is None:
            return
        kl = task.latents[0].float().cpu().numpy()
        if collapsed := [at for at in np.ndindex(kl.shape) if kl[at] < COLLAPSED]:
            named = ", ".join(str(at[0] if len(at) == 1 else at) for at in collapsed[:10]) + (", ..." if len(collapsed) > 10 else "")
            told = f"{len(collapsed)} of {kl.size} latent numbers carry less than {COLLAPSED} nats: {named}"
            warnings.warn(f"{told}; a smaller kl_weight keeps them", stacklevel=2)


def places_of(shape: tuple[int, ...]) -> tuple[str, ...]:
    """Return the names of the axes of latents."""
    return ("channel", "row", "column") if len(shape) == 3 else ("latent",)


def read_latents(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return the divergence in nats (latents,) and the posterior deviation (latents,) of a table that :class:`Latents` wrote."""
    with path.open() as file:
        found = np.array([(line["kl"], line["posterior_deviation"]) for line in csv.DictReader(file)], float)
    return found[:, 0], found[:, 1]
