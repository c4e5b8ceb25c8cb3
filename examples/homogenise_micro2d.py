"""MICRO2D's published conductivities against ours: with faces at one temperature, as published, and of the periodic cell.

    TWOPOINT_DATA=... python examples/homogenise_micro2d.py [--out DIR] [--data FILE] [--tolerance 1e-3] [--device cpu] [--small]

Phase 0 conducts 1e6, phase 1 1e3; x is array axis 0. With faces at one temperature: k_x of a cell and its mirror image along x, whose
mirror planes are such faces, and k_y alike. Draws DIR/parity.png. Prints, and writes to DIR/summary.json, R2, median ratio and mean
absolute relative error over k_x and k_y: for all 500 images R2 = 0.9985 with faces, 0.9951 periodic.
"""

import argparse
import json
import os
import time
from pathlib import Path

import numpy as np
import torch

import twopoint as tp
from twopoint.cli.showing.figures import save
from twopoint.cli.terminal import counting
from twopoint_models.data import MICRO2D
from twopoint_models.evaluation.fields import parity
from twopoint_models.homogenisation import conductivity

CONDUCTIVITIES = (1e6, 1e3)
BLOCK = 5


def both(images: torch.Tensor, tolerance: float) -> np.ndarray:
    """Return k_x and k_y with faces at one temperature and of the periodic cell, (2, n, 2); images are (n, H, W)."""
    cells = [torch.cat([images, images.flip(1)], 1), torch.cat([images, images.flip(2)], 2), images]
    x, y, periodic = (conductivity(tp.two_phase(c), CONDUCTIVITIES, tolerance=tolerance).diagonal(dim1=1, dim2=2) for c in cells)
    return torch.stack([torch.stack([x[:, 0], y[:, 1]], 1), periodic]).cpu().numpy()


def agreement(computed: np.ndarray, known: np.ndarray) -> dict[str, float]:
    """Return how numbers agree with known ones."""
    ratio, spread = computed / known, ((known - known.mean(axis=0)) ** 2).sum()
    found = {"R2": 1 - ((computed - known) ** 2).sum() / spread, "median_ratio": np.median(ratio)}
    return {k: float(v) for k, v in (found | {"mean_relative_error": np.abs(ratio - 1).mean()}).items()}


def main() -> None:
    """Run the example."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("homogenise_micro2d"))
    parser.add_argument("--data", type=Path, help="by default the 500 images in TWOPOINT_DATA")
    parser.add_argument("--tolerance", type=float, default=1e-3, help="of k, relative; in float32")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--seed", type=int, default=0, help="nothing is random here")
    parser.add_argument("--small", action="store_true", help="3 images of each class: seconds, for a test")
    options = parser.parse_args()
    path = options.data or Path(os.environ.get("TWOPOINT_DATA", ".")) / "data/micro2d_500.h5"
    dataset = MICRO2D(path, size=None, properties=["homogenized_thermal"], contrast=-1)
    chosen = [i for i in range(len(dataset)) if not options.small or dataset[i]["index"] < 3]
    options.out.mkdir(parents=True, exist_ok=True)
    begin, found = time.perf_counter(), []
    with counting(f"{len(chosen)} images", "{:.1f} images/s") as progress:
        for i in range(0, len(chosen), BLOCK):
            images = torch.tensor(np.stack([dataset[k]["image"][0] for k in chosen[i : i + BLOCK]]), device=options.device)
            found.append(both(images, options.tolerance))
            done = min(i + BLOCK, len(chosen))
            progress(done, len(chosen), done / (time.perf_counter() - begin))
    known, (faces, periodic) = dataset.properties[chosen].astype(float), np.concatenate(found, axis=1).astype(float)
    summary = {"images": len(chosen), "seconds": time.perf_counter() - begin}
    summary |= {"faces": agreement(faces, known), "periodic": agreement(periodic, known)}
    titles = {"faces at one temperature": faces, "periodic cell": periodic}
    unit = CONDUCTIVITIES[0]  # the file gives no unit, so the axes have none: conductivities over that of phase 0
    panels = {f"{k}, {what}": (known[:, i] / unit, v[:, i] / unit) for what, v in titles.items() for i, k in enumerate(("k_x", "k_y"))}
    names = ("published k / k of phase 0", "computed k / k of phase 0")
    save(parity(panels, names=names, log=True), options.out / "parity.png")
    (options.out / "summary.json").write_text(json.dumps(summary, indent=2) + "\n")
    for what, key in (("faces at one temperature", "faces"), ("periodic cell", "periodic")):
        told = summary[key]
        print(f"{what:26}R2 {told['R2']:.4f}, median ratio {told['median_ratio']:.4f}, mean error {told['mean_relative_error']:.2%}")


if __name__ == "__main__":
    main()
