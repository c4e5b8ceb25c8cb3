"""Similarity of textures: DISTS and STSIM-2, with gradients. Both are 1 for equal images and less for others."""

import os
from collections.abc import Callable
from itertools import combinations

import torch
from jaxtyping import Float
from torch import Tensor, nn

from ..nets.files import read_tensors
from ..nets.vgg import VGG16
from .pyramid import steerable_pyramid

STAGES = ("conv1_2", "conv2_2", "conv3_3", "conv4_3", "conv5_3")
WIDTHS = (3, 64, 128, 256, 512, 512)  # channels of the image itself and of the stages
SMALL = 1e-6  # DISTS' constants c1 and c2
LEVELS, STEADY, TINY = 255.0, 1e-3, 1e-6  # STSIM-2 takes gray values up to 255; its constants are relative to their squares


class DISTS(nn.Module):
    """Deep image structure and texture similarity: means and covariances of VGG-16's feature maps, weighted.

    Parameters
    ----------
    network : VGG16
        Network that returns ``similarity.STAGES``, with ``pooling="l2"``.
    alpha, beta : tensors of 1475 numbers
        Weights of texture (means) and structure (covariances) for the three channels of the image and those of the stages.

    Raises
    ------
    ValueError
        If network or weights do not match.

    References
    ----------
    Ding et al., *Image quality assessment: unifying structure and texture similarity* (2020), eqs. (4)-(6). Their measure is a distance, 1
    minus this one.
    """

    def __init__(self, network: VGG16, alpha: Tensor, beta: Tensor) -> None:
        super().__init__()
        if network.layers != STAGES:
            raise ValueError(f"network must return {', '.join(STAGES)}, got {', '.join(network.layers)}")
        self.network, total = network, alpha.sum() + beta.sum()
        for name, weights in (("alpha", alpha), ("beta", beta)):
            if weights.numel() != sum(WIDTHS):
                raise ValueError(f"{name} must hold {sum(WIDTHS)} weights, got {weights.numel()}")
            self.register_buffer(name, weights.flatten() / total)

    @classmethod
    def load(cls, network: str | os.PathLike[str], weights: str | os.PathLike[str]) -> "DISTS":
        """Return the measure with weights read from files.

        Parameters
        ----------
        network : str or path
            File of torchvision's VGG-16, as :meth:`VGG16.load` reads it.
        weights : str or path
            File with tensors ``alpha`` and ``beta``: the authors' ``weights.pt``, or a safetensors file.

        Returns
        -------
        DISTS

        Raises
        ------
        FileNotFoundError, ValueError
            If a file is missing, truncated or not of this kind.
        """
        found = read_tensors(weights)
        if missing := [name for name in ("alpha", "beta") if name not in found]:
            raise ValueError(f"{weights} lacks {missing[0]}, which the weights of DISTS contain")
        return cls(
            VGG16.load(network, layers=STAGES, pooling="l2", convention="torchvision"), found["alpha"].float(), found["beta"].float()
        )

    def forward(self, first: Float[Tensor, "batch channels height width"], second: Float[Tensor, "batch channels height width"]) -> Tensor:
        """Return the similarity of each pair.

        Parameters
        ----------
        first, second : tensors (B, 1 or 3, H, W)
            Gray or RGB images in [0, 1].

        Returns
        -------
        tensor (B,)
            At most 1.

        Raises
        ------
        TypeError, ValueError
            If the shapes differ, or :class:`VGG16` refuses the images.
        """
        _same(first, second)
        pairs = [(first.expand(-1, 3, -1, -1), second.expand(-1, 3, -1, -1))]
        pairs += zip(self.network(first), self.network(second), strict=True)
        alphas, betas, found = self.alpha.split(WIDTHS), self.beta.split(WIDTHS), first.new_zeros(len(first))
        for (x, y), alpha, beta in zip(pairs, alphas, betas, strict=True):
            a, b = x.mean((2, 3)), y.mean((2, 3))  # (B, C)
            x, y = x - a[..., None, None], y - b[..., None, None]
            texture = (2 * a * b + SMALL) / (a**2 + b**2 + SMALL)
            structure = (2 * (x * y).mean((2, 3)) + SMALL) / ((x**2).mean((2, 3)) + (y**2).mean((2, 3)) + SMALL)
            found = found + texture @ alpha + structure @ beta
        return found


def stsim2(
    first: Float[Tensor, "batch 1 height width"], second: Float[Tensor, "batch 1 height width"], *, window: int | None = None
) -> Tensor:
    """Return the structural texture similarity STSIM-2 of each pair of images.

    The measure compares fourteen subbands of a steerable pyramid of three scales and four orientations by mean, variance and the
    correlations of horizontal and vertical neighbours, and 26 pairs of subbands by the correlations of their magnitudes. It returns the
    mean of the forty terms.

    Parameters
    ----------
    first, second : tensors (B, 1, H, W)
        Gray values in [0, 1].
    window : int, optional
        Edge of the windows in which statistics are taken, 7 in the authors' local form. By default the whole image is one window, so that
        the place of a texture does not matter.

    Returns
    -------
    tensor (B,)
        At most 1.

    Raises
    ------
    ValueError
        If the shapes differ, images are not (B, 1, H, W), or are too small for the pyramid or the windows.

    References
    ----------
    Zujovic, Pappas and Neuhoff, *Structural texture similarity metrics for image analysis and retrieval* (2013), eqs. (5)-(17).

    Examples
    --------
    >>> import torch
    >>> from twopoint_models.evaluation.similarity import stsim2
    >>> images = torch.rand(2, 1, 64, 64, generator=torch.Generator().manual_seed(0))
    >>> stsim2(images, images)
    tensor([1., 1.])
    """
    _same(first, second)
    if window is not None and not 2 <= window <= min(first.shape[2:]) // 8:
        raise ValueError(f"window must be from 2 to an eighth of the image, {min(first.shape[2:]) // 8}, got {window}")
    mean = _windows(window)
    split = [steerable_pyramid(LEVELS * images) for images in (first, second)]
    whole = [steerable_pyramid(LEVELS * images, subsampled=False).bands for images in (first, second)]
    x, y = ([pyramid.high, *pyramid.bands, pyramid.low] for pyramid in split)
    found = [_bands_alike(a, b, mean) for a, b in zip(x, y, strict=True)]  # (B, orientations) each
    magnitudes = [[_magnitude(band) for band in bands] for bands in whole]
    for scale in range(len(whole[0])):
        a, b = (each[scale] for each in magnitudes)
        for i, j in combinations(range(a.shape[1]), 2):
            found.append(_pairs_alike(a[:, [i]], a[:, [j]], b[:, [i]], b[:, [j]], mean))
        if scale:
            found.append(_pairs_alike(magnitudes[0][scale - 1], a, magnitudes[1][scale - 1], b, mean))
    return torch.cat(found, dim=1).mean(1)


def _same(first: Tensor, second: Tensor) -> None:
    """Refuse images of different shapes."""
    if first.shape != second.shape or first.ndim != 4:
        raise ValueError(f"first and second must have one shape (B, C, H, W), got {tuple(first.shape)} and {tuple(second.shape)}")


def _windows(edge: int | None) -> Callable[[Tensor], Tensor]:
    """Return a function from fields to their means over the image, or over each window."""

    def mean(x: Tensor) -> Tensor:
        if edge is None:
            return x.mean((-2, -1), keepdim=True)
        if x.is_complex():
            return torch.complex(mean(x.real), mean(x.imag))
        return nn.functional.avg_pool2d(x, edge, stride=1)

    return mean


def _bands_alike(x: Tensor, y: Tensor, mean: Callable[[Tensor], Tensor]) -> Tensor:
    """Return STSIM-1 (B, n) of subbands (B, n, h, w): the fourth root of the product of mean, variance, horizontal and vertical terms."""
    right, down = (slice(None, -1), slice(1, None)), (slice(1, None), slice(None, -1))
    here = (slice(None, -1), slice(None, -1))
    terms = _ratio(_square(mean(x[(..., *here)])), _square(mean(y[(..., *here)])))
    terms = terms * _ratio(_variance(x[(..., *here)], mean), _variance(y[(..., *here)], mean))
    for there in (right, down):
        terms = terms * _correlations_alike(x[(..., *here)], x[(..., *there)], y[(..., *here)], y[(..., *there)], mean)
    return terms.clamp_min(1e-12).pow(0.25).mean((-2, -1))


def _pairs_alike(x: Tensor, x2: Tensor, y: Tensor, y2: Tensor, mean: Callable[[Tensor], Tensor]) -> Tensor:
    """Return the similarity (B, n) of the correlation of two subbands in one image to that in the other."""
    return _correlations_alike(x, x2, y, y2, mean).mean((-2, -1))


def _correlations_alike(x: Tensor, x2: Tensor, y: Tensor, y2: Tensor, mean: Callable[[Tensor], Tensor]) -> Tensor:
    """Return 1 - |rho_x - rho_y| / 2 in each window."""
    apart = _correlation(x, x2, mean) - _correlation(y, y2, mean)
    return 1 - _magnitude(apart) / 2 if apart.is_complex() else 1 - apart.abs() / 2


def _correlation(a: Tensor, b: Tensor, mean: Callable[[Tensor], Tensor]) -> Tensor:
    """Return the correlation coefficients of two fields in each window."""
    a, b = _centred(a), _centred(b)
    spread = ((_variance(a, mean) + STEADY) * (_variance(b, mean) + STEADY)).sqrt()
    return (mean(a * b.conj()) - mean(a) * mean(b).conj()) / spread


def _variance(x: Tensor, mean: Callable[[Tensor], Tensor]) -> Tensor:
    """Return the variance in each window."""
    x = _centred(x)
    return (mean(_square(x)) - _square(mean(x))).clamp_min(0)


def _centred(x: Tensor) -> Tensor:
    """Return fields minus their mean, which avoids cancellation."""
    return x - x.mean((-2, -1), keepdim=True).detach()


def _square(x: Tensor) -> Tensor:
    """Return the squared magnitude."""
    return x.real**2 + x.imag**2 if x.is_complex() else x**2


def _magnitude(x: Tensor) -> Tensor:
    """Return the magnitude, with a finite slope at 0."""
    return (_square(x) + TINY**2).sqrt() - TINY


def _ratio(a: Tensor, b: Tensor) -> Tensor:
    """Return (2 sqrt(a b) + c) / (a + b + c), which is 1 for a = b, with a finite slope of the root."""
    return (2 * ((a + TINY) * (b + TINY)).sqrt() - 2 * TINY + STEADY) / (a + b + STEADY)
