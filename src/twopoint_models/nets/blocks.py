"""Pieces that networks share."""

from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch import Tensor, nn


def conv(inputs: int, outputs: int, padding: str = "zeros") -> nn.Conv2d:
    """Return a 3 x 3 convolution that keeps the size; beyond the edges it sees zeros, or with "circular" the other side."""
    kind = Circular if padding == "circular" else nn.Conv2d
    return kind(inputs, outputs, 3, padding=1)


def unrounded(layer: nn.Module, x: Tensor) -> Tensor:
    """Return what a layer makes of x in its weights' own precision, within autocast too."""
    with torch.autocast(x.device.type, enabled=False):
        found: Tensor = layer(x.to(next(layer.parameters()).dtype))
    return found


class Circular(nn.Conv2d):
    """A 3 x 3 convolution of a periodic image; torch's own ``padding_mode="circular"`` takes a third longer on a CPU."""

    def forward(self, x: Tensor) -> Tensor:
        """Return features of the same size."""
        x = torch.cat([x[..., -1:], x, x[..., :1]], dim=-1)
        x = torch.cat([x[..., -1:, :], x, x[..., :1, :]], dim=-2)
        return torch.nn.functional.conv2d(x, self.weight, self.bias)


class L2Pool(nn.Module):
    """Root of the mean square under a Hann window of 3 x 3, every second pixel: the pooling of DISTS, which does not alias."""

    def __init__(self, stride: int = 2) -> None:
        super().__init__()
        side = torch.tensor([0.25, 0.5, 0.25])
        self.stride = stride
        self.register_buffer("window", side[:, None] * side, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Return features of half the size, rounded up."""
        window = self.window.to(x.dtype).expand(x.shape[1], 1, 3, 3)
        mean = nn.functional.conv2d(x**2, window, stride=self.stride, padding=1, groups=x.shape[1])
        return (mean + 1e-12).sqrt()  # the root's slope stays finite


class Unit(nn.Module):
    """One skip-connected convolution, ``x + relu(conv(x))``; textured, x first gets of a plane of noise, each channel its own share."""

    def __init__(self, channels: int, padding: str = "zeros", textured: bool = False) -> None:
        super().__init__()
        self.conv = conv(channels, channels, padding)
        self.share = nn.Parameter(FIRST_SHARE * torch.randn(channels, 1, 1)) if textured else None

    def forward(self, x: Tensor, noise: Tensor | None = None) -> Tensor:
        """Return features of the same shape; noise (1 or B, 1, H, W)."""
        if self.share is not None:
            assert noise is not None
            x = x + self.share * noise
        return x + torch.relu(self.conv(x))


FIRST_SHARE = 0.1  # standard deviation of the noise's shares before training, small beside the features


class Chain(nn.Sequential):
    """Layers one after the other, units with the plane of noise that has their resolution."""

    def forward(self, x: Tensor, planes: Sequence[Tensor] = ()) -> Tensor:
        """Return the features at the end; planes of noise (1 or B, 1, h, w), one for each resolution of a textured chain."""
        by_size = {tuple(plane.shape[2:]): plane for plane in planes}
        for layer in self:
            x = layer(x, by_size.get(tuple(x.shape[2:]))) if isinstance(layer, Unit) else layer(x)
        return x


def level(depth: int, padding: str, inputs: int, outputs: int, *sampling: nn.Module, textured: bool = False) -> tuple[nn.Module, ...]:
    """Return one level of resolution: sampling up or down, a convolution that sets the channels, ReLU, and as many units as its depth."""
    return *sampling, conv(inputs, outputs, padding), nn.ReLU(), *(Unit(outputs, padding, textured) for _ in range(depth))


def noise_planes(indices: Iterable[int], size: Sequence[int], levels: int, *, channels: int = 1, seed: int, epoch: int = 0) -> list[Tensor]:
    """Return planes of :func:`latent_noise`, (B, channels, h, w) at a size and (B, channels, 2^l h, 2^l w) at each finer level l."""
    sizes = [(channels, size[0] << level, size[1] << level) for level in range(levels)]
    counts = [c * h * w for c, h, w in sizes]
    flat = latent_noise(indices, (sum(counts),), seed=mixed(seed, levels), epoch=epoch)
    return [part.unflatten(1, each) for part, each in zip(flat.split(counts, dim=1), sizes, strict=True)]


def latent_noise(indices: Iterable[int], shape: Sequence[int], *, seed: int, epoch: int = 0) -> Tensor:
    """Return standard normal noise (B, *shape) in which a sample's share hangs on seed, epoch and its index alone.

    So a step is the same however samples are dealt out to batches, processes and devices.

    Parameters
    ----------
    indices : iterable of int
        One for each sample of the batch.
    shape : sequence of int
        Of one sample's noise.
    seed, epoch : int
        Another one gives other noise.

    Returns
    -------
    tensor (B, *shape) float32
        On the CPU, where the same numbers come out on every machine.

    Examples
    --------
    >>> import torch
    >>> from twopoint_models.nets.blocks import latent_noise
    >>> torch.equal(latent_noise([3, 8], (1, 2, 2), seed=0)[1], latent_noise([8], (1, 2, 2), seed=0)[0])
    True
    """
    generator, found = torch.Generator(), []
    for index in indices:
        generator.manual_seed(mixed(seed, epoch, int(index)))
        found.append(torch.randn(tuple(shape), generator=generator))
    return torch.stack(found)


def mixed(*numbers: int) -> int:
    """Return 63 bits that hang on all numbers (splitmix64): seeds close to each other give unrelated states."""
    state = 0
    for number in numbers:
        state = (state ^ (number & 0xFFFFFFFFFFFFFFFF)) + 0x9E3779B97F4A7C15 & 0xFFFFFFFFFFFFFFFF
        state = (state ^ state >> 30) * 0xBF58476D1CE4E5B9 & 0xFFFFFFFFFFFFFFFF
        state = (state ^ state >> 27) * 0x94D049BB133111EB & 0xFFFFFFFFFFFFFFFF
        state ^= state >> 31
    return state >> 1


def receptive_field(layers: nn.Module) -> int:
    """Return the edge in input pixels of the square that one pixel of a chain of convolutions and poolings sees.

    Parameters
    ----------
    layers : torch.nn.Module
        Convolutions and poolings in the order in which they act, inside one another too; a skip connection sees no more than its branch.

    Returns
    -------
    int

    Examples
    --------
    >>> from torch import nn
    >>> from twopoint_models.nets.blocks import receptive_field
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
    """Return for each image the level above which as many pixels lie as its sigmoid has of phase 1.

    Parameters
    ----------
    logits : tensor (B, 1, H, W)

    Returns
    -------
    tensor (B, 1, 1, 1)
        Halfway between two neighbouring values of the image, of which it is no function for derivatives. Where these are the same, all
        pixels that have the value lie at the level.

    Examples
    --------
    >>> import torch
    >>> from twopoint_models.nets.blocks import volume_level
    >>> logits = torch.tensor([[[[-2.0, -1.0, -0.9, -0.5]]]])  # sigmoids sum to 1.05: one pixel of four
    >>> round(volume_level(logits).item(), 3)
    -0.7
    """
    with torch.no_grad():
        values = logits.float().flatten(1).sort(dim=1, descending=True).values
        number = (logits.float().sigmoid().mean(dim=(1, 2, 3)) * values.shape[1]).round().long()[:, None]
        ends = torch.nn.functional.pad(values, (1, 1))
        ends[:, 0], ends[:, -1] = values[:, 0] + 1, values[:, -1] - 1  # no pixel above, or all
        level = (ends.gather(1, number) + ends.gather(1, number + 1)) / 2
        return level.to(logits.dtype)[:, :, None, None]


def count_of(name: str, value: Any, least: int) -> int:
    """Return an integer of that at least; refuse anything else."""
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise ValueError(f"{name} must be an integer of {least} or more, got {value!r}")
    return value


def widths_of(width: Any) -> int | list[int]:
    """Return one width or five, as JSON knows them."""
    if isinstance(width, int):
        return count_of("width", width, 1)
    found = [count_of("width", each, 1) for each in width]
    if len(found) != 5:
        raise ValueError(f"width must be one number of channels, or five, one a resolution, got {width!r}")
    return found
