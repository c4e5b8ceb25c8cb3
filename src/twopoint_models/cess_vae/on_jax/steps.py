"""A training step in JAX: the loss, its gradient and the optimiser; and the measures of a validation."""

import math
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import Array

import twopoint as tp

from ...evaluation.reconstructions import centre_crop
from .config import JAXConfig
from .network import CESSVAE

Step = Callable[..., tuple[CESSVAE, Any, dict[str, Array]]]


def make_optimiser(config: JAXConfig, steps: int) -> optax.GradientTransformation:
    """Return RAdam on a clipped gradient, with a cosine of the learning rate that restarts, for a number of steps per epoch."""
    whole = max(1, steps * min(config.restart_every, config.epochs))

    def rate(count: Array) -> Array:
        return config.learning_rate * 0.5 * (1 + jnp.cos(math.pi * (count % whole) / whole))

    clip = [optax.clip_by_global_norm(config.gradient_clip)] if config.gradient_clip else []
    return optax.chain(*clip, optax.radam(rate))


def make_step(config: JAXConfig, optimiser: optax.GradientTransformation) -> Step:
    """Return a compiled step from network, optimiser state, images, their indices and the epoch to network, state and losses."""

    def loss(model: CESSVAE, images: Array, places: Array, epoch: Array) -> tuple[Array, dict[str, Array]]:
        mean, log_variance = model.encode(images)
        noise = latent_noise(config.seed, epoch, places, mean.shape[1:])
        found = model.decode(mean + noise * jnp.exp(log_variance / 2))
        kl = 0.5 * (mean**2 + jnp.exp(log_variance) - 1 - log_variance).sum(axis=(1, 2, 3)).mean()
        error = reconstruction_error(config, found, images)
        total = error + config.kl_weight * jnp.minimum(1.0, (epoch + 1) / (config.kl_warm_up + 1)).astype(kl.dtype) * kl
        return total, {"loss": total, "reconstruction": error, "kl": kl}

    def step(model: CESSVAE, held: Any, images: Array, places: Array, epoch: Array) -> tuple[CESSVAE, Any, dict[str, Array]]:
        (_, parts), slopes = eqx.filter_value_and_grad(loss, has_aux=True)(model, images, places, epoch)
        changes, held = optimiser.update(slopes, held, eqx.filter(model, eqx.is_inexact_array))
        return eqx.apply_updates(model, changes), held, parts

    compiled: Step = eqx.filter_jit(step)
    return compiled


def latent_noise(seed: int, epoch: Array | int, places: Array, shape: tuple[int, ...]) -> Array:
    """Return standard normal noise (B, *shape); the noise of an image depends on seed, epoch and its index only."""
    key = jax.random.fold_in(jax.random.key(seed), epoch)
    return jax.vmap(lambda place: jax.random.normal(jax.random.fold_in(key, place), shape, jnp.float32))(places)


def reconstruction_error(config: JAXConfig, found: Array, images: Array) -> Array:
    """Return the loss of reconstructions, averaged over the batch."""
    options: dict[str, Any] = dict(implied_phase=config.phases == 2, excess=True)
    square = jnp.mean((found - images) ** 2)
    if config.loss == "mse":
        return square
    if config.loss in ("crop", "cumulative"):
        options["crop"] = tuple(centre_crop(n) for n in images.shape[2:])
    options["cumulative"] = config.loss == "cumulative"
    apart: Array = tp.cess(found, images, **options)
    return config.alpha * square + apart if config.loss == "mse_cess" else apart


def measured(model: CESSVAE, images: np.ndarray, config: JAXConfig) -> dict[str, float]:
    """Return means over images, of reconstructions from latent means: MSE, and excess CESS in nats, soft, cumulative and thresholded."""
    measures, parts = eqx.filter_jit(_measures), np.array_split(images, math.ceil(len(images) / 64))
    found = [measures(model, jnp.asarray(part, jnp.float32), config.phases) for part in parts]
    shares = [len(part) / len(images) for part in parts]
    return {f"validation_{name}": float(sum(s * each[name] for s, each in zip(shares, found, strict=True))) for name in found[0]}


def _measures(model: CESSVAE, images: Array, phases: int) -> dict[str, Array]:
    """Return the measures of a part."""
    soft = model(images)
    hard = (soft >= 0.5).astype(soft.dtype) if phases == 2 else jax.nn.one_hot(soft.argmax(1), phases, axis=1)
    options: dict[str, Any] = dict(implied_phase=phases == 2, excess=True)
    found = {"mse": jnp.mean((soft - images) ** 2), "cess": tp.cess(soft, images, **options)}
    return found | {"cumulative": tp.cess(soft, images, cumulative=True, **options), "thresholded": tp.cess(hard, images, **options)}
