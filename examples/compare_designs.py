"""Compare ways of design by their errors: the paper's, a search on the predictor, ours, and the trivial ones.

    python examples/compare_designs.py --runs runs/sharp [--out DIR] [--count 1500] [--targets 50] [--size 64] [--small] [--seed 0] ...

--runs is a folder of one network of `train_cess_vae.py`; images are generated again. A predictor learns from these. Targets are quantiles
of E_x of the last fifth. Designs begin from the first 500, which also define what is plausible. Every design is homogenised after
thresholding. Draws designs.png; prints, and writes to table.md and summary.json, the root mean square error over the standard deviation of
the targets, for all designs and with the mean in place of implausible ones, and the number of plausible ones.
"""

import argparse
import json
import sys
import time
from pathlib import Path

import numpy as np
import torch

from twopoint.cli.showing.figures import save
from twopoint.cli.terminal import counting
from twopoint_models.cess_vae import CESSVAE
from twopoint_models.data import generate_images
from twopoint_models.design import fit_property_mlp, labelled, plausibility_of
from twopoint_models.design.compare import NAMES, design_each_way, design_pairs
from twopoint_models.design.descriptions import latents_of
from twopoint_models.design.tables import summarise_designs, table_of_designs
from twopoint_models.evaluation.figures import gallery


def compare(options: argparse.Namespace) -> dict:
    """Design in every way, judge, draw and write."""
    images, model = generate_images(options.count, options.size, seed=options.seed), CESSVAE.load(options.runs)
    latents, test = latents_of({"z": model}, images)["z"], options.count // 5
    with counting("labels, designs and statistics", "") as bar:
        how = dict(progress=bar)
        values = labelled(images, NAMES, kept=options.out / "labels.npz", **how)
        predictor = fit_property_mlp(latents[:-test], values[:-test], NAMES, members=2, epochs=options.epochs)
        pool, targets = slice(0, options.known), np.quantile(values[-test:, 0], (np.arange(options.targets) + 0.5) / options.targets)
        given = images[pool], torch.from_numpy(latents[pool]).unflatten(1, (1, options.size // 16, -1)), values[pool]
        made = design_each_way(
            model.decode, lambda z: predictor(z)[:, 0], *given, targets, steps=options.steps, guided=options.guided, **how
        )
        pairs = values[-test:][np.random.default_rng(options.seed).permutation(test)[: options.targets]]
        both = {f"{name}, E_x and E_y": x for name, x in design_pairs(model.decode, *given, pairs, steps=options.steps, **how).items()}
        near = {name: plausibility_of(x.labels[:, None], images[pool], **how) for name, x in (made | both).items()}
    summary = summarise_designs(made, targets, near) | summarise_designs(both, pairs, near)
    shown = np.linspace(0, options.targets - 1, 6).astype(int)
    rows = {name: {f"E_x {targets[i]:.2f}": [x.labels[i]] for i in shown} for name, x in made.items()}
    save(gallery(rows), options.out / "designs.png")
    (options.out / "table.md").write_text(table_of_designs(summary))
    print(table_of_designs(summary))
    return summary


def main() -> None:
    """Run the example."""
    small, parser = "--small" in sys.argv, argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("compared_designs"))
    parser.add_argument("--runs", type=Path, required=True)
    numbers = {"count": (40 if small else 1500, "images"), "size": (64, "pixels"), "targets": (6 if small else 50, "of E_x; and pairs")}
    numbers |= {"known": (20 if small else 500, "images to begin from"), "steps": (3 if small else 60, "of a descent"), "seed": (0, "")}
    numbers |= {"epochs": (3 if small else 200, "of the predictor, at most"), "guided": (20 if small else 2000, "steps on the predictor")}
    for name, (value, text) in numbers.items():
        parser.add_argument(f"--{name}", type=int, default=value, help=text)
    parser.add_argument("--small", action="store_true", help="40 images, 6 targets: seconds, for a test")
    options, began = parser.parse_args(), time.perf_counter()
    try:
        options.out.mkdir(parents=True, exist_ok=True)
        summary = compare(options) | {"seconds": time.perf_counter() - began}
    except (OSError, ValueError) as error:
        parser.error(str(error))
    (options.out / "summary.json").write_text(json.dumps(summary, indent=2) + "\n")


if __name__ == "__main__":
    main()
