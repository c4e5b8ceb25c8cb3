"""The command ``doctor``: installed packages, devices and threads, and the self-test of each array library.

``python -m twopoint.cli.doctor torch`` examines one library and prints its report as JSON. ``doctor`` starts one such process per
library, so that a broken library, which may raise, crash or hang, does not affect the others.
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
from scipy.fft import get_workers
from threadpoolctl import threadpool_info

from ..arrays.fft import CORES, WORTH_THREADS, workers
from . import known_answers
from .memory import available
from .options import Force, Json
from .showing import outputs, tables
from .showing.outputs import JSON, PRINTED, OutputFile
from .terminal import clear_errors, working

LIBRARIES = ("numpy", "torch", "jax")
PACKAGES = {
    "": ("numpy", "scipy", "array-api-compat", "jaxtyping", "threadpoolctl"),
    "cli": ("h5py", "matplotlib", "pillow", "rich", "scikit-image", "tifffile", "typer"),
    "torch": ("torch",),
    "jax": ("jax", "jaxlib"),
}
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "XLA_FLAGS")
_PATIENCE = 120  # seconds after which a library counts as hanging


def command(json_file: Json = None, force: Force = False) -> None:
    """Report installed packages, devices and threads, and test each library against known answers."""
    with clear_errors():
        run(json_file, force=force)


def run(json_file: Path | None, *, force: bool) -> None:
    """Examine all libraries, print tables or numbers, and exit with status 1 if a self-test fails."""
    outputs.check([OutputFile(json_file, JSON)], [], force=force)
    with working("looking at " + ", ".join(LIBRARIES)):
        report = look()
    if json_file is not None:
        outputs.write_json(json_file, "twopoint doctor 1", report)
    if json_file != PRINTED:
        tables.show(tables.machine(report), tables.self_tests(report["libraries"]), files=[("numbers", json_file)])
    if not report["passed"]:
        raise typer.Exit(1)


def look() -> dict[str, Any]:
    """Return the report: versions, machine, threads, and each library by name.

    Returns
    -------
    dict
        As ``twopoint doctor --json`` writes it. A library that is not installed has ``installed`` False and does not fail.
    """
    libraries = dict(zip(LIBRARIES, _examine_all(LIBRARIES), strict=True))
    pools = [{"library": pool["user_api"], "name": pool["internal_api"], "threads": pool["num_threads"]} for pool in threadpool_info()]
    return {
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "platform": platform.platform(),
        "cores": CORES,
        "memory_available": available(),
        "threads": {
            "scipy.fft workers": _transform_threads(WORTH_THREADS),
            "scipy.fft workers, small": _transform_threads(1),
            "pools": pools,
            "environment": {k: os.environ[k] for k in _THREADS if k in os.environ},
        },
        "packages": {extra: {name: _version(name) for name in names} for extra, names in PACKAGES.items()},
        "libraries": libraries,
        "passed": all(library["passed"] for library in libraries.values() if library["installed"]),
    }


def _transform_threads(numbers: int) -> int:
    """Return the threads of a transform of this many numbers: set_workers by the user, or the choice of the library."""
    return int(workers(numbers) or get_workers())


def _version(package: str) -> str | None:
    """Return the version of a package; None if it is not installed."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _examine_all(libraries: tuple[str, ...]) -> list[dict[str, Any]]:
    """Start one process per library, all at once, and collect their reports."""
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
    return [_collect(started[library]) if library in started else {"installed": False} for library in libraries]


def _collect(process: "subprocess.Popen[str]") -> dict[str, Any]:
    """Return the report of a process, or how it failed."""
    try:
        out, err = process.communicate(timeout=_PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        return {"installed": True, "passed": False, "error": f"no answer within {_PATIENCE} s"}
    lines = out.strip().splitlines()
    if process.returncode == 0 and lines:
        return {"installed": True} | json.loads(lines[-1])
    messages = err.strip().splitlines()
    return {
        "installed": True,
        "passed": False,
        "error": messages[-1] if messages else f"the process ended with status {process.returncode}",
    }


def examine(library: str) -> dict[str, Any]:
    """Import a library, and test it against the known answers on each kind of device that it finds.

    Parameters
    ----------
    library : str
        "numpy", "torch" or "jax".

    Returns
    -------
    dict
        ``version``, ``devices``, ``settings``, ``tests`` by device, ``passed``.
    """
    report, converters = {"numpy": _numpy, "torch": _torch, "jax": _jax}[library]()
    tests = {device: known_answers.run(*converter) for device, converter in converters.items()}
    return report | {"tests": tests, "passed": all(test["passed"] for test in tests.values())}


_Converters = dict[str, tuple[Any, ...]]  # device -> the arguments of known_answers.run


def _numpy() -> tuple[dict[str, Any], _Converters]:
    """Examine numpy."""
    return {"version": np.__version__, "devices": ["cpu"], "settings": {}}, {"cpu": (np.asarray, np.asarray)}


def _torch() -> tuple[dict[str, Any], _Converters]:
    """Examine torch, with its CUDA and MPS devices."""
    import torch

    cuda = [f"cuda:{i} {torch.cuda.get_device_name(i)}" for i in range(torch.cuda.device_count())] if torch.cuda.is_available() else []
    mps = ["mps"] if torch.backends.mps.is_available() else []

    def converters_for(device: str) -> tuple[Any, ...]:
        def make(x: np.ndarray) -> Any:
            return torch.asarray(x.astype(np.float32) if device == "mps" and x.dtype == np.float64 else x, device=device)

        return make, lambda x: x.detach().cpu().numpy()

    converters = {device: converters_for(device) for device in ["cpu", *(["cuda:0"] if cuda else []), *mps]}
    settings = {"threads": torch.get_num_threads(), "CUDA": torch.version.cuda}
    return {"version": torch.__version__, "devices": ["cpu", *cuda, *mps], "settings": settings}, converters


def _jax() -> tuple[dict[str, Any], _Converters]:
    """Examine jax, with the devices of its default backend."""
    import jax

    devices = [str(device) for device in jax.devices()]
    settings = {"x64": bool(jax.config.jax_enable_x64), "backend": jax.default_backend()}
    return {"version": jax.__version__, "devices": devices, "settings": settings}, {devices[0]: (jax.numpy.asarray, np.asarray, jax.jit)}


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    print(json.dumps(examine(sys.argv[1])))
