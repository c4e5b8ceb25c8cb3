"""Running a case: compare, time, judge, print."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from . import memory, peers
from .bars import Times, Verdict
from .cases import CASES, Case
from .machine import gpu
from .peers import PeerError as PeerError
from .series import SERIES, Series, summary, title
from .timing import Contender, Mismatch, compare, interleave, quartiles
from .workers import WorkerError

TIMED: dict[str, Case] = {case.name: case for case in (*CASES, *SERIES, *peers.PEERS)}
FOR_PLOTS = ("phases", "batch")  # they serve no bar


def names() -> list[str]:
    """Return the names of all cases, in the order in which they run."""
    return [*TIMED, *memory.JOBS]


def check(pythons: dict[str, str | None]) -> None:
    """Raise PeerError if a python given for a peer has it not; before anything is timed."""
    for name, python in pythons.items():
        if python is not None:
            peers.versions(name, python)


def wanted(name: str, only: list[str] | None, *, plots: bool) -> bool:
    """Whether a case is to run."""
    return name in only if only else plots or name not in FOR_PLOTS


def case(name: str, rounds: int, small: bool, pythons: dict[str, str | None], plots: Path | None) -> dict[str, Any]:
    """Run a case; return what is written."""
    print(f"running {name}", file=sys.stderr, flush=True)
    skipped = _missing(name, pythons)
    if skipped:
        return {"name": name, "skipped": skipped}
    found = memory.run(name, small) if name in memory.JOBS else _timed(TIMED[name], rounds, small, pythons.get(name), plots)
    return {"name": name} | found


def fresh(name: str, contender: str, rounds: int, small: bool) -> dict[str, Any]:
    """Time one contender of a case alone, in a process that did nothing before; return its milliseconds."""
    _, contenders = TIMED[name].contenders(small)
    try:
        return {"milliseconds": quartiles(1e3 * np.array(interleave({contender: contenders[contender]}, rounds)[contender]))}
    finally:
        for each in contenders.values():
            each.close()


def case_lines(found: dict[str, Any]) -> str:
    """Return a case's part of the table."""
    if "skipped" in found:
        return f"\n{found['name']}: skipped, {found['skipped']}"
    lines = memory.lines(found) if "array_bytes" in found else table(found.get("contenders", {}))
    lines += [f"  {what}: {found[what]}" for what in ("error", "drawn") if what in found]
    return "\n".join([f"\n{found['name']}: {found.get('job', '')}", *lines, *map(bar_line, found.get("bars", []))])


def _missing(name: str, pythons: dict[str, str | None]) -> str | None:
    """Return why a case cannot run here, None if it can."""
    if name in pythons and pythons[name] is None:
        return f"not installed, see peers.md; --{name}-python names its environment's python"
    if name in memory.JOBS and not memory.possible():
        return "peak memory is measured on Linux only"
    if name in TIMED and TIMED[name].needs == "cuda" and gpu() is None:
        return "no GPU (torch.cuda.is_available() is False)"
    return None


def _timed(case: Case, rounds: int, small: bool, python: str | None, plots: Path | None) -> dict[str, Any]:
    """Compare and time the contenders of a case; return what is written."""
    found: dict[str, Any] = {"job": str(case.job), "bars": []}
    if python is not None:
        found["versions"] = peers.versions(case.name, python)
    contenders: Mapping[str, Contender] = {}
    try:
        job, contenders = case.contenders(small) if python is None else case.contenders(small, python)
        found["job"] = title(case) if isinstance(case, Series) else str(job)
        found["differences"] = compare(contenders)
        times = interleave(contenders, rounds, case.name)
    except (Mismatch, WorkerError) as error:
        return found | {"error": str(error)}
    finally:
        for contender in contenders.values():
            contender.close()
    found |= {"rounds": len(next(iter(times.values()))), "bars": case.judge(times), "contenders": ratios(times)}
    if isinstance(case, Series):
        found["milliseconds_an_image"] = summary(case, times)
        if plots is not None:
            from .plots import draw

            found["drawn"] = str(draw(case, times, plots))
    return found


def ratios(times: Times) -> dict[str, dict[str, Any]]:
    """Return each contender's milliseconds, and its ratio to the first, round by round: medians and quartiles."""
    first = np.array(next(iter(times.values())))
    return {
        name: {"milliseconds": quartiles(1e3 * np.array(seconds)), "times_the_first": quartiles(np.array(seconds) / first)}
        for name, seconds in times.items()
    }


def table(contenders: dict[str, dict[str, Any]]) -> list[str]:
    """Return the lines on the contenders."""
    lines = [f"  {'':32}{'median ms':>10}{'quartiles':>20}{'times the first':>17}{'fresh ms':>10}"] if contenders else []
    for name, figures in contenders.items():
        ms, ratio, alone = figures["milliseconds"], figures["times_the_first"], figures.get("fresh")
        last = "" if alone is None else f"{alone['median']:10.2f}"
        lines.append(f"  {name:32}{ms['median']:10.2f}{ms['low']:10.2f}{ms['high']:10.2f}{ratio['median']:17.2f}{last}")
    return lines


def bar_line(verdict: Verdict) -> str:
    """Return the line on a bar."""
    spread = f" [{verdict['low']:.3g}, {verdict['high']:.3g}]" if "low" in verdict else ""
    return f"  {'held  ' if verdict['held'] else 'MISSED'} {verdict['what']} = {verdict['figure']:.3g}{spread}, bar {verdict['limit']}"


def verdicts(results: list[dict[str, Any]]) -> str:
    """Return all bars in one place."""
    lines = ["\nbars"]
    for result in results:
        lines += [f"  {result['name']:18}{bar_line(verdict).strip()}" for verdict in result.get("bars", ())]
        if "error" in result:
            lines.append(f"  {result['name']:18}ERROR  {result['error']}")
    return "\n".join(lines)
