"""A network in training: the LightningModule of the CESS VAE."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor

from ..nets import CESSVAE, VGG19
from ..nets.blocks import latent_noise
from .config import Config
from .losses import Loss


class NotFiniteError(ArithmeticError):
    """A loss that is no number: training stops at once, and the last checkpoint stays."""


class CESSVAETask(pl.LightningModule):
    """Train a :class:`CESSVAE` with one loss: reconstruction plus ``kl_weight`` times the Kullback-Leibler divergence to the prior.

    Latent noise hangs on seed, epoch and the sample's own index, so that a step is the same however samples are dealt out to devices, and a
    run that was killed goes on as if it had not been. RAdam, and a cosine for the learning rate that starts anew every ``restart_every``
    epochs. Logged are loss, reconstruction, kl and learning_rate in training, and for the validation, from latent means, the measures
    of :class:`Loss`, their names behind ``validation_``, ``validation_kl`` and ``validation_judge``, the regime's own.

    Parameters
    ----------
    config : Config or mapping
        Choices of the run; a mapping of its fields, as a checkpoint holds them.
    loss : str
        Of ``losses.LOSSES``.
    judge : str
        The measure that tells how far the run has come.
    network : CESSVAE, optional
        To go on with; by default a new one.
    vgg : VGG19, optional
        For the style loss. It is no part of checkpoints.

    Raises
    ------
    NotFiniteError
        In training, if the loss is not a finite number; names the images of the batch.
    ValueError
        In training, if images hold values outside [0, 1] or have another shape.
    """

    def __init__(
        self, config: Config | Mapping[str, Any], *, loss: str, judge: str, network: CESSVAE | None = None, vgg: VGG19 | None = None
    ) -> None:
        super().__init__()
        self.config = config if isinstance(config, Config) else Config(**config)
        self.network = network if network is not None else new_network(self.config)
        self.network.train().to(memory_format=torch.channels_last)
        self.loss, self.judge = Loss(loss, self.config, self.network, vgg), judge
        self.save_hyperparameters({"config": asdict(self.config), "loss": loss, "judge": judge})

    def training_step(self, batch: dict[str, Any], at: int) -> Tensor:
        """Return the loss of a batch."""
        images = _checked(batch["image"])
        mean, log_variance = self.network.encode(images)
        keys, drawn = sample_keys(batch), dict(seed=self.config.seed, epoch=self.current_epoch)
        noise = latent_noise(keys, mean.shape[1:], **drawn).to(mean)
        reconstruction = self.loss(self.network.logits(mean + noise * (log_variance / 2).exp(), keys, **drawn), images)
        kl = divergence(mean, log_variance)
        loss = reconstruction + self.config.kl_weight * kl
        if not torch.isfinite(loss):
            raise NotFiniteError(
                f"loss is {loss.item()} (reconstruction {reconstruction.item()}, kl {kl.item()}) in epoch {self.current_epoch}, "
                f"step {self.global_step}, for the images {named(batch)}; the last checkpoint is kept"
            )
        self.log_dict({"loss": loss, "reconstruction": reconstruction, "kl": kl}, prog_bar=True, batch_size=len(images))
        return loss

    def validation_step(self, batch: dict[str, Any], at: int) -> None:
        """Measure reconstructions from latent means."""
        images = _checked(batch["image"])
        mean, log_variance = self.network.encode(images)
        found = self.loss.measures(self.network.logits(mean), images) | {"kl": divergence(mean, log_variance)}
        found["judge"] = found[self.judge]
        names = {f"validation_{name}": value for name, value in found.items()}
        self.log_dict(names, batch_size=len(images), sync_dist=True)

    def predict_step(self, batch: dict[str, Any], at: int) -> Tensor:
        """Return reconstructions from latent means."""
        found: Tensor = self.network(batch["image"])
        return found

    def configure_optimizers(self) -> Any:
        """Return RAdam and a cosine with warm restarts, a step of it for each of the optimiser's."""
        optimizer = torch.optim.RAdam(self.parameters(), self.config.learning_rate)
        epochs = self.trainer.max_epochs or 1
        a_restart = -(-int(self.trainer.estimated_stepping_batches) * min(self.config.restart_every, epochs) // epochs)
        schedule = torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(optimizer, max(a_restart, 1))
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step", "name": "learning_rate"}}


def new_network(config: Config) -> CESSVAE:
    """Return an untrained network, its weights from the seed of the config alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        width = config.width[0] if len(config.width) == 1 else config.width
        options: dict[str, Any] = {name: getattr(config, name) for name in ("phases", "latent_channels", "depth", "padding")}
        return CESSVAE(width=width, **options)


def divergence(mean: Tensor, log_variance: Tensor) -> Tensor:
    """Return the Kullback-Leibler divergence of the latent distributions to the prior, in nats an image, the mean over the batch."""
    return 0.5 * (mean**2 + log_variance.exp() - 1 - log_variance).sum(dim=(1, 2, 3)).mean()


PLACES = ("class_index", "index", "parent", "row", "column")  # what may tell an image of a batch from all others


def sample_keys(batch: Mapping[str, Any]) -> list[int]:
    """Return a whole number for each image, its own in the dataset."""
    known = [batch[name] for name in PLACES if name in batch]
    if not known:
        raise ValueError(f"batch must tell its images apart by one of {', '.join(PLACES)}, got {', '.join(batch)}")
    keys = [0] * len(known[0])
    for place in known:
        keys = [key * 2_000_003 + int(number) for key, number in zip(keys, place, strict=True)]
    return keys


def named(batch: Mapping[str, Any]) -> str:
    """Return the names of a batch's images, for a person."""
    names = [
        f"{name}={list(map(str, found))}" if name == "name" else f"{name}={found.tolist()}"
        for name, found in batch.items()
        if name == "name" or name in PLACES
    ]
    return ", ".join(names)


def _checked(images: Tensor) -> Tensor:
    """Refuse memberships outside [0, 1]; keep what convolutions like best in memory."""
    low, high = images.amin(), images.amax()
    if not (low >= 0 and high <= 1):
        raise ValueError(
            f"images must hold memberships in [0, 1], got values from {low.item():g} to {high.item():g}; divide gray values by 255"
        )
    return images.contiguous(memory_format=torch.channels_last)
