"""A decoder of textures: noise places the grains, and latents set their kind everywhere."""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import instance_norm, interpolate, leaky_relu

from ..nets.blocks import noise_planes

PLANES = 4  # planes of noise at each resolution
SLOPE = 0.3  # slope of LeakyReLU
FIRST_SHARE = 0.3  # standard deviation of the noise's shares before training


class Layer(nn.Module):
    """A 3 x 3 convolution with noise. Features are normalised over the patch, then scaled and shifted by functions of the latents.

    So latents act equally at all resolutions and positions, like style in the generators of Ulyanov et al. and of Karras et al.
    """

    def __init__(self, inputs: int, outputs: int, latents: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, 3, padding=1, padding_mode="reflect")
        self.share = nn.Parameter(FIRST_SHARE * torch.randn(outputs, PLANES, 1, 1))
        self.style = nn.Linear(latents, 2 * outputs)

    def forward(self, x: Tensor, latents: Tensor, noise: Tensor) -> Tensor:
        """Return features (B, outputs, H, W) from features (B, inputs, H, W), latents (B, D) and noise (1 or B, PLANES, H, W)."""
        x = instance_norm(self.conv(x) + nn.functional.conv2d(noise, self.share))
        scale, shift = self.style(latents)[..., None, None].chunk(2, dim=1)  # (B, outputs, 1, 1) each
        return leaky_relu(x * (1 + scale) + shift, SLOPE)


class TextureDecoder(nn.Module):
    """Decode latents and noise to patches: one layer at the coarsest resolution and two at each finer one, with nearest up-sampling.

    Parameters
    ----------
    latents : int
        Number D of latents.
    edge : int
        Pixels along an edge at the coarsest resolution; each further entry of width doubles them.
    width : sequence of int
        Channels from the coarsest resolution to that of the patch.

    References
    ----------
    Ulyanov et al., *Texture networks: feed-forward synthesis of textures and stylized images* (2016); Karras et al., *A style-based
    generator architecture for generative adversarial networks* (2019).
    """

    def __init__(self, latents: int, edge: int, width: Sequence[int]) -> None:
        super().__init__()
        self.edge, self.levels = edge, len(width)
        pairs = [(PLANES, width[0])]
        for coarse, fine in pairwise(width):
            pairs += [(coarse, fine), (fine, fine)]
        self.layers = nn.ModuleList(Layer(a, b, latents) for a, b in pairs)
        self.last = nn.Conv2d(width[-1], 1, 3, padding=1, padding_mode="reflect")

    def forward(self, latents: Tensor, keys: Sequence[int], *, seed: int, epoch: int) -> Tensor:
        """Decode latents (B, D) to patches (B, 1, H, W) in [0, 1]; the noise depends on seed, epoch and the key of a patch."""
        planes = noise_planes(keys, (self.edge, self.edge), self.levels, channels=PLANES, seed=seed, epoch=epoch)
        first, *finer = (plane.to(latents).expand(len(latents), -1, -1, -1) for plane in planes)
        x = self.layers[0](first, latents, first)
        for level, noise in enumerate(finer):
            x = self.layers[2 * level + 1](interpolate(x, scale_factor=2), latents, noise)
            x = self.layers[2 * level + 2](x, latents, noise)
        return torch.sigmoid(self.last(x))
