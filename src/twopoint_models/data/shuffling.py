"""The order in which images are trained on: fixed by a seed and the number of the epoch."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch.utils.data import RandomSampler


class Shuffled(RandomSampler):
    """Another order each epoch, fixed by seed and epoch: Lightning tells the epoch, a bare loop need not."""

    def __init__(self, dataset: Any, seed: int) -> None:
        super().__init__(dataset, generator=torch.Generator())
        self.seed, self.epoch = seed, 0

    def set_epoch(self, epoch: int) -> None:
        """Say which epoch comes next."""
        self.epoch = epoch

    def __iter__(self) -> Iterator[int]:
        self.generator.manual_seed(int(np.random.SeedSequence((self.seed, self.epoch)).generate_state(1)[0]))
        self.epoch += 1
        return super().__iter__()
