"""Choices that all runs by Lightning have."""

from dataclasses import dataclass
from typing import ClassVar

from ..choices import Choices, option


@dataclass(frozen=True)
class Options(Choices):
    """Optimiser, order, and the machine."""

    epochs: int = option(30, "passes over the training images")
    batch_size: int = option(32, "images of a step, on each device")
    learning_rate: float = option(1e-3, "of RAdam, at the start of each cosine")
    restart_every: int = option(10, "epochs of one cosine of the learning rate")
    kl_weight: float = option(1e-6, "weight of the Kullback-Leibler divergence, in nats an image")
    gradient_clip: float = option(0.1, "largest norm of a step's gradient; 0 is no limit")
    vgg: str = option("", "file of VGG-19's weights for the style loss; 'random' for random filters; by default fetched once")
    seed: int = option(0, "of weights, order and latent noise")
    precision: str = option("32-true", "of Lightning: 32-true, bf16-mixed, 16-mixed")
    accelerator: str = option("auto", "of Lightning: auto, cpu, gpu")
    devices: int = option(1, "GPUs, or processes on the CPU, that share each step")
    workers: int = option(0, "processes that read images, for each device")

    POSITIVE: ClassVar[tuple[str, ...]] = ("epochs", "batch_size", "learning_rate", "restart_every", "devices")
    OF_THE_MACHINE: ClassVar[tuple[str, ...]] = ("accelerator", "devices", "workers", "data", "vgg", "encoder", "start")
