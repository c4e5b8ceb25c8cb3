"""Structures with the 2-point statistics of real micrographs, from noise: three of two phases, one of three, and a volume.

    TWOPOINT_DATA=... python examples/reconstruct_micrographs.py [--out DIR] [--seed 0] [--seeds 3] [--polish 20000] [--small]

Prints for each structure the median over seeds of the relative error of the statistics (all pairs, all lags, periodic) of the labels and of
the soft phases, the largest error of a volume fraction, and the seconds of a start; writes the same to DIR/summary.json.
"""

import argparse
import json
import os
import time
from pathlib import Path

import numpy as np

import twopoint as tp
from twopoint.cli.reading.spacing import Spacing
from twopoint.cli.showing.figures import draw, save
from twopoint.cli.showing.panels import panels_of_reconstruction

NAMES = ("mcrpy_alloy_256", "mcrpy_carbonate_256", "mcrpy_copolymer_256", "mcrpy_composite_256", "leopard_sandstone_100")


def crop(name: str, small: bool) -> np.ndarray:
    """Return the labels of a part of a micrograph: 128 x 128, or 48 x 48 x 48."""
    labels = np.load(Path(os.environ.get("TWOPOINT_DATA", ".")) / "data/micrographs" / f"{name}.npy")
    size = {2: 48 if small else 128, 3: 16 if small else 48}[labels.ndim]
    part = labels[(slice(size),) * labels.ndim]
    return np.unique(part, return_inverse=True)[1].reshape(part.shape)


def measure(labels: np.ndarray, seed: int, polish: int) -> tuple[dict[str, float], np.ndarray]:
    """Reconstruct once from statistics; return the figures and the labels found."""
    n, ndim = int(labels.max()) + 1, labels.ndim
    target = tp.one_hot(labels, n, ndim=ndim)
    known = tp.target_statistics(target, ndim=ndim)
    begin = time.perf_counter()
    found = tp.reconstruct(known, seed=seed, polish=polish)
    seconds = time.perf_counter() - begin
    soft = tp.statistics_error(found.field, known)
    fractions = np.abs(tp.volume_fractions(tp.one_hot(found.labels, n, ndim=ndim), ndim=ndim) - tp.volume_fractions(target, ndim=ndim))
    error = tp.statistics_error(found.labels, known)
    return {"error": error, "error_soft": soft, "volume_fractions": float(fractions.max()), "seconds": seconds}, found.labels


def picture(labels: np.ndarray, found: np.ndarray, title: str, path: Path) -> None:
    """Draw a structure, its reconstruction, and the autocorrelation of phase 1 of both."""
    correlations = tuple(tp.autocorrelation((x == 1).astype(float), ndim=x.ndim, centered=True) for x in (labels, found))
    panels = panels_of_reconstruction(labels, found, correlations, int(labels.max()) + 1, Spacing().along(labels.ndim))
    save(draw(panels, title=title), path)


def main() -> None:
    """Run the example."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("reconstruct_micrographs"))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--polish", type=int, default=20000)
    parser.add_argument("--small", action="store_true", help="48 x 48 and 16 x 16 x 16, one seed: seconds, for a test")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    seeds, polish = (1, 500) if options.small else (options.seeds, options.polish)
    summary = {}
    print(f"{'structure':24}{'error':>8}{'soft':>8}{'volume fractions':>18}{'s a start':>11}")
    for name in NAMES:
        labels = crop(name, options.small)
        runs = [measure(labels, options.seed + i, polish) for i in range(seeds)]
        median = {key: float(np.median([figures[key] for figures, _ in runs])) for key in runs[0][0]}
        each = {key: [figures[key] for figures, _ in runs] for key in ("error", "seconds")}
        summary[name] = {"median": median, "each": each, "seeds": seeds, "polish": polish}
        columns = f"{median['error']:8.4f}{median['error_soft']:8.4f}{median['volume_fractions']:18.5f}{median['seconds']:11.1f}"
        print(f"{name:24}{columns}", flush=True)
        picture(labels, runs[0][1], f"{name}: relative error of the statistics {runs[0][0]['error']:.3f}", options.out / f"{name}.png")
        (options.out / "summary.json").write_text(json.dumps(summary, indent=2) + "\n")


if __name__ == "__main__":
    main()
