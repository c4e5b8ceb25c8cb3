"""Scripts as a user runs them, each in a process of its own, which a server forks after it has imported what takes seconds."""

import contextlib
import multiprocessing
import os
import runpy
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from support import quick

HEAVY = ("h5py", "matplotlib.pyplot", "numpy", "optuna", "pytorch_lightning", "scipy.fft", "sklearn.manifold", "skimage", "torch")


class Finished(NamedTuple):
    """The exit status of a script and what it printed."""

    returncode: int
    stdout: str
    stderr: str


def run_script(path: Path, arguments: Sequence[Any], folder: Path, *, timeout: float = 280) -> Finished:
    """Run a script as ``python path arguments`` and return what it printed. It does not see what this process has imported."""
    folder.mkdir(parents=True, exist_ok=True)
    printed = [folder / f"{path.stem}.{name}" for name in ("stdout", "stderr")]
    process = _server().Process(target=_as_main, args=(str(path), [*map(str, arguments)], [*map(str, printed)], dict(os.environ)))
    process.start()
    process.join(timeout)
    if process.exitcode is None:
        process.kill()
        process.join()
        raise TimeoutError(f"{path} has run for more than {timeout} s")
    told = [file.read_text() for file in printed]
    for file in printed:
        file.unlink()
    return Finished(process.exitcode, *told)


@cache
def _server() -> Any:
    """Return the server of this process."""
    forks = "forkserver" in multiprocessing.get_all_start_methods()
    context = multiprocessing.get_context("forkserver" if forks else "spawn")
    context.set_forkserver_preload([*HEAVY])
    return context


def _as_main(path: str, arguments: list[str], printed: list[str], environment: dict[str, str]) -> None:
    """Run a script in this process, which was forked for it."""
    quick.collect_rarely()
    quick.settle()
    os.environ.clear()
    os.environ.update(environment)
    for number, file in zip((1, 2), printed, strict=True):
        os.dup2(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), number)
    sys.stdout, sys.stderr = (os.fdopen(number, "w", buffering=1, closefd=False) for number in (1, 2))
    sys.argv, sys.path[0] = [path, *arguments], str(Path(path).parent)
    with contextlib.suppress(BrokenPipeError):
        runpy.run_path(path, run_name="__main__")
    sys.stdout.flush()
