"""The six kinds of graphite, and the distributions of parameters that are not given."""

import math
from typing import Any, NamedTuple

import numpy as np


class Kind(NamedTuple):
    """A kind of graphite: the generator of its form, and the bounds between which each parameter is drawn uniformly."""

    form: str  # "spheres", "flakes" or "intermediate"
    ranges: dict[str, tuple[float, float]]  # lengths in pixels, angles in degrees


# Names and order are those of Sardeshmukh et al., Fig. 3. The ranges were chosen visually, so that 128 x 128 pixels look like graphite in
# unetched micrographs at a scale of 100 micrometres, and after the text of the paper (large spheres and thick flakes are sparser).
# They are not fitted to data.
GRAPHITE: dict[str, Kind] = {
    "small dense spheres": Kind(
        "spheres", dict(volume_fraction=(0.10, 0.16), mean_radius=(3.4, 4.8), radius_spread=(0.15, 0.30), irregularity=(0.03, 0.06))
    ),
    "small sparse spheres": Kind(
        "spheres", dict(volume_fraction=(0.025, 0.055), mean_radius=(3.4, 4.8), radius_spread=(0.15, 0.30), irregularity=(0.03, 0.06))
    ),
    "large spheres": Kind(
        "spheres", dict(volume_fraction=(0.08, 0.14), mean_radius=(9.0, 13.0), radius_spread=(0.15, 0.30), irregularity=(0.03, 0.07))
    ),
    "intermediate": Kind(
        "intermediate",
        dict(
            volume_fraction=(0.09, 0.15),
            nodule_share=(0.2, 0.6),
            mean_radius=(4.5, 7.0),
            radius_spread=(0.20, 0.35),
            irregularity=(0.05, 0.10),
            length=(16.0, 32.0),
            thickness=(4.5, 7.0),
            bend=(45.0, 90.0),
        ),
    ),
    "fine flakes": Kind(
        "flakes",
        dict(
            volume_fraction=(0.09, 0.16),
            length=(20.0, 36.0),
            thickness=(1.6, 2.4),
            bend=(30.0, 70.0),
            rosettes=(0.1, 0.45),
            branching=(0.2, 0.5),
        ),
    ),
    "thick flakes": Kind(
        "flakes",
        dict(
            volume_fraction=(0.10, 0.17),
            length=(50.0, 90.0),
            thickness=(3.8, 5.6),
            bend=(40.0, 75.0),
            rosettes=(0.0, 0.06),
            branching=(0.2, 0.6),
        ),
    ),
}
LENGTHS = ("mean_radius", "length", "thickness")


def check_size(kind: str, shape: tuple[int, int], scale: float) -> None:
    """Refuse a size and scale at which some particle of a kind would not fit, or be thinner than a pixel, before parameters are drawn."""
    ranges = {name: bounds for name, bounds in GRAPHITE[kind].ranges.items() if name in LENGTHS}
    thin = max(1 / low for low, _ in ranges.values())
    long = max((2 if name == "mean_radius" else 1) * high for name, (_, high) in ranges.items())
    if scale < thin:
        raise ValueError(f"scale must be at least {thin:.3g} for {kind!r}, whose finest parts are a pixel then, got {scale:.3g}")
    if scale * long > min(shape):
        raise ValueError(f"size must be at least {math.ceil(scale * long)} pixels for {kind!r} at scale {scale:.3g}, got {min(shape)}")


def drawn(kind: str, rng: np.random.Generator, scale: float = 1.0) -> dict[str, float]:
    """Draw the parameters of a kind, with lengths times a scale."""
    ranges = GRAPHITE[kind].ranges
    return {name: rng.uniform(*bounds) * (scale if name in LENGTHS else 1.0) for name, bounds in ranges.items()}


def completed(form: str, given: dict[str, Any], rng: np.random.Generator) -> dict[str, Any]:
    """Return the given parameters; draw those that are None from a random kind of this form."""
    if all(value is not None for value in given.values()):
        return given  # nothing to draw
    kinds = [name for name, kind in GRAPHITE.items() if kind.form == form]
    values = drawn(kinds[rng.integers(len(kinds))], rng)
    return {name: values[name] if value is None else value for name, value in given.items()}
