"""Strain and stress in a microstructure under a load: where a structure carries, and where it yields first.

    python examples/homogenise_field.py [--out DIR] [--name VoidSmallBig] [--size 256] [--load 1 0 0] [--young 10 1] [--seed 0] [--small]

Generates a microstructure of one of MICRO2D's classes, stretches it in plane strain by --load (strains xx and yy, shear xy), and draws
DIR/fields.png. Prints, and writes to DIR/summary.json, the mean stress of all and of each phase (xx: 6.05; phase 0 7.74, phase 1 2.53),
C times the load, which it must be, and the mean of von Mises' stress and what one pixel in 1000 exceeds.
"""

import argparse
import json
from pathlib import Path

import numpy as np

import twopoint as tp
from twopoint.cli.showing.figures import save
from twopoint_models.data import CLASSES, generate, source
from twopoint_models.evaluation.fields import field_maps
from twopoint_models.homogenisation import elastic_stiffness, local_fields

NAMES, POISSON = ("xx", "yy", "xy"), 0.3


def main() -> None:
    """Run the example."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("homogenise_field"))
    parser.add_argument("--name", choices=CLASSES, default="VoidSmallBig")
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--load", type=float, nargs=3, default=[1.0, 0.0, 0.0], help="mean strain xx, yy, and shear xy = 2 e_xy")
    parser.add_argument("--young", type=float, nargs=2, default=[10.0, 1.0], help="of phase 0 and of phase 1")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--small", action="store_true", help="64 x 64: a second, for a test")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    image = generate(options.name, 64 if options.small else options.size, rng=source(options.name, 0, options.seed)).image
    m = tp.two_phase(image.astype(float))
    strain, stress = local_fields(m, options.load, options.young, [POISSON] * 2, tolerance=1e-8)  # the fields' error is its root
    stiffness = elastic_stiffness(m, options.young, [POISSON] * 2, tolerance=1e-8)
    across = POISSON * (stress[0] + stress[1])  # in plane strain
    sums = (stress[0] - stress[1]) ** 2 + (stress[1] - across) ** 2 + (across - stress[0]) ** 2
    mises = np.sqrt(sums / 2 + 3 * stress[2] ** 2)
    maps = {"phase 1": image} | {f"strain {name}": strain[i] for i, name in enumerate(NAMES)}
    maps |= {"stress, von Mises": mises} | {f"stress {name}": stress[i] for i, name in enumerate(NAMES)}
    title = f"{options.name} under the mean strain ({', '.join(f'{x:g}' for x in options.load)})"
    save(field_maps(maps, columns=4, title=title), options.out / "fields.png")
    summary = {"volume_fraction": float(image.mean()), "mean_stress": stress.mean(axis=(1, 2)).tolist()}
    summary["C_load"] = (stiffness @ options.load).tolist()  # what the mean stress must be
    summary["of_phase"] = {str(h): stress[:, image == h].mean(axis=1).tolist() for h in (0, 1)}
    summary["von_mises"] = {"mean": float(mises.mean()), "99.9 %": float(np.percentile(mises, 99.9))}
    (options.out / "summary.json").write_text(json.dumps(summary, indent=2) + "\n")
    print(f"{'mean stress':24}" + "".join(f"{name:>9}" for name in NAMES))
    for what, row in {"all": "mean_stress", "C times the load": "C_load"}.items():
        print(f"{what:24}" + "".join(f"{x:9.3f}" for x in summary[row]))
    for h, row in summary["of_phase"].items():
        print(f"phase {h:18}" + "".join(f"{x:9.3f}" for x in row))
    print(f"von Mises: {summary['von_mises']['mean']:.2f} on average, {summary['von_mises']['99.9 %']:.2f} exceeded by 1 pixel in 1000")


if __name__ == "__main__":
    main()
