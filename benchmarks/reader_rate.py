"""Images a second that the reader of MICRO2D's files gives, beside the bounds that HDF5, zlib and resizing set.

    python -m benchmarks.reader_rate [--path ../shared/data/micro2d_500.h5] [--epochs 7] [--size 224]

Prints, for that file and for one that MICRO2DWriter writes of the same images four times over, each figure in images a second, the median
over the epochs after one to warm up: a DataLoader with two workers and batches of 64, shuffled; the reader alone in one process; and what
it is made of, in one process: chunks read and not decompressed, decompressed by zlib, read by h5py an image at a time with HDF5's cache of
chunks off and on, resized. Writes them to --output with the machine. The second file is larger than HDF5's cache of chunks, 8 MiB a class,
so that each image is decompressed each time, as in the whole MICRO2D; of the first, HDF5 keeps all images decompressed after one epoch.

Bar: the loader of two workers gives at least 2,000 images a second at size 224.
"""

import argparse
import gc
import json
import tempfile
import time
import zlib
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

import h5py
import numpy as np
from torch.utils.data import DataLoader

from twopoint_models.data import MICRO2D, MICRO2DWriter, resize

from . import machine
from .timing import quartiles

COPIES, BATCH, WORKERS = 4, 64, 2


def rates(epoch: Callable[[], int], epochs: int) -> dict[str, float]:
    """Return quartiles of images a second over some epochs after one that does not count."""
    found = []
    for _ in range(epochs + 1):
        start = time.perf_counter()
        found.append(epoch() / (time.perf_counter() - start))
    return {key: round(value) for key, value in quartiles(found[1:]).items()}


def loader(path: Path, size: int | None) -> Callable[[], int]:
    """Return an epoch of a DataLoader, whose workers live on from one to the next."""
    batches = DataLoader(MICRO2D(path, size=size), BATCH, shuffle=True, num_workers=WORKERS, persistent_workers=True)
    return lambda: sum(len(batch["image"]) for batch in batches)


def alone(path: Path, size: int | None) -> Callable[[], int]:
    """Return an epoch of the reader in this process, in a new random order."""
    dataset, rng = MICRO2D(path, size=size), np.random.default_rng(0)
    return lambda: sum(len(dataset[at]["image"]) for at in rng.permutation(len(dataset)))


def bare(path: Path, of: Callable[[h5py.Dataset, int], object], **options: int) -> Callable[[], int]:
    """Return an epoch that does one thing to each image of the opened file."""
    file = h5py.File(path, **options)
    places = [(file[name][name], i) for name in sorted(file) for i in range(len(file[name][name]))]
    order = np.random.default_rng(0).permutation(len(places))
    return lambda: sum(of(*places[at]) is not None for at in order)


def resizing(path: Path, size: int) -> Callable[[], int]:
    """Return an epoch of resizing alone."""
    with h5py.File(path) as file:
        images = [image for name in sorted(file) for image in file[name][name][:]]
    return lambda: sum(resize(image, size) is not None for image in images)


def chunk(images: h5py.Dataset, i: int) -> bytes:
    return images.id.read_direct_chunk((i, 0, 0))[1]


def measure(path: Path, epochs: int, size: int) -> dict[str, dict[str, float]]:
    """Return the rates of all that is compared, for one file."""
    contenders: dict[str, Callable[[], Callable[[], int]]] = {
        f"loader, {WORKERS} workers, size {size}": lambda: loader(path, size),
        f"loader, {WORKERS} workers, as stored": lambda: loader(path, None),
        f"reader alone, size {size}": lambda: alone(path, size),
        "reader alone, as stored": lambda: alone(path, None),
        "chunks, not decompressed": lambda: bare(path, chunk),
        "chunks, decompressed by zlib": lambda: bare(path, lambda images, i: zlib.decompress(chunk(images, i))),
        "h5py, its cache of chunks off": lambda: bare(path, lambda images, i: images[i], rdcc_nbytes=1),
        "h5py, its cache of chunks on": lambda: bare(path, lambda images, i: images[i]),
        f"resize alone, size {size}": lambda: resizing(path, size),
    }
    found = {}
    for name, make in contenders.items():
        found[name] = rates(make(), epochs)  # made one after the other: files open at one time share one cache of chunks
        gc.collect()
        print(f"  {name:<34} {found[name]['median']:>8.0f}   quartiles {found[name]['low']:.0f} to {found[name]['high']:.0f}", flush=True)
    return found


def copy(path: Path, into: Path) -> Path:
    """Write the images of a file several times over."""
    with h5py.File(path) as file:
        images = {name: np.concatenate([file[name][name][:]] * COPIES) for name in sorted(file)}
    size = next(iter(images.values())).shape[-1]
    with MICRO2DWriter(into, {name: len(x) for name, x in images.items()}, size=size) as writer:
        for name, x in images.items():
            writer.write(name, x)
    return into


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--path", type=Path, default=Path("../shared/data/micro2d_500.h5"))
    parser.add_argument("--epochs", type=int, default=7)
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--output", type=Path, default=Path(__file__).parent / "results" / "reader_rate.json")
    options = parser.parse_args()
    about = machine.describe()
    command = f"python -m benchmarks.reader_rate --epochs {options.epochs} --size {options.size}"
    versions = about["versions"] | {"h5py": metadata.version("h5py"), "hdf5": h5py.version.hdf5_version}
    result: dict[str, object] = {"machine": about | {"command": command, "versions": versions}, "unit": "images a second"}
    with tempfile.TemporaryDirectory() as folder:
        written = copy(options.path, Path(folder) / "written.h5")
        for name, path in {options.path.name: options.path, f"written by MICRO2DWriter, {COPIES} times the images": written}.items():
            print(name)
            result[name] = measure(path, options.epochs, options.size)
    options.output.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
