"""New images with the Gram matrices of given ones, after Gatys et al.: texture synthesis of micrographs, gray or of phases.

    python examples/synthesise_texture.py IMAGE ... [--phases N] [--iterations 500] [--levels 3] [--out DIR] [--vgg FILE] [--small] ...

Prints, and writes to DIR/summary.json by image, by how much the loss fell from noise, the excess CESS of the new image against the given
one (nats, periodic, all lags) and the relative error of its 2-point statistics, both beside those of the noise it began with. In DIR are
textures.png, given and new images, their autocovariances and the loss, and <image>.npz, new gray values or memberships of phases.
"""

import argparse
import sys
from pathlib import Path

from twopoint_models.cli.textures import LAYERS, texture_of, write_syntheses


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
    try:
        given = {Path(name).stem: texture_of(name, options.phases, options.size) for name in options.images}
        options.out.mkdir(parents=True, exist_ok=True)
        how = {name: getattr(options, name) for name in ("iterations", "levels", "seed", "device")}
        told = write_syntheses(options.out, given, options.vgg or "", options.layers, options.padding, how)
    except (OSError, RuntimeError, TypeError, ValueError) as error:
        parser.error(str(error))
    print("\n".join(told))


if __name__ == "__main__":
    main()
