"""Choices that all runs by Lightning have."""

from dataclasses import dataclass
from typing import ClassVar

from ..choices import option
from ..training_choices import Training


@dataclass(frozen=True)
class Options(Training):
    """Optimiser, order, and the machine."""

    vgg: str = option("", "file of VGG-19's weights for the style loss; 'random' for random filters; by default fetched once")
    precision: str = option("32-true", "of Lightning: 32-true, bf16-mixed, 16-mixed; or fast, bfloat16 where the machine has it")
    accelerator: str = option("auto", "of Lightning: auto, cpu, gpu")
    devices: int = option(1, "GPUs, or processes on the CPU, that share each step")
    workers: int = option(0, "processes that read images, for each device")

    POSITIVE: ClassVar[tuple[str, ...]] = (*Training.POSITIVE, "devices")
    OF_THE_MACHINE: ClassVar[tuple[str, ...]] = ("accelerator", "devices", "workers", "data", "vgg", "encoder", "start")
    OPTIONAL_FILES: ClassVar[tuple[str, ...]] = ("encoder", "start")
