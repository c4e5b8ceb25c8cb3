"""Images a second of ``twopoint stats`` on a folder, its memory while it works, and the size of the pages of ``twopoint report``.

    python -m benchmarks.many_images [--images 200] [--size 512] [--jobs 2] [--pages 50]

Makes gray images of a smooth random structure, blurred and noisy, and runs the command as a user does, without and with pictures. Prints
for each run images per second of the clock, and per second of processor time, which other work on the machine changes little; the largest
resident memory of all its processes together at a quarter of the images and at the end, sampled ten times a second; and the size of the
pages of one image and of many. Writes them to --output with the machine.

Bars, on two cores of their own: 8 images per second without pictures, 3 with; memory at the end at most 1.15 times that at a quarter;
a page of one image below 3 MB, of 50 below 20 MB.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image
from scipy.ndimage import gaussian_filter

from . import machine

PERIOD = 0.1  # seconds between two looks at the memory
FLAT = 1.15


def write_images(folder: Path, number: int, size: int) -> None:
    """Write gray images of two phases, of another structure each."""
    for seed in range(number):
        rng = np.random.default_rng(seed)
        field = gaussian_filter(rng.standard_normal((size, size)), 3 + seed % 4)
        phase = field > np.quantile(field, 0.5 + 0.01 * (seed % 20))
        gray = 60 + 110 * gaussian_filter(phase.astype(float), 0.7) + rng.normal(0, 6, field.shape)
        Image.fromarray(np.clip(gray, 0, 255).astype(np.uint8)).save(folder / f"image{seed:04}.png")


def resident(process: int) -> int:
    """Return the bytes of resident memory of a process and of those that it has started."""
    pages = 0
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            if process in (int(entry.name), parent):
                pages += int((entry / "statm").read_text().split()[1])
        except OSError:  # it has ended
            continue
    return pages * os.sysconf("SC_PAGE_SIZE")


def run(words: list[str], folder: Path, results: Path | None, number: int) -> dict[str, float]:
    """Run a command and return its time, its processor time and its memory."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    process = subprocess.Popen([sys.executable, "-m", "twopoint", *words], cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    quarter, whole = 0, 0
    while process.poll() is None:
        now = resident(process.pid)
        whole = max(whole, now)
        if results is not None and len(list(results.glob("image*.json"))) <= number // 4:
            quarter = max(quarter, now)
        time.sleep(PERIOD)
    if process.returncode:
        raise RuntimeError(f"twopoint {' '.join(words)} ended with status {process.returncode}")
    seconds, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {
        "seconds": round(seconds, 2),
        "processor_seconds": round(processor, 2),
        "images_per_second": round(number / seconds, 2),
        "images_per_processor_second": round(number / processor, 2),
        "memory_at_a_quarter_MB": round(quarter / 1e6, 1),
        "memory_MB": round(whole / 1e6, 1),
    }


def measure(images: int, size: int, jobs: int, pages: int) -> dict[str, object]:
    """Return all figures."""
    found: dict[str, object] = {}
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        (folder / "in").mkdir()
        write_images(folder / "in", images, size)
        for name, option in (("without pictures", ["--no-pictures"]), ("with pictures", [])):
            out = folder / name.replace(" ", "-")
            found[name] = run(["stats", "in", *option, "--jobs", str(jobs), "--out", str(out)], folder, out, images)
            print(f"{name}: {found[name]}", flush=True)
        names = [f"in/image{at:04}.png" for at in range(min(pages, images))]
        for some in (names[:1], names):
            run(["report", *some, "--jobs", str(jobs), "--out", "page.html", "--force"], folder, None, len(some))
            found[f"page of {len(some)}, MB"] = round((folder / "page.html").stat().st_size / 1e6, 2)
            print(f"page of {len(some)}: {found[f'page of {len(some)}, MB']} MB", flush=True)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=200)
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--pages", type=int, default=50)
    parser.add_argument("--output", type=Path, default=Path(__file__).parent / "results" / "many_images.json")
    options = parser.parse_args()
    command = f"python -m benchmarks.many_images --images {options.images} --size {options.size} --jobs {options.jobs}"
    about = machine.describe() | {"command": command}
    found = measure(options.images, options.size, options.jobs, options.pages)
    options.output.write_text(json.dumps({"machine": about} | found, indent=2) + "\n")


if __name__ == "__main__":
    main()
