"""A random sample of the mutants of cosmic-ray.toml's files, each in a forked process: minutes, not hours.

    python benchmarks/mutation_sample.py [--share .1] [--seed 4] [--at-most 200]

Prints each survivor as a difference, and how many of each file were killed. Needs `pip install '.[test,mutation]'` and a system that forks.
"""

import argparse
import difflib
import os
import random
import shutil
import signal
import sys
import tempfile
import time
import tomllib
from pathlib import Path

import array_api_compat.numpy  # noqa: F401 (what the children share)
import numpy as np  # noqa: F401
import parso
import pytest
import scipy.fft
import scipy.optimize  # noqa: F401
from cosmic_ray.ast import ast_nodes
from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator, operator_names

ROOT = Path(__file__).parents[1]
CONFIG = tomllib.loads((ROOT / "cosmic-ray.toml").read_text())["cosmic-ray"]
WORKERS, LONGEST = 2, 120  # seconds


def mutants(files: list[str]) -> list[tuple[str, str, int]]:
    """Return all mutants as file, operator and occurrence."""
    found = []
    for name in files:
        tree = parso.parse((ROOT / name).read_text())
        for operator in sorted(operator_names()):
            made = get_operator(operator)
            if not made.arguments():
                places = sum(1 for node in ast_nodes(tree) for _ in made().mutation_positions(node))
                found += [(name, operator, i) for i in range(places)]
    return found


def mutated(mutant: tuple[str, str, int]) -> tuple[str, str]:
    """Return a file's text before and after."""
    name, operator, occurrence = mutant
    before = (ROOT / name).read_text()
    return before, mutate_code(before, get_operator(operator)(), occurrence) or before


def start(folder: Path, name: str, code: str) -> int:
    """Fork a process that runs the suite on a copy of the sources with one file changed; return its number."""
    process = os.fork()
    if process:
        return process
    status = 1
    try:
        os.setpgid(0, 0)
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)
        os.dup2(nowhere, 2)
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(ROOT / "src", folder / "src")
        (folder / name).write_text(code)
        os.environ |= {"TWOPOINT_CHECK_ANNOTATIONS": "0", "PYTHONPATH": str(folder / "src")}
        sys.dont_write_bytecode = True
        sys.path.insert(0, str(folder / "src"))
        os.chdir(ROOT)
        tests = [word for word in CONFIG["test-command"].split() if word.startswith("tests/")]
        options = ["-o", "addopts=--import-mode=importlib", "-p", "no:cacheprovider", "-p", "no:xdist"]  # one process, no workers
        options += ["-x", "-q", "-m", "numpy_only and not slow", "-k", "not two_libraries"]
        status = int(pytest.main([*options, "-W", "ignore::pytest.PytestAssertRewriteWarning", *tests]) != 0)
    finally:
        os._exit(status)


def run(chosen: list[tuple[str, str, int]], work: Path) -> dict[str, list[int]]:
    """Run mutants; print survivors; return killed and all by file."""
    free, running = [work / str(i) for i in range(WORKERS)], {}
    counts: dict[str, list[int]] = {}
    queue = list(chosen)
    while queue or running:
        while queue and free:
            mutant = queue.pop()
            folder = free.pop()
            running[start(folder, mutant[0], mutated(mutant)[1])] = (mutant, folder, time.monotonic())
        process, status = os.waitpid(-1, os.WNOHANG)
        late = [p for p, (_, _, since) in running.items() if time.monotonic() - since > LONGEST]
        if not process and late:
            os.killpg(late[0], signal.SIGKILL)
            process, status = os.waitpid(late[0], 0)
        if not process:
            time.sleep(0.05)
            continue
        mutant, folder, _ = running.pop(process)
        free.append(folder)
        killed = os.waitstatus_to_exitcode(status) != 0
        count = counts.setdefault(mutant[0], [0, 0])
        count[0] += killed
        count[1] += 1
        if not killed:
            lines = difflib.unified_diff(*(text.splitlines() for text in mutated(mutant)), n=0, lineterm="")
            print(mutant, *(line for line in lines if line[:3] not in ("---", "+++", "@@ ")), sep="\n", flush=True)
    return counts


def main() -> None:
    """Draw, run, count."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--share", type=float, default=0.1)
    parser.add_argument("--seed", type=int, default=4)
    parser.add_argument("--at-most", type=int, default=200)
    given = parser.parse_args()
    draw = random.Random(given.seed)
    whole = mutants(CONFIG["module-path"])
    chosen = [mutant for mutant in whole if draw.random() < given.share]
    draw.shuffle(chosen)
    chosen = chosen[: given.at_most]
    print(f"{len(chosen)} of {len(whole)} mutants", flush=True)
    with tempfile.TemporaryDirectory() as work:
        code = (ROOT / CONFIG["module-path"][0]).read_text()
        _, status = os.waitpid(start(Path(work) / "0", CONFIG["module-path"][0], code), 0)
        if status:
            sys.exit("the suite fails without a mutant")
        counts = run(chosen, Path(work))
    for name, (killed, number) in sorted(counts.items()):
        print(f"{name:40}{killed:5} of {number}")
    print(f"{'together':40}{sum(k for k, _ in counts.values()):5} of {len(chosen)}")


if __name__ == "__main__":
    main()
