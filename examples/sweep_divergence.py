"""Train the CESS VAE at several weights of the Kullback-Leibler divergence: what latents carry, what that costs, what samples look like.

    python examples/sweep_divergence.py --small|--medium [--weights 1e-6 ... 1e-2] [--regime mse] [--data FILE] [--begin RUN] [--out DIR]

With --begin the networks begin as the one of that folder or published name. DIR/<weight>/<regime> gets the network; a second call resumes
a run that was killed. Prints, for each weight and on images of --tested, nats of a latent number, the posterior's deviation, collapsed
latents, the excess CESS of reconstructions with intervals, and how far samples of both priors are from the images, in units of the distance
between two halves of them. Writes DIR/summary.json and DIR/rate_distortion.png.
"""

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from evaluate_cess_vae import row_of
from make_dataset import make
from sample_cess_vae import images_of, samples

from twopoint.cli.showing.figures import save
from twopoint.cli.terminal import counting
from twopoint_models import load
from twopoint_models.cess_vae import CESSConfig, train_cess_vae
from twopoint_models.cess_vae.evaluation.figures import rates_figure
from twopoint_models.cess_vae.evaluation.rates import PRIORS, rate_of, rates_table
from twopoint_models.cess_vae.presets import PRESETS
from twopoint_models.data import CLASSES


def trained(config: CESSConfig, folder: Path, real: np.ndarray, begin: str) -> dict[str, Any]:
    """Return the rate of a network, which is trained unless it is there."""
    model = train_cess_vae(config, folder, network=load(begin) if begin else None, progress=False)
    images, reconstruct = real[:, None].astype(np.float32), row_of(model, "cpu")
    reconstructions = np.concatenate([reconstruct(images[i : i + 20]) for i in range(0, len(images), 20)])
    drawn = {prior: samples(model, len(real), real.shape[-1], config.seed, prior) for prior in PRIORS}
    return rate_of(folder / "latents.csv", images, reconstructions, drawn)


def main() -> None:
    """Run the example."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("divergence"))
    parser.add_argument("--weights", type=float, nargs="+", default=[1e-6, 1e-5, 1e-4, 1e-3, 1e-2], help="kl_weight of each network")
    parser.add_argument("--begin", default="", help="folder of a network, or the name of a published one, with which all begin")
    parser.add_argument("--tested", type=Path, default=Path(os.environ.get("TWOPOINT_DATA", ".")) / "data/micro2d_500.h5")
    parser.add_argument("--tested-count", type=int, default=500, help="images of --tested, and samples of each prior")
    parser.add_argument("--count", type=int, default=1200, help="images of each class to generate where there is no --data")
    for name in ("small", "medium"):
        parser.add_argument(f"--{name}", action="store_true", help="a preset")
    CESSConfig.add_arguments(parser, omit=["kl_weight"])
    preset = next((PRESETS[name] for name in ("small", "medium") if f"--{name}" in sys.argv), {})
    parser.set_defaults(**preset | {"regime": "mse", "precision": "fast", "padding": "circular"})
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    options.data = options.data or str(options.out / "generated.h5")
    if not Path(options.data).is_file():
        make(argparse.Namespace(out=options.out, classes=CLASSES, seed=0, workers=1), options.count, options.size)
    torch.set_flush_denormal(True)  # without it a network of very small values is ten times slower
    real, rows = images_of(options.tested, options.size, options.tested_count, options.seed), {}
    with counting("weights", "") as progress:
        for done, weight in enumerate(options.weights):
            config = CESSConfig.from_arguments(vars(options), kl_weight=weight)
            rows[f"{weight:g}"] = trained(config, options.out / f"{weight:g}" / config.regime, real, options.begin)
            progress(done + 1, len(options.weights))
    command = " ".join(["python examples/sweep_divergence.py", *sys.argv[1:]])
    (options.out / "summary.json").write_text(json.dumps({"command": command, "images": len(real), "weights": rows}, indent=2) + "\n")
    save(rates_figure(rows), options.out / "rate_distortion.png")
    print(rates_table(rows))


if __name__ == "__main__":
    main()
