"""The network of the statistics VAE: a ResNet encodes an image to a few latents, and transposed convolutions decode these."""

from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import interpolate

from ..arrays import decode_latents, encode_images
from ..nets.blocks import count_of, latent_noise
from ..nets.files import Network
from .config import DECODERS, ENCODED
from .lag_encoder import LagEncoder
from .lines import DEVIATION
from .resnet import ResNet


def unrounded(layer: nn.Module, x: Tensor) -> Tensor:
    """Return the result of a layer in the precision of its weights, also under autocast."""
    with torch.autocast(x.device.type, enabled=False):
        found: Tensor = layer(x.to(next(layer.parameters()).dtype))
    return found


HIDDEN = 1024  # width of both fully connected layers
SEED = (64, 4, 4)  # channels, height and width at the start of the decoder
BRIGHT = 2.5  # logit of the initial gray value .92, because images of black lines are mostly white
PROFILES = 4  # of the decoder along each axis, times the width
LEAST = 32  # least pixels along an edge, of which the encoder leaves one


class ResNetVAE(Network):
    """Encode images to a few latents, and decode these to images with similar statistics.

    The encoder is a ResNet without its last layer, followed by two fully connected layers with batch normalisation. The decoder is a fully
    connected layer to 64 x 4 x 4, three transposed convolutions (64 to 32, 8 and 3 channels, kernel 3, stride 2), bilinear resizing and a 1
    x 1 convolution. Options replace the encoder and the decoder. Images are gray, 0 black and 1 white; the loss decides which is phase 1.

    Parameters
    ----------
    latents : int
        Number D of latents.
    size : int
        Height and width of images in pixels, at least 32.
    layout : int
        Layers of the ResNet: 18, 34, 50, 101 or 152.
    width : int
        Factor of the decoder's channels relative to the paper.
    encoded : "image" or "statistics"
        Encode the image by a ResNet, as in the paper, or its autocorrelation by a :class:`LagEncoder`, for which layout has no meaning.
        Latents of statistics do not hold where the image lies, which the statistics of the reconstruction do not need.
    decoder : "convolutions" or "profiles"
        Decode by transposed convolutions, as in the paper, or by :class:`Profiles`, 4 width of them, which resolve single pixels.
    gray, deviation : float
        Gray value of the phase whose autocorrelation is encoded, and standard deviation of its soft membership.

    Raises
    ------
    ValueError
        If an option is invalid.

    References
    ----------
    Hashemi, Guerzhoy and Paulson, *Toward learning latent-variable representations of microstructures by optimizing in spatial statistics
    space* (2024).

    Examples
    --------
    >>> import torch
    >>> from twopoint_models.statistics_vae import ResNetVAE
    >>> model = ResNetVAE(latents=9, size=64, layout=18).eval()
    >>> mean, log_variance = model.encode(torch.rand(2, 1, 64, 64))
    >>> tuple(mean.shape), tuple(model.decode(mean).shape)
    ((2, 9), (2, 1, 64, 64))
    """

    def __init__(
        self,
        *,
        latents: int = 9,
        size: int = 224,
        layout: int = 152,
        width: int = 1,
        encoded: str = "image",
        decoder: str = "convolutions",
        gray: float = 0.0,
        deviation: float = DEVIATION,
    ) -> None:
        super().__init__()
        if encoded not in ENCODED:
            raise ValueError(f"encoded must be one of {', '.join(map(repr, ENCODED))}, got {encoded!r}")
        self.config: dict[str, Any] = dict(latents=count_of("latents", latents, 1), size=count_of("size", size, LEAST))
        self.config |= dict(layout=layout, width=count_of("width", width, 1), encoded=encoded, gray=gray, deviation=deviation)
        if decoder not in DECODERS:
            raise ValueError(f"decoder must be one of {', '.join(map(repr, DECODERS))}, got {decoder!r}")
        self.config["decoder"] = decoder
        self.latents, self.size = latents, size
        self.encoder: ResNet | LagEncoder = ResNet(layout) if encoded == "image" else LagEncoder(size, gray=gray, deviation=deviation)
        self.hidden = nn.Sequential(*_full(self.encoder.features, HIDDEN), *_full(HIDDEN, HIDDEN))
        self.mean, self.log_variance = (nn.Linear(HIDDEN, latents) for _ in range(2))
        channels, layers = _convolutions(width) if decoder == "convolutions" else _profiles(size, PROFILES * width)
        self.decoder = nn.Sequential(*_full(latents, HIDDEN), *layers)
        self.last = nn.Conv2d(channels, 1, 1)
        nn.init.constant_(self.last.bias, BRIGHT)

    def encode(self, images: Any) -> tuple[Any, Any]:
        """Return the latents' mean and log-variance, (B, D) each.

        Parameters
        ----------
        images : tensor (B, 1, size, size)
            Gray values in [0, 1]. Or a numpy array (..., size, size), for which both results are arrays (..., D), without gradients.

        Raises
        ------
        ValueError
            If images have another shape.
        """
        if not isinstance(images, Tensor):
            return encode_images(self, images)
        if tuple(images.shape[1:]) != (1, self.size, self.size):
            raise ValueError(f"images must have the shape (batch, 1, {self.size}, {self.size}), got {tuple(images.shape)}")
        features = self.hidden(self.encoder(images))
        mean, log_variance = unrounded(self.mean, features), unrounded(self.log_variance, features)
        return mean, log_variance.clamp(-30.0, 20.0)  # a variance that float32 holds

    def decode(self, latents: Any) -> Any:
        """Decode latents (B, D) to images (B, 1, size, size), gray values in [0, 1]; raise ValueError for other shapes.

        An array (..., D) becomes an array (..., size, size).
        """
        if not isinstance(latents, Tensor):
            return decode_latents(self.decode, latents, self)
        if latents.ndim != 2 or latents.shape[1] != self.latents:
            raise ValueError(f"latents must have the shape (batch, {self.latents}), got {tuple(latents.shape)}")
        x = interpolate(self.decoder(latents), size=(self.size, self.size), mode="bilinear")
        found: Tensor = torch.sigmoid(unrounded(self.last, x))
        return found

    def forward(self, images: Float[Tensor, "batch 1 height width"]) -> Tensor:
        """Return the reconstruction from the latent mean, ``decode(encode(images)[0])``."""
        return self.decode(self.encode(images)[0])

    def reconstruct(self, images: Any) -> np.ndarray:
        """Return the reconstructions (..., size, size) of arrays (..., size, size) of gray values in [0, 1], from the latent mean."""
        found: np.ndarray = self.decode(self.encode(np.asarray(images))[0])
        return found

    def sample(self, count: int, *, seed: int = 0) -> Tensor:
        """Return images (count, 1, size, size) of latents drawn from the prior, a standard normal distribution."""
        keys = range(count_of("count", count, 1))
        return self.decode(latent_noise(keys, (self.latents,), seed=seed).to(next(self.parameters())))


def _convolutions(width: int) -> tuple[int, list[nn.Module]]:
    """Return the number of channels and the layers of the paper's decoder, after the first."""
    seed, *rest = (width * n for n in (SEED[0], 32, 8, 3))
    layers: list[nn.Module] = [*_full(HIDDEN, seed * SEED[1] * SEED[2]), nn.Unflatten(1, (seed, *SEED[1:]))]
    for outputs in rest:  # 4 x 4 becomes 9, 19 and 39
        layers += [nn.ConvTranspose2d(seed, outputs, 3, stride=2), nn.BatchNorm2d(outputs), nn.ReLU()]
        seed = outputs
    return seed, layers


def _profiles(size: int, count: int) -> tuple[int, list[nn.Module]]:
    """Return the number of channels, one, and the layers of a decoder to a sum of products of profiles, after the first."""
    return 1, [*_full(HIDDEN, HIDDEN), nn.Linear(HIDDEN, 2 * count * size), Profiles(size, count)]


class Profiles(nn.Module):
    """Multiply profiles along both axes and add the products: ``sum_k a_k(row) b_k(column) / sqrt(count)``, of rank count at most.

    A line is one product. As many profiles as pixels along an edge can express any image.

    Parameters
    ----------
    size : int
        Height and width of images in pixels.
    count : int
        Number of profiles along each axis.
    """

    def __init__(self, size: int, count: int) -> None:
        super().__init__()
        self.size, self.count = size, count

    def forward(self, x: Float[Tensor, "batch numbers"]) -> Float[Tensor, "batch 1 height width"]:
        """Return images (B, 1, size, size) of profiles (B, 2 * count * size)."""
        rows, columns = x.unflatten(1, (2, self.count, self.size)).unbind(1)
        return (rows.transpose(1, 2) @ columns)[:, None] / self.count**0.5


def _full(inputs: int, outputs: int) -> tuple[nn.Module, ...]:
    """Return a fully connected layer with batch normalisation and ReLU."""
    return nn.Linear(inputs, outputs), nn.BatchNorm1d(outputs), nn.ReLU()
