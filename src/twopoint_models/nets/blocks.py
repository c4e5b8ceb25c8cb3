"""Blocks that several networks use."""

from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch import Tensor, nn


def conv(inputs: int, outputs: int, padding: str = "zeros") -> nn.Conv2d:
    """Return a 3 x 3 convolution that keeps the size, with padding by zeros or, for "circular", periodic padding."""
    kind = Circular if padding == "circular" else nn.Conv2d
    return kind(inputs, outputs, 3, padding=1)


class Circular(nn.Conv2d):
    """A 3 x 3 convolution of a periodic image; its gradient is faster on a CPU than that of torch's ``padding_mode="circular"``."""

    def forward(self, x: Tensor) -> Tensor:
        """Return features of the same size."""
        return torch.nn.functional.conv2d(Wrap.apply(x), self.weight, self.bias)


class Wrap(torch.autograd.Function):
    """Repeat an image's opposite border around it, one pixel wide. Autograd of slices would sum whole images in backward."""

    generate_vmap_rule = True

    @staticmethod
    def forward(x: Tensor) -> Tensor:
        """Return images (..., H + 2, W + 2)."""
        *batch, height, width = x.shape
        if x.ndim == 4 and x.stride(1) == 1:  # channels last in memory stay so
            found = x.new_empty((batch[0], height + 2, width + 2, batch[1])).movedim(-1, 1)
        else:
            found = x.new_empty((*batch, height + 2, width + 2))
        found[..., 1:-1, 1:-1] = x
        found[..., 0, 1:-1], found[..., -1, 1:-1] = x[..., -1, :], x[..., 0, :]
        found[..., 0], found[..., -1] = found[..., -2], found[..., 1]
        return found

    @staticmethod
    def setup_context(context: Any, inputs: tuple[Tensor], output: Tensor) -> None:
        """Save nothing: the function is linear."""

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> Any:
        """Return the gradient (..., H, W)."""
        return Unwrap.apply(gradient)

    @staticmethod
    def jvp(context: Any, tangent: Tensor) -> Any:
        """Return the tangent (..., H + 2, W + 2)."""
        return Wrap.apply(tangent)


class Unwrap(torch.autograd.Function):
    """The adjoint of :class:`Wrap`: add the border to the pixels that it repeats."""

    generate_vmap_rule = True

    @staticmethod
    def forward(x: Tensor) -> Tensor:
        """Return images (..., H - 2, W - 2)."""
        for axis in (-1, -2):
            size = x.shape[axis] - 2
            first, last = (x.narrow(axis, at, 1) + x.narrow(axis, border, 1) for at, border in ((1, -1), (size, 0)))
            inner = [first, x.narrow(axis, 2, size - 2), last] if size > 1 else [first + x.narrow(axis, 0, 1)]
            x = torch.cat(inner, dim=axis)
        return x

    @staticmethod
    def setup_context(context: Any, inputs: tuple[Tensor], output: Tensor) -> None:
        """Save nothing: the function is linear."""

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> Any:
        """Return the gradient (..., H, W)."""
        return Wrap.apply(gradient)

    @staticmethod
    def jvp(context: Any, tangent: Tensor) -> Any:
        """Return the tangent (..., H - 2, W - 2)."""
        return Unwrap.apply(tangent)


class L2Pool(nn.Module):
    """The pooling of DISTS, which does not alias: root mean square under a 3 x 3 Hann window, at every second pixel."""

    def __init__(self, stride: int = 2) -> None:
        super().__init__()
        side = torch.tensor([0.25, 0.5, 0.25])
        self.stride = stride
        self.register_buffer("window", side[:, None] * side, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Return features of half the size, rounded up."""
        window = self.window.to(x.dtype).expand(x.shape[1], 1, 3, 3)
        mean = nn.functional.conv2d(x**2, window, stride=self.stride, padding=1, groups=x.shape[1])
        return (mean + 1e-12).sqrt()  # keeps the slope of the root finite


def noise_planes(indices: Iterable[int], size: Sequence[int], levels: int, *, channels: int = 1, seed: int, epoch: int = 0) -> list[Tensor]:
    """Return planes of :func:`latent_noise`, (B, channels, h, w) at the given size and (B, channels, 2^l h, 2^l w) at finer levels l."""
    sizes = [(channels, size[0] << level, size[1] << level) for level in range(levels)]
    counts = [c * h * w for c, h, w in sizes]
    flat = latent_noise(indices, (sum(counts),), seed=mixed(seed, levels), epoch=epoch)
    return [part.unflatten(1, each) for part, each in zip(flat.split(counts, dim=1), sizes, strict=True)]


def latent_noise(indices: Iterable[int], shape: Sequence[int], *, seed: int, epoch: int = 0) -> Tensor:
    """Return standard normal noise (B, *shape); the noise of a sample depends on seed, epoch and its index only.

    So a step does not depend on how samples are distributed over batches, processes and devices.

    Parameters
    ----------
    indices : iterable of int
        Index of each sample of the batch.
    shape : sequence of int
        Shape of the noise of one sample.
    seed, epoch : int
        Different seeds give different noise.

    Returns
    -------
    tensor (B, *shape) float32
        On the CPU, where the numbers are the same on every machine.

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
    """Return 63 bits that depend on all numbers (splitmix64); similar seeds give unrelated states."""
    state = 0
    for number in numbers:
        state = (state ^ (number & 0xFFFFFFFFFFFFFFFF)) + 0x9E3779B97F4A7C15 & 0xFFFFFFFFFFFFFFFF
        state = (state ^ state >> 30) * 0xBF58476D1CE4E5B9 & 0xFFFFFFFFFFFFFFFF
        state = (state ^ state >> 27) * 0x94D049BB133111EB & 0xFFFFFFFFFFFFFFFF
        state ^= state >> 31
    return state >> 1


def count_of(name: str, value: Any, least: int) -> int:
    """Return an integer that is not below a bound; refuse anything else."""
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise ValueError(f"{name} must be an integer of {least} or more, got {value!r}")
    return value
