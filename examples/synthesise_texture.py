"""New images with the Gram matrices of given ones, after Gatys et al.: texture synthesis of micrographs, gray or of phases.

    python examples/synthesise_texture.py IMAGE ... [--phases N] [--iterations 500] [--levels 3] [--out DIR] [--vgg FILE] [--small] ...

Prints, and writes to DIR/summary.json by image, by how much the loss fell from noise, the excess CESS of the new image against the given
one (nats, periodic, all lags) and the relative error of its 2-point statistics, both beside those of the noise it began with. In DIR are
textures.png, given and new images, their autocovariances and the loss, and <image>.npy, new gray values or memberships of phases.
"""

import argparse
import json
import sys
from pathlib import Path

import numpy as np

import twopoint as tp
from twopoint.cli.reading.image import read
from twopoint.cli.reading.load import ReadingOptions, load
from twopoint.cli.showing.figures import save
from twopoint.cli.terminal import counting
from twopoint_models.manifold import judge, synthesise
from twopoint_models.manifold.pictures import syntheses
from twopoint_models.nets.names import LUBBERS, SARDESHMUKH
from twopoint_models.weights import vgg19

LAYERS = {"gatys": SARDESHMUKH, "lubbers": LUBBERS}  # conv1_1 and four poolings; conv1_1 to conv5_1


def given(name: str, phases: int | None, size: int) -> np.ndarray:
    """Return gray values from 0 to 1, (H, W), or memberships of phases, (N, H, W)."""
    if phases:
        labels = load(name, ReadingOptions(phases=phases)).segmentation.labels[..., :size, :size]
        return tp.one_hot(labels, phases, ndim=labels.ndim, dtype=np.float32)
    values = read(name).values[..., :size, :size].astype(np.float32)
    return (values - values.min()) / (np.ptp(values) or 1)


def main() -> None:
    """Run the example."""
    small = "--small" in sys.argv
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("images", nargs="+")
    parser.add_argument("--out", type=Path, default=Path("textures"))
    parser.add_argument("--phases", type=int, help="segment into so many; by default gray values")
    parser.add_argument("--size", type=int, default=48 if small else 256, help="of the part that is taken")
    parser.add_argument("--iterations", type=int, default=30 if small else 500)
    parser.add_argument("--levels", type=int, default=2 if small else 3, help="sizes from coarse to fine, each with so many iterations")
    parser.add_argument("--layers", choices=LAYERS, default="gatys")
    parser.add_argument("--padding", choices=("zeros", "circular"), default="zeros")
    parser.add_argument("--vgg", help="file of VGG-19's weights, or 'random'; by default fetched once")
    parser.add_argument("--device", help="of torch, such as cuda")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--small", action="store_true", help="48 x 48, 30 iterations: seconds, for a test")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    summary, rows = {}, {}
    try:
        network = vgg19(options.vgg, seed=options.seed, layers=LAYERS[options.layers], pooling="mean", padding=options.padding)
        for name in options.images:
            image, title = given(name, options.phases, options.size), Path(name).stem
            with counting(title) as progress:
                more = {name: getattr(options, name) for name in ("iterations", "levels", "seed", "device")}
                made = synthesise(image, network, progress=progress, **more)
            np.save(options.out / f"{title}.npy", made.image)
            rows[title], summary[title] = (image, made.image, made.history), judge(made, image, seed=options.seed)
            told = ", ".join(
                f"{row} {summary[title][row]['statistics_error']:.3f}" for row in ("texture", "labels", "noise") if row in summary[title]
            )
            print(f"{title}: the loss fell by {summary[title]['fall']:.3g}; error of the 2-point statistics: {told}", flush=True)
    except (OSError, RuntimeError, TypeError, ValueError) as error:
        parser.error(str(error))
    save(syntheses(rows), options.out / "textures.png")
    (options.out / "summary.json").write_text(json.dumps(summary, indent=2) + "\n")


if __name__ == "__main__":
    main()
