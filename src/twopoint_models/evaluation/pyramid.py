"""The complex steerable pyramid: an image as subbands of scale and orientation."""

import math
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor


class Pyramid(NamedTuple):
    """Subbands of images.

    Attributes
    ----------
    high : tensor (B, 1, H, W)
        Details finer than the finest scale.
    bands : list of complex tensors (B, orientations, h, w)
        One tensor for each scale, from the finest. The real part is the response of the even filter, the imaginary part that of the odd
        filter.
    low : tensor (B, 1, h, w)
        Content coarser than the coarsest scale.
    """

    high: Tensor
    bands: list[Tensor]
    low: Tensor


def steerable_pyramid(
    images: Float[Tensor, "batch 1 height width"], *, scales: int = 3, orientations: int = 4, subsampled: bool = True
) -> Pyramid:
    """Split images into subbands by masks on their Fourier transforms: raised cosines of log frequency and powers of a cosine of angle.

    Without subsampling, the real bands, high and low are a tight frame: their squares sum to those of the image.

    Parameters
    ----------
    images : tensor (B, 1, H, W)
        Images, which are treated as periodic.
    scales, orientations : int
        Number of scales, an octave apart, and of orientations, pi / orientations apart; at least two orientations.
    subsampled : bool
        Whether each scale has half the resolution of the one before, rounded up; otherwise all have that of the image.

    Returns
    -------
    Pyramid

    Raises
    ------
    ValueError
        If images have another shape or are too small for the scales, or if there is no scale or fewer than two orientations.

    References
    ----------
    Simoncelli and Freeman, *The steerable pyramid* (1995); the complex one: Portilla and Simoncelli (2000).

    Examples
    --------
    >>> import torch
    >>> from twopoint_models.evaluation.pyramid import steerable_pyramid
    >>> found = steerable_pyramid(torch.rand(2, 1, 64, 48))
    >>> [tuple(band.shape) for band in found.bands], tuple(found.low.shape)
    ([(2, 4, 64, 48), (2, 4, 32, 24), (2, 4, 16, 12)], (2, 1, 8, 6))
    """
    if images.ndim != 4 or images.shape[1] != 1:
        raise ValueError(f"images must have the shape (batch, 1, H, W), got {tuple(images.shape)}")
    if scales < 1 or orientations < 2:
        raise ValueError(f"scales must be 1 or more and orientations 2 or more, got {scales} and {orientations}")
    if min(images.shape[2:]) < 2 ** (scales + 1):
        raise ValueError(f"images must be {2 ** (scales + 1)} pixels or more a side for {scales} scales, got {tuple(images.shape[2:])}")
    octave, angle = _frequencies(images)
    rest = torch.fft.fftshift(torch.fft.fft2(images), dim=(-2, -1))
    high, bands = _back(rest * _above(octave, 0.0)).real, []
    rest = rest * _below(octave, 0.0)
    for scale in range(1, scales + 1):
        bands.append(_back(rest * _above(octave, -scale) * _lobes(angle, orientations)))
        rest = rest * _below(octave, -scale)
        if subsampled:
            rest, octave, angle = (_middle(each) for each in (rest, octave, angle))
    return Pyramid(high, bands, _back(rest).real)


def _frequencies(images: Tensor) -> tuple[Tensor, Tensor]:
    """Return the octave of each frequency relative to Nyquist's, at most 0 along the axes, and its angle; frequency 0 is in the middle."""
    rows, columns = (torch.arange(n, dtype=images.dtype, device=images.device).sub(n // 2) / (n / 2) for n in images.shape[2:])
    radius = torch.hypot(rows[:, None], columns)
    radius[len(rows) // 2, len(columns) // 2] = 1e-6  # the mean lies far below all scales
    return radius.log2(), torch.atan2(rows[:, None], columns.expand(len(rows), -1))


def _above(octave: Tensor, edge: float) -> Tensor:
    """Return the mask of frequencies above an octave, which rises from 0 one octave below to 1."""
    return (octave - edge).clamp(-1, 0).mul(math.pi / 2).cos()


def _below(octave: Tensor, edge: float) -> Tensor:
    """Return the mask of frequencies below an octave; its square and that of the mask above sum to one."""
    return (octave - edge).clamp(-1, 0).mul(math.pi / 2).sin().abs()


def _lobes(angle: Tensor, orientations: int) -> Tensor:
    """Return the angular masks (orientations, h, w), each on one half of the plane, so that bands are complex."""
    order = orientations - 1
    scale = 2**order * math.factorial(order) / math.sqrt(orientations * math.factorial(2 * order))
    turned = torch.stack([angle - math.pi * number / orientations for number in range(orientations)])
    return (-1j) ** order * 2 * scale * turned.cos().clamp_min(0) ** order


def _middle(spectrum: Tensor) -> Tensor:
    """Return the lower half of the frequencies."""
    rows, columns = ((n + 1) // 2 for n in spectrum.shape[-2:])
    top, left = spectrum.shape[-2] // 2 - rows // 2, spectrum.shape[-1] // 2 - columns // 2
    return spectrum[..., top : top + rows, left : left + columns]


def _back(spectrum: Tensor) -> Tensor:
    """Return the image of a spectrum with frequency 0 in the middle."""
    return torch.fft.ifft2(torch.fft.ifftshift(spectrum, dim=(-2, -1)))
