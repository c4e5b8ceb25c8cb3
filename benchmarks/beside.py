"""Two checkouts side by side: the same tasks by both versions of twopoint, each in a process of its own, timed in turn.

Both processes get the same environment but for PYTHONPATH, the same cores and threads, and stay alive; one waits while the other works.
Their results are compared first. Then each round times each of them once, in a new random order. A case that comes out slower is timed
in two more pairs of processes, and judged by all rounds.
"""

import json
import math
import os
import sys
import tempfile
from argparse import Namespace
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from . import import_time, machine
from .bars import Times
from .beside_tasks import TASKS
from .timing import Contender, Mismatch, compare, interleave, quartiles
from .workers import Worker, WorkerError

ROOT = Path(__file__).resolve().parents[1]
THIS, OTHER = "this", "other"
BAR = 1.03  # a case is slower where the interval of its ratio lies above
PAIRS = 3  # of processes for a case that comes out slower in the first
LEAST = 0.03  # seconds that are timed at once: quick tasks are repeated
NAMES = (*TASKS, "import")


class Side(Worker):
    """A checkout that does one task."""

    def __init__(self, root: Path, name: str, *, small: bool) -> None:
        own = root / "benchmarks" / "beside_tasks.py"
        command = [sys.executable, "-m", "benchmarks.beside_worker", name, *["--small"] * small]
        super().__init__(command, environment(root), root if own.exists() else ROOT)
        self.folder, self.repeats, self.root = tempfile.TemporaryDirectory(), 1, root

    def ready(self) -> None:
        """Wait until the task can be done; raise WorkerError if the process took another twopoint."""
        found = Path(self.answer()["twopoint"]).resolve()
        if not found.is_relative_to(self.root / "src"):
            raise WorkerError(f"the worker imported {found} and not what lies in {self.root / 'src'}")

    def seconds(self) -> float:
        """Let it do the task; return the time of once."""
        return self.ask(f"time {self.repeats}")["seconds"]

    def result(self) -> Any:
        """Let it do the task, and fetch what comes out: one array or a tuple."""
        saved = np.load(self.ask(f"save {self.folder.name}/result.npz")["saved"])
        arrays = tuple(saved[name] for name in saved.files)
        return arrays if len(arrays) > 1 else arrays[0]

    def close(self) -> None:
        """End the process, and wait for it."""
        super().close()
        self.folder.cleanup()


def environment(root: Path) -> dict[str, str]:
    """Return this process's environment with the sources of a checkout in front."""
    path = os.pathsep.join([str(root / "src"), *filter(None, [os.environ.get("PYTHONPATH")])])
    return {name: value for name, value in os.environ.items() if name != "PYTHONSAFEPATH"} | {"PYTHONPATH": path}


def case(name: str, roots: Mapping[str, Path], rounds: int, *, small: bool = False) -> dict[str, Any]:
    """Compare and time a case on two checkouts, by the name of each; return what is written.

    The interval tells how much rounds differ, not processes: where memory happens to lie can slow a process down by a tenth for as long as
    it lives. So a case that comes out slower is timed in two more pairs of processes, and the rounds of all three are judged together.
    """
    if name != "import" and find_spec(TASKS[name].needs) is None:
        return {"name": name, "skipped": f"{TASKS[name].needs} is not installed"}
    found = {"name": name, "job": "import twopoint, fresh processes" if name == "import" else str(TASKS[name])}
    try:
        differences, times = measured(name, roots, rounds, small=small)
        result = judged(times)
        for _ in range(PAIRS - 1) if result["slower"] else ():
            more = measured(name, roots, rounds, small=small)[1]
            times = {side: times[side] + more[side] for side in times}
            result = judged(times)
    except (Mismatch, WorkerError) as error:
        return found | {"error": str(error)}
    return found | {"differences": differences} | result


def measured(name: str, roots: Mapping[str, Path], rounds: int, *, small: bool) -> tuple[dict[str, list[float]], Times]:
    """Return the differences of the results, and the seconds of each round, in one pair of processes."""
    contenders = importing(roots) if name == "import" else working(name, roots, small=small)
    try:
        return compare(contenders), interleave(contenders, rounds, name)
    finally:
        for contender in contenders.values():
            contender.close()


def judged(times: Times) -> dict[str, Any]:
    """Return the milliseconds of both, the ratio of rounds with its interval, and whether that lies above the bar."""
    ratios = np.array(times[THIS]) / np.array(times[OTHER])
    low, high = interval(ratios)
    ratio = {"median": float(np.median(ratios)), "low": low, "high": high}
    milliseconds = {side: quartiles(1e3 * np.array(seconds)) for side, seconds in times.items()}
    return {"rounds": len(ratios), "milliseconds": milliseconds, "ratio": ratio, "slower": low > BAR}


def working(name: str, roots: Mapping[str, Path], *, small: bool) -> dict[str, Contender]:
    """Start both processes at once, and let both do the task as often in one timing as fills LEAST."""
    sides = {side: Side(root, name, small=small) for side, root in roots.items()}
    try:
        for side in sides.values():
            side.ready()
        shortest = min(side.seconds() for side in sides.values() for _ in range(3))
    except WorkerError:
        for side in sides.values():
            side.close()
        raise
    contenders = {}
    for label, side in sides.items():
        side.repeats = max(1, math.ceil(LEAST / shortest))
        contenders[label] = Contender(side.result, None if label == OTHER else OTHER, timer=side.seconds, close=side.close)
    return contenders


def importing(roots: Mapping[str, Path]) -> dict[str, Contender]:
    """Return the import of either twopoint, in a fresh process each time."""

    def timer(root: Path) -> float:
        return float(import_time.fresh(import_time.TIMED.format(modules="twopoint"), environment(root)))

    return {side: Contender(lambda: None, timer=lambda root=root: timer(root)) for side, root in roots.items()}


def interval(ratios: np.ndarray, *, draws: int = 10_000, seed: int = 0) -> tuple[float, float]:
    """Return the 95 % interval of the median of paired ratios, by the percentile bootstrap.

    Each draw takes as many ratios as there are rounds, with replacement, and their median; the ends are the 2.5th and the 97.5th
    percentile of the medians of all draws. The generator of the draws has a fixed seed, so the same times give the same interval.
    """
    drawn = np.random.default_rng(seed).choice(ratios, (draws, len(ratios)))
    low, high = np.percentile(np.median(drawn, axis=1), [2.5, 97.5])
    return float(low), float(high)


def line(result: Mapping[str, Any]) -> str:
    """Return the line of the table on a case."""
    if "ratio" not in result:
        return f"  {result['name']:24}" + (f"skipped, {result['skipped']}" if "skipped" in result else f"ERROR  {result['error']}")
    this, other = (result["milliseconds"][side]["median"] for side in (THIS, OTHER))
    ratio = result["ratio"]
    spread = f"[{ratio['low']:.3f}, {ratio['high']:.3f}]"
    return f"  {result['name']:24}{this:11.3f}{other:11.3f}{ratio['median']:9.3f}  {spread}{'  SLOWER' * result['slower']}"


def verdict(results: list[Mapping[str, Any]]) -> str:
    """Return the cases that are slower, and those that failed."""
    slower = [result["name"] for result in results if result.get("slower")]
    failed = [result["name"] for result in results if "error" in result]
    told = f"slower, the 95 % interval above {BAR}: {', '.join(slower) or 'none'} of {sum('ratio' in r for r in results)} cases timed"
    return told + (f"\nfailed: {', '.join(failed)}" if failed else "")


def described(roots: Mapping[str, Path], given: Namespace) -> dict[str, Any]:
    """Return what a reader of the figures has to know, without a path of this machine."""
    about = machine.describe()
    only = f" --only {' '.join(given.only)}" if given.only else ""
    versions = {f"twopoint, {side}": machine.commit(root) for side, root in roots.items()}
    about["versions"] = {name: value for name, value in about["versions"].items() if name != "twopoint"} | versions
    return about | {"command": f"python -m benchmarks --beside OTHER --rounds {given.rounds}{only}", "bar": BAR, "small": given.small}


def written(result: dict[str, Any], roots: Mapping[str, Path]) -> dict[str, Any]:
    """Return a result without what belongs to this machine: of an error the last line, checkouts by their names."""
    if "error" not in result:
        return result
    text = result["error"].splitlines()[-1]
    for side, root in roots.items():
        text = text.replace(str(root), side)
    return result | {"error": text}


def run(given: Namespace) -> int:
    """Run the chosen cases; return the exit status: 1 if one is slower or fails, 2 if something cannot be run."""
    if given.only == ["list"]:
        print("\n".join(NAMES))
        return 0
    roots = {THIS: ROOT, OTHER: given.beside.resolve()}
    unknown = set(given.only or ()) - set(NAMES)
    if unknown or not (roots[OTHER] / "src" / "twopoint").is_dir():
        told = f"unknown cases: {', '.join(sorted(unknown))}; known are {', '.join(NAMES)}" if unknown else f"{given.beside} is no checkout"
        print(told, file=sys.stderr)
        return 2
    about = described(roots, given)
    print(json.dumps(about, indent=1))
    print(f"\n  {'':24}{'this, ms':>11}{'other, ms':>11}{'ratio':>9}  95 % interval", flush=True)
    results = []
    for name in NAMES:
        if not given.only or name in given.only:
            results.append(case(name, roots, given.rounds, small=given.small))
            print(line(results[-1]), flush=True)
    print(verdict(results))
    if given.output is not None:
        cases = [written(result, roots) for result in results]
        given.output.write_text(json.dumps(about | {"cases": cases}, indent=1, allow_nan=False) + "\n")
    return int(any(result.get("slower") or "error" in result for result in results))
