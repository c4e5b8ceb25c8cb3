"""The adversary of the CESS VAE's decoder: a network that tells patches of images from patches of reconstructions."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import relu
from torch.nn.utils.parametrizations import spectral_norm

from ..nets.blocks import Wrap, conv

STRIDES = (2, 2, 2, 1)  # of the hidden layers; a score sees 54 x 54 pixels


class Discriminator(nn.Module):
    """Score patches of images: five convolutions with spectral normalisation and leaky ReLUs.

    Parameters
    ----------
    channels : int
        Channels of the images.
    width : sequence of int (4,)
        Channels of the hidden layers.
    padding : "zeros" or "circular"
        Padding of the convolutions.

    References
    ----------
    Isola et al. 2017, a discriminator of patches; Miyato et al. 2018, spectral normalisation.

    Examples
    --------
    >>> import torch
    >>> from twopoint_models.cess_vae.discriminator import Discriminator
    >>> tuple(Discriminator(1, (8, 8, 8, 8), "circular")(torch.zeros(2, 1, 64, 64)).shape)
    (2, 1, 8, 8)
    """

    def __init__(self, channels: int, width: tuple[int, ...], padding: str) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for inputs, outputs, stride in zip((channels, *width[:-1]), width, STRIDES, strict=True):
            layer = _halving(inputs, outputs, padding) if stride == 2 else conv(inputs, outputs, padding)
            layers += [spectral_norm(layer), nn.LeakyReLU(0.2)]
        self.layers = nn.Sequential(*layers, spectral_norm(conv(width[-1], 1, padding)))

    def forward(self, images: Tensor) -> Tensor:
        """Return scores (B, 1, H / 8, W / 8), high where patches look like those of images."""
        scores: Tensor = self.layers(images)
        return scores

    def of_reconstructions(self, reconstructions: Tensor) -> Tensor:
        """Return the mean score, through which a decoder gets a gradient and this network gets none."""
        self.requires_grad_(False)
        score = self(reconstructions).mean()
        self.requires_grad_(True)
        return score

    def loss(self, images: Tensor, reconstructions: Tensor) -> Tensor:
        """Return the hinge loss of this network, which gives reconstructions no gradient."""
        real, made = self(torch.cat([images, reconstructions.detach()])).chunk(2)
        return (relu(1 - real).mean() + relu(1 + made).mean()) / 2


class _Halving(nn.Conv2d):
    """A 4 x 4 convolution of a periodic image at every second pixel."""

    def forward(self, x: Tensor) -> Tensor:
        """Return features of half the size."""
        return nn.functional.conv2d(Wrap.apply(x), self.weight, self.bias, stride=2)


def _halving(inputs: int, outputs: int, padding: str) -> nn.Conv2d:
    """Return a 4 x 4 convolution that halves the size."""
    kind: Any = _Halving if padding == "circular" else nn.Conv2d
    layer: nn.Conv2d = kind(inputs, outputs, 4, stride=2, padding=1)
    return layer
