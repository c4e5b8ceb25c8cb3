"""A dataset of generated microstructures in MICRO2D's layout: its ten classes, kinds of graphite, or some of them; of any number and size.

    python examples/make_dataset.py [--out DIR] [--count 1000] [--size 256] [--classes GRF NBSA ...] [--workers 2] [--seed 0] [--small]

Writes DIR/generated.h5, which `twopoint_models.data.MICRO2D` reads. Each image's label holds its parameters as JSON, the table "generated"
volume fraction and arrangement. After a kill it resumes when called again; until the last image is in there is no such file. The
same seed gives the same images, however many workers. Prints the rate, and writes it to DIR/summary.json.
"""

import argparse
import json
import time
from pathlib import Path

import numpy as np

import twopoint as tp
from twopoint.cli.terminal import counting
from twopoint_models.data import CLASSES, GRAPHITE, MICRO2DWriter, generate_blocks
from twopoint_models.data.generators.structure import COLUMNS

BLOCK = 32  # images that a kill loses at most, by worker


def main() -> None:
    """Run the example."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("generated"))
    parser.add_argument("--count", type=int, default=1000, help="images of each class")
    parser.add_argument("--size", type=int, default=256, help="height and width in pixels")
    parser.add_argument("--classes", nargs="+", default=list(CLASSES), help=f"of {', '.join(CLASSES)}; {', '.join(GRAPHITE)}")
    parser.add_argument("--workers", type=int, default=2, help="processes")
    parser.add_argument("--seed", type=int, default=0, help="of the dataset: another one gives other images")
    parser.add_argument("--small", action="store_true", help="3 images of 32 x 32 of each class: seconds, for a test")
    options = parser.parse_args()
    count, size = (3, 32) if options.small else (options.count, options.size)
    try:  # before anything is made
        generate_blocks([(name, 0, 1) for name in options.classes], size, workers=options.workers)
        if count < 1:
            raise ValueError(f"--count must be above 0, got {count}")
        options.out.mkdir(parents=True, exist_ok=True)
        make(options, count, size)
    except (ValueError, OSError) as error:
        raise SystemExit(f"make_dataset: {error}") from None
    except KeyboardInterrupt:
        raise SystemExit("make_dataset: interrupted; call it again to go on") from None


def make(options: argparse.Namespace, count: int, size: int) -> None:
    """Make the file, or what is missing of it."""
    path, begin, done = options.out / "generated.h5", time.perf_counter(), 0
    properties, counts = {"generated": COLUMNS}, dict.fromkeys(options.classes, count)
    about = {"GENERATED": f"twopoint {tp.__version__}", "SEED": options.seed}  # what was begun with one seed is not finished with another
    with MICRO2DWriter(path, counts, size=size, properties=properties, attributes=about) as writer:
        wanting = writer.missing(block=BLOCK)
        total = sum(stop - start for _, start, stop in wanting)
        with counting(f"{total} images", "{:.0f} images/s") as progress:
            for name, start, found in generate_blocks(wanting, size, seed=options.seed, workers=options.workers):
                images, tables = np.stack([each.image for each in found]), {"generated": [each.row() for each in found]}
                writer.write(name, images, start=start, labels=[each.label() for each in found], properties=tables)
                done += len(found)
                progress(done, total, done / (time.perf_counter() - begin))
    seconds = time.perf_counter() - begin
    summary = {
        "images": sum(counts.values()),
        "made_now": done,
        "size": size,
        "workers": options.workers,
        "seconds": seconds,
        "images_a_second": done / seconds,
    }
    (options.out / "summary.json").write_text(json.dumps(summary, indent=2) + "\n")
    print(f"{path}: {sum(counts.values())} images of {size} x {size}, {done} of them now, {done / seconds:.0f} a second")


if __name__ == "__main__":
    main()
