"""Evaluate trained CESS VAEs: the tables and figures of the paper's section 4, beside reconstructions that need no training.

    python examples/evaluate_cess_vae.py [--runs DIR] [--out DIR] [--data FILE | --images FILE ...] [--training FILE] [--size 64] [--small]

Each folder in --runs that CESSVAE.save wrote is a row, reconstructed from latent means. --images takes your own micrographs, segmented by
Otsu's method and cut into tiles. Prints the main tables; writes summary.md and summary.json with all of them, images.csv with each image's
excess CESS, outliers/ (Fig. 7), line_sensitivity.png (8), histograms.png (9, 10), pairwise.png (11) and reconstructions/ (12).
"""

import argparse
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import torch

from twopoint.cli.reading.load import ReadingOptions, load
from twopoint.cli.terminal import counting
from twopoint_models.cess_vae import CESSVAE, score_rows
from twopoint_models.cess_vae.evaluation.nearest import NEAREST, nearest_training_image
from twopoint_models.cess_vae.evaluation.report import write_report
from twopoint_models.cess_vae.evaluation.tables import overview
from twopoint_models.data import MICRO2D, SlidingWindows
from twopoint_models.evaluation.reconstructions import centre_crop
from twopoint_models.evaluation.trivial import TRIVIAL


def row_of(model: CESSVAE, device: str):
    """Return the function that reconstructs images from their latent means."""
    return torch.inference_mode()(lambda images: model.to(device)(torch.from_numpy(images).to(device)).cpu().numpy())


def own_tiles(files: list[str], size: int) -> list[dict[str, Any]]:
    """Return tiles of micrographs, named by their files."""
    tiles = SlidingWindows([load(name, ReadingOptions(phases=2)).segmentation.labels for name in files], size, size)
    return [dict(image=x["image"].astype(np.float32)[None], name=Path(files[x["parent"]]).stem, index=i) for i, x in enumerate(tiles)]


def main() -> None:
    """Run the example."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=Path, help="folder of folders with model.safetensors and model.json; else no network")
    parser.add_argument("--out", type=Path, default=Path("evaluate_cess_vae"))
    parser.add_argument("--images", nargs="+", help="your own micrographs, in place of --data")
    parser.add_argument("--training", type=Path, help="file of the training: then the nearest of its images is a row too")
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("TWOPOINT_DATA", ".")) / "data/micro2d_500.h5")
    parser.add_argument("--split", choices=("train", "validation", "test"), help="of --data, as in the training; by default all images")
    parser.add_argument("--size", type=int, help="by default that of training.json in the runs, or 64")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--seed", type=int, default=0, help="chooses the image of each class that is drawn")
    parser.add_argument("--small", action="store_true", help="3 images of 32 x 32 of each class: seconds, for a test")
    options = parser.parse_args()
    runs = sorted(path.parent for path in options.runs.glob("*/model.json")) if options.runs else []
    told = [json.loads(path.read_text()) for run in runs for path in run.glob("training.json")]
    trained = {each["size"] for each in told} or {64}
    if (options.runs and not runs) or (len(trained) > 1 and not options.size):
        parser.error(f"--runs must hold folders with a model.json, of one size or with --size; found {len(runs)}, of {sorted(trained)} px")
    dealt = {name: told[0][name] for name in ("fractions", "together") if told and name in told[0]}
    size, small = 32 if options.small else options.size or min(trained), options.small
    if options.images:
        chosen = own_tiles(options.images, size)
    else:
        dataset = MICRO2D(options.data, size=size, split=options.split, **dealt)
        first = np.searchsorted(dataset.class_indices, dataset.class_indices)
        chosen = torch.utils.data.Subset(dataset, [i for i in range(len(dataset)) if not small or i - first[i] < 3])  # read when used
    known = options.training and MICRO2D(options.training, size=size, split="train", **dealt)
    trivial = TRIVIAL | ({NEAREST: nearest_training_image(known, crop=centre_crop(size))} if options.training else {})
    rows = {run.name: row_of(CESSVAE.load(run), options.device) for run in runs} | trivial
    with counting(f"{len(chosen)} images", "") as progress:
        scores, items = score_rows(rows, chosen, progress=lambda done: progress(done, len(chosen)))
    how = dict(trivial=trivial, about={"size": size, "split": options.split}, seed=options.seed)
    with counting("drawing", "") as progress:
        summary = write_report(options.out, scores, items, rows, lambda i: chosen[i]["image"], progress=progress, **how)
    print(overview(summary) + f"\ntables and figures of {len(items)} images of {size} px: {options.out}")


if __name__ == "__main__":
    main()
