"""Exact statistics of a volume in zarr on two worker processes of bounded memory.

    python benchmarks/large_volume.py --size 1024 --folder /tmp/large_volume [--keep]
    python benchmarks/large_volume.py --size 160            # small enough to be compared with the direct result

Makes a seeded volume of two phases chunk by chunk (a level cut of a few plane waves and noise of each chunk; an interrupted run
resumes where it stopped), correlates it at `--crop` lags on a LocalCluster of `--workers` processes with one thread and `--limit` memory
each, prints the time, the largest memory of each worker and, up to 200 points per axis, the largest difference from
`twopoint.correlations`. Writes it to --output, one entry a size and boundary, and deletes the volume unless told to keep it.

Bars: 1024^3 of uint8 at crop 64 finishes under 2 GiB a worker; 160^3 equals the direct result to 1e-10.
"""

import argparse
import json
import os
import platform
import resource
import shutil
import time
from importlib import metadata
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import zarr
from distributed import Client, LocalCluster, progress

import twopoint as tp
from twopoint.adapters import dask_statistics as ds

PACKAGES = ("numpy", "scipy", "dask", "distributed", "zarr")
DIRECT = 200  # points per axis up to which the whole is correlated at once
WAVES = 12


def chunk_of(start: tuple[int, ...], shape: tuple[int, ...], seed: int) -> np.ndarray:
    """Return part of the volume: plane waves, the same in every chunk, and noise drawn for this one."""
    waves = np.random.default_rng(seed)
    points = [np.arange(a, a + n, dtype=np.float32) for a, n in zip(start, shape, strict=True)]
    level = np.random.default_rng([seed, *start]).standard_normal(shape, dtype=np.float32) * np.float32(0.5)
    for vector, phase in zip(waves.normal(0, 0.2, (WAVES, 3)), waves.uniform(0, 2 * np.pi, WAVES), strict=True):
        x, y, z = (np.exp(1j * k * p).astype(np.complex64) for k, p in zip(vector, points, strict=True))
        level += np.real((x[:, None] * y * np.complex64(np.exp(1j * phase)))[..., None] * z) / np.float32(np.sqrt(WAVES / 2))
    return (level > 0.6).astype(np.uint8)


def make(path: Path, size: int, chunk: int, seed: int) -> None:
    """Write the volume, except for the chunks that exist."""
    shape, chunks = (size,) * 3, (min(chunk, size),) * 3
    array = zarr.open_array(str(path), mode="a", shape=shape, chunks=chunks, dtype="uint8", config={"write_empty_chunks": True})
    for at in product(*(range(0, size, chunk),) * 3):
        if not (path / "c" / "/".join(str(a // chunk) for a in at)).exists():
            part = tuple(slice(a, min(a + chunk, size)) for a in at)
            array[part] = chunk_of(at, tuple(p.stop - p.start for p in part), seed)


def peak() -> float:
    """Return the largest resident memory of this process so far, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024  # kB on Linux


def measure(path: Path, options: argparse.Namespace) -> tuple[dict[str, Any], np.ndarray]:
    """Correlate the volume on a cluster; return what was measured, and the statistics."""
    limits = dict(n_workers=options.workers, threads_per_worker=1, memory_limit=options.limit, dashboard_address=":0")
    with LocalCluster(**limits) as cluster, Client(cluster) as client:
        before = client.run(peak)
        start = time.perf_counter()
        volume = ds.open_array(path)
        f = ds.volume_correlations(volume, n_phases=2, crop=options.crop, boundary=options.boundary, memory=options.memory)
        future = client.compute(f, retries=2)
        if options.progress:
            progress(future, notebook=False)
        values = future.result()
        seconds = time.perf_counter() - start
        after = client.run(peak)
        if set(after) != set(before):
            raise RuntimeError(f"workers died: {sorted(before)} began, {sorted(after)} are left")
    figures = {
        "seconds": round(seconds, 2),
        "peak_mib_of_each_worker": sorted(round(x) for x in after.values()),
        "mib_of_each_worker_at_rest": sorted(round(x) for x in before.values()),
        "blocks": sum("_sum_block" in str(key) for key in f.dask),
        "volume_fraction": round(float(values[1, 1][(options.crop // 2,) * 3]), 6),
    }
    return figures, values


def largest_difference(path: Path, options: argparse.Namespace, values: np.ndarray) -> float:
    """Return the largest difference from the direct result."""
    m = tp.one_hot(zarr.open_array(str(path), mode="r")[...], 2, ndim=3)
    return float(np.abs(tp.correlations(m, ndim=3, crop=options.crop, boundary=options.boundary) - values).max())


def machine() -> dict[str, Any]:
    """Return on what was measured."""
    known = Path("/proc/cpuinfo")
    lines = known.read_text().splitlines() if known.exists() else []
    names = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
    versions = {name: metadata.version(name) for name in PACKAGES}
    return {"processor": (names or [platform.processor()])[0], "cores": os.cpu_count(), "python": platform.python_version(), **versions}


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=1024)
    parser.add_argument("--crop", type=int, default=64)
    parser.add_argument("--chunk", type=int, default=128)
    parser.add_argument("--boundary", default="periodic")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--limit", default="2GiB")
    parser.add_argument("--memory", help="of a task, as volume_correlations takes it; 1 GiB, or 64 MiB where there is a direct result")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folder", type=Path, default=Path("/tmp/large_volume"))
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("--progress", action="store_true")
    parser.add_argument("--output", type=Path, default=Path(__file__).parent / "results" / "large_volume.json")
    options = parser.parse_args()
    options.memory = options.memory or ("64 MiB" if options.size <= DIRECT else "1 GiB")  # several blocks of a small volume too
    return options


def main() -> None:
    options = arguments()
    path = options.folder / f"volume_{options.size}_{options.chunk}_{options.seed}.zarr"
    start = time.perf_counter()
    make(path, options.size, options.chunk, options.seed)
    made = time.perf_counter() - start
    figures, values = measure(path, options)
    figures |= {"crop": options.crop, "workers": options.workers, "limit": options.limit, "memory": options.memory, "chunk": options.chunk}
    figures |= {"seconds_to_make_the_volume": round(made, 1), "load_before": round(os.getloadavg()[0], 1)}
    if options.size <= DIRECT:
        figures["largest_difference_from_direct"] = largest_difference(path, options, values)
    if not options.keep:
        shutil.rmtree(path)
    known = json.loads(options.output.read_text()) if options.output.exists() else {}
    known[f"{options.size}^3 {options.boundary}"] = figures | {"machine": machine()}
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text(json.dumps(known, indent=2) + "\n")
    print(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
