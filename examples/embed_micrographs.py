"""Your own micrographs at their places in the plane of their textures, as a picture and as coordinates.

    python examples/embed_micrographs.py FOLDER [--out DIR] [--kind cnn] [--vgg FILE] [--device cuda] [--small]

Takes all images under FOLDER that `twopoint` reads, in which a sub-folder is a class; gray values are stretched to [0, 1], images of
several sizes cropped to the smallest square in their middle, constant ones left out, and said so. DIR gets thumbnails.png,
coordinates.csv (the plane and, best for further use, six dimensions) and summary.json. Prints the stress of both embeddings, and,
with classes, how often an image's nearest neighbour is of its own.
"""

import argparse
import json
from pathlib import Path

from twopoint.cli.reading.image import read
from twopoint.cli.showing.figures import save
from twopoint.cli.terminal import InputError, counting, say
from twopoint_models.manifold import Descriptor, embed_micrographs
from twopoint_models.manifold.pictures import thumbnail_map
from twopoint_models.manifold.vectors import KINDS
from twopoint_models.nets.names import LUBBERS
from twopoint_models.weights import vgg19


def embed_folder(folder: Path, describe: Descriptor, out: Path) -> dict:
    """Read, embed, draw and write; return the summary."""
    images, names = [], []
    if not folder.is_dir():
        raise NotADirectoryError(f"{folder} is no folder of images")
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        try:
            images.append(read(str(path)).values)
            names.append(path.relative_to(folder).as_posix())
        except InputError as error:
            say("note: left out,", str(error))
    with counting(f"{len(images)} images", "") as progress:
        found = embed_micrographs(images, names, describe, progress=progress)
    for remark in found.summary["remarks"]:
        say("note:", remark)
    out.mkdir(parents=True, exist_ok=True)
    (out / "coordinates.csv").write_text(found.table())
    classes = found.classes if "accuracy" in found.summary else ()
    save(thumbnail_map(found.plane, list(found.images), names=classes), out / "thumbnails.png")
    (out / "summary.json").write_text(json.dumps(found.summary, indent=2) + "\n")
    told = "{images} images; stress of the plane {stress_of_plane:.3f}, of {dimensions} dimensions {stress:.3f}".format_map(found.summary)
    print(told + (f"; nearest neighbour of the same folder {found.summary['accuracy']:.3f}" if classes else ""))
    return found.summary


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
        layers = LUBBERS[:2] if options.small else LUBBERS
        network = vgg19(options.vgg, seed=options.seed, layers=layers, pooling="mean") if options.kind == "cnn" else None
        embed_folder(options.folder, Descriptor(options.kind, network, device=options.device), options.out)
    except (OSError, RuntimeError, TypeError, ValueError) as error:
        parser.error(str(error))


if __name__ == "__main__":
    main()
