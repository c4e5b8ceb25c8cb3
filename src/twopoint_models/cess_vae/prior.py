"""The distribution of a trained network's latent images: a Gaussian that is stationary, so that any size can be drawn."""

from collections.abc import Iterable
from typing import Self

import torch
from torch import Tensor, nn


class LatentPrior(nn.Module):
    """A Gaussian of latent images: the means of images vary together, and around its mean each image is a stationary field.

    Parameters
    ----------
    channels : int
        Channels C of a latent image.
    size : (int, int)
        Height and width (h, w) of the latent images that it is fitted to.

    Attributes
    ----------
    mean : tensor (C,)
        The mean of all latents.
    between : tensor (C, C)
        Covariance of the means of images.
    within : tensor (C, C, h, w)
        Covariance of latents around the mean of their image, by periodic lag.

    Examples
    --------
    >>> import torch
    >>> from twopoint_models.cess_vae.prior import LatentPrior
    >>> latents = torch.randn(100, 2, 4, 4, generator=torch.Generator().manual_seed(0))
    >>> prior = LatentPrior.of([(latents, torch.full_like(latents, -9.0))])
    >>> tuple(prior.drawn(torch.randn(3, 2, 6, 4), torch.randn(3, 2)).shape)
    (3, 2, 6, 4)
    """

    def __init__(self, channels: int, size: tuple[int, int]) -> None:
        super().__init__()
        self.mean: Tensor
        self.between: Tensor
        self.within: Tensor
        shapes = dict(mean=(channels,), between=(channels,) * 2, within=(channels, channels, *size))
        for name, shape in shapes.items():
            self.register_buffer(name, torch.zeros(shape))

    @classmethod
    def of(cls, encoded: Iterable[tuple[Tensor, Tensor]]) -> Self:
        """Return the prior of latent images, which is fitted to their moments.

        Parameters
        ----------
        encoded : iterable of (tensor (B, C, h, w), tensor (B, C, h, w))
            Mean and log-variance of batches of latent images, all of one size; two images or more.

        Returns
        -------
        LatentPrior
            On the CPU. Latents are those drawn from the given distributions, so their variances count too.

        Raises
        ------
        ValueError
            If there are fewer than two images, or sizes differ.
        """
        moments = _Moments()
        for mean, log_variance in encoded:
            moments.add(mean.detach().double().cpu(), log_variance.detach().double().cpu())
        if moments.count < 2:
            raise ValueError(f"encoded must hold two latent images or more, got {moments.count}")
        found = cls(len(moments.sums), (moments.size[0], moments.size[1]))
        found.mean.copy_(moments.sums / moments.count)
        found.between.copy_(moments.squares / moments.count - torch.outer(moments.sums, moments.sums) / moments.count**2)
        found.within.copy_(moments.lags / moments.count)
        return found

    def drawn(self, field: Tensor, shift: Tensor) -> Tensor:
        """Return latent images that follow from standard normal noise.

        Parameters
        ----------
        field : tensor (B, C, h', w')
            Noise of any size. For another size than that of the fit, covariances of lags above a quarter of the smaller one fade out.
        shift : tensor (B, C)
            Noise of the means of images.

        Returns
        -------
        tensor (B, C, h', w')
        """
        root = _root(torch.fft.fft2(self._lags_of(tuple(field.shape[2:]))).permute(2, 3, 0, 1))
        colours = torch.fft.fft2(field.double()).permute(0, 2, 3, 1)
        made = torch.fft.ifft2(torch.einsum("hwij,bhwj->bihw", root, colours.to(root))).real
        means = self.mean.double() + torch.einsum("ij,bj->bi", _root(self.between.double()).real, shift.double())
        return (means[:, :, None, None] + made).to(field)

    def _lags_of(self, size: tuple[int, ...]) -> Tensor:
        """Return the covariance within an image by periodic lag, for any size."""
        within = self.within.double()
        if size == tuple(within.shape[2:]):
            return within
        for axis, length in zip((2, 3), size, strict=True):
            within = _resized(within, axis, length)
        return within


class _Moments:
    """Sums over latent images, from which their covariances follow."""

    count, size = 0, torch.Size()

    def add(self, mean: Tensor, log_variance: Tensor) -> None:
        """Add a batch."""
        if self.count == 0:
            channels, self.size = mean.shape[1], mean.shape[2:]
            self.sums, self.squares = mean.new_zeros(channels), mean.new_zeros(channels, channels)
            self.lags = mean.new_zeros(channels, channels, *self.size)
        if mean.shape[2:] != self.size:
            raise ValueError(f"encoded must hold latent images of one size, got {tuple(self.size)} and {tuple(mean.shape[2:])}")
        means = mean.mean((2, 3))
        spectra = torch.fft.fft2(mean - means[:, :, None, None])
        self.count += len(mean)
        self.sums += means.sum(0)
        self.squares += means.T @ means
        self.lags += torch.fft.ifft2(torch.einsum("bihw,bjhw->ijhw", spectra, spectra.conj())).real / self.size.numel()
        self.lags[..., 0, 0] += torch.diag(log_variance.exp().mean((2, 3)).sum(0))


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
