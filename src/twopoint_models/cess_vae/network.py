"""The variational autoencoder of the CESS paper: from images of phases to a small latent image and back."""

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any, Self

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from ..arrays import array_of, in_batches
from ..checks import as_images, as_latents
from ..nets.blocks import conv, count_of, latent_noise, mixed, noise_planes
from ..nets.files import Network
from .blocks import LEVELS, Chain, depths_of, level, levels, receptive_field, volume_level, widths_of
from .config import REDUCTION
from .prior import COMPONENTS, LatentPrior

MEANS, CHOICE = 1, 2  # tell the noise of images' means, and that which chooses a component, from that of latents


class CESSVAE(Network):
    """Encode microstructures to a latent image at a sixteenth of their resolution, and decode it.

    Cai et al., section 3.3 and Fig. 5, after TAESD: five levels of resolution, each with ``depth`` skip-connected convolutions and a ReLU
    after each. The encoder has average pooling between levels, the decoder nearest up-sampling. An image of 224 x 224 becomes a latent
    image of 14 x 14. ``encoder`` returns mean and log-variance (B, 2C, h, w), ``decoder`` returns logits.

    Parameters
    ----------
    phases : int
        Number N of phases. For two phases, images hold the membership of phase 1, (B, 1, H, W), and the decoder ends in a sigmoid. For
        more, images hold all N memberships, (B, N, H, W), and the decoder ends in a softmax.
    latent_channels : int
        Channels C of the latent image.
    width : int or five int
        Channels at all resolutions, or at each of five, from the image to the latent image.
    depth : int
        Skip-connected convolutions at each resolution.
    decoder_depth : five int, optional
        The same of the decoder at each of five resolutions, from the latent image to the image; by default depth at all.
    padding : "zeros" or "circular"
        Padding of the convolutions. Circular padding suits periodic images and makes the network commute with shifts by 16 pixels.
    sharpness : float
        With 0 the decoder ends in a plain sigmoid or softmax. Above 0, for two phases, the logits of each image are shifted so that its
        thresholded volume fraction equals the mean of the plain sigmoid, and then multiplied by the sharpness.
    prior : (int, int, int), optional
        Components of a fitted :class:`LatentPrior`, and the size (h, w) of its latent images, as :meth:`fit_prior` sets them.
    texture : bool
        Add noise to the decoder at each resolution, from which it can place the grains that the latent image cannot store.

    Raises
    ------
    TypeError, ValueError
        If an option is invalid.

    Examples
    --------
    >>> import torch
    >>> from twopoint_models.cess_vae import CESSVAE
    >>> model = CESSVAE(width=8)
    >>> mean, log_variance = model.encode(torch.zeros(2, 1, 64, 32))
    >>> tuple(mean.shape), tuple(model.decode(mean).shape)
    ((2, 1, 4, 2), (2, 1, 64, 32))
    """

    def __init__(
        self,
        *,
        phases: int = 2,
        latent_channels: int = 1,
        width: int | Sequence[int] = 64,
        depth: int = 1,
        decoder_depth: Sequence[int] | None = None,
        padding: str = "zeros",
        sharpness: float = 0.0,
        texture: bool = False,
        prior: Sequence[int] | None = None,
    ) -> None:
        super().__init__()
        self.config: dict[str, Any] = {
            "phases": count_of("phases", phases, 2),
            "latent_channels": count_of("latent_channels", latent_channels, 1),
            "width": widths_of(width),
            "depth": count_of("depth", depth, 1),
            "padding": _padding_of(padding),
            "sharpness": _sharpness_of(sharpness, phases),
            "texture": bool(texture),
            "decoder_depth": None if decoder_depth is None else depths_of(decoder_depth),
            "prior": None if prior is None else [count_of("prior", each, 1) for each in prior],
        }
        self.channels = 1 if phases == 2 else phases
        self.latent_channels = latent_channels
        wide = self.config["width"]
        widths = wide if isinstance(wide, list) else [wide] * LEVELS
        self.encoder = _encoder(self.channels, latent_channels, widths, depth, padding)
        depths = self.config["decoder_depth"] or [depth] * LEVELS
        self.decoder = _decoder(self.channels, latent_channels, widths, depths, padding, bool(texture))
        self.prior = None if prior is None else LatentPrior(latent_channels, (prior[1], prior[2]), prior[0])

    @property
    def receptive_field(self) -> int:
        """Edge of the receptive field of a latent pixel, in pixels."""
        return receptive_field(self.encoder)

    def encode(self, images: Any, *, pad: bool = False) -> tuple[Any, Any]:
        """Return the latent images' mean and log-variance.

        Parameters
        ----------
        images : tensor (B, 1, H, W), or (B, N, H, W) for more than two phases
            Memberships in [0, 1]; H and W divisible by 16. Or, without gradients, a numpy array (..., H, W), or (..., N, H, W), of labels 0
            and 1 or memberships; or what :func:`twopoint_models.open_images` takes or returns: files, folders, MICRO2D's files, datasets.
        pad : bool
            For arrays: continue images whose height or width is not divisible by 16 periodically, up to the next multiple. By default they
            are refused.

        Returns
        -------
        mean, log_variance : tensors (B, C, H/16, W/16), or arrays (..., C, H/16, W/16) for arrays

        Raises
        ------
        ValueError
            If images have another shape, or arrays leave [0, 1].

        Examples
        --------
        >>> import numpy as np
        >>> from twopoint_models.cess_vae import CESSVAE
        >>> CESSVAE(width=4).encode(np.eye(40), pad=True)[0].shape
        (1, 3, 3)
        """
        if not isinstance(images, Tensor):
            found, shape = as_images(array_of(images, self.channels), self.channels, multiple=REDUCTION, pad=pad)
            batch = shape[: -2 - (self.channels > 1)]
            mean, log_variance = in_batches(self.encode, found, self)
            return mean.reshape(*batch, *mean.shape[1:]), log_variance.reshape(*batch, *mean.shape[1:])
        if images.ndim != 4 or images.shape[1] != self.channels:
            raise ValueError(f"images must have the shape (batch, {self.channels}, H, W), got {tuple(images.shape)}")
        if any(n % REDUCTION or not n for n in images.shape[2:]):
            raise ValueError(f"images must have a height and width divisible by {REDUCTION}, got {tuple(images.shape[2:])}")
        mean, log_variance = self.encoder(images).chunk(2, dim=1)
        return mean, log_variance.clamp(-30.0, 20.0)  # a variance that float32 holds

    def decode(self, latents: Any, *, seed: int = 0) -> Any:
        """Decode latent images to memberships.

        Parameters
        ----------
        latents : tensor (B, C, h, w), or a numpy array (..., C, h, w)
        seed : int
            Seed of a textured decoder's noise, which is the same for all images of the batch.

        Returns
        -------
        tensor (B, 1, 16 h, 16 w), or (B, N, 16 h, 16 w) for more than two phases
            Memberships in [0, 1]. For an array an array, (..., 16 h, 16 w) or (..., N, 16 h, 16 w).

        Raises
        ------
        ValueError
            If latents have another shape.
        """
        if not isinstance(latents, Tensor):
            flat, batch = as_latents(latents, 3)
            (found,) = in_batches(partial(self.decode, seed=seed), flat, self, enlarged=REDUCTION)
            return found.reshape(*batch, *found.shape[1 + (self.channels == 1) :])
        return self.memberships(self.logits(latents, seed=seed))

    def logits(self, latents: Tensor, keys: Sequence[int] = (0,), *, seed: int = 0, epoch: int = 0) -> Tensor:
        """Return logits, before sigmoid or softmax. Noise depends on seed, epoch and keys, one key for each image or for all."""
        if latents.ndim != 4 or latents.shape[1] != self.latent_channels:
            raise ValueError(f"latents must have the shape (batch, {self.latent_channels}, h, w), got {tuple(latents.shape)}")
        planes = noise_planes(keys, latents.shape[2:], LEVELS, seed=seed, epoch=epoch) if self.config["texture"] else []
        return self.decoder(latents, [plane.to(latents) for plane in planes])

    def memberships(self, logits: Tensor) -> Tensor:
        """Return the sigmoid of logits for two phases, shifted and multiplied if sharpness is not 0; the softmax for more phases."""
        if self.channels > 1:
            return logits.softmax(dim=1)
        return (logits - volume_level(logits)).mul(sharp).sigmoid() if (sharp := self.config["sharpness"]) else logits.sigmoid()

    def changed(self, **options: Any) -> Self:
        """Return a copy of the network with other sharpness or texture, or a deeper decoder, whose new units change features little."""
        found = type(self)(**(self.config | options))
        found.encoder.load_state_dict(self.encoder.state_dict())
        for old, new in zip(levels(self.decoder), levels(found.decoder), strict=True):
            for one, other in zip(old, new, strict=False):
                other.load_state_dict(other.state_dict() | one.state_dict())
            for unit in new[len(old) :]:
                unit.soften()
        if self.prior is not None and found.prior is not None:
            found.prior.load_state_dict(self.prior.state_dict())
        return found.train(self.training)

    def forward(self, images: Float[Tensor, "batch channels height width"]) -> Tensor:
        """Return the reconstruction from the latent mean, ``decode(encode(images)[0])``."""
        return self.decode(self.encode(images)[0])

    def reconstruct(self, images: Any, *, pad: bool = False) -> np.ndarray:
        """Return the reconstructions of images that are numpy arrays, or what becomes one.

        Parameters
        ----------
        images : array (..., H, W), or (..., N, H, W) for more than two phases
            Labels 0 and 1, or memberships in [0, 1], of one image or more; H and W divisible by 16. Or files and datasets, as for
            :meth:`encode`.
        pad : bool
            Continue images of other sizes periodically up to a multiple of 16, and cut the reconstructions to the size of the images.

        Returns
        -------
        float32 array of this shape
            Memberships in [0, 1], from the latent mean. ``>= 0.5`` thresholds those of two phases, ``argmax(-3)`` those of more.

        Raises
        ------
        ValueError
            If images have another shape or leave [0, 1].

        Examples
        --------
        >>> import numpy as np
        >>> from twopoint_models.cess_vae import CESSVAE
        >>> CESSVAE(width=4).reconstruct(np.eye(32)).shape
        (32, 32)
        """
        found, shape = as_images(array_of(images, self.channels), self.channels, multiple=REDUCTION, pad=pad)
        (decoded,) = in_batches(self, found, self)
        return decoded[..., : shape[-2], : shape[-1]].reshape(shape)

    def fit_prior(self, images: Iterable[Tensor]) -> None:
        """Fit the prior, from which :meth:`sample` draws, to the latents of images, and keep it with the weights.

        Parameters
        ----------
        images : iterable of tensors (B, 1, H, W), or (B, N, H, W) for more than two phases
            Batches of training images of one size.

        Raises
        ------
        ValueError
            If there are fewer than two images, or their sizes differ.
        """
        weight = next(self.parameters())
        with torch.no_grad():
            self.prior = LatentPrior.of((self.encode(batch.to(weight)) for batch in images), COMPONENTS).to(weight)
        self.config["prior"] = [len(self.prior.weight), *self.prior.within.shape[3:]]

    def sample(self, count: int, size: int | tuple[int, int], *, seed: int = 0, prior: str | None = None) -> Tensor:
        """Return microstructures of latent images drawn from a prior.

        Parameters
        ----------
        count : int
            Number B of images.
        size : int or (int, int)
            Height and width in pixels, divisible by 16.
        seed : int
            The same seed gives the same images on every device.
        prior : "fitted" or "normal", optional
            "fitted" draws latents with the means and covariances of groups of training images, see :class:`LatentPrior`; "normal" draws
            independent standard normal latents, which suit a network that was trained with a large ``kl_weight``. By default "fitted" if
            the network has one.

        Returns
        -------
        tensor (B, 1, H, W), or (B, N, H, W) for more than two phases

        Raises
        ------
        ValueError
            If count, size or prior is invalid, or no prior was fitted.
        """
        height, wide = (size, size) if isinstance(size, int) else size
        if min(height, wide) < 1 or height % REDUCTION or wide % REDUCTION:
            raise ValueError(f"size must be divisible by {REDUCTION}, got {size}")
        shape, keys = (self.latent_channels, height // REDUCTION, wide // REDUCTION), range(count_of("count", count, 1))
        return self.memberships(self.logits(self._latents(shape, keys, seed, prior), keys, seed=seed))

    def _latents(self, shape: tuple[int, ...], keys: range, seed: int, prior: str | None) -> Tensor:
        """Return latent images (B, C, h, w) drawn from a prior."""
        if prior not in (None, "fitted", "normal"):
            raise ValueError(f"prior must be 'fitted' or 'normal', got {prior!r}")
        field = latent_noise(keys, shape, seed=seed).to(next(self.parameters()))
        if prior == "normal" or (prior is None and self.prior is None):
            return field
        if self.prior is None:
            raise ValueError("prior must be 'normal', for this network has no fitted one; fit_prior fits it")
        shift, choice = (latent_noise(keys, each, seed=mixed(seed, of)) for each, of in ((shape[:1], MEANS), ((), CHOICE)))
        return self.prior.drawn(field, shift.to(field), torch.special.ndtr(choice).to(field))

    def interpolate(
        self, first: Float[Tensor, "batch channels height width"], second: Float[Tensor, "batch channels height width"], count: int
    ) -> Tensor:
        """Decode points on the straight line between the latent means of two microstructures.

        Parameters
        ----------
        first, second : tensors (B, 1, H, W), or (B, N, H, W) for more than two phases
            The ends.
        count : int
            Number of images, including the reconstructions of both ends; at least 2.

        Returns
        -------
        tensor (count, B, 1 or N, H, W)

        Raises
        ------
        ValueError
            If count is below 2, or the ends differ in shape.
        """
        if first.shape != second.shape:
            raise ValueError(f"first and second must have one shape, got {tuple(first.shape)} and {tuple(second.shape)}")
        ends = self.encode(first)[0], self.encode(second)[0]
        return torch.stack([self.decode(torch.lerp(*ends, float(share))) for share in torch.linspace(0, 1, count_of("count", count, 2))])


def _encoder(channels: int, latent_channels: int, widths: Sequence[int], depth: int, padding: str) -> nn.Sequential:
    """Return the layers from images (B, 1 or N, H, W) to mean and log-variance (B, 2C, H/16, W/16)."""
    a, b, c, d, e = widths
    down = partial(level, depth, padding)
    return nn.Sequential(
        *down(channels, a),  # (B, a, H, W)
        *down(a, b, nn.AvgPool2d(2)),  # (B, b, H/2, W/2)
        *down(b, c, nn.AvgPool2d(2)),  # (B, c, H/4, W/4)
        *down(c, d, nn.AvgPool2d(2)),  # (B, d, H/8, W/8)
        *down(d, e, nn.AvgPool2d(2)),  # (B, e, H/16, W/16)
        conv(e, 2 * latent_channels, padding),  # (B, 2C, H/16, W/16)
    )


def _decoder(channels: int, latent_channels: int, widths: Sequence[int], depths: Sequence[int], padding: str, textured: bool) -> Chain:
    """Return the layers from latent images (B, C, H/16, W/16) to logits (B, 1 or N, H, W)."""
    a, b, c, d, e = widths
    ups = [partial(level, depth, padding, textured=textured) for depth in depths]
    return Chain(
        *ups[0](latent_channels, e),  # (B, e, H/16, W/16)
        *ups[1](e, d, nn.Upsample(scale_factor=2)),  # (B, d, H/8, W/8)
        *ups[2](d, c, nn.Upsample(scale_factor=2)),  # (B, c, H/4, W/4)
        *ups[3](c, b, nn.Upsample(scale_factor=2)),  # (B, b, H/2, W/2)
        *ups[4](b, a, nn.Upsample(scale_factor=2)),  # (B, a, H, W)
        conv(a, channels, padding),  # (B, 1 or N, H, W)
    )


def _padding_of(padding: str) -> str:
    """Return the padding; refuse one that is not known."""
    if padding not in ("zeros", "circular"):
        raise ValueError(f"padding must be 'zeros' or 'circular', got {padding!r}")
    return padding


def _sharpness_of(sharpness: float, phases: int) -> float:
    """Return the sharpness as a float; refuse one that the number of phases does not have."""
    if not sharpness >= 0 or (sharpness and phases > 2):
        raise ValueError(f"sharpness must be 0 or more, and 0 for more than two phases, got {sharpness!r}")
    return float(sharpness)
