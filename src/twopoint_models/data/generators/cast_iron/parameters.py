"""Checks of the parameters of graphite, and the parameters that generators return."""

import math
from typing import Any

import numpy as np

from .. import checks as check
from ..structure import Structure
from .lines import Lines
from .nodules import NONE, Nodules, largest, nodules

DENSEST = 0.5  # random sequential placement of equal discs jams at .547


def check_fraction(p: dict[str, Any]) -> None:
    """Refuse a volume fraction that no generator reaches."""
    p["volume_fraction"] = check.fraction("volume_fraction", p["volume_fraction"], DENSEST)


def check_gap(p: dict[str, Any], gap: float | None, unit: str, shape: tuple[int, int]) -> None:
    """Set the gap among the parameters; the default is half of one of their lengths."""
    p["gap"] = p[unit] / 2 if gap is None else check.within("gap", gap, min(shape) / 2)


def check_lines(p: dict[str, Any], shape: tuple[int, int]) -> None:
    """Refuse lines that are longer than the image, thicker than long, or bent by more than a turn."""
    p["length"] = check.length("length", p["length"], min(shape), shape)
    p["thickness"] = check.length("thickness", p["thickness"], min(shape), shape)
    if p["thickness"] > p["length"]:
        raise ValueError(f"thickness must be at most the length, {p['length']:.4g} pixels, got {p['thickness']:.4g}")
    p["bend"] = check.within("bend", p["bend"], 360)


def check_nodules(p: dict[str, Any], shape: tuple[int, int]) -> None:
    """Refuse nodules with too large a spread, irregularity or radius."""
    p["radius_spread"] = check.within("radius_spread", p["radius_spread"], 1)
    p["irregularity"] = check.within("irregularity", p["irregularity"], 0.25)
    p["mean_radius"] = check.length("mean_radius", p["mean_radius"], largest(shape, p["irregularity"], 0.0), shape)


def made_nodules(p: dict[str, Any], fraction: float, shape: tuple[int, int], rng: np.random.Generator) -> Nodules:
    """Return nodules of a fraction of the image."""
    if fraction == 0:
        return NONE
    check.length(
        "mean_radius", p["mean_radius"], largest(shape, p["irregularity"], p["gap"]), shape
    )  # a nodule is its own periodic neighbour
    return nodules(shape, rng, fraction * math.prod(shape), p["mean_radius"], p["radius_spread"], p["irregularity"], p["gap"])


def of_nodules(found: Nodules) -> dict[str, Any]:
    """Return the parameters of nodules."""
    return dict(nodules=len(found.radii), centres=found.centres, radii=found.radii)


def of_lines(found: Lines) -> dict[str, Any]:
    """Return the parameters of lines."""
    mean = [float(values.mean()) if len(values) else 0.0 for values in (found.lengths, found.thickness)]
    return dict(nuclei=found.nuclei, arms=len(found.lengths), mean_arm_length=mean[0], mean_arm_thickness=mean[1])


def structure(image: np.ndarray, p: dict[str, Any], told: dict[str, Any]) -> Structure:
    """Return an image with its parameters, including the reached volume fraction."""
    reached = dict(volume_fraction=float(image.mean()), wanted_volume_fraction=p["volume_fraction"])
    return Structure(image.astype(np.uint8), p | reached | told)
