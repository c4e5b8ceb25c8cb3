"""On what was measured: processor, cores, load, versions."""

import datetime
import os
import platform
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from typing import Any

import twopoint

PACKAGES = ("numpy", "scipy", "torch", "jax", "jaxlib", "array-api-compat")


def restrict(threads: int) -> None:
    """Keep this process, all its libraries and all its children to some cores. Before torch or jax start their threads."""
    os.environ["OMP_NUM_THREADS"] = str(threads)
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])


@contextmanager
def busy(number: int) -> Iterator[None]:
    """Let so many processes count on the same cores, as the workers of a data loader do."""
    loops = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(number)]
    try:
        yield
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()


def available() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def processor() -> str:
    """Return the name of the processor."""
    known = Path("/proc/cpuinfo")
    lines = known.read_text().splitlines() if known.exists() else []
    fields = dict(tuple(part.strip() for part in line.split(":", 1)) for line in lines if ":" in line)
    name = fields.get("model name") or platform.processor() or "unknown"
    kind = "/".join(fields[key] for key in ("cpu family", "model") if key in fields)
    return f"{name} (family/model {kind})" if kind else name


def commit(folder: Path | None = None) -> str:
    """Return the commit of a source tree, twopoint's own by default, with a mark if it was changed since."""
    folder = folder or Path(twopoint.__file__).parent
    asked = subprocess.run(["git", "describe", "--always", "--dirty"], cwd=folder, capture_output=True, text=True, check=False)
    return asked.stdout.strip() or "unknown"


def gpu() -> str | None:
    """Return the name of the GPU that torch would use, None without one."""
    import torch

    return torch.cuda.get_device_name() if torch.cuda.is_available() else None


def describe() -> dict[str, Any]:
    """Return what a reader of the figures has to know; the load is that before the run."""
    import torch

    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 0
    return {
        "date": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "command": " ".join(["python -m benchmarks", *sys.argv[1:]]),
        "machine": f"{platform.machine()}, {processor()}, {os.cpu_count()} cores, {pages / 2**30:.0f} GiB, {platform.system()}",
        "cores_used": available(),
        "threads": {"torch": torch.get_num_threads(), "scipy": available(), "jax": available()},
        "load_before": load,
        "gpu": gpu(),
        "versions": {"python": platform.python_version(), "twopoint": f"{twopoint.__version__} ({commit()})"}
        | {name: metadata.version(name) for name in PACKAGES},
    }
