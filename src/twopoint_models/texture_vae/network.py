"""The network of the texture VAE: from features of a frozen VGG-19 to a few latents, and from these to a patch of the same texture."""

from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise
from math import log
from typing import Any, Self

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from ..arrays import decode_latents, encode_images
from ..nets.blocks import conv, count_of, latent_noise
from ..nets.files import Network
from .config import POOLED, check_gray
from .decoder import SLOPE, TextureDecoder

ENCODING = "pool_5"  # the layer of VGG-19 that is encoded
CHANNELS = 512  # of that layer
BLOCKS = 4  # up-samplings by two


class TextureVAE(Network):
    """Encode patches to a few latents, and decode these to patches of the same texture.

    VGG-19 is frozen. Training adjusts two fully connected layers behind its last pooling, and the decoder: a fully connected layer, and
    four blocks of a 3 x 3 convolution, nearest up-sampling and LeakyReLU of slope 0.3. The network takes the features of VGG-19 instead of
    patches. So one pass of VGG-19 serves the network and the loss, the features of a dataset can be stored, and files hold only trained
    weights.

    Parameters
    ----------
    latents : int
        Number D of latents.
    size : int
        Height and width of a patch in pixels, divisible by 32.
    width : five int
        Channels of the decoder, from the coarsest resolution to that of the patch.
    texture : bool
        Use :class:`TextureDecoder` instead of the decoder of the paper. Noise at each resolution places the grains, and latents set their
        kind everywhere. The paper's decoder always draws grains at the same positions and learns each separately.
    scaled : bool
        Divide features by the square root of their number before they are encoded. A step of Adam changes all weights equally, and without
        this division its first steps move latents far out of the range of the prior. The paper does not say that it divides.
    gray : float
        Gray value, between 0 and 1, of the images that the untrained decoder returns.

    Raises
    ------
    ValueError
        If an option is invalid.

    References
    ----------
    Sardeshmukh et al., section 3.3 and Fig. 2.

    Examples
    --------
    >>> import torch
    >>> from twopoint_models.nets import VGG19
    >>> from twopoint_models.texture_vae import TextureVAE
    >>> model, vgg = TextureVAE(latents=8, size=32, width=(16, 16, 8, 8, 8)), VGG19.random(layers=("pool_5",))
    >>> mean, log_variance = model.encode(vgg(torch.rand(2, 1, 32, 32))[0])
    >>> tuple(mean.shape), tuple(model.decode(mean).shape)
    ((2, 8), (2, 1, 32, 32))
    """

    def __init__(
        self,
        *,
        latents: int = 64,
        size: int = 128,
        width: Sequence[int] = (256, 128, 64, 32, 32),
        texture: bool = False,
        scaled: bool = True,
        gray: float = 0.5,
    ) -> None:
        super().__init__()
        if count_of("size", size, POOLED) % POOLED:
            raise ValueError(f"size must be divisible by {POOLED}, got {size}")
        if len(width) != BLOCKS + 1:
            raise ValueError(f"width must be {BLOCKS + 1} numbers of channels, got {width!r}")
        for each in width:
            count_of("width", each, 1)
        check_gray(gray)
        chosen = dict(texture=bool(texture), scaled=bool(scaled), gray=float(gray))
        self.config: dict[str, Any] = dict(latents=count_of("latents", latents, 1), size=size, width=list(width)) | chosen
        self.latents, self.size, self.edge = latents, size, size >> BLOCKS
        self._vgg: Callable[[], nn.Module] | None = None
        self._filters: tuple[nn.Module, ...] = ()
        self.features = (CHANNELS, size // POOLED, size // POOLED)
        self.scale = (CHANNELS * (size // POOLED) ** 2) ** -0.5 if scaled else 1.0
        self.mean, self.log_variance = (nn.Linear(CHANNELS * (size // POOLED) ** 2, latents) for _ in range(2))
        self.decoder: nn.Module = TextureDecoder(latents, self.edge, width) if texture else _decoder(latents, self.edge, width)
        last = [layer for layer in self.decoder.modules() if isinstance(layer, nn.Conv2d)][-1]
        nn.init.constant_(last.bias, log(gray / (1 - gray)))

    def seeing(self, vgg: Callable[[], nn.Module]) -> Self:
        """Encode images too, by features of a frozen network, and return this network.

        Parameters
        ----------
        vgg : callable
            Called once, when the first image comes. Returns a network from images (B, 1, size, size) to a list whose last entry is the
            features, such as ``VGG19(layers=("pool_5",))``. It is not saved.
        """
        self._vgg, self._filters = vgg, ()
        return self

    def features_of(self, images: Float[Tensor, "batch 1 height width"]) -> Tensor:
        """Return the features of images (B, 1, size, size) by the network of :meth:`seeing`; raise ValueError if there is none."""
        if self._vgg is None:
            raise ValueError("images need the features of VGG-19: call seeing, or twopoint_models.load, which does")
        if tuple(images.shape[1:]) != (1, self.size, self.size):
            raise ValueError(f"images must have the shape (batch, 1, {self.size}, {self.size}), got {tuple(images.shape)}")
        self._filters = self._filters or (self._vgg(),)  # in a tuple, so that it is not among the weights
        found: Tensor = self._filters[0].to(images.device)(images)[-1]
        return found

    def encode(self, features: Any) -> tuple[Any, Any]:
        """Return the latents' mean and log-variance.

        Parameters
        ----------
        features : tensor (B, 512, size/32, size/32)
            Features of patches, from ``VGG19(layers=("pool_5",))``. With :meth:`seeing` also images, a tensor (B, 1, size, size) of gray
            values in [0, 1], or a numpy array (..., size, size), for which mean and log-variance are arrays (..., D), without gradients.

        Returns
        -------
        mean, log_variance : tensors (B, D)

        Raises
        ------
        ValueError
            If features have another shape.
        """
        if not isinstance(features, Tensor):
            return encode_images(self, features)
        if features.shape[1:2] == (1,):
            features = self.features_of(features)
        if tuple(features.shape[1:]) != self.features:
            raise ValueError(f"features must have the shape (batch, {', '.join(map(str, self.features))}), got {tuple(features.shape)}")
        flat = features.flatten(1) * self.scale
        return self.mean(flat), self.log_variance(flat).clamp(-30.0, 20.0)  # a variance that float32 holds

    def decode(self, latents: Any, keys: Sequence[int] = (0,), *, seed: int = 0, epoch: int = 0) -> Any:
        """Decode latents to patches.

        Parameters
        ----------
        latents : tensor (B, D), or an array (..., D), which becomes an array (..., size, size)
        keys : sequence of int
            One key for each patch, or one for all. The noise of a textured decoder depends on seed, epoch and key.
        seed, epoch : int
            Seed and epoch of the noise of a textured decoder.

        Returns
        -------
        tensor (B, 1, size, size)
            Gray values in [0, 1].

        Raises
        ------
        ValueError
            If latents have another shape, or there is another number of keys.
        """
        if not isinstance(latents, Tensor):
            return decode_latents(partial(self.decode, seed=seed), latents, self)
        if latents.ndim != 2 or latents.shape[1] != self.latents:
            raise ValueError(f"latents must have the shape (batch, {self.latents}), got {tuple(latents.shape)}")
        if len(keys) not in (1, len(latents)):
            raise ValueError(f"keys must be one, or {len(latents)}, one a patch, got {len(keys)}")
        found: Tensor = self.decoder(latents, keys, seed=seed, epoch=epoch) if self.config["texture"] else self.decoder(latents)
        return found

    def forward(self, features: Float[Tensor, "batch channels height width"]) -> Tensor:
        """Return the reconstruction from the latent mean, ``decode(encode(features)[0])``."""
        return self.decode(self.encode(features)[0])

    def reconstruct(self, images: Any) -> np.ndarray:
        """Return patches of the textures of arrays (..., size, size) of gray values in [0, 1], from the latent mean; see :meth:`seeing`."""
        found: np.ndarray = self.decode(self.encode(np.asarray(images))[0])
        return found

    def sample(self, count: int, *, seed: int = 0) -> Tensor:
        """Return patches (count, 1, size, size) of latents drawn from the prior, a standard normal distribution."""
        keys = range(count_of("count", count, 1))
        return self.decode(latent_noise(keys, (self.latents,), seed=seed).to(next(self.parameters())), keys, seed=seed)

    def traverse(self, latents: Float[Tensor, "latents"], dimension: int, values: Sequence[float]) -> Tensor:
        """Return patches of latents with one entry changed.

        Parameters
        ----------
        latents : tensor (D,)
            Latents of a patch.
        dimension : int
            Index of the entry, from 0 to D - 1.
        values : sequence of float
            Values of the entry; ``torch.linspace(-4, 4, 10)`` in the paper.

        Returns
        -------
        tensor (number of values, 1, size, size)

        Raises
        ------
        ValueError
            If dimension is out of range, or latents have another shape.

        References
        ----------
        Sardeshmukh et al., section 4.3 and Fig. 6.
        """
        if tuple(latents.shape) != (self.latents,):
            raise ValueError(f"latents must have the shape ({self.latents},), got {tuple(latents.shape)}")
        if not 0 <= dimension < self.latents:
            raise ValueError(f"dimension must be from 0 to {self.latents - 1}, got {dimension}")
        changed = latents.expand(len(values), -1).clone()
        changed[:, dimension] = torch.as_tensor([float(value) for value in values]).to(changed)
        return self.decode(changed)


def _decoder(latents: int, edge: int, width: Sequence[int]) -> nn.Sequential:
    """Return the paper's decoder: a fully connected layer, and blocks of a 3 x 3 convolution, nearest up-sampling and LeakyReLU."""
    first, last = width[0], width[-1]
    layers: list[nn.Module] = [nn.Linear(latents, first * edge**2), nn.Unflatten(1, (first, edge, edge)), nn.LeakyReLU(SLOPE)]
    for inputs, outputs in pairwise(width):  # (B, outputs, 2 H, 2 W) of (B, inputs, H, W)
        layers += [conv(inputs, outputs), nn.Upsample(scale_factor=2), nn.LeakyReLU(SLOPE)]
    return nn.Sequential(*layers, conv(last, 1), nn.Sigmoid())
