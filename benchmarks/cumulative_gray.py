"""What losses say of gray and of blur: their excess over that of other realisations of the same texture.

    TWOPOINT_DATA=... python -m benchmarks.cumulative_gray [--small] [--output benchmarks/results/cumulative_gray.json]

Targets are level cuts of periodic Gaussian fields of some widths, volume fraction .3, 224 x 224. A constant gray of the target's volume
fraction, and the target blurred by a Gaussian of 2 px, are compared with the median of eight other realisations; the median over 20
targets is printed. The ten classes of MICRO2D follow, where the eight others are the images of the class whose volume fractions are
nearest.
"""

import argparse
import os
from pathlib import Path
from typing import Any

import numpy as np
import scipy.ndimage

import twopoint as tp
from twopoint.cli.terminal import counting
from twopoint_models.data import MICRO2D

from . import machine
from .intervals import write

SIZE, FRACTION, OTHERS, TARGETS, BLUR = 224, 0.3, 8, 20, 2.0
WIDTHS = (1, 2, 3, 5, 8)
EXCESS = {"excess": True}
LOSSES: dict[str, tuple[Any, dict[str, Any]]] = {
    "CESS": (tp.cess, EXCESS),
    "CESS, crop of 50": (tp.cess, {**EXCESS, "crop": 50}),
    "MSESS": (tp.msess, {}),
    "cumulative CESS": (tp.cess, {**EXCESS, "cumulative": True}),
    "cumulative MSESS": (tp.msess, {"cumulative": True}),
    "energy": (tp.msess, {"weight": "energy"}),
}
GRAY, BLURRED = 10.0, {1: 3.0, 2: 3.0, 3: 3.0}  # bars of cumulative CESS


def level_cut(size: int, width: float, rng: np.random.Generator) -> np.ndarray:
    """Return the level cut of white noise smoothed by a Gaussian of some width, with the volume fraction to one pixel."""
    field = scipy.ndimage.gaussian_filter(rng.standard_normal((size, size)), width, mode="wrap")
    return (field > np.quantile(field, 1 - FRACTION)).astype(float)


def judge(target: np.ndarray, others: np.ndarray) -> dict[str, dict[str, float]]:
    """Return for each loss the excess of gray and of blur over the median of others (n, *space)."""
    known = tp.target_statistics(target[None], implied_phase=True)
    blurred = scipy.ndimage.gaussian_filter(target, BLUR, mode="wrap")
    m = np.stack([np.full_like(target, target.mean()), blurred, *others])[:, None]
    found = {}
    for name, (loss, options) in LOSSES.items():
        values = np.concatenate([np.atleast_1d(loss(part, known, reduction="none", **options)) for part in np.split(m, len(m))])
        found[name] = {"gray": float(values[0] / np.median(values[2:])), "blur": float(values[1] / np.median(values[2:]))}
    return found


def medians(judged: list[dict[str, dict[str, float]]]) -> dict[str, dict[str, float]]:
    """Return the median over targets, with quartiles."""
    found: dict[str, dict[str, float]] = {}
    for name in LOSSES:
        found[name] = {}
        for what in ("gray", "blur"):
            low, median, high = np.percentile([each[name][what] for each in judged], (25, 50, 75))
            found[name] |= {what: float(f"{median:.4g}"), f"{what}_low": float(f"{low:.4g}"), f"{what}_high": float(f"{high:.4g}")}
    return found


def nearest(images: np.ndarray, i: int) -> np.ndarray:
    """Return the images whose volume fractions are nearest to that of image i."""
    off = np.abs(images.mean(axis=(1, 2)) - images[i].mean())
    off[i] = np.inf
    return images[np.argsort(off, kind="stable")[:OTHERS]]


def bars(widths: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the verdicts on cumulative CESS."""
    verdicts = []
    for width, found in widths.items():
        for what, limit in (("gray", GRAY), ("blur", BLURRED.get(int(width)))):
            if limit is not None:
                figure = found["cumulative CESS"][what]
                verdicts.append(
                    {"what": f"{what}, fields {width} px wide", "limit": f">= {limit:g}", "figure": figure, "held": figure >= limit}
                )
    return verdicts


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--small", action="store_true", help="two targets of 56 px, without MICRO2D: seconds, for a test")
    parser.add_argument("--output", type=Path, default=Path(__file__).parent / "results/cumulative_gray.json")
    options = parser.parse_args()
    size, n_targets = (56, 2) if options.small else (SIZE, TARGETS)
    found: dict[str, Any] = {
        "machine": machine.describe() | {"command": "python -m benchmarks.cumulative_gray"},
        "size": size,
        "targets": n_targets,
    }
    judged: dict[str, list[Any]] = {str(width): [] for width in WIDTHS}
    with counting("level cuts", "") as progress:
        for number in range(n_targets):
            for width in WIDTHS:
                rng = np.random.default_rng([width, number])
                target, *others = (level_cut(size, width, rng) for _ in range(1 + OTHERS))
                judged[str(width)].append(judge(target, np.stack(others)))
            progress(number + 1, n_targets)
    found["level_cuts"] = {width: medians(own) for width, own in judged.items()}
    found["bars"] = bars(found["level_cuts"])
    found["micro2d"], found["micro2d_fractions_off"] = ({}, {}) if options.small else micro2d(n_targets)
    write(options.output, found)
    for kind, own in [*found["level_cuts"].items(), *found["micro2d"].items()]:
        print(f"{kind:20}" + "; ".join(f"{name} gray {of['gray']:.3g} blur {of['blur']:.3g}" for name, of in own.items()))
    for verdict in found["bars"]:
        print(f"{verdict['what']:30} {verdict['figure']:.3g}, required {verdict['limit']}{'' if verdict['held'] else ' missed'}")


def micro2d(n_targets: int) -> tuple[dict[str, Any], dict[str, float]]:
    """Return the medians of each class of MICRO2D over targets evenly spread, and how far the others' volume fractions are off."""
    path = Path(os.environ.get("TWOPOINT_DATA", ".")) / "data/micro2d_500.h5"
    found, off = {}, {}
    for name in MICRO2D(path).classes:
        dataset = MICRO2D(path, classes=[name], size=SIZE)
        images = np.stack([np.asarray(dataset[i]["image"][0], dtype=float) for i in range(len(dataset))]).round()
        chosen = [int(i) for i in np.unique(np.linspace(0, len(images) - 1, n_targets).round())]
        found[name] = medians([judge(images[i], nearest(images, i)) for i in chosen])
        differences = [abs(nearest(images, i).mean(axis=(1, 2)) - images[i].mean()) for i in chosen]
        off[name] = float(f"{np.median(differences):.2g}")
    return found, off


if __name__ == "__main__":
    main()
