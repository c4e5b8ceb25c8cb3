"""The order of training images, which depends on a seed and the number of the epoch."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch.utils.data import DistributedSampler, RandomSampler


class Shuffled(RandomSampler):
    """A new order for each epoch, fixed by seed and epoch. Lightning sets the epoch; a plain loop need not."""

    def __init__(self, dataset: Any, seed: int) -> None:
        super().__init__(dataset, generator=torch.Generator())
        self.seed, self.epoch = seed, 0

    def set_epoch(self, epoch: int) -> None:
        """Set the number of the next epoch."""
        self.epoch = epoch

    def __iter__(self) -> Iterator[int]:
        self.generator.manual_seed(int(np.random.SeedSequence((self.seed, self.epoch)).generate_state(1)[0]))
        self.epoch += 1
        return super().__iter__()


def order_of(dataset: Any, seed: int, trainer: Any) -> "Shuffled | Dealt":
    """Return the order of training, or the share of this process if a Lightning trainer has several processes."""
    if trainer is None or trainer.world_size == 1:
        return Shuffled(dataset, seed)
    return Dealt(dataset, seed, trainer.world_size, trainer.global_rank)


class Dealt(DistributedSampler[Any]):
    """The order of :class:`Shuffled` distributed over processes. Their batches together are those of one process with larger batches.

    The last share is padded from the beginning if the number of images is not a multiple of the number of processes. The class is a
    DistributedSampler, which Lightning does not replace.
    """

    def __init__(self, dataset: Any, seed: int, processes: int, rank: int) -> None:
        super().__init__(dataset, processes, rank)
        self.order = Shuffled(dataset, seed)

    def set_epoch(self, epoch: int) -> None:
        """Set the number of the next epoch."""
        self.order.set_epoch(epoch)

    def __iter__(self) -> Iterator[int]:
        order = list(self.order)
        order += order[: self.total_size - len(order)]
        return iter(order[self.rank : self.total_size : self.num_replicas])
