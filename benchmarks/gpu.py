"""All that a GPU is needed for, most important first, in so many minutes: one call fills the tables.

    python -m benchmarks.gpu [--minutes 10] [--output benchmarks/results/gpu.json] [--small] [--device cuda]

In turn: the cases with a bar (gpu-cess, gpu-five-phases, gpu-volume, then the others), the launches and the kernels of one value and
gradient, and the tests on GPU arrays (``TWOPOINT_GPU=1``). Each step is a process of its own, which ends when the time is up; what was
measured until then is kept, and the steps that were not reached are named. The exit status is 2 without a GPU, 1 if a step failed.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from . import machine
from .jobs import Job, ours_torch, shrink

ROOT = Path(__file__).resolve().parents[1]
CASES = ("gpu-cess", "gpu-five-phases", "gpu-volume", "gpu-msess", "gpu-crop", "gpu-open", "gpu-cess-explicit")
PROFILED = {"cess": Job("cess", 1024, 2, (224, 224)), "five phases": Job("cess", 128, 5, (224, 224))}
TESTS = ("tests/twopoint/losses", "tests/twopoint/statistics", "tests/twopoint/arrays", "tests/twopoint")
SMALL_TESTS = ("tests/twopoint/reconstruction",)
Step = Callable[[float], dict[str, Any]]


def case(name: str, small: bool) -> Step:
    """Return a step that runs a case of the benchmark."""

    def run(seconds: float) -> dict[str, Any]:
        with tempfile.TemporaryDirectory() as folder:
            output = Path(folder) / "case.json"
            command = [sys.executable, "-m", "benchmarks", "--alone", name, "--output", str(output)]
            found = process([*command, "--rounds", "9", *["--small", "--rounds", "1"] * small], seconds)
            return found | (json.loads(output.read_text()) if output.exists() else {})

    return run


def profile(name: str, small: bool, device: str) -> Step:
    """Return a step that profiles a job, in a process of its own."""

    def run(seconds: float) -> dict[str, Any]:
        found = process([sys.executable, "-m", "benchmarks.gpu", "--profile", name, "--device", device, *["--small"] * small], seconds)
        return found | json.loads(found.pop("output") or "{}")

    return run


def tests(folder: str, small: bool) -> Step:
    """Return a step that runs the tests of a folder on GPU arrays."""

    def run(seconds: float) -> dict[str, Any]:
        command = [sys.executable, "-m", "pytest", "-q", "-n", "0", "-k", "gpu", "-m", "not slow and not long", folder]
        command += [f"--ignore={other}" for other in TESTS if other.startswith(f"{folder}/")]  # taken before
        return process([*command, *["--collect-only"] * small], seconds, {"TWOPOINT_GPU": "0" if small else "1"}, passing=(0, 5))

    return run


def process(command: list[str], seconds: float, more: dict[str, str] | None = None, passing: tuple[int, ...] = (0,)) -> dict[str, Any]:
    """Run a command for at most so many seconds; return its status, whether it passed and the end of its output."""
    begin = time.perf_counter()
    try:
        done = subprocess.run(
            command, cwd=ROOT, env=os.environ | (more or {}), capture_output=True, text=True, timeout=seconds, check=False
        )
    except subprocess.TimeoutExpired as late:
        kept = late.stdout.decode() if isinstance(late.stdout, bytes) else late.stdout or ""
        return {"passed": None, "seconds": seconds, "output": kept[-2000:]}
    found = {"passed": done.returncode in passing, "seconds": time.perf_counter() - begin, "output": done.stdout[-2000:]}
    return found if found["passed"] else found | {"errors": done.stderr[-2000:]}


def kernels(job: Job, device: str) -> dict[str, Any]:
    """Return how many operations and kernels one value and gradient starts, and the kernels that take longest."""
    from torch.profiler import ProfilerActivity
    from torch.profiler import profile as recorded

    call = ours_torch(job, device)
    for _ in range(3):
        call()
    activities = [ProfilerActivity.CPU, *[ProfilerActivity.CUDA] * (device == "cuda")]
    with recorded(activities=activities) as record:
        call()
    of = "self_device_time_total" if device == "cuda" else "self_cpu_time_total"
    rows = sorted(record.key_averages(), key=lambda row: -getattr(row, of))
    launched = sum(row.count for row in rows if row.key.startswith("cudaLaunchKernel"))
    longest = [{"name": row.key[:80], "count": row.count, "microseconds": getattr(row, of)} for row in rows[:12]]
    return {
        "job": str(job),
        "operations": sum(row.count for row in rows if row.key.startswith("aten::")),
        "launches": launched,
        "longest": longest,
    }


def steps(small: bool, device: str) -> dict[str, Step]:
    """Return the steps in their order."""
    cases = {name: case(name, small) for name in (CASES if device == "cuda" else ("cess-32",))}
    profiles = {f"profile of {name}": profile(name, small, device) for name in list(PROFILED)[: 1 if small else None]}
    suites = {f"tests in {folder}": tests(folder, small) for folder in (SMALL_TESTS if small else TESTS)}
    return {**dict(list(cases.items())[:3]), **profiles, **dict(list(cases.items())[3:]), **suites}


def main() -> int:
    """Take the steps until the time is up."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.gpu", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--output", type=Path, default=Path(__file__).parent / "results" / "gpu.json")
    parser.add_argument("--small", action="store_true", help="tiny sizes: whether it runs, and no figure that means anything")
    parser.add_argument("--device", default="cuda", choices=("cuda", "cpu"), help="cpu to try the steps where there is no GPU")
    parser.add_argument("--profile", choices=tuple(PROFILED), help=argparse.SUPPRESS)  # in a process of its own
    given = parser.parse_args()
    if given.device == "cuda" and machine.gpu() is None:
        print("no GPU: torch.cuda.is_available() is False", file=sys.stderr)
        return 2
    if given.profile:
        job = PROFILED[given.profile]
        print(json.dumps(kernels(shrink(job) if given.small else job, given.device)))
        return 0
    return take(steps(given.small, given.device), given.minutes, given.output, small=given.small)


def take(chosen: dict[str, Step], minutes: float, output: Path, *, small: bool) -> int:
    """Take steps until the time is up, and write what is known after each; return the exit status."""
    end, found = (
        time.monotonic() + 60 * minutes,
        machine.describe() | {"command": "python -m benchmarks.gpu", "small": small, "minutes": minutes, "steps": {}},
    )
    for i, (name, step) in enumerate(chosen.items()):
        left = end - time.monotonic()
        if left <= 0:
            break
        print(f"{i + 1} of {len(chosen)}: {name}, {left:.0f} s left", file=sys.stderr, flush=True)
        found["steps"][name] = result = step(left)
        found["not reached"] = list(chosen)[i + 1 :]
        output.write_text(json.dumps(found, indent=1, allow_nan=False) + "\n")
        print(
            f"{name}: {'out of time' if result['passed'] is None else 'done' if result['passed'] else 'FAILED'}\n{result.get('output', '')}"
        )
    print(f"written: {output}; not reached: {', '.join(found.get('not reached', [])) or 'none'}")
    return 1 if any(result["passed"] is False for result in found["steps"].values()) else 0


if __name__ == "__main__":
    sys.exit(main())
