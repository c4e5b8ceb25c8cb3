"""Compare samples of a CESS VAE with images that it has not seen.

    TWOPOINT_DATA=... python examples/sample_cess_vae.py RUN ... [--out DIR] [--data FILE] [--training FILE] [--count 500] [--small]

RUN is a folder with a network or the name of a published one. Prints, and writes to DIR/summary.json, for each network's thresholded
samples of the fitted and of the normal prior, for its reconstructions of the images of --data and for images of --training, the Wasserstein
distance from the images of --data by that between two halves of these: volume fraction, specific interface length and the first three
principal components of 2-point statistics. DIR/samples.png shows some of each.
"""

import argparse
import json
import os
import sys
from pathlib import Path

import numpy as np
import torch

from twopoint.cli.showing.figures import save
from twopoint.cli.terminal import counting
from twopoint_models import load
from twopoint_models.data import MICRO2D
from twopoint_models.evaluation.figures import gallery
from twopoint_models.evaluation.samples import sample_distances

A_CALL = 10  # images that are decoded at a time


def images_of(path: Path, size: int, count: int, seed: int) -> np.ndarray:
    """Return images (n, H, W) of a file, drawn without repetition."""
    dataset = MICRO2D(path, size=size)
    return np.stack([dataset[int(i)]["image"][0] for i in np.random.default_rng(seed).permutation(len(dataset))[:count]]).astype(np.uint8)


def samples(model, count: int, size: int, seed: int, prior: str) -> np.ndarray:
    """Return thresholded samples (count, H, W)."""
    parts = []
    with counting(f"samples, {prior} prior", "") as progress, torch.inference_mode():
        for start in range(0, count, A_CALL):
            parts.append(model.sample(min(A_CALL, count - start), size, seed=seed + start, prior=prior)[:, 0] >= 0.5)
            progress(min(start + A_CALL, count), count)
    return torch.cat(parts).numpy().astype(np.uint8)


def main() -> None:
    """Run the example."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", nargs="+", metavar="RUN", help="folder with a network of two phases, or the name of a published one")
    parser.add_argument("--out", type=Path, default=Path("sampled"))
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("TWOPOINT_DATA", ".")) / "data/micro2d_500.h5")
    parser.add_argument("--training", type=Path, help="file of training images: the row of a perfect sampler")
    parser.add_argument("--count", type=int, default=500, help="samples of each prior, images of each file")
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--small", action="store_true", help="20 images of 64 x 64: seconds, for a test")
    options = parser.parse_args()
    count, size = (20, 64) if options.small else (options.count, options.size)
    options.out.mkdir(parents=True, exist_ok=True)
    models, real, rows = {run: load(run) for run in options.runs}, images_of(options.data, size, count, options.seed), {}
    for run, model in models.items():
        if model.prior is None:
            parser.error(f"{run} has no fitted prior; training again keeps one, and so does CESSVAE.fit_prior")
        name = Path(run).name
        rows |= {f"{name}, {prior} prior": samples(model, count, size, options.seed, prior) for prior in ("fitted", "normal")}
        rows[f"{name}, reconstructions"] = np.concatenate([model.reconstruct(x) >= 0.5 for x in np.array_split(real, 20)]).astype(np.uint8)
    rows |= {"training images": images_of(options.training, size, count, options.seed)} if options.training else {}
    table = sample_distances(real, rows)
    summary = {"command": " ".join(["python examples/sample_cess_vae.py", *sys.argv[1:]]), "images": count, "distances": table}
    (options.out / "summary.json").write_text(json.dumps(summary, indent=2) + "\n")
    save(
        gallery({name: {str(i): list(x[i::10][:4]) for i in range(5)} for name, x in {"data": real, **rows}.items()}),
        options.out / "samples.png",
    )
    print("\n".join(f"{row:40}" + "".join(f"  {name} {value:.2f}" for name, value in found.items()) for row, found in table.items()))


if __name__ == "__main__":
    main()
