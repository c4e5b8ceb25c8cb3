"""Pieces of the CESS VAE: skip-connected convolutions, chains of these, and their receptive field."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from ..nets.blocks import conv, count_of


class Unit(nn.Module):
    """A skip-connected convolution, ``x + relu(conv(x))``. If textured, each channel first adds its own share of a plane of noise to x."""

    def __init__(self, channels: int, padding: str = "zeros", textured: bool = False) -> None:
        super().__init__()
        self.conv = conv(channels, channels, padding)
        self.share = nn.Parameter(FIRST_SHARE * torch.randn(channels, 1, 1)) if textured else None

    def forward(self, x: Tensor, noise: Tensor | None = None) -> Tensor:
        """Return features of the same shape; noise (1 or B, 1, H, W)."""
        if self.share is not None:
            assert noise is not None
            x = x + self.share * noise
        return x + torch.relu_(self.conv(x))  # in place: no derivative needs what came out of the convolution

    def soften(self) -> None:
        """Make the convolution's weights small, so that the unit changes features little but has a slope."""
        with torch.no_grad():
            self.conv.weight.mul_(FIRST_SIZE)
            nn.init.zeros_(self.conv.bias) if self.conv.bias is not None else None


LEVELS = 5  # of resolution, with a sampling by two between neighbours
FIRST_SIZE = 0.3  # of the weights of a unit that is added to a trained network
FIRST_SHARE = 0.1  # standard deviation of the noise's shares before training, small compared with the features


class Chain(nn.Sequential):
    """A sequence of layers; each unit gets the plane of noise of its resolution."""

    def forward(self, x: Tensor, planes: Sequence[Tensor] = ()) -> Tensor:
        """Return the features after the last layer. A textured chain takes one plane of noise (1 or B, 1, h, w) for each resolution."""
        by_size = {tuple(plane.shape[2:]): plane for plane in planes}
        for layer in self:
            x = layer(x, by_size.get(tuple(x.shape[2:]))) if isinstance(layer, Unit) else layer(x)
        return x


def level(depth: int, padding: str, inputs: int, outputs: int, *sampling: nn.Module, textured: bool = False) -> tuple[nn.Module, ...]:
    """Return the layers of one resolution: up- or down-sampling, a convolution that sets the channels, ReLU, and ``depth`` units."""
    return *sampling, conv(inputs, outputs, padding), nn.ReLU(inplace=True), *(Unit(outputs, padding, textured) for _ in range(depth))


def levels(chain: nn.Sequential) -> list[list[nn.Module]]:
    """Return the layers of a decoder by resolution; the last ones hold the convolution that ends it."""
    found: list[list[nn.Module]] = [[]]
    for layer in list(chain)[:-1]:
        if isinstance(layer, nn.Upsample):
            found.append([])
        found[-1].append(layer)
    return [*found, [chain[-1]]]


def receptive_field(layers: nn.Module) -> int:
    """Return the edge, in input pixels, of the receptive field of a chain of convolutions and poolings.

    Parameters
    ----------
    layers : torch.nn.Module
        Convolutions and poolings in the order in which they act, possibly nested. A skip connection sees no more than its branch.

    Returns
    -------
    int

    Examples
    --------
    >>> from torch import nn
    >>> from twopoint_models.cess_vae.blocks import receptive_field
    >>> receptive_field(nn.Sequential(nn.Conv2d(1, 1, 3), nn.AvgPool2d(2), nn.Conv2d(1, 1, 3)))
    8
    """
    edge, step = 1, 1
    for layer in layers.modules():
        if isinstance(layer, (nn.Conv2d, nn.AvgPool2d, nn.MaxPool2d)):
            kernel, stride = (x[0] if isinstance(x, tuple) else x for x in (layer.kernel_size, layer.stride))
            edge, step = edge + (kernel - 1) * step, step * stride
    return edge


def volume_level(logits: Tensor) -> Tensor:
    """Return the threshold of each image at which the volume fraction equals the mean of its sigmoid.

    Parameters
    ----------
    logits : tensor (B, 1, H, W)

    Returns
    -------
    tensor (B, 1, 1, 1)
        Halfway between two neighbouring values of the image, without a gradient. If both are equal, all pixels of that value lie at the
        threshold.

    Examples
    --------
    >>> import torch
    >>> from twopoint_models.cess_vae.blocks import volume_level
    >>> logits = torch.tensor([[[[-2.0, -1.0, -0.9, -0.5]]]])  # sigmoids sum to 1.05: one pixel of four
    >>> round(volume_level(logits).item(), 3)
    -0.7
    """
    with torch.no_grad():
        values = logits.float().flatten(1).sort(dim=1, descending=True).values
        number = (logits.float().sigmoid().mean(dim=(1, 2, 3)) * values.shape[1]).round().long()[:, None]
        ends = torch.nn.functional.pad(values, (1, 1))
        ends[:, 0], ends[:, -1] = values[:, 0] + 1, values[:, -1] - 1  # no pixel above the threshold, or all of them
        level = (ends.gather(1, number) + ends.gather(1, number + 1)) / 2
        return level.to(logits.dtype)[:, :, None, None]


def widths_of(width: Any) -> int | list[int]:
    """Return one width or five as JSON values."""
    if isinstance(width, int):
        return count_of("width", width, 1)
    found = [count_of("width", each, 1) for each in width]
    if len(found) != 5:
        raise ValueError(f"width must be one number of channels, or five, one a resolution, got {width!r}")
    return found


def depths_of(depths: Any) -> list[int]:
    """Return five depths as JSON values."""
    found = [count_of("decoder_depth", each, 1) for each in depths]
    if len(found) != LEVELS:
        raise ValueError(f"decoder_depth must be five numbers, one a resolution, got {depths!r}")
    return found
