"""Properties of images: a description, a predictor on it, and intervals from images that were kept out of the training."""

import json
import os
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np
import torch
from jaxtyping import Float

from ..cess_vae.network import CESSVAE
from ..checks import positive
from ..homogenisation.two_phase import PROPERTIES, THERMAL, Materials
from ..nets.names import OPTIONS, read_options
from .descriptions import LagComponents
from .labels import labelled
from .predictor import PropertyMLP, fit_property_mlp

FILE, ENCODER = "predictor.json", "encoder"
LEVEL = 0.9  # share of kept images whose property lies in its interval, as far as their number allows
_COUNT = 96  # components of the 2-point statistics, as far as the number of images allows
_KEPT = 0.2  # share of the images that judge the predictor and set the intervals
# The eight symmetries of the square: turned or not, then flipped along one axis, the other, or both.
_TURNED = {"E_x": "E_y", "E_y": "E_x", "nu_xy": "nu_yx", "nu_yx": "nu_xy", "k_x": "k_y", "k_y": "k_x"}


class Prediction(NamedTuple):
    """Predicted properties of n images and their intervals, arrays (n, p)."""

    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray


@dataclass(frozen=True)
class ImagePredictor:
    """Predict effective properties of images of two phases.

    Attributes
    ----------
    encoder : CESSVAE or LagComponents
        Description that is the predictor's input: latent means, or components of 2-point statistics.
    network : PropertyMLP
        Predictor.
    about : dict
        Plain values: "size" of the images; "materials", the fields of :class:`Materials`; "units" by kind, "pressure" and "conductivity";
        "factor" and "offset" by property, from which intervals are made; "level", the share of kept images for which these hold; "kept",
        the errors on the kept images.
    """

    encoder: CESSVAE | LagComponents
    network: PropertyMLP
    about: dict[str, Any]

    @property
    def properties(self) -> list[str]:
        """Names of the properties."""
        return self.network.properties

    @property
    def size(self) -> int:
        """Height and width of the images in pixels."""
        return int(self.about["size"])

    @property
    def level(self) -> float:
        """Share of images like those of the training whose property lies in its interval."""
        return float(self.about["level"])

    @property
    def units(self) -> dict[str, str]:
        """Unit of each property, "" if it has none or none is known."""
        return {name: _unit(name, self.about["units"]) for name in self.properties}

    @property
    def materials(self) -> Materials:
        """Properties of the phases."""
        told: dict[str, Any] = self.about["materials"]
        found: dict[str, Any] = {name: tuple(x) if isinstance(x, list) else x for name, x in told.items()}
        return Materials(**found)

    def unit_text(self, name: str) -> str:
        """Return the unit of a property for the head of a table."""
        return f" [{unit}]" if (unit := self.units[name]) else ""

    def predict(self, images: Any) -> Prediction:
        """Return properties and their intervals.

        Parameters
        ----------
        images : array (n, size, size)
            Labels 0 and 1, or memberships of phase 1.

        Returns
        -------
        Prediction
            In the units of the materials.

        Raises
        ------
        ValueError
            If images have another shape.
        """
        found = np.asarray(images)
        if found.ndim != 3 or found.shape[1:] != (self.size, self.size):
            raise ValueError(f"images must have the shape (n, {self.size}, {self.size}), got {found.shape}")
        mean, spread = _predicted(self.network, described(self.encoder, found))
        half = np.array(self.about["factor"]) * (spread + np.array(self.about["offset"]))
        return Prediction(mean, mean - half, mean + half)

    def save(self, folder: str | os.PathLike[str], *, dtype: torch.dtype | None = None) -> None:
        """Write both networks, of float16 if ``dtype`` says so, and ``predictor.json`` into a folder."""
        folder = Path(folder)
        self.encoder.save(folder / ENCODER, dtype=dtype)
        part = folder / f"{FILE}.part"
        part.write_text(json.dumps(self.about, indent=2) + "\n")
        part.replace(folder / FILE)
        self.network.save(folder, dtype=dtype)  # last: its weights mark a finished run

    @classmethod
    def load(cls, folder: str | os.PathLike[str]) -> Self:
        """Return the predictor of a folder; raises as ``CESSVAE.load``, and ValueError for a damaged ``predictor.json``."""
        folder = Path(folder)
        network, encoder = PropertyMLP.load(folder), _encoder_of(folder / ENCODER)
        try:
            about = json.loads((folder / FILE).read_text())
            found = cls(encoder, network, about)
            told = (found.size, found.level, found.materials, found.units, len(about["factor"]), len(about["offset"]))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise ValueError(f"{folder / FILE} is not what save wrote: {error}") from None
        if told[-2:] != (len(network.properties),) * 2:
            raise ValueError(
                f"{folder / FILE} is of another predictor: it has {told[-1]} intervals for {len(network.properties)} properties"
            )
        return found


def train_predictor(
    encoder: CESSVAE | None,
    images: Float[np.ndarray, "n height width"],
    materials: Materials,
    properties: Sequence[str] = PROPERTIES,
    *,
    groups: Sequence[Any] | None = None,
    units: dict[str, str] | None = None,
    kept: str | os.PathLike[str] | None = None,
    epochs: int = 200,
    members: int = 5,
    hidden: Sequence[int] = (256, 256),
    seed: int = 0,
    progress: Callable[[int, int], object] | None = None,
) -> ImagePredictor:
    """Train a predictor of effective properties on images, which are homogenised.

    A fifth of the images is kept out: on it the errors are measured, and from it come the intervals (split conformal prediction: the error
    over the spread of the members plus its median). The others are learnt in all symmetries of the square, whose properties follow from one
    solution.

    Parameters
    ----------
    encoder : CESSVAE or None
        Network for two phases whose latent means are the predictor's input. None takes 96 principal components of the 2-point statistics
        of the training images, :class:`twopoint_models.design.descriptions.LagComponents`, whose errors are smaller.
    images : array (n, H, W)
        Labels 0 and 1 of square images of one size; ten or more.
    materials : Materials
        Properties of the phases.
    properties : names
        Names among E_x, E_y, G_xy, nu_xy, nu_yx, k_x and k_y.
    groups : list, optional
        Parent of each image, such as its file. Images of one parent are kept out together, if there are five parents or more.
    units : dict, optional
        Units of "pressure" and "conductivity", for tables.
    kept : str or path, optional
        File of the properties computed so far, from which another call resumes.
    epochs, members, hidden, seed
        As for :func:`fit_property_mlp`.
    progress : callable, optional
        Called with the number of images, then passes, done and the total.

    Returns
    -------
    ImagePredictor

    Raises
    ------
    ValueError
        If there are too few images, they are not square, or a property does not vary.
    """
    found = np.asarray(images)
    if found.ndim != 3 or len(found) < 10 or found.shape[1] != found.shape[2]:
        raise ValueError(f"images must be ten or more squares (n, H, H) to train a predictor, got {found.shape}")
    values = labelled(found[:, None].astype(np.float32), properties, materials, kept=kept, progress=progress)
    held = _held_out(len(found), groups, positive("seed", seed, zero=True))
    learnt = np.setdiff1d(np.arange(len(found)), held)
    described_by = encoder or LagComponents.fitted(found[learnt], min(_COUNT, len(learnt) - 1))
    flips = (0, 1, 2, 3) if encoder else (0, 1)  # statistics of an image and of one flipped along both axes are equal
    x, y = zip(
        *(_moved(described_by, found[learnt], values[learnt], properties, turn, flip) for turn in (0, 1) for flip in flips), strict=True
    )
    how: dict[str, Any] = dict(epochs=epochs, members=members, hidden=hidden, seed=seed, progress=progress)
    network = fit_property_mlp(np.concatenate(x), np.concatenate(y), properties, **how)
    about: dict[str, Any] = dict(size=found.shape[1], materials=asdict(materials), units=units or {}, images=len(found))
    predictor = ImagePredictor(described_by, network, about)
    return replace(predictor, about=about | _intervals(predictor, found[held], values[held]))


def described(encoder: CESSVAE | LagComponents, images: np.ndarray) -> Float[np.ndarray, "n d"]:
    """Return flat latent means, or components, of images (n, H, W)."""
    mean: np.ndarray = encoder.encode(images)[0]
    return mean.reshape(len(images), -1)


def _encoder_of(folder: Path) -> CESSVAE | LagComponents:
    """Return the description in a folder; raises as ``CESSVAE.load``."""
    kinds: dict[str, type[CESSVAE] | type[LagComponents]] = {"CESSVAE": CESSVAE, "LagComponents": LagComponents}
    if (kind := read_options(folder)[0]) not in kinds:
        raise ValueError(f"{folder / OPTIONS} is of a {kind}, a predictor takes a {' or a '.join(kinds)}")
    return kinds[kind].load(folder)


def _predicted(network: PropertyMLP, features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and spread of the members, float64."""
    with torch.inference_mode():
        mean, spread = network.predict(torch.from_numpy(features.astype(np.float32)))
    return mean.numpy().astype(np.float64), spread.numpy().astype(np.float64)


def _held_out(n: int, groups: Sequence[Any] | None, seed: int) -> np.ndarray:
    """Return the indices of a fifth of the images, whole groups if there are five or more."""
    rng, names = np.random.default_rng(seed), list(dict.fromkeys(groups or ()))
    if len(names) < 5:
        return np.sort(rng.permutation(n)[: max(2, round(_KEPT * n))])
    chosen = {names[i] for i in rng.permutation(len(names))[: max(1, round(_KEPT * len(names)))]}
    return np.array([i for i, group in enumerate(groups or ()) if group in chosen])


def _moved(
    encoder: CESSVAE | LagComponents, images: np.ndarray, values: np.ndarray, properties: Sequence[str], turn: int, flip: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return descriptions and properties of images under one symmetry of the square."""
    moved = images.swapaxes(1, 2) if turn else images
    moved = moved[:, :: -1 if flip & 1 else 1, :: -1 if flip & 2 else 1]
    names = [_TURNED.get(name, name) if turn else name for name in properties]
    if missing := [name for name in names if name not in properties]:
        raise ValueError(f"properties must hold {missing[0]} beside that of the other axis, got {', '.join(properties)}")
    return described(encoder, np.ascontiguousarray(moved)), values[:, [list(properties).index(name) for name in names]]


def _intervals(predictor: ImagePredictor, images: np.ndarray, values: np.ndarray) -> dict[str, Any]:
    """Return factor and offset of the intervals, the share for which they hold, and the errors on kept images."""
    mean, spread = _predicted(predictor.network, described(predictor.encoder, images))
    offset = np.median(spread, axis=0) + 1e-12 * np.abs(values).mean(axis=0) + 1e-30
    scores = np.sort(np.abs(mean - values) / (spread + offset), axis=0)
    n = len(values)
    rank = min(int(np.ceil(LEVEL * (n + 1))), n)
    relative = np.abs(mean - values) / np.maximum(np.abs(values), 1e-30)
    errors = {name: float(x) for name, x in zip(predictor.properties, np.median(relative, axis=0), strict=True)}
    about = {"factor": scores[rank - 1].tolist(), "offset": offset.tolist(), "level": rank / (n + 1)}
    return about | {"kept": {"images": n, "median_relative_error": errors}}


def _unit(name: str, units: dict[str, str]) -> str:
    """Return the unit of a property."""
    return "" if name.startswith("nu_") else str(units.get("conductivity" if name in THERMAL else "pressure", ""))
