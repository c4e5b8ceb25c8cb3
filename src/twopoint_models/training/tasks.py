"""Networks in training: the LightningModules of VAEs."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor

from .._check import NotFiniteError
from ..nets import CESSVAE, VGG19
from ..nets.blocks import latent_noise
from .config import Config
from .losses import Loss
from .options import Options


class VAETask(pl.LightningModule):
    """What all VAEs share: latent noise by sample, the loss and its refusal of what is no number, and the optimiser."""

    config: Options

    def drawn(self, mean: Tensor, log_variance: Tensor, keys: list[int]) -> Tensor:
        """Return latents of the distributions, whose noise hangs on seed, epoch and key."""
        noise = latent_noise(keys, mean.shape[1:], seed=self.config.seed, epoch=self.current_epoch).to(mean)
        return mean + noise * (log_variance / 2).exp()

    def total(self, reconstruction: Tensor, kl: Tensor, batch: dict[str, Any]) -> Tensor:
        """Return the loss of a batch, logged with its parts; refuse one that is no finite number."""
        loss = reconstruction + self.config.kl_weight * kl
        if not torch.isfinite(loss):
            raise NotFiniteError(
                f"loss is {loss.item()} (reconstruction {reconstruction.item()}, kl {kl.item()}) in epoch {self.current_epoch}, "
                f"step {self.global_step}, for the images {named(batch)}; the last checkpoint is kept"
            )
        found = {"loss": loss, "reconstruction": reconstruction, "kl": kl}
        self.log_dict(found, prog_bar=True, batch_size=len(batch["image"]))
        return loss

    def configure_optimizers(self) -> Any:
        """Return RAdam and a cosine with warm restarts, a step of it for each of the optimiser's."""
        optimizer = torch.optim.RAdam(self.parameters(), self.config.learning_rate, foreach=True)  # by default so on GPUs alone
        epochs = self.trainer.max_epochs or 1
        a_restart = -(-int(self.trainer.estimated_stepping_batches) * min(self.config.restart_every, epochs) // epochs)
        schedule = torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(optimizer, max(a_restart, 1))
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step", "name": "learning_rate"}}


class CESSVAETask(VAETask):
    """Train a CESS VAE with one loss: reconstruction plus ``kl_weight`` times the Kullback-Leibler divergence to the prior.

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
    network : nets.CESSVAE, optional
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
        self.config: Config = config if isinstance(config, Config) else Config(**config)
        self.network = network if network is not None else new_network(self.config)
        self.network.train().to(memory_format=torch.channels_last)
        self.loss, self.judge = Loss(loss, self.config, self.network, vgg), judge
        self.save_hyperparameters({"config": asdict(self.config), "loss": loss, "judge": judge})

    def training_step(self, batch: dict[str, Any], at: int) -> Tensor:
        """Return the loss of a batch."""
        images = checked(batch["image"])
        mean, log_variance = self.network.encode(images)
        keys = sample_keys(batch)
        logits = self.network.logits(self.drawn(mean, log_variance, keys), keys, seed=self.config.seed, epoch=self.current_epoch)
        return self.total(self.loss(logits, images), divergence(mean, log_variance), batch)

    def validation_step(self, batch: dict[str, Any], at: int) -> None:
        """Measure reconstructions from latent means."""
        images = checked(batch["image"])
        mean, log_variance = self.network.encode(images)
        found = self.loss.measures(self.network.logits(mean), images) | {"kl": divergence(mean, log_variance)}
        found["judge"] = found[self.judge]
        names = {f"validation_{name}": value for name, value in found.items()}
        self.log_dict(names, batch_size=len(images), sync_dist=True)

    def pictures(self, images: Tensor) -> dict[str, Tensor]:
        """Return what a picture of the run shows: rows of memberships."""
        logits = self.network.logits(self.network.encode(images)[0])
        return {"original": images, "reconstruction": self.network.memberships(logits), "thresholded": self.loss.hard(logits)}

    def predict_step(self, batch: dict[str, Any], at: int) -> Tensor:
        """Return reconstructions from latent means."""
        found: Tensor = self.network(batch["image"])
        return found


def new_network(config: Config) -> CESSVAE:
    """Return an untrained network, its weights from the seed of the config alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        width = config.width[0] if len(config.width) == 1 else config.width
        options: dict[str, Any] = {name: getattr(config, name) for name in ("phases", "latent_channels", "depth", "padding")}
        return CESSVAE(width=width, **options)


def divergence(mean: Tensor, log_variance: Tensor) -> Tensor:
    """Return the Kullback-Leibler divergence of the latent distributions to the prior, in nats an image, the mean over the batch."""
    return 0.5 * (mean**2 + log_variance.exp() - 1 - log_variance).flatten(1).sum(1).mean()


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


def checked(images: Tensor) -> Tensor:
    """Refuse memberships outside [0, 1]; keep what convolutions like best in memory."""
    low, high = images.amin(), images.amax()
    if not (low >= 0 and high <= 1):
        raise ValueError(
            f"images must hold memberships in [0, 1], got values from {low.item():g} to {high.item():g}; divide gray values by 255"
        )
    return images.contiguous(memory_format=torch.channels_last)
