"""Your own micrographs at their places in the plane of their textures, as a picture and as coordinates.

    python examples/embed_micrographs.py FOLDER [--out DIR] [--kind cnn] [--vgg FILE] [--device cuda] [--small]

Takes all images under FOLDER that `twopoint` reads, in which a sub-folder is a class; gray values are stretched to [0, 1], images of
several sizes cropped to the smallest square in their middle, constant ones left out, and said so. DIR gets thumbnails.png,
coordinates.csv (the plane and, best for further use, six dimensions) and summary.json. Prints the stress of both embeddings, and,
with classes, how often an image's nearest neighbour is of its own.
"""

import argparse
from pathlib import Path
from typing import Any

from twopoint_models import open_images
from twopoint_models.cli.textures import descriptor, place_textures, read_grays, tell_map, write_map
from twopoint_models.manifold.vectors import KINDS


def embed_folder(folder: Path, describe: Any, out: Path) -> None:
    """Read, embed, draw, write and print."""
    if not folder.is_dir():
        raise NotADirectoryError(f"{folder} is no folder of images")
    images, names = read_grays(open_images(folder, gray=True, results=out), skip=True)
    places = place_textures(images, names, describe)
    out.mkdir(parents=True, exist_ok=True)
    write_map(out, places)
    print(tell_map(places))


def main() -> None:
    """Run the example."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--out", type=Path, default=Path("micrographs"))
    parser.add_argument("--kind", choices=KINDS, default="cnn")
    parser.add_argument("--vgg", help="file of VGG-19's weights, or 'random'; by default fetched once")
    parser.add_argument("--device", help="of torch, such as cuda")
    parser.add_argument("--seed", type=int, default=0, help="of random filters")
    parser.add_argument("--small", action="store_true", help="two layers of the network alone: seconds, for a test")
    options = parser.parse_args()
    try:
        how = dict(layers=2 if options.small else 5, device=options.device, seed=options.seed)
        embed_folder(options.folder, descriptor(options.kind, options.vgg or "", **how), options.out)
    except (OSError, RuntimeError, TypeError, ValueError) as error:
        parser.error(str(error))


if __name__ == "__main__":
    main()
