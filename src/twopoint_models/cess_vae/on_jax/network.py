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

TORCH_ONLY = {"sharpness": 0.0, "texture": False, "decoder_depth": None}
PRIOR = "prior"  # of torch, from which it samples; the network itself is the same without


class JAXUnit(eqx.Module):
    """A skip-connected convolution, ``x + relu(conv(x))``."""

    conv: eqx.nn.Conv2d

    def __call__(self, x: Array, *, key: PRNGKeyArray | None = None) -> Array:
        """Return features of the same shape."""
        return x + jax.nn.relu(self.conv(x))


class CESSVAE(eqx.Module):
    """Encode microstructures to a latent image at a sixteenth of their resolution, and decode it.

    Cai et al., section 3.3 and Fig. 5. The architecture, the names of weights, the files and the distribution of initial weights are those
    of :class:`twopoint_models.cess_vae.CESSVAE`, so each loads what the other has trained. Only torch has sharpness, texture and
    a decoder of its own depth.

    Parameters
    ----------
    phases, latent_channels, width, depth, padding
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
    padding: str = eqx.field(static=True)

    def __init__(
        self,
        *,
        phases: int = 2,
        latent_channels: int = 1,
        width: int | Sequence[int] = 64,
        depth: int = 1,
        padding: str = "zeros",
        key: PRNGKeyArray,
    ) -> None:
        counts = (width,) if isinstance(width, int) else tuple(width)
        if phases < 2 or len(counts) not in (1, 5):
            raise ValueError(f"phases must be 2 or more and width one number or five, got {phases} and {width}")
        if padding not in ("zeros", "circular"):
            raise ValueError(f"padding must be 'zeros' or 'circular', got {padding!r}")
        self.phases, self.latent_channels, self.padding = phases, positive("latent_channels", latent_channels), padding
        self.width, self.depth = tuple(positive("width", n) for n in counts), positive("depth", depth)
        keys = iter(jax.random.split(key, 2 * 5 * (1 + depth) + 2))
        a, b, c, d, e = self.width * (5 if len(counts) == 1 else 1)
        conv = partial(_conv, padding)
        level = partial(_level, depth, conv, keys)
        self.encoder = eqx.nn.Sequential(
            [
                *level(self.channels, a),  # (a, H, W)
                *level(a, b, halved),  # (b, H/2, W/2)
                *level(b, c, halved),  # (c, H/4, W/4)
                *level(c, d, halved),  # (d, H/8, W/8)
                *level(d, e, halved),  # (e, H/16, W/16)
                conv(e, 2 * latent_channels, next(keys)),  # (2C, H/16, W/16)
            ]
        )
        self.decoder = eqx.nn.Sequential(
            [
                *level(latent_channels, e),  # (e, H/16, W/16)
                *level(e, d, doubled),  # (d, H/8, W/8)
                *level(d, c, doubled),  # (c, H/4, W/4)
                *level(c, b, doubled),  # (b, H/2, W/2)
                *level(b, a, doubled),  # (a, H, W)
                conv(a, self.channels, next(keys)),  # (1 or N, H, W)
            ]
        )

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

    def decode(self, latents: Float[Array, "batch latents height width"]) -> Array:
        """Decode latent images (B, C, h, w) to memberships (B, 1 or N, 16 h, 16 w); raise ValueError for other shapes."""
        if latents.ndim != 4 or latents.shape[1] != self.latent_channels:
            raise ValueError(f"latents must be (batch, {self.latent_channels}, h, w), got {latents.shape}")
        logits = jax.vmap(self.decoder)(latents.astype(jnp.float32))
        return jax.nn.softmax(logits, axis=1) if self.channels > 1 else jax.nn.sigmoid(logits)

    def __call__(self, images: Float[Array, "batch channels height width"]) -> Array:
        """Return the reconstruction from the latent mean, ``decode(encode(images)[0])``."""
        return self.decode(self.encode(images)[0])

    @property
    def options(self) -> dict[str, Any]:
        """Arguments of the constructor as JSON values."""
        wide: int | list[int] = self.width[0] if len(self.width) == 1 else list(self.width)
        return dict(phases=self.phases, latent_channels=self.latent_channels, width=wide, depth=self.depth, padding=self.padding)

    def reconstruct(self, images: Any) -> np.ndarray:
        """Return reconstructions of arrays, as :meth:`twopoint_models.cess_vae.CESSVAE.reconstruct` does."""
        found, shape = as_images(images, self.channels)
        return np.array(self(jnp.asarray(found))).reshape(shape)

    def save(self, folder: str | os.PathLike[str]) -> None:
        """Write ``model.safetensors`` and ``model.json`` into a folder, which is created if needed, for torch or :meth:`load`."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        tensors = {name: np.asarray(leaf).reshape(_torch_shape(leaf)) for name, leaf in _named(self).items()}
        save_file(tensors, folder / f"{WEIGHTS}.part", metadata={"network": "CESSVAE"})
        (folder / f"{OPTIONS}.part").write_text(options_text("CESSVAE", self.options | TORCH_ONLY | {PRIOR: None}))
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
            If a file is truncated or of another network, or the network has decoder_depth, sharpness or texture.
        """
        folder = Path(folder)
        options = _options_of(folder)
        try:
            tensors = {name: value for name, value in load_file(folder / WEIGHTS).items() if not name.startswith(f"{PRIOR}.")}
        except (SafetensorError, OSError) as error:
            raise ValueError(f"{folder / WEIGHTS} is cut short, or no file of weights: {error}") from None
        model = cls(**options, key=jax.random.key(0))
        expected = {name: _torch_shape(leaf) for name, leaf in _named(model).items()}
        if wrong := sorted(expected.keys() ^ tensors.keys()) or [name for name in expected if tensors[name].shape != expected[name]]:
            raise ValueError(f"{folder / WEIGHTS} is of another network: {wrong[0]} does not fit")
        leaves = [jnp.asarray(tensors[name], dtype=jnp.float32).reshape(leaf.shape) for name, leaf in _named(model).items()]
        weights, rest = eqx.partition(model, eqx.is_array)
        found: Self = eqx.combine(jax.tree.unflatten(jax.tree.structure(weights), leaves), rest)
        return found


def halved(x: Array) -> Array:
    """Return the means of 2 x 2 pixels of features (C, H, W)."""
    channels, height, width = x.shape
    return x.reshape(channels, height // 2, 2, width // 2, 2).mean(axis=(2, 4))


def doubled(x: Array) -> Array:
    """Return features (C, H, W) with each pixel repeated along both axes."""
    return jnp.repeat(jnp.repeat(x, 2, axis=1), 2, axis=2)


def _conv(padding: str, inputs: int, outputs: int, key: PRNGKeyArray) -> eqx.nn.Conv2d:
    """Return a 3 x 3 convolution that keeps the size."""
    return eqx.nn.Conv2d(inputs, outputs, 3, padding=1, padding_mode=padding.upper(), dtype=jnp.float32, key=key)


def _level(depth: int, conv: Any, keys: Any, inputs: int, outputs: int, *sampling: Any) -> list[Any]:
    """Return the layers of one resolution: sampling, a convolution that sets the channels, ReLU, and ``depth`` units."""
    first = [eqx.nn.Lambda(each) for each in sampling]
    return [
        *first,
        conv(inputs, outputs, next(keys)),
        eqx.nn.Lambda(jax.nn.relu),
        *(JAXUnit(conv(outputs, outputs, next(keys))) for _ in range(depth)),
    ]


def _named(model: CESSVAE) -> dict[str, Any]:
    """Return the weights by their names in torch, in the order of the tree: ``.encoder.layers[2].conv.weight`` is encoder.2.conv.weight."""
    leaves = jax.tree_util.tree_leaves_with_path(eqx.filter(model, eqx.is_array))
    return {re.sub(r"layers\[(\d+)\]", r"\1", jax.tree_util.keystr(path)).lstrip("."): leaf for path, leaf in leaves}


def _torch_shape(leaf: Any) -> tuple[int, ...]:
    """Return the shape of weights in torch, where a bias has no axes of space."""
    return leaf.shape if leaf.shape[-1] == 3 else leaf.shape[:1]


def _options_of(folder: Path) -> dict[str, Any]:
    """Return the constructor's options of a folder."""
    (name, options), path = read_options(folder), folder / OPTIONS
    if name != "CESSVAE":
        raise ValueError(f"{path} is of a {name}, not of a CESSVAE")
    for option, absent in TORCH_ONLY.items():
        if options.pop(option, absent) != absent:
            raise ValueError(f"{path} is of a network with {option}, which is torch's alone")
    options.pop(PRIOR, None)
    return options
