"""Networks of the CESS VAE in training: LightningModules, with a discriminator where the regime has one."""

import copy
import warnings
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, interpolate
from torch.nn.utils import clip_grad_norm_

from ..nets.blocks import mixed
from ..nets.vgg import VGG19
from ..training.tasks import VAETask, checked, divergence, sample_keys
from ..weights import vgg19
from .config import CESSConfig
from .discriminator import Discriminator
from .losses import BLOCK, Loss
from .network import CESSVAE
from .patches import patch_distance
from .regimes import REGIMES


class CESSVAETask(VAETask):
    """Train a CESS VAE with one loss: reconstruction plus ``kl_weight`` times the Kullback-Leibler divergence to the prior.

    Latent noise depends on seed, epoch and the index of the sample. So a step does not depend on how samples are distributed over devices,
    and a resumed run equals one that was not interrupted. The optimiser is RAdam, with a cosine of the learning rate that restarts every
    ``restart_every`` epochs. Training logs loss, reconstruction, kl and learning_rate. Validation logs the measures of :class:`Loss` from
    latent means, with the prefix ``validation_``, ``validation_kl``, and ``validation_judge``, the measure of the regime.

    Parameters
    ----------
    config : CESSConfig or mapping
        Choices of the run, or a mapping of its fields, which a checkpoint holds.
    loss : str
        Name of the loss, one of ``losses.LOSSES``.
    judge : str
        The measure by which the run is judged.
    network : nets.CESSVAE, optional
        Network to train further; by default a new one.
    vgg : VGG19, optional
        Network of the style loss. Checkpoints do not hold it.

    Raises
    ------
    NotFiniteError
        In training, if the loss is not finite; the message names the images of the batch.
    ValueError
        In training, if images hold values outside [0, 1] or have another shape.
    """

    def __init__(
        self, config: CESSConfig | Mapping[str, Any], *, loss: str, judge: str, network: CESSVAE | None = None, vgg: VGG19 | None = None
    ) -> None:
        super().__init__()
        self.config: CESSConfig = config if isinstance(config, CESSConfig) else CESSConfig(**config)
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
        logits = logits.to(torch.promote_types(logits.dtype, torch.float32))  # bfloat16 has only 8 bits for what statistics compare
        return self.total(self.loss(logits, images) + self.against(logits, images), divergence(mean, log_variance), batch)

    def against(self, logits: Tensor, images: Tensor) -> Tensor | float:
        """Return what an adversary adds to the loss."""
        return 0.0

    def validation_step(self, batch: dict[str, Any], at: int) -> None:
        """Measure reconstructions from latent means."""
        images = checked(batch["image"])
        mean, log_variance = self.network.encode(images)
        found = self.loss.measures(self.network.logits(mean), images)
        self.validated(found | {"judge": found[self.judge]}, mean, log_variance)

    def pictures(self, images: Tensor) -> dict[str, Tensor]:
        """Return the rows of a picture of the run, as memberships."""
        logits = self.network.logits(self.network.encode(images)[0])
        return {"original": images, "reconstruction": self.network.memberships(logits), "thresholded": self.loss.hard(logits)}

    def predict_step(self, batch: dict[str, Any], at: int) -> Tensor:
        """Return reconstructions from latent means."""
        found: Tensor = self.network(batch["image"])
        return found


class AdversarialTask(CESSVAETask):
    """Train a CESS VAE against a :class:`Discriminator`, which learns beside it, by the hinge loss.

    The discriminator sees an image beside the means of the original over blocks of 8 pixels, so a patch must look right where it is.
    Each network takes its own gradient, clipped by its own norm: the decoder that of its loss and of the score of its reconstructions, the
    discriminator that of the hinge loss. Training logs score and discriminator, this loss; 1 means that it cannot distinguish them. With
    ``adversarial_weight`` 0 there is no discriminator: statistics, means over blocks and the distance of patches remain.
    A collapse is a validation whose judge is above ``COLLAPSED`` times the least so far. It ends the training with a warning, and the
    network is the last one before it, or that of the start.
    """

    def __init__(self, config: CESSConfig | Mapping[str, Any], **options: Any) -> None:
        super().__init__(config, **options)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.config.seed + 1)
            self.discriminator = Discriminator(2 * self.network.channels, self.config.discriminator_width, self.config.padding)
        self.discriminator.to(memory_format=torch.channels_last).requires_grad_(self.config.adversarial_weight > 0)
        self.good: dict[str, Any] = {"epoch": -1, "least": float("inf"), "network": self._weights(), "collapsed": False}

    def against(self, logits: Tensor, images: Tensor) -> Tensor:
        """Return what is added to the loss of the statistics and of means over blocks."""
        patches = self.config.patches_weight * self.patches(logits, images)
        if not self.config.adversarial_weight:
            return patches
        means = interpolate(avg_pool2d(images, BLOCK), scale_factor=BLOCK, mode="bilinear")
        real, made = (torch.cat([x, means], dim=1) for x in (images, self.network.memberships(logits)))
        score, told = self.discriminator.of_reconstructions(made), self.discriminator.loss(real, made)
        self.log_dict({"score": score, "discriminator": told}, prog_bar=True, batch_size=len(images))
        return told - self.config.adversarial_weight * score + patches

    def patches(self, logits: Tensor, images: Tensor) -> Tensor:
        """Return the distance between distributions of patches, along directions that depend on seed and step."""
        generator = torch.Generator().manual_seed(mixed(self.config.seed, self.global_step))
        return patch_distance(self.network.memberships(logits), images, generator)

    def configure_optimizers(self) -> Any:
        """Return RAdam with a group for each network, and the schedule of :class:`VAETask`."""
        return self.scheduled(
            [
                {"params": self.network.parameters()},
                {"params": self.discriminator.parameters(), "lr": self.config.learning_rate * self.config.discriminator_rate},
            ],
            betas=BETAS,
        )

    def configure_gradient_clipping(self, optimizer: Any, gradient_clip_val: Any = None, gradient_clip_algorithm: Any = None) -> None:
        """Clip the gradient of each network by its own norm."""
        if gradient_clip_val:
            for network in (self.network, self.discriminator):
                clip_grad_norm_(network.parameters(), gradient_clip_val)

    def on_train_start(self) -> None:
        """Do not continue a run that had collapsed."""
        self.trainer.should_stop = self.good["collapsed"]

    def on_validation_end(self) -> None:
        """Keep the network, or notice a collapse."""
        if self.trainer.sanity_checking or self.good["collapsed"]:
            return
        value = self.judged()
        if not value <= COLLAPSED * self.good["least"]:
            self.good["collapsed"] = self.trainer.should_stop = True
            told = f"{self.judge} {value:.3g} in epoch {self.current_epoch}, {self.good['least']:.3g} before"
            last = f"of epoch {self.good['epoch']}" if self.good["epoch"] >= 0 else "of the start"
            warnings.warn(f"the adversarial training collapsed: {told}; the network {last} is kept", stacklevel=2)
        else:
            self.good |= {"epoch": self.current_epoch, "least": min(value, self.good["least"]), "network": self._weights()}

    def _weights(self) -> dict[str, Tensor]:
        """Return a copy of the network's weights."""
        return {name: tensor.detach().clone() for name, tensor in self.network.state_dict().items()}

    def judged(self) -> float:
        """Return the judge of the last validation."""
        return float(self.trainer.callback_metrics["validation_judge"])

    def on_train_end(self) -> None:
        """Take the last good network after a collapse."""
        if self.good["collapsed"]:
            self.network.load_state_dict(self.good["network"])

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Keep the good network in the checkpoint."""
        checkpoint["good"] = self.good

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Take the good network from the checkpoint."""
        self.good = checkpoint["good"]


COLLAPSED = 3.0
BETAS = (0.5, 0.99)  # shorter memories than usual, as each network's task changes with the other


def new_network(config: CESSConfig) -> CESSVAE:
    """Return an untrained network whose weights depend on the seed of the config only."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        width = config.width[0] if len(config.width) == 1 else config.width
        options: dict[str, Any] = {name: getattr(config, name) for name in ("phases", "latent_channels", "depth", "padding")}
        return CESSVAE(width=width, **options)


def make_task(config: CESSConfig, loss: str, network: CESSVAE | None = None) -> CESSVAETask:
    """Return the task of one half; a given network is copied."""
    vgg = None
    if loss == "style":
        vgg = vgg19(config.vgg, layers=config.style_layers, pooling="mean", padding=config.padding)
    network = copy.deepcopy(network) if network is not None else new_network(config)
    by_loss: dict[str, dict[str, Any]] = {
        "sharp": {"sharpness": config.sharpness},
        "adversarial": {"decoder_depth": config.decoder_depth},
    }
    changes = by_loss.get(loss, {})
    if config.noise == "always" or (config.noise == "regime" and changes):
        changes |= {"texture": True}
    elif config.noise == "never" and network.config["texture"]:
        raise ValueError("noise must be 'regime' or 'always' for a network whose decoder has noise, got 'never'")
    network = network.changed(**changes) if changes else network
    kind = AdversarialTask if loss == "adversarial" else CESSVAETask
    return kind(config, loss=loss, judge=REGIMES[config.regime].judge, network=network, vgg=vgg)
