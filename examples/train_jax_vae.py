"""Train the CESS VAE in JAX, on all its devices; the tools on torch read the network too.

    python examples/train_jax_vae.py [--data generated.h5] [--out jax_run] [--loss mse_cess] [--small] [--seed 0] ...

`--help` lists every choice. --data is a file in MICRO2D's layout; without one, images are generated first. DIR/cess_vae gets the network
(`CESSVAE.load`, of `twopoint_models.cess_vae` and of its `on_jax`), its config, metrics of each epoch and a checkpoint from
which a second call resumes; `examples/evaluate_cess_vae.py --runs DIR` evaluates it. Draws reconstructions.png; prints, and writes to
DIR/summary.json, the time and the measures on the validation images. `--small` is for two cores, 64 x 64.
"""

import argparse
import json
import sys
import time
from pathlib import Path

import jax.numpy as jnp
import numpy as np
from make_dataset import make

from twopoint.cli.showing.figures import save
from twopoint.cli.terminal import counting
from twopoint_models.cess_vae.on_jax import JAXConfig, train
from twopoint_models.cess_vae.on_jax.steps import measured
from twopoint_models.cess_vae.presets import PRESETS
from twopoint_models.data import CLASSES, MICRO2D
from twopoint_models.evaluation.figures import gallery

SMALL = {name: value for name, value in PRESETS["small"].items() if name in JAXConfig.help()}


def part_of(config: JAXConfig, split: str) -> tuple[np.ndarray, list[str]]:
    """Return the images of a part, (n, 1, H, W), and their classes."""
    dataset = MICRO2D(config.data, size=config.size, split=split, fractions=config.fractions)
    if not len(dataset):
        raise ValueError(f"--fractions must leave the {split} part images, got {config.fractions}")
    items = [dataset[i] for i in range(len(dataset))]
    return np.stack([item["image"] for item in items]), [item["name"] for item in items]


def run(options: argparse.Namespace) -> dict:
    """Train, draw, and return what the validation says."""
    if not options.data:
        options.data = str(options.out / "generated.h5")
        if not Path(options.data).is_file():
            make(argparse.Namespace(out=options.out, classes=CLASSES, seed=options.seed, workers=2), options.count, options.size)
    config = JAXConfig.from_arguments(vars(options))
    (images, _), (held_out, names) = part_of(config, "train"), part_of(config, "validation")
    began = time.perf_counter()
    with counting("steps, loss", "{:.4g}") as progress:
        model = train(config, options.out / "cess_vae", images, held_out, progress=progress)
    summary = {"seconds": time.perf_counter() - began, "images": len(images)} | measured(model, held_out, config)
    shown = held_out[[names.index(name) for name in dict.fromkeys(names)]]
    found = np.asarray(model(jnp.asarray(shown)))
    rows = {"original": shown, "reconstruction": found, "thresholded": found >= 0.5}
    classes = list(dict.fromkeys(names))
    columns = {row: {name: [x[i, 0]] for i, name in enumerate(classes)} for row, x in rows.items()}
    save(gallery(columns), options.out / "reconstructions.png")
    return summary


def main() -> None:
    """Run the example."""
    small, parser = "--small" in sys.argv, argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("jax_run"))
    parser.add_argument("--count", type=int, default=1200, help="images of each class to generate where there is no --data")
    parser.add_argument("--small", action="store_true", help="the form for two cores")
    JAXConfig.add_arguments(parser, **(SMALL if small else {}))
    options = parser.parse_args()
    try:
        options.out.mkdir(parents=True, exist_ok=True)
        summary = run(options)
    except (ArithmeticError, OSError, TypeError, ValueError) as error:
        parser.error(str(error))
    (options.out / "summary.json").write_text(json.dumps(summary, indent=2) + "\n")
    print(", ".join(f"{name} {value:.4g}" for name, value in summary.items()))


if __name__ == "__main__":
    main()
