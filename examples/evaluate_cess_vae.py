"""Evaluate trained CESS VAEs: the tables and figures of the paper's section 4, beside trivial reconstructions.

    python examples/evaluate_cess_vae.py [--runs DIR] [--out DIR] [--data FILE] [--training FILE] [--split test] [--size 64] [--small]

Each folder in --runs that CESSVAE.save wrote is a row, reconstructed from latent means. Prints the main tables; writes summary.md and
summary.json with all of them, images.csv with the excess CESS of each image, outliers/ (Fig. 7), line_sensitivity.png (8), histograms.png
(9), log_histograms.png (10), pairwise.png (11) and reconstructions/ (12, an image of each class, soft and thresholded).
"""

import argparse
import json
import os
from pathlib import Path

import numpy as np
import torch

from twopoint.cli.showing.figures import save
from twopoint.cli.terminal import counting
from twopoint_models.cess_vae import CESSVAE, line_sensitivity, score_rows, summarise
from twopoint_models.cess_vae.evaluation.figures import figures
from twopoint_models.cess_vae.evaluation.nearest import NEAREST, nearest_training_image
from twopoint_models.cess_vae.evaluation.tables import markdown, overview, per_image
from twopoint_models.data import MICRO2D
from twopoint_models.evaluation.reconstructions import centre_crop
from twopoint_models.evaluation.trivial import TRIVIAL


def row_of(model: CESSVAE, device: str):
    """Return the function that reconstructs images from their latent means."""
    return torch.inference_mode()(lambda images: model.to(device)(torch.from_numpy(images).to(device)).cpu().numpy())


def main() -> None:
    """Run the example."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=Path, help="folder of folders with model.safetensors and model.json; else the trivial rows alone")
    parser.add_argument("--out", type=Path, default=Path("evaluate_cess_vae"))
    parser.add_argument("--training", type=Path, help="file of the training: then the nearest of its images is a row too")
    parser.add_argument("--data", type=Path, help="by default the 500 images in TWOPOINT_DATA")
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
    path = options.data or Path(os.environ.get("TWOPOINT_DATA", ".")) / "data/micro2d_500.h5"
    dealt = {name: told[0][name] for name in ("fractions", "together") if told and options.data and name in told[0]}
    dataset = MICRO2D(path, size=32 if options.small else options.size or min(trained), split=options.split, **dealt)
    members = [np.flatnonzero(dataset.class_indices == c)[: 3 if options.small else None] for c in range(len(dataset.classes))]
    chosen = np.concatenate(members).tolist()
    size, trivial = dataset.size, dict(TRIVIAL)
    if options.training:
        trivial[NEAREST] = nearest_training_image(MICRO2D(options.training, size=size), crop=centre_crop(size))
    rows = {run.name: row_of(CESSVAE.load(run), options.device) for run in runs} | trivial
    with counting(f"{len(chosen)} images", "") as progress:
        scores, items = score_rows(rows, (dataset[i] for i in chosen), progress=lambda done: progress(done, len(chosen)))
    names, indices = [item["name"] for item in items], [item["index"] for item in items]
    lines = dict(zip(*map(np.ndarray.tolist, line_sensitivity()), strict=True))
    summary = {"size": size, "split": options.split, "lines_100_px_apart": lines} | summarise(scores, names)
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "summary.json").write_text(json.dumps(summary, indent=2) + "\n")
    (options.out / "summary.md").write_text(markdown(summary, title=f"Reconstructions of images of {size} px"))
    (options.out / "images.csv").write_text(per_image(scores, names, indices))
    found = figures(scores, rows, lambda i: dataset[chosen[i]]["image"], names, trivial=trivial, seed=options.seed)
    with counting("drawing", "") as progress:
        for done, (name, figure) in enumerate(found):
            (options.out / name).parent.mkdir(exist_ok=True)
            save(figure, options.out / f"{name}.png")
            progress(done + 1, 4 + max(len(runs), 1) + 2 * len(set(names)))
    print(overview(summary) + f"\ntables and figures of {len(names)} images of {size} px: {options.out}")


if __name__ == "__main__":
    main()
