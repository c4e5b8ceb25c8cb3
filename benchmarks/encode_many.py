"""Images a second of ``twopoint model encode`` on many files, killed and resumed, and its memory while it works.

    python -m benchmarks.encode_many [--images 10000] [--size 224] [--jobs 2]

Makes black and white PNGs, encodes them by ``cess-vae-224-mse`` as a user does, kills all processes at about a third, and calls the same
command again. Prints the images of the second call per second of the clock, and per second of processor time, which other work on the
machine changes little; the largest resident memory of all processes together at a quarter of the blocks and at the end, sampled ten times
a second; the images without a row; and the largest difference of some rows from the network called directly. Writes them to --output with
the machine.

Bars, on two cores of their own: 60 images per second; memory at the end at most 1.15 times that at a quarter; no row lost.
"""

import argparse
import csv
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

import twopoint_models
from twopoint_models.cli.many import BLOCK
from twopoint_models.data import generate_images

from . import machine
from .many_images import FLAT, PERIOD, resident

NETWORK = "cess-vae-224-mse"
CHECKED = 5
LEAST = 60  # images per second


def write_images(folder: Path, number: int, size: int) -> None:
    """Write images of MICRO2D's classes, shifted so that each is another one."""
    made = generate_images(min(number, 200), size, seed=3)[:, 0] > 0.5
    for i in range(number):
        shifted = np.roll(made[i % len(made)], (7 * (i // len(made)), 3 * (i // len(made))), (0, 1))
        Image.fromarray(shifted).save(folder / f"image{i:05}.png")


def encode(folder: Path, out: Path, jobs: int, blocks: int, kill_at: int | None) -> dict[str, float]:
    """Run the command, or kill it at a number of blocks; return time, processor time, memory, and the blocks that it did."""
    parts, before = out / ".parts", len(list((out / ".parts").glob("*.npz")))
    used, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    words = [sys.executable, "-m", "twopoint", "model", "encode", NETWORK, str(folder), "--out", str(out), "--jobs", str(jobs)]
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    quarter, whole, done = 0, 0, before
    while process.poll() is None:
        done = max(done, len(list(parts.glob("*.npz"))))
        now = resident(process.pid)
        whole = max(whole, now)
        quarter = max(quarter, now) if done <= before + (blocks - before) // 4 else quarter
        if kill_at is not None and done >= kill_at:
            os.killpg(process.pid, signal.SIGKILL)
            break
        time.sleep(PERIOD if kill_at is None else PERIOD / 10)
    process.wait()
    seconds, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    processor = after.ru_utime + after.ru_stime - used.ru_utime - used.ru_stime
    return {"seconds": seconds, "processor_seconds": processor, "quarter": quarter, "memory": whole, "blocks": done - before}


def check(folder: Path, out: Path, number: int) -> tuple[int, float]:
    """Return the number of images without a row, and the largest difference of some rows from the network itself."""
    with (out / "latents.csv").open(newline="") as file:
        rows = {Path(row["file"]).name: row for row in csv.DictReader(file)}
    names = [f"image{i:05}.png" for i in range(number)]
    network, worst = twopoint_models.load(NETWORK), 0.0
    for name in names[:: max(number // CHECKED, 1)]:
        mean = network.encode(np.asarray(Image.open(folder / name)).astype(int))[0].ravel()
        worst = max(worst, float(np.abs(mean - [float(rows[name][f"z{k}"]) for k in range(mean.size)]).max()))
    return len(set(names) - set(rows)), worst


def measure(images: int, size: int, jobs: int) -> dict[str, float]:
    """Encode images, killed at a third and resumed, and return the figures; raise if a row is missing or wrong."""
    with tempfile.TemporaryDirectory() as place:
        folder, out = Path(place) / "images", Path(place) / "latents"
        folder.mkdir()
        write_images(folder, images, size)
        blocks = -(-images // BLOCK)
        first = encode(folder, out, jobs, blocks, max(blocks // 3, 1))
        time.sleep(1)  # the lock of the folder ends with its process
        second = encode(folder, out, jobs, blocks, None)
        lost, difference = check(folder, out, images)
    resumed = images - BLOCK * int(first["blocks"])
    if not 0 < resumed < images:
        raise RuntimeError(f"the first call was to be killed at a third of {blocks} blocks, but did {first['blocks']}")
    return {
        "images": images,
        "size": size,
        "jobs": jobs,
        "killed_after_blocks": first["blocks"],
        "resumed_images": resumed,
        "images_per_second": round(resumed / second["seconds"], 2),
        "images_per_processor_second": round(resumed / second["processor_seconds"], 2),
        "memory_at_a_quarter_MB": round(second["quarter"] / 1e6, 1),
        "memory_MB": round(second["memory"] / 1e6, 1),
        "rows_lost": lost,
        "largest_difference": difference,
    }


def bars(found: dict[str, float]) -> list[str]:
    """Return a line on each bar."""
    clock = found["images_per_second"]
    flat = found["memory_MB"] / found["memory_at_a_quarter_MB"]
    return [
        f"{clock} images per second of the clock, bar {LEAST}: {clock >= LEAST}",
        f"memory at the end over that at a quarter {flat:.3f}, bar {FLAT}: {flat <= FLAT}",
    ]


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=10_000)
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--output", type=Path, default=Path(__file__).parent / "results" / "encode_many.json")
    options = parser.parse_args()
    command = f"python -m benchmarks.encode_many --images {options.images} --size {options.size} --jobs {options.jobs}"
    about = machine.describe() | {"command": command}
    found = measure(options.images, options.size, options.jobs)
    for name, value in found.items():
        print(f"{name}: {value:.4g}" if isinstance(value, float) else f"{name}: {value}")
    print("\n".join(bars(found)))
    options.output.write_text(json.dumps({"machine": about, **found}, indent=2) + "\n")


if __name__ == "__main__":
    main()
