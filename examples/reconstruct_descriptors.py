"""An alloy and a composite from 2-point statistics alone, then from these, lineal path and Euler number (open borders).

    TWOPOINT_DATA=... python examples/reconstruct_descriptors.py [--out DIR] [--seeds 3] [--small]

The second begins with the first. Statistics of all lags determine a micrograph of 128 x 128, those up to half the extents do not. Prints,
and writes to DIR/summary.json, relative errors, max |difference| / max |target|, the shares of the phases in their largest clusters
(neighbours by faces), and that of the points that differ from the original; draws pictures.
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

LENGTHS, PATH, EULER = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48), 0.1, 1e-5  # and the weights of the two terms beside CESS


def losses(target: np.ndarray) -> dict[str, list]:
    """Return the two sums of losses; lineal paths are divided by volume fractions, Euler numbers by their target."""
    of_path, weights = {"lengths": [r for r in LENGTHS if r < target.shape[-1]]}, 1 / tp.volume_fractions(target)[:, None, None] ** 2
    path = {"descriptor": "lineal_path", "options": of_path, "weights": weights}
    euler = {"descriptor": "euler_number", "weights": 1 / np.maximum(np.abs(tp.euler_number(target, boundary="open")), 1) ** 2}
    terms = [(1.0, tp.cess, {"excess": True}), (PATH, tp.descriptor_loss, path), (EULER, tp.descriptor_loss, euler)]
    return {"2-point statistics": terms[:1], "with lineal path and Euler number": terms}


def shares(labels: np.ndarray) -> list[float]:
    """Return the share of each phase in its largest cluster."""
    found = [label_clusters(labels == phase, periodic=False, connectivity="faces").labels for phase in range(int(labels.max()) + 1)]
    return [float(np.bincount(x[x > 0]).max() / np.count_nonzero(x)) for x in found]


def measure(labels: np.ndarray, target: np.ndarray, lags: int) -> dict[str, float]:
    """Return the relative errors of labels."""
    found = {}
    for function, options in ((tp.correlations, {"crop": lags}), (tp.lineal_path, {}), (tp.euler_number, {})):
        known = function(target, boundary="open", **options)
        difference = function(tp.one_hot(labels, len(target)), boundary="open", **options) - known
        found[function.__name__] = float(np.max(np.abs(difference)) / np.max(np.abs(known)))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("reconstruct_descriptors"))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--small", action="store_true", help="48 x 48, one seed: seconds, for a test")
    given, summary = parser.parse_args(), []
    given.out.mkdir(parents=True, exist_ok=True)
    for name in ("mcrpy_alloy_256", "mcrpy_composite_256"):
        labels = crop(name, given.small)
        target, pictures = tp.one_hot(labels, int(labels.max()) + 1), {"original": labels}
        for lags in (len(labels) + 1, 2 * len(labels) - 1):
            for seed in range(1 if given.small else given.seeds):
                begin, found = time.perf_counter(), None
                for way, loss in losses(target).items():
                    options = dict(boundary="open", crop=lags, loss=loss, seed=seed, polish=300 if given.small else 2000, initial=found)
                    found = tp.reconstruct(target, **options).labels
                    run = {"name": name, "lags": lags, "losses": way, "seed": seed, "seconds": time.perf_counter() - begin}
                    run |= {"points_that_differ": float(np.mean(found != labels)), "shares": shares(found), "of_original": shares(labels)}
                    summary.append(run | measure(found, target, lags))
                    print(summary[-1], flush=True)
                    pictures.setdefault(f"{lags} lags, {way}", found)
            (given.out / "summary.json").write_text(json.dumps(summary, indent=1) + "\n")
        figure, axes = plt.subplots(1, len(pictures), figsize=(15, 3.8), layout="constrained")
        for axis, title in zip(axes, pictures, strict=True):
            axis.imshow(pictures[title], cmap="cividis")
            axis.set(xticks=[], yticks=[], title=title.replace(", ", "\n"))
        figure.savefig(given.out / f"{name}.png", dpi=80)


if __name__ == "__main__":
    main()
