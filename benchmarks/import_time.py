"""Median time of `import twopoint` over fresh processes, the start of Python itself taken off.

    python benchmarks/import_time.py [--runs 9]

Prints the median, the least and the largest time in seconds, the same for `import numpy, scipy.fft` alone, which its first
transform needs, and which of torch, jax and matplotlib were loaded. Bar: median below 0.5 s, none loaded.
"""

import argparse
import statistics
import subprocess
import sys

TIMED = "import time; start = time.perf_counter(); import {modules}; print(time.perf_counter() - start)"
LOADED = "import sys, twopoint; print([name for name in ('torch', 'jax', 'matplotlib') if name in sys.modules])"


def fresh(script: str, environment: dict[str, str] | None = None) -> str:
    """Return what a script prints in a process of its own."""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, env=environment)
    return done.stdout.strip()


def row(modules: str, runs: int) -> str:
    fresh(TIMED.format(modules=modules))  # once to compile bytecode and warm the file cache
    times = sorted(float(fresh(TIMED.format(modules=modules))) for _ in range(runs))
    return (
        f"import {modules:<18} median {statistics.median(times):.3f} s   least {times[0]:.3f}   largest {times[-1]:.3f}   {runs} processes"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=9)
    runs = parser.parse_args().runs
    print(row("twopoint", runs))
    print(row("numpy, scipy.fft", runs))
    print("loaded of torch, jax, matplotlib:", fresh(LOADED))


if __name__ == "__main__":
    main()
