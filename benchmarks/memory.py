"""Peak memory of a loss with its gradient: in a fresh process, as the kernel counts it.

The figure is the process's high-water mark of resident memory (VmHWM of /proc/self/status, set back before the call) less what is resident
before the call, when prediction and target statistics are there. So it counts all that the call holds at once: spectra, statistics, saved
arrays, the gradient, and what the FFT library takes for itself, which a count of torch's own allocations does not see. (Where there is
none of that the two agree: on the first version of CESS 14.76 arrays here, 14.77 by torch.profiler; of MSESS 11.01 and 11.02.)
Two things would falsify it: freed memory that glibc keeps, for then new arrays hide in it, and code that is loaded at the first call. So
glibc is told by MALLOC_MMAP_THRESHOLD_ to give arrays of 64 KiB and more their own pages and return them at once (setting it also stops
it from adapting), and a call on one small image goes before. Arrays are rounded up to whole pages, 4 KiB or, if huge, 2 MiB.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np

from .bars import Verdict, at_most
from .jobs import Job, ours_torch
from .literal import literal_torch

WHO = {"twopoint": ours_torch, "literal torch": literal_torch}
STANDARD = Job("cess", 64, 2, (224, 224))
JOBS = {
    "memory": STANDARD,
    "memory-msess": Job("msess", 64, 2, (224, 224)),
    "memory-explicit": Job("cess", 64, 2, (224, 224), implied=False),
    "memory-256": Job("cess", 1, 2, (256, 256, 256)),
}
TINY = {2: (16, 16), 3: (8, 8, 8)}


def possible() -> bool:
    """Whether this system counts, and lets the count be set back."""
    return Path("/proc/self/clear_refs").exists()


def resident(key: str) -> int:
    """Return a figure of the kernel's on this process, in bytes: VmRSS now, VmHWM at its highest."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith(key + ":"))


def in_child(who: str, name: str, small: bool) -> None:
    """Measure, and print bytes: what a call takes beyond what is there, and the highest of all since the process began."""
    job = JOBS[name]
    tiny = Job(job.loss, 1, job.n_phases, TINY[len(job.space)], job.implied)
    call = WHO[who](tiny if small else job)
    WHO[who](tiny)()
    whole = resident("VmHWM")
    Path("/proc/self/clear_refs").write_text("5")  # sets VmHWM back to VmRSS
    before = resident("VmRSS")
    call()
    print(json.dumps({"extra": resident("VmHWM") - before, "whole": max(whole, resident("VmHWM"))}))


def measure(who: str, name: str, small: bool) -> dict[str, int]:
    """Measure in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.memory", who, name, "small" if small else "full"]
    environment = os.environ | {"MALLOC_MMAP_THRESHOLD_": "65536", "MALLOC_TRIM_THRESHOLD_": "65536"}
    root = Path(__file__).parents[1]
    asked = subprocess.run(command, capture_output=True, text=True, check=True, env=environment, cwd=root)
    return json.loads(asked.stdout.splitlines()[-1])


def run(name: str, small: bool) -> dict[str, Any]:
    """Return the figures of a job, in arrays of (64, 224, 224) float32 or, in 3-D, GiB."""
    job = JOBS[name]
    whos = ["twopoint"] if name == "memory-256" else list(WHO)
    found = {who: measure(who, name, small) for who in whos}
    array = np.prod((job.batch, *job.space)) * 4
    arrays = {who: figures["extra"] / array for who, figures in found.items()}
    gib = {who: figures["whole"] / 2**30 for who, figures in found.items()}
    verdicts: list[Verdict] = []
    if name == "memory":
        verdicts = [at_most("peak beyond inputs, in arrays of one batch", arrays["twopoint"], 6)]
    if name == "memory-256":
        verdicts = [at_most("peak of the process, GiB", gib["twopoint"], 4)]
    return {"job": str(job), "array_bytes": int(array), "arrays": arrays, "process_gib": gib, "bars": verdicts}


def lines(found: dict[str, Any]) -> list[str]:
    """Return the table's lines on a job."""
    size = found["array_bytes"] / 2**20
    return [
        f"  {who:32}{arrays:8.2f} arrays of {size:.1f} MiB beyond inputs; process {found['process_gib'][who]:.2f} GiB"
        for who, arrays in found["arrays"].items()
    ]


if __name__ == "__main__":
    in_child(sys.argv[1], sys.argv[2], sys.argv[3] == "small")
