"""The command ``doctor``: what is installed, on which devices it runs, and whether it computes what is known.

``python -m twopoint.cli.doctor torch`` looks at one library and prints what it finds as JSON. ``doctor`` starts one such process a
library: one that is installed but broken may fail in any way, or hang, without harm to the others.
"""

import importlib.metadata
import importlib.util
import json
import os
import platform
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import typer

LIBRARIES = ("numpy", "torch", "jax")
PACKAGES = {
    "": ("numpy", "scipy", "array-api-compat", "jaxtyping", "threadpoolctl"),
    "cli": ("h5py", "matplotlib", "pillow", "rich", "scikit-image", "tifffile", "typer"),
    "torch": ("torch",),
    "jax": ("jax", "jaxlib"),
}
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "XLA_FLAGS")
_PATIENCE = 120  # seconds until a library counts as hanging


def run(path: Path | None, *, force: bool) -> None:
    """Look, print a table or figures, and leave with status 1 if a self-test fails."""
    from .showing import outputs
    from .showing.outputs import FIGURES, PRINTED, Output
    from .terminal import working

    outputs.check([Output(path, FIGURES)], [], force=force)
    with working("looking at " + ", ".join(LIBRARIES)):
        found = look()
    if path is not None:
        outputs.write_json(path, found)
    if path != PRINTED:
        _show(found, path)
    if not found["passed"]:
        raise typer.Exit(1)


def _show(found: dict[str, Any], path: Path | None) -> None:
    """Print what was found, and the file of numbers that was written."""
    from .showing import tables

    tables.show(tables.machine(found), tables.self_tests(found["libraries"]), files=[("figures", path)])


def look() -> dict[str, Any]:
    """Return versions, machine, threads, and what was found of each library, by name.

    Returns
    -------
    dict
        As ``twopoint doctor --json`` writes it. A library that is not installed has ``installed`` False and is no failure.
    """
    from threadpoolctl import threadpool_info

    from .._namespace import _CORES, _WORTH_THREADS
    from .memory import available

    libraries = dict(zip(LIBRARIES, _look_at_all(LIBRARIES), strict=True))
    pools = [{"library": pool["user_api"], "name": pool["internal_api"], "threads": pool["num_threads"]} for pool in threadpool_info()]
    return {
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "platform": platform.platform(),
        "cores": _CORES,
        "memory_available": available(),
        "threads": {
            "scipy.fft workers": _transforms(_WORTH_THREADS),
            "scipy.fft workers, small": _transforms(1),
            "pools": pools,
            "environment": {k: os.environ[k] for k in _THREADS if k in os.environ},
        },
        "packages": {extra: {name: _version(name) for name in names} for extra, names in PACKAGES.items()},
        "libraries": libraries,
        "passed": all(library["passed"] for library in libraries.values() if library["installed"]),
    }


def _transforms(numbers: int) -> int:
    """Return the threads that a transform of so many numbers takes: the user's own set_workers, or what the library chooses."""
    from scipy.fft import get_workers

    from .._namespace import _workers

    return int(_workers(np.broadcast_to(0.0, numbers)) or get_workers())


def _version(package: str) -> str | None:
    """Return an installed version, None where there is none."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _look_at_all(libraries: tuple[str, ...]) -> list[dict[str, Any]]:
    """Start a process a library, all at once, and gather what they say."""
    environment = os.environ | {"XLA_PYTHON_CLIENT_PREALLOCATE": "false"}
    started = {
        library: subprocess.Popen(
            [sys.executable, "-m", "twopoint.cli.doctor", library],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
        )
        for library in libraries
        if importlib.util.find_spec(library) is not None
    }
    return [_gather(started[library]) if library in started else {"installed": False} for library in libraries]


def _gather(process: "subprocess.Popen[str]") -> dict[str, Any]:
    """Return what a process found, or how it failed."""
    try:
        out, err = process.communicate(timeout=_PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        return {"installed": True, "passed": False, "error": f"no answer within {_PATIENCE} s"}
    lines = out.strip().splitlines()
    if process.returncode == 0 and lines:
        return {"installed": True} | json.loads(lines[-1])
    said = err.strip().splitlines()
    return {"installed": True, "passed": False, "error": said[-1] if said else f"the process ended with status {process.returncode}"}


def examine(library: str) -> dict[str, Any]:
    """Import a library, and hold it to the known answers on each kind of device that it finds.

    Parameters
    ----------
    library : str
        "numpy", "torch" or "jax".

    Returns
    -------
    dict
        ``version``, ``devices``, ``settings``, ``tests`` by device, ``passed``.
    """
    from . import known_answers

    found, doors = {"numpy": _numpy, "torch": _torch, "jax": _jax}[library]()
    tests = {device: known_answers.run(*door) for device, door in doors.items()}
    return found | {"tests": tests, "passed": all(test["passed"] for test in tests.values())}


_Doors = dict[str, tuple[Any, ...]]  # device -> the arguments of known_answers.run


def _numpy() -> tuple[dict[str, Any], _Doors]:
    """Look at numpy."""
    return {"version": np.__version__, "devices": ["cpu"], "settings": {}}, {"cpu": (np.asarray, np.asarray)}


def _torch() -> tuple[dict[str, Any], _Doors]:
    """Look at torch, and its CUDA devices and MPS."""
    import torch

    cuda = [f"cuda:{i} {torch.cuda.get_device_name(i)}" for i in range(torch.cuda.device_count())] if torch.cuda.is_available() else []
    mps = ["mps"] if torch.backends.mps.is_available() else []

    def door(device: str) -> tuple[Any, ...]:
        def make(x: np.ndarray) -> Any:
            return torch.asarray(x.astype(np.float32) if device == "mps" and x.dtype == np.float64 else x, device=device)

        return make, lambda x: x.detach().cpu().numpy()

    doors = {device: door(device) for device in ["cpu", *(["cuda:0"] if cuda else []), *mps]}
    settings = {"threads": torch.get_num_threads(), "CUDA": torch.version.cuda}
    return {"version": torch.__version__, "devices": ["cpu", *cuda, *mps], "settings": settings}, doors


def _jax() -> tuple[dict[str, Any], _Doors]:
    """Look at jax, and the devices of its default backend."""
    import jax

    devices = [str(device) for device in jax.devices()]
    settings = {"x64": bool(jax.config.jax_enable_x64), "backend": jax.default_backend()}
    return {"version": jax.__version__, "devices": devices, "settings": settings}, {devices[0]: (jax.numpy.asarray, np.asarray, jax.jit)}


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    print(json.dumps(examine(sys.argv[1])))
