"""Compare ways of design by their errors: the paper's, a search on the predictor, ours, and the trivial ones.

    python examples/compare_designs.py --runs NETWORK ... [--out DIR] [--targets 50] [--size 112] [--contrast 10] [--small] ...

NETWORK is a folder of `train_cess_vae.py` or a published network; ours decodes by the last. Images are generated. A predictor learns from
four fifths; targets are properties of the others: E_x, its ends, and --together, several at once. Designs begin from the first 500, which
define what is plausible. Every design is homogenised after thresholding. Draws designs.png; prints, and writes to summary.json, the root
mean square error over the standard deviation of the property, its interval, and the number of plausible designs.
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
from twopoint_models import load
from twopoint_models.data import generate_images
from twopoint_models.design import Materials, fit_property_mlp, labelled
from twopoint_models.design.compare import aims_of, design_by_descent, design_by_predictor, judge_designs
from twopoint_models.design.descriptions import latents_of
from twopoint_models.design.tables import table_of_designs
from twopoint_models.evaluation.figures import gallery
from twopoint_models.homogenisation import PROPERTIES


def compare(options: argparse.Namespace) -> dict:
    """Design in every way, judge, draw and write."""
    images, models = generate_images(options.count, options.size, seed=options.seed), {Path(run).name: load(run) for run in options.runs}
    latents, test, pool = latents_of(models, images), options.count // 5, slice(0, options.known)
    shaped = {name: torch.from_numpy(z).unflatten(1, (-1, *(n // 16 for n in images.shape[2:]))) for name, z in latents.items()}
    materials, last = Materials((c := options.contrast, 1.0), conductivities=(c, 1.0)), list(models)[-1]
    with counting("labels, designs and statistics", "") as bar:
        values = labelled(images, PROPERTIES, materials, kept=options.out / "labels.npz", progress=bar)
        aims, made = aims_of(values[-test:], [text.split(",") for text in options.together], options.targets, seed=options.seed), {}
        for kind, aim in aims.items():
            given = images[pool], shaped[last][pool], values[pool][:, aim.columns], aim.names, aim.targets
            how = dict(materials=materials, starts=options.starts, steps=options.steps, progress=bar)
            made[kind] = design_by_descent(models[last].decode, *given, **how)
        for name, z in shaped.items():
            network = fit_property_mlp(latents[name][:-test], values[:-test, :1], ["E_x"], members=2, epochs=options.epochs)
            given = models[name].decode, lambda x, network=network: network(x)[:, 0], z[pool], values[pool, 0]
            ways = design_by_predictor(*given, "E_x", aims["E_x"].targets[:, 0], materials=materials, steps=options.guided)
            made["E_x"] |= {f"{way}, {name}": each for way, each in ways.items()}
        summary = judge_designs(made, aims, images[pool], values[-test:], progress=bar)
    print("\n".join(f"{kind}, {len(aims[kind].targets)} targets\n\n{table_of_designs(found)}" for kind, found in summary.items()))
    shown = {f"E_x {aims['E_x'].targets[i, 0]:.2f}": i for i in np.linspace(0, options.targets - 1, 6).astype(int)}
    save(gallery({way: {x: [each.labels[i]] for x, i in shown.items()} for way, each in made["E_x"].items()}), options.out / "designs.png")
    return summary


def main() -> None:
    """Run the example."""
    small, parser = "--small" in sys.argv, argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("compared_designs"))
    parser.add_argument("--runs", nargs="+", required=True, help="folders of networks, or names of published ones")
    parser.add_argument("--together", nargs="*", default=["E_x,E_y", "E_x,k_y", "E_x,E_y,G_xy"], help="properties of one target")
    parser.add_argument("--contrast", type=float, default=10.0, help="of moduli and conductivities of phase 0 over phase 1")
    numbers = {"count": (40 if small else 1500, "images"), "size": (112, "pixels"), "targets": (6 if small else 50, "of each kind")}
    numbers |= {"known": (20 if small else 500, "to begin from"), "starts": (3, "descents"), "steps": (3 if small else 25, "of one")}
    numbers |= {"epochs": (3 if small else 200, "of the predictor"), "guided": (20 if small else 2000, "steps on it"), "seed": (0, "")}
    for name, (value, text) in numbers.items():
        parser.add_argument(f"--{name}", type=int, default=value, help=text)
    parser.add_argument("--small", action="store_true", help="40 images, 6 targets: seconds, for a test")
    options, began = parser.parse_args(), time.perf_counter()
    try:
        options.out.mkdir(parents=True, exist_ok=True)
        summary = {"command": " ".join(["python examples/compare_designs.py", *sys.argv[1:]]), "groups": compare(options)}
    except (OSError, ValueError) as error:
        parser.error(str(error))
    (options.out / "summary.json").write_text(json.dumps(summary | {"seconds": time.perf_counter() - began}, indent=2) + "\n")


if __name__ == "__main__":
    main()
