"""Compute effective properties, elastic and thermal, of all images of a dataset in MICRO2D's layout; write a new file of that layout.

    python examples/homogenise.py FILE.h5 [--out DIR] [--young 10 1] [--poisson 0.3 0.3] [--conductivities 10 1]
                                  [--plane strain] [--tolerance 1e-4] [--workers 2 | --device cuda] [--small]

Give --young once for each contrast, the other two as often or once. DIR/FILE_homogenised.h5 holds images, labels, homogenized_mechanical
(n, contrasts, 5) = (E_x, E_y, nu_xy, nu_yx, G_xy) and homogenized_thermal (n, contrasts, 2) = (kx, ky). A second call
resumes a run that was killed. Prints images per second, and writes it to DIR/summary.json.
"""

import argparse
import json
import time
from collections.abc import Iterator
from pathlib import Path

import h5py

import twopoint as tp
from twopoint.cli.terminal import counting
from twopoint_models.data import MICRO2D, MICRO2DWriter
from twopoint_models.properties import TABLES, Properties, homogenise_blocks

DEFAULTS = {"young": [10.0, 1.0], "poisson": [0.3, 0.3], "conductivities": [10.0, 1.0]}  # of phase 0 and of phase 1


def prepare(options: argparse.Namespace) -> tuple[MICRO2DWriter, Iterator[Properties], int]:
    """Return the writer, the coming blocks, and how many images they are; raise for wrong arguments before anything is written."""
    given = {name: getattr(options, name) or [pair] for name, pair in DEFAULTS.items()}
    contrasts = max(map(len, given.values()))
    numbers = {name: pairs * contrasts if len(pairs) == 1 else pairs for name, pairs in given.items()}
    solver = numbers | {name: getattr(options, name) for name in ("plane", "tolerance", "workers", "device")}
    homogenise_blocks(options.file, [], **solver)
    dataset, most = MICRO2D(options.file, size=None), 2 if options.small else None
    height, size = dataset[0]["image"].shape[1:]
    if height != size:
        raise ValueError(f"images must be square, as the layout's writer requires, got {height} x {size}")
    counts = {name: len((dataset.class_indices == i).nonzero()[0][:most]) for i, name in enumerate(dataset.classes)}
    about = {name.upper(): json.dumps(pairs) for name, pairs in numbers.items()} | {"PLANE": options.plane, "TOLERANCE": options.tolerance}
    about["HOMOGENISED"] = f"{options.file.name} by twopoint {tp.__version__}"
    path = options.out / f"{options.file.stem}_homogenised.h5"
    writer = MICRO2DWriter(path, counts, size=size, properties=TABLES, contrasts=contrasts, attributes=about)
    blocks = writer.missing(block=256 if options.device else 8)  # what a kill loses, and what a device needs to be busy
    return writer, homogenise_blocks(options.file, blocks, **solver), sum(stop - start for _, start, stop in blocks)


def main() -> None:
    """Run the example."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", type=Path)
    parser.add_argument("--out", type=Path, default=Path("homogenised"))
    for name, pair in DEFAULTS.items():
        parser.add_argument(f"--{name}", type=float, nargs=2, action="append", help=f"by default {pair}")
    parser.add_argument("--plane", choices=["strain", "stress"], default="strain")
    parser.add_argument("--tolerance", type=float, default=1e-4)
    parser.add_argument("--workers", type=int, default=1, help="processes; 1 works in threads")
    parser.add_argument("--device", help="of torch, such as cuda; without it numpy")
    parser.add_argument("--small", action="store_true", help="the first 2 images of each class: seconds, for a test")
    options = parser.parse_args()
    try:
        writer, coming, total = prepare(options)
    except (OSError, TypeError, ValueError) as error:
        parser.error(str(error))
    begin, done = time.perf_counter(), 0
    with writer, h5py.File(options.file) as file, counting(f"{total} images", "{:.1f} images/s") as progress:
        for name, start, images, tables in coming:
            known = file[name].get(f"{name} - labels")
            labels = None if known is None else known.asstr()[start : start + len(images)]
            writer.write(name, images, start=start, labels=labels, properties=tables)
            done += len(images)
            progress(done, total, done / (time.perf_counter() - begin))
    rate = done / (seconds := time.perf_counter() - begin)
    summary = {"images": done, "seconds": seconds, "images_a_second": rate}
    (options.out / "summary.json").write_text(json.dumps(summary, indent=2) + "\n")
    print(f"{writer.path}: {sum(writer.counts.values())} images, {done} of them now, {rate:.1f} a second")


if __name__ == "__main__":
    main()
