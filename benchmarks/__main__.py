"""What twopoint costs, beside the literal formulas, the bare FFTs that no way round exists for, and the tools that there are.

    python -m benchmarks [--only NAME ...] [--rounds 15] [--busy N] [--plots DIR] [--output FILE] [--mcrpy-python PATH ...]
    python -m benchmarks --beside PATH [--only NAME ...] [--rounds 30] [--output FILE]

All contenders of a case stand in one process (peers in processes of their own), which does nothing else: what a case leaves in the memory
allocator speeds up what comes after it, the literal formula by up to a factor of four. They are timed in turn: every round times each
once, in a new random order. Before that their results are compared; if one differs the case fails, is not timed, and the exit status
is 1. With --busy so many other processes count all the while on the same cores. Printed are medians and quartiles in milliseconds, and
the median over rounds of each one's ratio to the first, which is twopoint; below, the bars. That is the warm state, as in a training
loop; the last column is the median of each in a fresh process that does nothing else, after one call. float32; forward and backward
with the target's statistics given, unless a case says otherwise. peers.md says how to install the peers.

With --beside the contenders are this checkout's twopoint and that of PATH, another checkout, each in a process of its own that stays
alive. Cases and sizes are those of beside_tasks.py, or, where PATH has its own, that side's. Printed are the medians in milliseconds
and the median over rounds of the ratio of the two, this to the other, with its 95 % interval by bootstrap. A case that
comes out slower is timed in two more pairs of processes and judged by all rounds. If an interval still lies above 1.03, or if results
differ, the exit status is 1.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path
from typing import Any

from . import machine

PEER_NAMES = ("pymks", "porespy", "mcrpy")


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", metavar="NAME", help="cases to run; --only list names them")
    parser.add_argument("--beside", type=Path, metavar="PATH", help="another checkout, whose twopoint is timed in turn with this one's")
    parser.add_argument("--rounds", type=int, help="15, or 30 with --beside; at least 9 unless --small; 9 where a round takes over 3 s")
    parser.add_argument("--threads", type=int, default=min(2, machine.available()), help="cores, for all libraries and peers: 2")
    parser.add_argument("--busy", type=int, default=0, metavar="N", help="processes that are busy on the same cores all the while: 0")
    parser.add_argument("--small", action="store_true", help="tiny sizes: whether it runs, and no figure that means anything")
    parser.add_argument("--plots", type=Path, metavar="DIR", help="draw time against pixels, phases and batch")
    parser.add_argument("--output", type=Path, help="JSON; benchmarks/results/speed.json unless --only or --small")
    parser.add_argument("--alone", metavar="NAME", help=argparse.SUPPRESS)  # one case, written to --output for the process that asked
    parser.add_argument("--contender", metavar="NAME", help=argparse.SUPPRESS)  # one contender of this case, in a fresh process
    for name in PEER_NAMES:
        parser.add_argument(f"--{name}-python", metavar="PATH", help=f"python of {name}'s environment")
    given = parser.parse_args()
    given.rounds = given.rounds or (15 if given.beside is None else 30)
    if given.rounds < (1 if given.small else 9):
        parser.error("--rounds must be at least 9, or 1 with --small")
    if given.threads < 1:
        parser.error("--threads must be at least 1")
    if given.busy < 0:
        parser.error("--busy must be at least 0")
    if given.beside is not None and (given.plots or any(getattr(given, f"{name}_python") for name in PEER_NAMES)):
        parser.error("--beside times twopoint alone: neither plots nor peers")
    if given.output is None and not given.beside and not given.only and not given.small and not given.alone:
        given.output = Path(__file__).parent / "results" / "speed.json"
    return given


def main() -> int:
    """Run the cases; return the exit status."""
    given = arguments()
    machine.restrict(given.threads)
    import torch  # threads are counted when it is imported

    torch.set_num_threads(given.threads)
    warnings.filterwarnings("ignore", module="torch")  # what torch.compile says of caches and complex numbers
    if given.beside is not None:
        from . import beside

        return beside.run(given)
    from . import run

    known = run.names()
    if given.only == ["list"]:
        print("\n".join(known))
        return 0
    unknown = set(given.only or ()) - set(known)
    if unknown:
        print(f"unknown cases: {', '.join(sorted(unknown))}; known are {', '.join(known)}", file=sys.stderr)
        return 2
    pythons = {name: getattr(given, f"{name}_python") for name in PEER_NAMES}
    if given.contender:
        given.output.write_text(json.dumps(run.fresh(given.alone, given.contender, given.rounds, given.small), allow_nan=False))
        return 0
    if given.alone:
        result = run.case(given.alone, given.rounds, given.small, pythons, given.plots)
        given.output.write_text(json.dumps(result, allow_nan=False))
        return 0
    try:
        run.check(pythons)
    except run.PeerError as error:
        print(error, file=sys.stderr)
        return 2
    about = machine.describe()
    print(json.dumps(about, indent=1), flush=True)
    if given.small:
        print("small form: it runs, but its figures are meaningless", flush=True)
    chosen = [name for name in known if run.wanted(name, given.only, plots=given.plots is not None)]
    results: list[dict[str, Any]] = []
    with machine.busy(given.busy):
        for name in chosen:
            results.append(_alone(name, given))
            if given.output is not None:  # after each case, so that nothing is lost where the run is ended
                found = about | {"small": given.small, "busy": given.busy, "cases": results}
                given.output.write_text(json.dumps(found, indent=1, allow_nan=False) + "\n")
    print(run.verdicts(results))
    if given.output is not None:
        print(f"written: {given.output}")
    return 1 if any("error" in result for result in results) else 0


def _alone(name: str, given: argparse.Namespace) -> dict[str, Any]:
    """Run a case in a process of its own, and then each contender in another; print the table, return what is written."""
    from . import run

    more = [] if given.plots is None else ["--plots", str(given.plots.resolve())]
    for peer in PEER_NAMES:
        path = getattr(given, f"{peer}_python")
        more += [] if path is None else [f"--{peer}-python", path]
    found = _process(name, given, more)
    if found.get("bars") and "contenders" in found and not {"versions", "milliseconds_an_image"} & set(found):  # no peers, no series
        for contender, figures in found["contenders"].items():
            figures["fresh"] = _process(name, given, ["--contender", contender]).get("milliseconds")
    print(run.case_lines(found), flush=True)
    return found


def _process(name: str, given: argparse.Namespace, more: list[str]) -> dict[str, Any]:
    """Run a case, or one contender of it, in a process of its own; return what it writes."""
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "case.json"
        command = [sys.executable, "-m", "benchmarks", "--alone", name, "--output", str(output)]
        command += ["--rounds", str(given.rounds), "--threads", str(given.threads)] + ["--small"] * given.small
        done = subprocess.run([*command, *more], cwd=Path(__file__).parents[1], check=False)
        if done.returncode or not output.exists():
            return {"name": name, "error": f"its process ended with status {done.returncode}"}
        return json.loads(output.read_text())


if __name__ == "__main__":
    sys.exit(main())
