"""Design microstructures with given properties, by descent through a trained decoder and homogenisation; verify each.

    python examples/design.py --runs runs/sharp --data generated.h5 --E_x 5.0 [--E_y 3 4] [--volume-fractions 0.2 0.6] [--top 4] [--out DIR]

--runs is a network that `train_cess_vae.py` left, --data a file of images that designs begin from and look like. Targets are values or, by
two numbers, intervals of E_x, E_y, G_xy, nu_xy, nu_yx, k_x and k_y, x along the first axis. Writes designs.png, designs.npz (0 and 1),
designs.csv and summary.json, and prints: properties by homogenisation, the volume fraction, and the error over the range that these phases
reach.
"""

import argparse
import json
from pathlib import Path

import numpy as np

from twopoint.cli.terminal import counting
from twopoint_models.cess_vae import CESSVAE
from twopoint_models.cli.designs import Ways, find_designs, write_designs
from twopoint_models.data import MICRO2D
from twopoint_models.design import PROPERTIES, Materials


def search(options: argparse.Namespace) -> tuple[dict, list[str]]:
    """Search, write pictures, tables and labels, and return the designs and a line on each."""
    wanted = {name: given[0] if len(given) == 1 else tuple(given) for name in PROPERTIES if (given := getattr(options, name))}
    dataset = MICRO2D(options.data, size=options.size)
    chosen = np.random.default_rng(options.seed).permutation(len(dataset))[: 20 if options.small else options.images]
    images, model = np.stack([dataset[int(i)]["image"] for i in chosen]), CESSVAE.load(options.runs)
    materials = Materials(tuple(options.young), tuple(options.poisson), tuple(options.conductivities), options.plane)
    ways = Ways(options.top, max(options.starts, options.top), 5 if options.small else options.steps)
    with counting("steps", "") as progress:
        found = find_designs(model, images, wanted, materials, tuple(options.volume_fractions), ways, progress)
    table = found.properties | {"volume fraction": found.volume_fractions}
    told = [{name: float(values[i]) for name, values in table.items()} for i in range(len(found.microstructures))]
    return {"wanted": wanted, "designs": told, "errors": found.errors.tolist()}, write_designs(options.out, found, images, {})


def main() -> None:
    """Run the example."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("designs"), help="folder of the results, by default designs")
    parser.add_argument("--runs", type=Path, required=True, help="folder of one trained network, such as runs/sharp")
    parser.add_argument("--data", type=Path, required=True, help="images in MICRO2D's layout")
    parser.add_argument("--size", type=int, help="pixels to which images are resized")
    numbers = {"top": (4, "designs"), "starts": (8, "descents"), "steps": (60, "of each"), "images": (200, "of the data, at random")}
    for name, (value, text) in numbers.items():
        parser.add_argument(f"--{name}", type=int, default=value, help=f"{text}; {value} by default")
    for name in PROPERTIES:
        parser.add_argument(f"--{name}", type=float, nargs="+", help="a value, or least and largest; at most 4.5 is 0 4.5")
    parser.add_argument("--volume-fractions", type=float, nargs=2, default=(0.0, 1.0), help="of phase 1, least and largest")
    for name, value in {"young": (10.0, 1.0), "poisson": (0.3, 0.3), "conductivities": (10.0, 1.0)}.items():
        parser.add_argument(f"--{name}", type=float, nargs=2, default=value, help=f"of phase 0 and phase 1; {value} by default")
    parser.add_argument("--plane", choices=("strain", "stress"), default="strain", help="strain by default: E is the plane's own")
    parser.add_argument("--small", action="store_true", help="20 images, 5 steps: seconds, for a test")
    parser.add_argument("--seed", type=int, default=0, help="chooses the images")
    options = parser.parse_args()
    try:
        options.out.mkdir(parents=True, exist_ok=True)
        summary, lines = search(options)
    except (OSError, ValueError) as error:
        parser.error(str(error))
    (options.out / "summary.json").write_text(json.dumps(summary, indent=2) + "\n")
    print("\n".join([*lines, f"pictures and labels: {options.out}"]))


if __name__ == "__main__":
    main()
