"""The variational autoencoder of the CESS paper as an equinox module, with the same layers as in torch."""

import os
import re
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, Self

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float, PRNGKeyArray
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from ...checks import as_images, positive
from ...nets.names import OPTIONS, WEIGHTS, options_text, read_options
from ..config import REDUCTION

LEVELS = 5  # of resolution
FIRST_SHARE = 0.1  # standard deviation of the noise's shares before training, as in torch
PRIOR = "prior"  # of torch, from which it samples; the network itself is the same without


class JAXUnit(eqx.Module):
    """A skip-connected convolution, ``x + relu(conv(x))``. If textured, each channel first adds its own share of a plane of noise to x."""

    conv: eqx.nn.Conv2d
    share: Array | None = None

    def __call__(self, x: Array, noise: Array | None = None, *, key: PRNGKeyArray | None = None) -> Array:
        """Return features of the same shape; noise (1, H, W)."""
        x = x if self.share is None else x + self.share * noise
        return x + jax.nn.relu(self.conv(x))


class CESSVAE(eqx.Module):
    """Encode microstructures to a latent image at a sixteenth of their resolution, and decode it.

    Cai et al., section 3.3 and Fig. 5. The architecture, the names of weights, the files and the distribution of initial weights are those
    of :class:`twopoint_models.cess_vae.CESSVAE`, so each loads what the other has trained. A textured decoder's noise is drawn with
    JAX's keys: the same seed gives other grains than in torch.

    Parameters
    ----------
    phases, latent_channels, width, depth, decoder_depth, padding, sharpness, texture
        As for :class:`twopoint_models.cess_vae.CESSVAE`.
    key : jax.Array
        Key of the initial weights, such as ``jax.random.key(0)``.

    Raises
    ------
    ValueError
        If an option is invalid.

    Examples
    --------
    >>> import jax
    >>> from twopoint_models.cess_vae.on_jax import CESSVAE
    >>> model = CESSVAE(width=8, key=jax.random.key(0))
    >>> mean, log_variance = model.encode(jax.numpy.zeros((2, 1, 64, 32)))
    >>> mean.shape, model.decode(mean).shape
    ((2, 1, 4, 2), (2, 1, 64, 32))
    """

    encoder: eqx.nn.Sequential
    decoder: eqx.nn.Sequential
    phases: int = eqx.field(static=True)
    latent_channels: int = eqx.field(static=True)
    width: tuple[int, ...] = eqx.field(static=True)
    depth: int = eqx.field(static=True)
    decoder_depth: tuple[int, ...] | None = eqx.field(static=True)
    padding: str = eqx.field(static=True)
    sharpness: float = eqx.field(static=True)
    texture: bool = eqx.field(static=True)

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
        key: PRNGKeyArray,
    ) -> None:
        _check(phases, width, padding, sharpness, decoder_depth)
        counts = (width,) if isinstance(width, int) else tuple(width)
        self.phases, self.latent_channels, self.padding = phases, positive("latent_channels", latent_channels), padding
        self.width, self.depth = tuple(positive("width", n) for n in counts), positive("depth", depth)
        self.sharpness, self.texture = float(sharpness), bool(texture)
        self.decoder_depth = None if decoder_depth is None else tuple(positive("decoder_depth", n) for n in decoder_depth)
        depths = self.decoder_depth or (depth,) * LEVELS
        keys = iter(jax.random.split(key, LEVELS * (2 + depth) + sum(depths) + 2 + self.texture))
        widths = self.width * (LEVELS if len(counts) == 1 else 1)
        shares = iter(jax.random.split(next(keys), sum(depths))) if self.texture else None
        self.encoder = _encoder(self.channels, latent_channels, widths, depth, partial(_conv, padding), keys)
        self.decoder = _decoder(self.channels, latent_channels, widths, depths, partial(_conv, padding), keys, shares)

    @property
    def channels(self) -> int:
        """Number of memberships of an image: 1 for two phases, else one for each phase."""
        return 1 if self.phases == 2 else self.phases

    def encode(self, images: Float[Array, "batch channels height width"]) -> tuple[Array, Array]:
        """Return mean and log-variance (B, C, H/16, W/16) of memberships (B, 1 or N, H, W); raise ValueError for other shapes."""
        if images.ndim != 4 or images.shape[1] != self.channels or any(n % REDUCTION or not n for n in images.shape[2:]):
            raise ValueError(f"images must be (batch, {self.channels}, H, W), H and W divisible by {REDUCTION}, got {images.shape}")
        mean, log_variance = jnp.split(jax.vmap(self.encoder)(images.astype(jnp.float32)), 2, axis=1)
        return mean, jnp.clip(log_variance, -30.0, 20.0)  # a variance that float32 holds

    def decode(self, latents: Float[Array, "batch latents height width"], planes: Sequence[Array] | None = None, *, seed: int = 0) -> Array:
        """Decode latent images to memberships.

        Parameters
        ----------
        latents : array (B, C, h, w)
        planes : sequence of five arrays (1, h, w), (1, 2 h, 2 w), ... (1, 16 h, 16 w), optional
            Noise of a textured decoder, the same for all images; by default that of the seed.
        seed : int
            Seed of the noise.

        Returns
        -------
        array (B, 1, 16 h, 16 w), or (B, N, 16 h, 16 w) for more than two phases
            Memberships in [0, 1].

        Raises
        ------
        ValueError
            If latents have another shape.
        """
        if latents.ndim != 4 or latents.shape[1] != self.latent_channels:
            raise ValueError(f"latents must be (batch, {self.latent_channels}, h, w), got {latents.shape}")
        if planes is None and self.texture:
            planes = noise_planes(seed, latents.shape[2:])
        logits = jax.vmap(lambda one: self._decoded(one, planes or ()))(latents.astype(jnp.float32))
        if self.channels > 1:
            return jax.nn.softmax(logits, axis=1)
        return jax.nn.sigmoid(self.sharpness * (logits - volume_level(logits)) if self.sharpness else logits)

    def _decoded(self, x: Array, planes: Sequence[Array]) -> Array:
        """Return logits (1 or N, 16 h, 16 w) of one latent image (C, h, w)."""
        by_size = {plane.shape[-2:]: plane for plane in planes}
        for layer in self.decoder.layers:
            x = layer(x, by_size.get(x.shape[-2:])) if isinstance(layer, JAXUnit) else layer(x)
        return x

    def __call__(self, images: Float[Array, "batch channels height width"]) -> Array:
        """Return the reconstruction from the latent mean, ``decode(encode(images)[0])``."""
        return self.decode(self.encode(images)[0])

    @property
    def options(self) -> dict[str, Any]:
        """Arguments of the constructor as JSON values."""
        wide: int | list[int] = self.width[0] if len(self.width) == 1 else list(self.width)
        deep = None if self.decoder_depth is None else list(self.decoder_depth)
        first = dict(phases=self.phases, latent_channels=self.latent_channels, width=wide, depth=self.depth, padding=self.padding)
        return first | dict(sharpness=self.sharpness, texture=self.texture, decoder_depth=deep)  # in the order of torch's file

    def reconstruct(self, images: Any) -> np.ndarray:
        """Return reconstructions of arrays, as :meth:`twopoint_models.cess_vae.CESSVAE.reconstruct` does."""
        found, shape = as_images(images, self.channels)
        return np.array(self(jnp.asarray(found))).reshape(shape)

    def save(self, folder: str | os.PathLike[str]) -> None:
        """Write ``model.safetensors`` and ``model.json`` into a folder, which is created if needed, for torch or :meth:`load`."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        tensors = {name: np.asarray(leaf).reshape(_torch_shape(name, leaf)) for name, leaf in _named(self).items()}
        save_file(tensors, folder / f"{WEIGHTS}.part", metadata={"network": "CESSVAE"})
        (folder / f"{OPTIONS}.part").write_text(options_text("CESSVAE", self.options | {PRIOR: None}))
        for name in (OPTIONS, WEIGHTS):  # weights come last: they mark a finished run
            (folder / f"{name}.part").replace(folder / name)

    @classmethod
    def load(cls, folder: str | os.PathLike[str]) -> Self:
        """Return the network that :meth:`save`, of this class or of torch's, wrote.

        Raises
        ------
        FileNotFoundError
            If a file is missing.
        ValueError
            If a file is truncated or of another network.
        """
        folder = Path(folder)
        options = _options_of(folder)
        try:
            tensors = {name: value for name, value in load_file(folder / WEIGHTS).items() if not name.startswith(f"{PRIOR}.")}
        except (SafetensorError, OSError) as error:
            raise ValueError(f"{folder / WEIGHTS} is cut short, or no file of weights: {error}") from None
        model = cls(**options, key=jax.random.key(0))
        expected = {name: _torch_shape(name, leaf) for name, leaf in _named(model).items()}
        if wrong := sorted(expected.keys() ^ tensors.keys()) or [name for name in expected if tensors[name].shape != expected[name]]:
            raise ValueError(f"{folder / WEIGHTS} is of another network: {wrong[0]} does not fit")
        leaves = [jnp.asarray(tensors[name], dtype=jnp.float32).reshape(leaf.shape) for name, leaf in _named(model).items()]
        weights, rest = eqx.partition(model, eqx.is_array)
        found: Self = eqx.combine(jax.tree.unflatten(jax.tree.structure(weights), leaves), rest)
        return found


def noise_planes(seed: int, size: Sequence[int]) -> list[Array]:
    """Return standard normal noise (1, h, w) at the given size and (1, 2^l h, 2^l w) at finer resolutions l."""
    keys = jax.random.split(jax.random.key(seed), LEVELS)
    return [jax.random.normal(key, (1, size[0] << level, size[1] << level), jnp.float32) for level, key in enumerate(keys)]


def volume_level(logits: Float[Array, "batch 1 height width"]) -> Array:
    """Return thresholds (B, 1, 1, 1) at which volume fractions equal the means of sigmoids, as torch's network does; without a gradient."""
    values = jax.lax.stop_gradient(-jnp.sort(-logits.reshape(len(logits), -1), axis=1))
    number = jnp.round(jax.nn.sigmoid(values).mean(axis=1) * values.shape[1]).astype(int)[:, None]
    ends = jnp.concatenate([values[:, :1] + 1, values, values[:, -1:] - 1], axis=1)  # no pixel above the threshold, or all of them
    level = (jnp.take_along_axis(ends, number, axis=1) + jnp.take_along_axis(ends, number + 1, axis=1)) / 2
    return level[:, :, None, None]


def halved(x: Array) -> Array:
    """Return the means of 2 x 2 pixels of features (C, H, W)."""
    channels, height, width = x.shape
    return x.reshape(channels, height // 2, 2, width // 2, 2).mean(axis=(2, 4))


def doubled(x: Array) -> Array:
    """Return features (C, H, W) with each pixel repeated along both axes."""
    return jnp.repeat(jnp.repeat(x, 2, axis=1), 2, axis=2)


def _check(phases: int, width: int | Sequence[int], padding: str, sharpness: float, decoder_depth: Sequence[int] | None) -> None:
    """Refuse options that do not fit."""
    if phases < 2 or not (isinstance(width, int) or len(width) in (1, LEVELS)):
        raise ValueError(f"phases must be 2 or more and width one number or five, got {phases} and {width}")
    if padding not in ("zeros", "circular"):
        raise ValueError(f"padding must be 'zeros' or 'circular', got {padding!r}")
    if not 0 <= sharpness < float("inf") or (sharpness and phases > 2):
        raise ValueError(f"sharpness must be finite, 0 or more, and 0 for more than two phases, got {sharpness}")
    if decoder_depth is not None and len(decoder_depth) != LEVELS:
        raise ValueError(f"decoder_depth must be five numbers, one for each resolution, got {decoder_depth}")


def _conv(padding: str, inputs: int, outputs: int, key: PRNGKeyArray) -> eqx.nn.Conv2d:
    """Return a 3 x 3 convolution that keeps the size."""
    return eqx.nn.Conv2d(inputs, outputs, 3, padding=1, padding_mode=padding.upper(), dtype=jnp.float32, key=key)


def _encoder(channels: int, latent_channels: int, widths: Sequence[int], depth: int, conv: Any, keys: Any) -> eqx.nn.Sequential:
    """Return the layers from an image (1 or N, H, W) to mean and log-variance (2C, H/16, W/16)."""
    a, b, c, d, e = widths
    level = partial(_level, depth, conv, keys, None)
    return eqx.nn.Sequential(
        [
            *level(channels, a),  # (a, H, W)
            *level(a, b, halved),  # (b, H/2, W/2)
            *level(b, c, halved),  # (c, H/4, W/4)
            *level(c, d, halved),  # (d, H/8, W/8)
            *level(d, e, halved),  # (e, H/16, W/16)
            conv(e, 2 * latent_channels, next(keys)),  # (2C, H/16, W/16)
        ]
    )


def _decoder(
    channels: int, latent_channels: int, widths: Sequence[int], depths: Sequence[int], conv: Any, keys: Any, shares: Any
) -> eqx.nn.Sequential:
    """Return the layers from a latent image (C, H/16, W/16) to logits (1 or N, H, W)."""
    a, b, c, d, e = widths
    ups = [partial(_level, depth, conv, keys, shares) for depth in depths]
    return eqx.nn.Sequential(
        [
            *ups[0](latent_channels, e),  # (e, H/16, W/16)
            *ups[1](e, d, doubled),  # (d, H/8, W/8)
            *ups[2](d, c, doubled),  # (c, H/4, W/4)
            *ups[3](c, b, doubled),  # (b, H/2, W/2)
            *ups[4](b, a, doubled),  # (a, H, W)
            conv(a, channels, next(keys)),  # (1 or N, H, W)
        ]
    )


def _level(depth: int, conv: Any, keys: Any, shares: Any, inputs: int, outputs: int, *sampling: Any) -> list[Any]:
    """Return the layers of one resolution: sampling, a convolution that sets the channels, ReLU, and ``depth`` units.

    Shares are keys of the shares of noise, for a textured decoder.
    """
    first = [eqx.nn.Lambda(each) for each in sampling]
    share = (lambda: None) if shares is None else lambda: FIRST_SHARE * jax.random.normal(next(shares), (outputs, 1, 1), jnp.float32)
    return [
        *first,
        conv(inputs, outputs, next(keys)),
        eqx.nn.Lambda(jax.nn.relu),
        *(JAXUnit(conv(outputs, outputs, next(keys)), share()) for _ in range(depth)),
    ]


def _named(model: CESSVAE) -> dict[str, Any]:
    """Return the weights by their names in torch, in the order of the tree: ``.encoder.layers[2].conv.weight`` is encoder.2.conv.weight."""
    leaves = jax.tree_util.tree_leaves_with_path(eqx.filter(model, eqx.is_array))
    return {re.sub(r"layers\[(\d+)\]", r"\1", jax.tree_util.keystr(path)).lstrip("."): leaf for path, leaf in leaves}


def _torch_shape(name: str, leaf: Any) -> tuple[int, ...]:
    """Return the shape of weights in torch, where a bias has no axes of space."""
    found: tuple[int, ...] = leaf.shape[:1] if name.endswith(".bias") else leaf.shape
    return found


def _options_of(folder: Path) -> dict[str, Any]:
    """Return the constructor's options of a folder."""
    (name, options), path = read_options(folder), folder / OPTIONS
    if name != "CESSVAE":
        raise ValueError(f"{path} is of a {name}, not of a CESSVAE")
    options.pop(PRIOR, None)
    return options
