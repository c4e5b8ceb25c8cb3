"""How well DISTS and STSIM-2 distinguish textures: twenty pairs of crops of one micrograph, twenty of two, and a micrograph ever worse.

    TWOPOINT_DATA=../shared python -m benchmarks.similarity [--output benchmarks/results/similarity.json]

Crops of 128 x 128 of the four real micrographs of 256 x 256, five pairs of each micrograph and twenty of two. Prints for each measure the
mean, least and greatest similarity of both, and the similarities of a crop blurred and noisy by growing amounts, the mean over micrographs.
"""

import argparse
import json
import os
from collections.abc import Callable
from functools import partial
from itertools import combinations
from pathlib import Path

import numpy as np
import torch
from scipy.ndimage import gaussian_filter
from torch import Tensor

from twopoint_models.evaluation.similarity import DISTS, stsim2

from . import machine

NAMES = ("alloy", "carbonate", "composite", "copolymer")
BLURS, NOISES = (0.5, 1.0, 2.0, 4.0), (0.05, 0.1, 0.2, 0.4)
Measure = Callable[[Tensor, Tensor], Tensor]


def crops(folder: Path, name: str) -> Tensor:
    """Return four crops (4, 1, 128, 128) of a micrograph, in [0, 1], that do not overlap."""
    image = torch.from_numpy(np.load(folder / f"data/micrographs/mcrpy_{name}_256.npy").astype(np.float32))
    return (image / image.max()).unfold(0, 128, 128).unfold(1, 128, 128).reshape(4, 1, 128, 128)


def alike(measure: Measure, textures: list[Tensor]) -> dict[str, dict[str, float]]:
    """Return mean, least and greatest similarity of pairs of one texture and of two."""
    own = [(x[i], x[j]) for x in textures for i, j in list(combinations(range(4), 2))[:5]]
    two = [(a[i], b[j]) for a, b in combinations(textures, 2) for i, j in ((0, 1), (1, 2), (2, 3), (3, 0))][:20]
    told = {}
    for name, pairs in (("one texture", own), ("two textures", two)):
        found = measure(*(torch.stack(side) for side in zip(*pairs, strict=True)))
        told[name] = {"pairs": len(pairs), "mean": found.mean().item(), "least": found.min().item(), "greatest": found.max().item()}
    return told


def worse(measure: Measure, textures: list[Tensor]) -> dict[str, list[float]]:
    """Return the similarity of a crop to itself, blurred and noisy."""
    first, rng = torch.stack([x[0] for x in textures]), np.random.default_rng(0)
    blurred = [first, *(torch.from_numpy(gaussian_filter(first.numpy(), (0, 0, s, s), mode="reflect")) for s in BLURS)]
    noisy = [first, *(first + amount * torch.from_numpy(rng.standard_normal(first.shape, dtype=np.float32)) for amount in NOISES)]
    return {name: [measure(first, x).mean().item() for x in series] for name, series in (("blurred", blurred), ("noisy", noisy))}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("TWOPOINT_DATA", "../shared")))
    parser.add_argument("--output", type=Path, default=Path(__file__).parent / "results/similarity.json")
    options = parser.parse_args()
    weights, textures = options.data / "weights", [crops(options.data, name) for name in NAMES]
    measures: dict[str, Measure] = {
        "DISTS": DISTS.load(weights / "vgg16_torchvision_f16.safetensors", weights / "dists_alpha_beta.safetensors"),
        "STSIM-2": stsim2,
        "STSIM-2 local": partial(stsim2, window=7),
    }
    told = machine.describe() | {"command": "python -m benchmarks.similarity", "blurs_px": BLURS, "noises": NOISES}
    with torch.no_grad():
        for name, measure in measures.items():
            told[name] = alike(measure, textures) | worse(measure, textures)
            for what, found in told[name].items():
                shown = " ".join(f"{x:.3f}" for x in (found if isinstance(found, list) else found.values()))
                print(f"{name:14} {what:13} {shown}")
    options.output.write_text(json.dumps(told, indent=2) + "\n")


if __name__ == "__main__":
    main()
