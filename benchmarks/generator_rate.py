"""Images a second of each generator, on one core and on two processes.

    python -m benchmarks.generator_rate [--size 128] [--seconds 2] [--output benchmarks/results/generator_rate.json]

Prints for each class of MICRO2D, and each kind of graphite, the images a second of one process; then those of one process and of two where
all ten classes come equally often, and writes all to the output with the machine's description. Bar: 200 a second in the mean over the
classes, 128 x 128, two cores.
"""

import argparse
import json
import time
from pathlib import Path

from twopoint_models.data import CLASSES, GRAPHITE, generate_blocks

from . import machine

BLOCK = 8


def rate(name: str, size: int, seconds: float) -> float:
    """Return the images a second of one process."""
    next(generate_blocks([(name, 0, BLOCK)], size))  # caches
    done, begin = 0, time.perf_counter()
    while time.perf_counter() - begin < seconds:
        next(generate_blocks([(name, done, done + BLOCK)], size))
        done += BLOCK
    return done / (time.perf_counter() - begin)


def together(size: int, number: int, workers: int) -> float:
    """Return the images a second of all classes by several processes, their start left out."""
    blocks = [(name, start, start + BLOCK) for start in range(0, number, BLOCK) for name in CLASSES]
    coming = generate_blocks(blocks, size, workers=workers)
    for _ in range(2 * workers):
        next(coming)
    begin = time.perf_counter()
    done = sum(len(found) for _, _, found in coming)
    return done / (time.perf_counter() - begin)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--seconds", type=float, default=2.0, help="of each class")
    parser.add_argument("--output", type=Path, default=Path(__file__).parent / "results/generator_rate.json")
    options = parser.parse_args()
    machine.restrict(2)
    found = {"machine": machine.describe() | {"command": "python -m benchmarks.generator_rate"}, "size": options.size, "one_process": {}}
    for name in (*CLASSES, *GRAPHITE):
        found["one_process"][name] = rate(name, options.size, options.seconds)
        print(f"{name:22}{found['one_process'][name]:8.0f} images a second", flush=True)
    found["classes_one_process"] = len(CLASSES) / sum(1 / found["one_process"][name] for name in CLASSES)
    print(f"{'ten classes, 1 process':22}{found['classes_one_process']:8.0f}", flush=True)
    found["classes_two_processes"] = together(options.size, 4 * BLOCK * max(1, round(options.seconds)), 2)
    print(f"{'ten classes, 2':22}{found['classes_two_processes']:8.0f}")
    options.output.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
