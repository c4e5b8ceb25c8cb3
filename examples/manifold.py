"""The manifold of microstructures, after Lubbers et al.: their tasks, table and figures; or an embedding of your own micrographs.

    python examples/manifold.py [--tasks angle three-parameters table classification shifts] [--out DIR] [--small] [--seed 0] ...
    python examples/manifold.py --images FOLDER [--out DIR], which is examples/embed_micrographs.py

`--help` lists every choice; `--vgg` is a file or "random", `--marble octaves=5 displacement=0.1` the noise, `--data` MICRO2D's file. Prints
tables and times. DIR/<task>/ gets figures and embeddings.npz, DIR/summary.json all numbers. "table" is three-parameters in more ways.
"""

import argparse
import json
import os
import sys
import time
from pathlib import Path

import numpy as np
from embed_micrographs import embed_folder

import twopoint_models.manifold as library
from twopoint.cli.showing.figures import save
from twopoint.cli.terminal import counting
from twopoint_models.data import MICRO2D
from twopoint_models.manifold.reports import report
from twopoint_models.nets.names import LUBBERS
from twopoint_models.weights import vgg19

TASKS = {"angle": 2, "three-parameters": 2, "table": 5, "classification": 3, "shifts": 1}  # so many of the ways of description
FULL = dict(out="manifold", images="", data="", vgg="", device="cpu", pooling="mean", padding="zeros", seed=0, size=256)
FULL |= dict(marble=["octaves=6", "persistence=0.8", "base_frequency=3", "displacement=0.1"])  # chosen by benchmarks/marble_noise.py
FULL |= dict(per_axis=10, dimensions=[2, 3, 4, 5, 6, 10, 50], landmarks=0, counts=[50], amplitudes=[1.0, 2.5, 4.0], trials=20, per_class=0)
SMALL = FULL | dict(size=64, per_axis=3, dimensions=[2, 3, 4, 6], counts=[6, 8], amplitudes=[1.0, 2.5], trials=2, per_class=3)


def run(task: str, o: argparse.Namespace, progress):
    """Return what a task gives; 0 images of a class are all, 0 landmarks none."""
    marble = {name: json.loads(value) for name, value in (pair.split("=") for pair in o.marble if pair)}
    how = dict(size=o.size, seed=o.seed, progress=progress, **marble)
    options = dict(seed=o.seed, layers=LUBBERS, pooling=o.pooling, padding="circular" if task == "shifts" else o.padding)
    network, random = (vgg19(name, **options).to(o.device) for name in (o.vgg, "random"))
    methods = dict(list(library.descriptors(network, random).items())[: TASKS[task]])
    if task == "angle":
        return library.angle_task(methods, counts=o.counts, noises=o.amplitudes, trials=o.trials, **how)
    if task == "shifts":
        return library.shift_task(network, library.three_parameters(2, size=o.size, seed=o.seed, **marble).images, progress=progress)
    if task == "classification":
        data = MICRO2D(o.data or Path(os.environ.get("TWOPOINT_DATA", ".")) / "data/micro2d_500.h5", size=64 if o.small else None)
        return library.classification_task(methods, data, per_class=o.per_class or None, progress=progress)
    return library.three_parameter_task(methods, per_axis=o.per_axis, dimensions=o.dimensions, landmarks=o.landmarks or None, **how)


def main() -> None:
    """Run the example."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tasks", nargs="+", choices=TASKS, default=["angle", "table", "classification", "shifts"])
    parser.add_argument("--small", action="store_true", help="seconds, for a test")
    for name, value in (SMALL if "--small" in sys.argv else FULL).items():
        kind, many = (type(value[0]), "+") if isinstance(value, list) else (type(value), None)
        parser.add_argument(f"--{name.replace('_', '-')}", type=kind, nargs=many, default=value, help=f"by default {value!r}")
    o = parser.parse_args()
    try:
        if o.images:
            embed_folder(Path(o.images), library.descriptors(vgg19(o.vgg, layers=LUBBERS, pooling="mean").to(o.device))["CNN"], Path(o.out))
        for task in () if o.images else o.tasks:
            began, folder, path = time.perf_counter(), Path(o.out) / task, Path(o.out) / "summary.json"
            with counting(task, "") as progress:
                told = report(run(task, o, lambda done, total, progress=progress: progress(done, total)))
            measured = told.summary | {"options": vars(o), "task_seconds": time.perf_counter() - began}
            folder.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps((json.loads(path.read_text()) if path.exists() else {}) | {task: measured}, indent=2) + "\n")
            np.savez(folder / "embeddings.npz", **told.embeddings)
            for name, figure in told.figures:
                save(figure, folder / f"{name.replace('/', ', ')}.png")
            print(f"{told.table}\n{task}: {measured['task_seconds']:.0f} s; figures and numbers in {folder}\n", flush=True)
    except (OSError, RuntimeError, TypeError, ValueError) as error:
        parser.error(str(error))


if __name__ == "__main__":
    main()
