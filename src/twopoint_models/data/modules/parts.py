"""What all DataModules share: parts by name, created when they are needed, and their loaders."""

from collections.abc import Iterable
from typing import Any

import pytorch_lightning as pl
import torch
from torch.utils.data import DataLoader

from ...checks import positive
from ..shuffling import order_of
from ..splits import SPLITS, check_three

TRAIN, VALIDATION, TEST = SPLITS
ALL = "all"
PARTS = {"fit": (TRAIN, VALIDATION), "validate": (VALIDATION,), "test": (TEST,), "predict": (ALL,), None: (*SPLITS, ALL)}


class PartsModule(pl.LightningDataModule):
    """Base class of the DataModules: parts by name, created when they are needed, and their loaders."""

    def __init__(self, fractions: Iterable[float], seed: int, batch_size: int, workers: int, order_seed: int | None = None) -> None:
        super().__init__()
        check_three(fractions)
        positive("seed", seed, zero=True), positive("batch_size", batch_size), positive("workers", workers, zero=True)
        self._order_seed = seed if order_seed is None else positive("order_seed", order_seed, zero=True)
        self._parts: dict[str, Any] = {}
        self._shares = tuple(fractions)

    def setup(self, stage: str | None = None) -> None:
        """Create the parts of a stage: "fit", "validate", "test" or "predict"; None for all. Lightning calls this in each process."""
        if stage not in PARTS:
            raise ValueError(f"stage must be one of {', '.join(map(repr, PARTS))}, got {stage!r}")
        self._parts |= self._made(PARTS[stage])

    def _made(self, parts: tuple[str, ...]) -> dict[str, Any]:
        """Return parts by name."""
        raise NotImplementedError

    def train_dataloader(self) -> Any:
        """Return batches of the train part, in a new order each epoch."""
        return self._loader(TRAIN)

    def val_dataloader(self) -> Any:
        """Return batches of the validation part, in the file's order; an empty list if its fraction is 0 (Lightning warns)."""
        return self._loader(VALIDATION) if self._shares[SPLITS.index(VALIDATION)] else []

    def test_dataloader(self) -> Any:
        """Return batches of the test part, in the file's order."""
        return self._loader(TEST)

    def predict_dataloader(self) -> Any:
        """Return batches of all parts together, in the file's order."""
        return self._loader(ALL)

    def _loader(self, part: str) -> Any:
        """Return the batches of a part."""
        if part not in self._parts:
            raise RuntimeError(f"the {part} part is not there before setup; call setup(), or leave that to a Trainer")
        dataset, options = self._parts[part], self.hparams
        if not len(dataset):
            raise ValueError(f"the {part} part is empty: its share of {self._shares} is 0, or too small for what there is")
        return DataLoader(
            dataset,
            batch_size=options.batch_size,  # by keyword: Lightning recreates some loaders from their keywords
            sampler=order_of(dataset, self._order_seed, self.trainer) if part == TRAIN else None,
            num_workers=options.workers,
            persistent_workers=options.workers > 0,
            pin_memory=torch.cuda.is_available(),
        )
