"""The distribution of a trained network's latent images: a mixture of Gaussians that are stationary, so that any size can be drawn."""

from collections.abc import Iterable
from typing import Self

import numpy as np
import torch
from scipy.cluster.vq import kmeans, vq
from torch import Tensor, nn

COMPONENTS = 16  # of the mixture that :meth:`CESSVAE.fit_prior` fits
STARTS = 10  # of k-means, of which the best is taken
IN_EACH = 16  # images in a component on average, at least
BANDS = 0.1, 0.2, 0.35  # cycles per latent pixel between bands of the spectra by which images are grouped


class LatentPrior(nn.Module):
    """A mixture of Gaussians of latent images.

    In each component the means of images vary together, and around its mean each image is a stationary field. Components are groups of
    similar images: k-means finds them by the images' means, variances and spectra, so they often hold one class of microstructure or two.

    Parameters
    ----------
    channels : int
        Channels C of a latent image.
    size : (int, int)
        Height and width (h, w) of the latent images that it is fitted to.
    components : int
        Number K of Gaussians.

    Attributes
    ----------
    weight : tensor (K,)
        The share of each component; the sum is 1.
    mean : tensor (K, C)
        The means of all latents.
    between : tensor (K, C, C)
        Covariances of the means of images.
    within : tensor (K, C, C, h, w)
        Covariances of latents around the mean of their image, by periodic lag.

    Examples
    --------
    >>> import torch
    >>> from twopoint_models.cess_vae.prior import LatentPrior
    >>> latents = torch.randn(100, 2, 4, 4, generator=torch.Generator().manual_seed(0))
    >>> prior = LatentPrior.of([(latents, torch.full_like(latents, -9.0))])
    >>> tuple(prior.drawn(torch.randn(3, 2, 6, 4), torch.randn(3, 2), torch.rand(3)).shape)
    (3, 2, 6, 4)
    """

    def __init__(self, channels: int, size: tuple[int, int], components: int = 1) -> None:
        super().__init__()
        self.weight: Tensor
        self.mean: Tensor
        self.between: Tensor
        self.within: Tensor
        shapes = dict(weight=(), mean=(channels,), between=(channels,) * 2, within=(channels, channels, *size))
        for name, shape in shapes.items():
            self.register_buffer(name, torch.zeros(components, *shape))

    @classmethod
    def of(cls, encoded: Iterable[tuple[Tensor, Tensor]], components: int = 1) -> Self:
        """Return the prior of latent images, which is fitted to their moments.

        Parameters
        ----------
        encoded : iterable of (tensor (B, C, h, w), tensor (B, C, h, w))
            Mean and log-variance of batches of latent images, all of one size; two images or more.
        components : int
            Most components; there are fewer if a component would hold fewer than 16 images on average.

        Returns
        -------
        LatentPrior
            On the CPU. Latents are those drawn from the given distributions, so their variances count too.

        Raises
        ------
        ValueError
            If there are fewer than two images, or sizes differ.
        """
        parts = [(mean.detach().double().cpu(), log_variance.detach().double().cpu()) for mean, log_variance in encoded]
        sizes = sorted({tuple(mean.shape[2:]) for mean, _ in parts})
        if len(sizes) > 1:
            raise ValueError(f"encoded must hold latent images of one size, got {sizes[0]} and {sizes[1]}")
        if (count := sum(len(mean) for mean, _ in parts)) < 2:
            raise ValueError(f"encoded must hold two latent images or more, got {count}")
        latents, variances = (torch.cat(each) for each in zip(*parts, strict=True))
        groups = _groups(latents, max(1, min(components, count // IN_EACH)))
        found = cls(latents.shape[1], sizes[0], len(groups))
        for k, at in enumerate(groups):
            found.weight[k] = len(at) / len(latents)
            found.mean[k], found.between[k], found.within[k] = _moments(latents[at], variances[at].exp())
        return found

    def drawn(self, field: Tensor, shift: Tensor, choice: Tensor) -> Tensor:
        """Return latent images that follow from noise.

        Parameters
        ----------
        field : tensor (B, C, h', w')
            Standard normal noise of any size. For another size than that of the fit, covariances of lags above a quarter of the smaller
            one fade out.
        shift : tensor (B, C)
            Standard normal noise of the means of images.
        choice : tensor (B,)
            Numbers in [0, 1], which choose the component of each image.

        Returns
        -------
        tensor (B, C, h', w')
        """
        chosen = torch.bucketize(choice.double(), self.weight.double().cumsum(0)[:-1], right=True)
        root = _root(torch.fft.fft2(self._lags_of(tuple(field.shape[2:]))).permute(0, 3, 4, 1, 2))
        colours = torch.fft.fft2(field.double()).permute(0, 2, 3, 1)
        made = torch.fft.ifft2(torch.einsum("bhwij,bhwj->bihw", root[chosen], colours.to(root))).real
        shifts = torch.einsum("bij,bj->bi", _root(self.between.double()).real[chosen], shift.double())
        return ((self.mean.double()[chosen] + shifts)[:, :, None, None] + made).to(field)

    def _lags_of(self, size: tuple[int, ...]) -> Tensor:
        """Return the covariances within an image (K, C, C, h', w') by periodic lag, for any size."""
        within = self.within.double()
        for axis, length in zip((3, 4), size, strict=True) if size != tuple(within.shape[3:]) else ():
            within = _resized(within, axis, length)
        return within


def _moments(latents: Tensor, variances: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return the mean (C,), the covariance of means (C, C) and that within images by lag (C, C, h, w)."""
    means = latents.mean((2, 3))
    spectra = torch.fft.fft2(latents - means[:, :, None, None])
    within = torch.fft.ifft2(torch.einsum("bihw,bjhw->ijhw", spectra, spectra.conj())).real / latents[:, 0].numel()
    within[..., 0, 0] += torch.diag(variances.mean((0, 2, 3)))
    return means.mean(0), torch.cov(means.T, correction=0).reshape(len(within), -1), within


def _groups(latents: Tensor, count: int) -> list[Tensor]:
    """Return the indices of groups of similar images, at most count."""
    if count == 1:
        return [torch.arange(len(latents))]
    means = latents.mean((2, 3))
    power = torch.fft.fft2(latents - means[:, :, None, None]).abs().square()
    y, x = (torch.fft.fftfreq(n, dtype=power.dtype) for n in power.shape[2:])
    radius, total = (y[:, None] ** 2 + x**2).sqrt(), power.sum((2, 3)) + 1e-12
    bands = torch.bucketize(radius, torch.tensor(BANDS, dtype=radius.dtype))
    shares = [power[..., bands == band].sum(2) / total for band in range(len(BANDS) + 1)]
    turned = torch.complex(x.expand_as(radius), y[:, None].expand_as(radius)) ** 2 / radius.clamp(min=1e-12) ** 2
    leans = [(power * part).sum((2, 3)) / total for part in (turned.real, turned.imag)]
    told = torch.cat([means, total.log(), *shares, *leans], dim=1)
    told = ((told - told.mean(0)) / told.std(0).clamp(min=1e-6)).numpy()
    labels = vq(told, kmeans(told, count, iter=STARTS, seed=np.random.default_rng(0))[0])[0]
    return [torch.from_numpy(np.flatnonzero(labels == k)) for k in np.unique(labels)]


def _root(covariance: Tensor) -> Tensor:
    """Return a square root of a covariance, or of a stack of them. Negative eigenvalues, which come from rounding, count as 0."""
    values, vectors = torch.linalg.eigh((covariance + covariance.mH) / 2)
    return vectors * values.clamp(min=0).sqrt()[..., None, :] @ vectors.mH


def _resized(within: Tensor, axis: int, length: int) -> Tensor:
    """Return covariances by the periodic lags of another length. Those of long lags fade out linearly, so that no spectrum is negative."""
    old = within.shape[axis]
    if old == length:
        return within
    reach = max(min(old, length) // 2, 1)
    lags = torch.arange(-reach + 1, reach)
    weight = (1 - lags.abs() / reach).to(within)
    faded = within.index_select(axis, lags % old) * weight.view([-1 if i == axis else 1 for i in range(within.ndim)])
    shape = list(within.shape)
    shape[axis] = length
    return within.new_zeros(shape).index_add_(axis, lags % length, faded)
