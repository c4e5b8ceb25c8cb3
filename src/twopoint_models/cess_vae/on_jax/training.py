"""Training of the CESS VAE in JAX: batches sharded over devices, and runs that resume after a kill."""

import csv
import math
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import Array
from jax.sharding import Mesh, NamedSharding, PartitionSpec
from jaxtyping import Float

from ...checks import NotFiniteError
from ...nets.names import WEIGHTS
from ..config import REDUCTION
from .config import JAXConfig
from .network import CESSVAE
from .steps import Step, make_optimiser, make_step, measured

CHECKPOINT, METRICS = "checkpoint.eqx", "metrics.csv"
Progress = Callable[[int, int, float], object]


class State(NamedTuple):
    """State of a run between two epochs."""

    model: CESSVAE
    optimiser: Any
    epoch: Array
    images: Array  # the number of images


def train(
    config: JAXConfig,
    folder: str | os.PathLike[str],
    images: Float[np.ndarray, "n channels height width"],
    validation: Float[np.ndarray, "m channels height width"] | None = None,
    *,
    progress: Progress | None = None,
) -> CESSVAE:
    """Train a network on all devices of this process and return it. A finished run is not repeated; one that was killed resumes.

    The images of a step are distributed over the devices; each device holds the weights. The latent noise depends on seed, epoch and the
    index of the image, so a step is the same on one device and on several, up to rounding. Order and noise differ from those in torch;
    optimiser, schedule and clipping are the same. Images that do not fill a whole batch are left out of an epoch, different ones in each.

    Parameters
    ----------
    config : JAXConfig
        Choices of the run.
    folder : str or path
        Folder for ``model.safetensors`` and ``model.json`` (``CESSVAE.load``, here and in torch, reads them), ``training.json``,
        ``metrics.csv``, a line for each epoch, and ``checkpoint.eqx``.
    images, validation : arrays (n, 1 or N, H, W)
        Memberships in [0, 1]. For the validation, MSE and excess CESS, soft and thresholded, are measured from latent means.
    progress : callable, optional
        Called with the number of steps done, the total, and the loss.

    Returns
    -------
    CESSVAE

    Raises
    ------
    FileNotFoundError
        If the network to start from is missing.
    ValueError
        If images or the validation are not memberships of the config's phases, or fewer than a batch; if a batch is not a multiple of the
        devices; if the folder holds another run or a run on other images; or if a checkpoint is truncated.
    NotFiniteError
        If a loss, or a weight at the end of an epoch, is not finite.

    References
    ----------
    Cai et al., eqs. (7)-(11).
    """
    folder, devices = Path(folder), jax.local_devices()
    _check(config, images, validation, len(devices))
    if (folder / WEIGHTS).is_file():
        config.claim(folder)
        return CESSVAE.load(folder)
    optimiser, resumed = make_optimiser(config, len(images) // config.batch_size), (folder / CHECKPOINT).is_file()
    state = _begun(config, optimiser, len(images), config.start if not resumed else "")
    config.claim(folder)
    if resumed:
        state = read_checkpoint(folder / CHECKPOINT, state)
    mesh = Mesh(np.array(devices), ("batch",))
    state, shared = eqx.filter_shard(state, NamedSharding(mesh, PartitionSpec())), NamedSharding(mesh, PartitionSpec("batch"))
    step = make_step(config, optimiser)
    for epoch in range(int(state.epoch), config.epochs):
        state, losses = _epoch(config, state, step, images, shared, progress)
        found = measured(state.model, validation, config) if validation is not None else {}
        if not all(bool(jnp.isfinite(leaf).all()) for leaf in jax.tree.leaves(eqx.filter(state.model, eqx.is_array))):
            raise NotFiniteError(f"a weight is not finite after epoch {epoch}; the last checkpoint is kept")
        _log(folder / METRICS, {"epoch": epoch} | losses | found)
        write_checkpoint(folder / CHECKPOINT, state)
    state.model.save(folder)
    return CESSVAE.load(folder)


def _epoch(
    config: JAXConfig, state: State, step: Step, images: np.ndarray, shared: NamedSharding, progress: Progress | None
) -> tuple[State, dict[str, float]]:
    """Return the state after an epoch and the means of its losses."""
    order = np.random.default_rng((config.seed, int(state.epoch))).permutation(len(images))
    (model, held, epoch, _), losses, steps = state, [], len(images) // config.batch_size
    for i in range(steps):
        chosen = order[i * config.batch_size : (i + 1) * config.batch_size]
        batch = jax.device_put((images[chosen].astype(np.float32), chosen), shared)
        model, held, parts = step(model, held, *batch, epoch)
        losses.append(_finite(parts, int(epoch), i, chosen))
        if progress:
            progress(int(epoch) * steps + i + 1, config.epochs * steps, losses[-1]["loss"])
    return State(model, held, epoch + 1, state.images), {name: float(np.mean([each[name] for each in losses])) for name in losses[0]}


def write_checkpoint(path: Path, state: State) -> None:
    """Write a checkpoint to a temporary file and rename it."""
    part = path.with_suffix(".part")
    eqx.tree_serialise_leaves(part, state)
    part.replace(path)


def read_checkpoint(path: Path, like: State) -> State:
    """Return the state in a checkpoint, with the structure of another state; raise ValueError if it is truncated or does not fit."""
    try:
        found: State = eqx.tree_deserialise_leaves(path, like)
    except (RuntimeError, ValueError, EOFError, OSError) as error:
        raise ValueError(f"{path} is cut short or no checkpoint of this run ({error}); delete it to start this run again") from None
    if int(found.images) != int(like.images):
        raise ValueError(f"images must be those that {path.parent} was begun with, {int(found.images)}, got {int(like.images)}")
    return found


def _begun(config: JAXConfig, optimiser: optax.GradientTransformation, count: int, start: str) -> State:
    """Return the state before the first epoch."""
    wide = config.width[0] if len(config.width) == 1 else config.width
    options: dict[str, Any] = dict(
        width=wide, **{name: getattr(config, name) for name in ("phases", "latent_channels", "depth", "padding")}
    )
    model = CESSVAE(**options, key=jax.random.key(config.seed))
    if start:
        begun = CESSVAE.load(start)
        if begun.options != model.options:
            raise ValueError(f"start must hold a network of {model.options}, the one in {start} is of {begun.options}")
        model = begun
    return State(model, optimiser.init(eqx.filter(model, eqx.is_inexact_array)), jnp.asarray(0), jnp.asarray(count))


def _check(config: JAXConfig, images: np.ndarray, validation: np.ndarray | None, devices: int) -> None:
    """Refuse images that cannot be trained on."""
    channels = 1 if config.phases == 2 else config.phases
    for name, each in (("images", images), ("validation", validation)):
        if each is None:
            continue
        if each.ndim != 4 or not len(each) or each.shape[1] != channels or any(n % REDUCTION or not n for n in each.shape[2:]):
            raise ValueError(f"{name} must be (n, {channels}, H, W), H and W divisible by {REDUCTION}, n above 0, got {each.shape}")
        if not (each.min() >= 0 and each.max() <= 1):
            raise ValueError(f"{name} must be memberships in [0, 1], got {each.min()} to {each.max()}; divide gray values by 255")
    if len(images) < config.batch_size:
        raise ValueError(f"images must fill a batch of {config.batch_size}, got {len(images)}")
    if config.batch_size % devices:
        raise ValueError(f"batch_size must be a multiple of the {devices} devices, got {config.batch_size}")


def _finite(parts: Mapping[str, Array], epoch: int, step: int, places: np.ndarray) -> dict[str, float]:
    """Return the loss of a step and its parts as numbers; refuse a loss that is not finite."""
    found = {name: float(value) for name, value in parts.items()}
    if not math.isfinite(found["loss"]):
        raise NotFiniteError(
            f"loss is {found} in epoch {epoch}, step {step}, for the images {places.tolist()}; the last checkpoint is kept"
        )
    return found


def _log(path: Path, row: Mapping[str, float]) -> None:
    """Add a line to a table and rename the file into place; drop lines of this epoch or later, of a run that was killed."""
    kept: list[dict[str, Any]] = []
    if path.is_file():
        with path.open(newline="") as file:
            kept = [each for each in csv.DictReader(file) if int(each["epoch"]) < row["epoch"]]
    part = path.with_suffix(".part")
    with part.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(dict.fromkeys(name for each in (*kept, row) for name in each)))
        writer.writeheader()
        writer.writerows([*kept, row])
    part.replace(path)
