"""Networks in training: what the LightningModules of all VAEs share."""

from collections.abc import Mapping
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor

from ..checks import NotFiniteError
from ..nets.blocks import latent_noise
from .choices import Options


class VAETask(pl.LightningModule):
    """Base class of the tasks of all VAEs: latent noise of each sample, the loss with a check that it is finite, and the optimiser."""

    config: Options

    def drawn(self, mean: Tensor, log_variance: Tensor, keys: list[int]) -> Tensor:
        """Return latents drawn from the distributions; the noise depends on seed, epoch and key."""
        noise = latent_noise(keys, mean.shape[1:], seed=self.config.seed, epoch=self.current_epoch).to(mean)
        return mean + noise * (log_variance / 2).exp()

    def total(self, reconstruction: Tensor, kl: Tensor, batch: dict[str, Any]) -> Tensor:
        """Return the loss of a batch and log it with its parts; refuse a loss that is not finite."""
        loss = reconstruction + self.config.kl_weight * min(1.0, (self.current_epoch + 1) / (self.config.kl_warm_up + 1)) * kl
        if not torch.isfinite(loss):
            raise NotFiniteError(
                f"loss is {loss.item()} (reconstruction {reconstruction.item()}, kl {kl.item()}) in epoch {self.current_epoch}, "
                f"step {self.global_step}, for the images {named(batch)}; the last checkpoint is kept"
            )
        found = {"loss": loss, "reconstruction": reconstruction, "kl": kl}
        self.log_dict(found, prog_bar=True, batch_size=len(batch["image"]))
        return loss

    def validated(self, measures: Mapping[str, Any], mean: Tensor, log_variance: Tensor) -> None:
        """Log measures of a validation batch with the prefix ``validation_``, and the divergence; keep that of each latent number."""
        found = {**measures, "kl": divergence(mean, log_variance)}
        self.log_dict({f"validation_{name}": value for name, value in found.items()}, batch_size=len(mean), sync_dist=True)
        batch = torch.stack([divergences(mean, log_variance).sum(0), (log_variance / 2).exp().sum(0)]).double()
        self._sums, self._count = (self._sums + batch, self._count + len(mean)) if self._count else (batch, len(mean))

    _sums: Tensor
    _count = 0
    latents: Tensor | None = None  # (2, *latents): divergence and posterior deviation of each latent number, of the last validation

    def on_validation_epoch_end(self) -> None:
        """Log the mean divergence and posterior deviation of the latent numbers."""
        if not self._count:
            return
        sums, count = (self.all_gather(each) for each in (self._sums.float(), torch.tensor(float(self._count), device=self.device)))
        self.latents = sums.reshape(-1, *self._sums.shape).sum(0) / count.sum()
        self._count = 0
        told = {"validation_kl_of_a_latent": self.latents[0].mean(), "validation_posterior_deviation": self.latents[1].mean()}
        self.log_dict(told, sync_dist=True)

    def configure_optimizers(self) -> Any:
        """Return the optimiser and schedule of all parameters."""
        return self.scheduled(self.parameters())

    def scheduled(self, parameters: Any, **options: Any) -> Any:
        """Return RAdam and a cosine schedule with warm restarts, which advances with each step of the optimiser."""
        optimizer = torch.optim.RAdam(parameters, self.config.learning_rate, foreach=True, **options)  # foreach: the default on GPUs only
        epochs = self.trainer.max_epochs or 1
        a_restart = -(-int(self.trainer.estimated_stepping_batches) * min(self.config.restart_every, epochs) // epochs)
        schedule = torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(optimizer, max(a_restart, 1))
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step", "name": "learning_rate"}}


def divergence(mean: Tensor, log_variance: Tensor) -> Tensor:
    """Return the Kullback-Leibler divergence of the latent distributions from the prior, in nats per image, averaged over the batch."""
    return divergences(mean, log_variance).flatten(1).sum(1).mean()


def divergences(mean: Tensor, log_variance: Tensor) -> Tensor:
    """Return the Kullback-Leibler divergence of each latent number from the prior, in nats."""
    return 0.5 * (mean**2 + log_variance.exp() - 1 - log_variance)


PLACES = ("class_index", "index", "parent", "row", "column")  # keys that may identify an image of a batch


def sample_keys(batch: Mapping[str, Any]) -> list[int]:
    """Return an integer for each image that identifies it in the dataset."""
    known = [batch[name] for name in PLACES if name in batch]
    if not known:
        raise ValueError(f"batch must identify its images by one of {', '.join(PLACES)}, got {', '.join(batch)}")
    keys = [0] * len(known[0])
    for place in known:
        keys = [key * 2_000_003 + int(number) for key, number in zip(keys, place, strict=True)]
    return keys


def named(batch: Mapping[str, Any]) -> str:
    """Return the names of a batch's images as text."""
    names = [
        f"{name}={list(map(str, found))}" if name == "name" else f"{name}={found.tolist()}"
        for name, found in batch.items()
        if name == "name" or name in PLACES
    ]
    return ", ".join(names)


def checked(images: Tensor) -> Tensor:
    """Return memberships with channels last in memory, which is fastest for convolutions; refuse values outside [0, 1]."""
    low, high = images.amin(), images.amax()
    if not (low >= 0 and high <= 1):
        raise ValueError(
            f"images must hold memberships in [0, 1], got values from {low.item():g} to {high.item():g}; divide gray values by 255"
        )
    return images.contiguous(memory_format=torch.channels_last)
