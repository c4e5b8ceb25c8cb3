"""A small texture VAE, and patches of a folder of micrographs."""

import pytest
import torch

from twopoint_models.data import read_micrographs
from twopoint_models.data.modules import PatchesModule
from twopoint_models.texture_vae import (
    TextureConfig,
    TextureVAE,
)

TINY = (4, 4, 4, 2, 2)


LIGHTNING = [
    pytest.mark.filterwarnings("ignore:.*does not have many workers"),
    pytest.mark.filterwarnings("ignore:.*smaller than the logging interval"),
    pytest.mark.filterwarnings("ignore:Checkpoint directory .* exists and is not empty"),
    pytest.mark.filterwarnings("ignore:.*Starting from v1.9.0, `tensorboardX`"),
]


def model(**options):
    torch.manual_seed(0)
    return TextureVAE(**(dict(latents=3, size=32, width=TINY) | options)).eval()


def config(**changes):
    small = dict(latents=3, size=32, width=TINY, epochs=2, restart_every=2, batch_size=4, vgg="random", accelerator="cpu", kl_weight=1e-3)
    return TextureConfig(**(small | dict(style_layers=("conv1_1", "pool_1")) | changes))


def data(folder, **options):
    return PatchesModule(read_micrographs(folder).windows(32, 24), white=255, batch_size=4, **options)


def patches(folder):
    """Four patches of each micrograph, and its name."""
    return read_micrographs(folder).patches("train", 32, 4)[:2]
