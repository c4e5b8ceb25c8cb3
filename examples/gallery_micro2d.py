"""MICRO2D's ten classes, real beside generated, and how their distributions agree.

    TWOPOINT_DATA=... python examples/gallery_micro2d.py [--out DIR] [--data FILE] [--images 300] [--workers 2] [--seed 0] [--small]

Draws DIR/gallery.png, ten columns of real and of generated images, and DIR/distributions.png. Prints, and writes to DIR/summary.json, for
each class the Wasserstein distance of generated from real images by that between two halves of the real ones: volume fraction, specific
interface length, first zero of the covariance. The small form is too few and too small images for these figures to mean much.
"""

import argparse
import json
import os
from pathlib import Path

import numpy as np

from twopoint.cli.showing.figures import save
from twopoint.cli.terminal import counting
from twopoint_models.data import CLASSES, MICRO2D, generate_blocks
from twopoint_models.evaluation.figures import distributions, gallery
from twopoint_models.evaluation.measures import distance_in_halves, first_zero, specific_interface_length

MEASURES = {
    "volume fraction": lambda images: images.mean(axis=(1, 2)),
    "interface length (1/px)": specific_interface_length,
    "first zero (px)": first_zero,
}


def real_images(path: Path, size: int | None, most: int | None) -> dict[str, np.ndarray]:
    """Return the images of a file by class."""
    found = {}
    for name in CLASSES:
        dataset = MICRO2D(path, [name], size=size)
        found[name] = np.stack([dataset[i]["image"][0] for i in range(len(dataset))][:most]).astype(np.uint8)
    return found


def made_images(number: int, size: int, seed: int, workers: int) -> dict[str, np.ndarray]:
    """Return generated images by class."""
    found: dict[str, list[np.ndarray]] = {name: [] for name in CLASSES}
    blocks = [(name, start, min(start + 25, number)) for name in CLASSES for start in range(0, number, 25)]
    with counting("generating", "") as progress:
        for done, (name, _, structures) in enumerate(generate_blocks(blocks, size, seed=seed, workers=workers)):
            found[name] += [each.image for each in structures]
            progress(done + 1, len(blocks))
    return {name: np.stack(images) for name, images in found.items()}


def main() -> None:
    """Run the example."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("gallery_micro2d"))
    parser.add_argument("--data", type=Path, help="by default the 500 images in TWOPOINT_DATA")
    parser.add_argument("--images", type=int, default=300, help="generated ones of each class")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--small", action="store_true", help="10 images of 64 x 64 of each class: seconds, for a test")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    path = options.data or Path(os.environ.get("TWOPOINT_DATA", ".")) / "data/micro2d_500.h5"
    real = real_images(path, 64 if options.small else None, 10 if options.small else None)
    size = next(iter(real.values())).shape[1]
    made = made_images(10 if options.small else options.images, size, options.seed, 1 if options.small else options.workers)
    blocks = {"real": {k: list(x[:4]) for k, x in real.items()}, "generated": {k: list(x[:4]) for k, x in made.items()}}
    save(gallery(blocks), options.out / "gallery.png")
    measured = [{m: {k: np.asarray(f(x)) for k, x in images.items()} for m, f in MEASURES.items()} for images in (real, made)]
    summary = {m: {k: distance_in_halves(measured[0][m][k], measured[1][m][k]) for k in CLASSES} for m in MEASURES}
    notes = {m: {k: f"{value:.2f}" for k, value in row.items()} for m, row in summary.items()}
    title = "distributions, and their distance by that of two halves of the real images"
    save(distributions(*measured, title=title, notes=notes), options.out / "distributions.png")
    (options.out / "summary.json").write_text(json.dumps(summary, indent=2) + "\n")
    print(f"{'class':22}" + "".join(f"{measure:>26}" for measure in MEASURES))
    for k in CLASSES:
        print(f"{k:22}" + "".join(f"{summary[measure][k]:26.2f}" for measure in MEASURES))


if __name__ == "__main__":
    main()
